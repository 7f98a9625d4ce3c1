//! Activities for people: about exceptions, completed when those are over.

use super::{
    html::escape,
    notes::number,
    posting::{Posted, Posting, marker},
};
use crate::{error::UseCaseError, odoo::OrderError, words};
use domain::{
    effects::{EffectBody, EffectOutcome},
    exceptions::{TAKEN_BACK_AFTER, exception_key, taken_back_at},
    ids::ExceptionId,
};
use jiff::Timestamp;
use odoo::{Activity, People, Record};
use storage::work::ExceptionRecord;

impl Posting<'_> {
    /// Who is asked, beside those whom the record names.
    pub(super) fn people(&self) -> People<'_> {
        let warehouse = self.origin.warehouse();
        People {
            first: None,
            warehouse: self.settings.and_then(|settings| settings.user_of(warehouse?)),
            fallback: self.settings.and_then(|settings| settings.fallback_user.as_deref()),
        }
    }
}

/// Asks a person to look after an exception, unless it is over.
pub(super) async fn ask(posting: &Posting<'_>, marker: &str, id: ExceptionId) -> Posted {
    match posting.exception(id) {
        Some(exception) if exception.closed.is_none() => {
            let summary = format!("{}: {}", exception.severity.label(), exception.reason.label());
            let note_html = note(posting, exception);
            let deadline = posting.day_of(exception.look_by()).await?;
            let activity = Activity { summary: &summary, note_html: &note_html, deadline, people: posting.people() };
            let on = Record::delivery(posting.origin.record);
            let id = posting.odoo.schedule_activity(on, marker, &activity, posting.calls).await?;
            Ok(Some(EffectOutcome::Posted(id)))
        }
        Some(_) => Ok(Some(EffectOutcome::NotNeeded)), // settled before anybody could be asked
        None => Err(UseCaseError::Internal(format!("there is no exception {id}")).into()),
    }
}

fn note(posting: &Posting<'_>, exception: &ExceptionRecord) -> String {
    format!(
        "<p>{}{} since {}. Responsible: {}. <a href=\"{}\">Timeline and reasons</a></p>",
        escape(exception.reason.label()),
        number(posting, exception.piece.as_deref(), &exception.evidence),
        words::instant(exception.opened_at),
        exception.responsible.label(),
        escape(&posting.page())
    )
}

/// An exception that is over needs no activity any more. One that was taken back may be said again at once, with
/// another time or place: its activity stays a while; returns until when.
pub(super) async fn complete(posting: &Posting<'_>) -> Result<Option<Timestamp>, OrderError> {
    let (context, loaded) = (posting.context, posting.loaded);
    let mut later: Option<Timestamp> = None;
    let activities = loaded.effects.iter().enumerate().filter(|(_, e)| e.is_open_activity());
    for (place, effect) in activities {
        let Ok(EffectBody::Exception { id }) = serde_json::from_str(&effect.body) else { continue };
        let Some(exception) = posting.exception(id) else { continue };
        let key = exception_key(id);
        let later_ones = loaded.effects.iter().skip(place + 1);
        let newer = later_ones.filter(|e| e.outcome != EffectOutcome::Withheld).any(|e| e.key.starts_with(&key));
        let due = match taken_back_at(&loaded.input.facts, &exception.committed()) {
            _ if newer => Timestamp::MIN,
            Some(at) => at.checked_add(TAKEN_BACK_AFTER).unwrap_or(at),
            None if exception.closed.is_some() => Timestamp::MIN,
            None => continue,
        };
        if due > context.now() {
            later = Some(later.map_or(due, |other| other.min(due)));
        } else {
            let on = Record::delivery(posting.origin.record);
            posting.odoo.complete_activity(on, &marker(effect), posting.calls).await?;
            let shipments = &context.store.shipments;
            shipments.effect_done(posting.scope, effect.id, EffectOutcome::Completed, context.now()).await?;
        }
    }
    Ok(later)
}
