//! What rules do at a delivery in Odoo beside what the product does: fields of the company's own, activities with a text.

use super::{
    html::escape,
    posting::{Posted, Posting},
};
use crate::{rules::values::values, words};
use domain::{effects::EffectOutcome, ids::ExceptionId, rule::Action, rules::text};
use jiff::ToSpan as _;
use odoo::{Activity, People, Record};

/// Days until an activity is due where neither rule nor exception says so.
const DUE_DAYS: u32 = 1;

/// The text of a rule with what its words stand for.
pub(super) fn filled(posting: &Posting<'_>, said: &str, exception: Option<ExceptionId>) -> String {
    let exception = exception.and_then(|id| posting.exception(id));
    text::fill(said, &values(posting.context, posting.loaded, exception))
}

/// Does what a rule does.
pub(super) async fn act(posting: &Posting<'_>, marker: &str, action: &Action, about: Option<ExceptionId>) -> Posted {
    match action {
        Action::WriteField { field, value } => {
            let value = filled(posting, value, about);
            let written = posting.odoo.write_field(posting.origin.record, field, &value, posting.calls).await?;
            Ok(Some(if written { EffectOutcome::Posted(field.clone()) } else { EffectOutcome::NotNeeded }))
        }
        Action::ScheduleActivity { summary, login, due_days } => {
            let exception = about.and_then(|id| posting.exception(id));
            if exception.is_some_and(|exception| exception.closed.is_some()) {
                return Ok(Some(EffectOutcome::NotNeeded));
            }
            let said = summary.as_ref().map(|summary| filled(posting, summary, about));
            let of_exception = || exception.map(|one| format!("{}: {}", one.severity.label(), one.reason.label()));
            let said = said.or_else(of_exception).unwrap_or_else(|| "Look at this delivery".into());
            let today = posting.day_of(posting.context.now()).await?;
            let in_days = |days: u32| today.checked_add(i64::from(days).days()).unwrap_or(today);
            let deadline = match (due_days, exception) {
                (Some(days), _) => in_days(*days),
                (None, Some(exception)) => posting.day_of(exception.look_by()).await?,
                (None, None) => in_days(DUE_DAYS),
            };
            let note_html = format!("<p><a href=\"{}\">Timeline</a></p>", escape(&posting.page()));
            let people = People { first: login.as_deref(), ..posting.people() };
            let activity = Activity { summary: &words::foreign(&said), note_html: &note_html, deadline, people };
            let on = Record::delivery(posting.origin.record);
            Ok(Some(EffectOutcome::Posted(posting.odoo.schedule_activity(on, marker, &activity, posting.calls).await?)))
        }
        _ => Ok(Some(EffectOutcome::NotNeeded)),
    }
}
