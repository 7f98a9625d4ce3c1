//! What rules do outside of order systems and desks: alerts, claims and messages to customers, each once.

use super::{message, regard, values::values};
use crate::{
    alerts::{self, Count, Raised},
    claims,
    context::Context,
    error::{Result, UseCaseError},
    words,
};
use domain::{
    alerts::AlertKind,
    claims::ClaimReason,
    effects::{EffectBody, EffectOutcome, EffectTarget},
    ids::{ExceptionId, ShipmentId},
    rule::{Action, QuietHours, RuleId},
    rules::{Moment, schema, text},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::sync::Arc;
use storage::{
    Scope,
    shipments::{EffectRecord, Loaded},
    work::ExceptionRecord,
};

/// What is kept as done of an alert.
const RAISED: &str = "raised";

/// When the rest of a shipment's actions may be done; none where all are done.
///
/// # Errors
/// When the store fails; what was done stays done and is not done again.
pub async fn act(context: &Context, scope: Scope, id: ShipmentId) -> Result<Option<Timestamp>> {
    let Some(loaded) = context.store.shipments.load(scope, id, None).await? else { return Ok(None) };
    let book = context.rules.book(&context.store, scope, context.now()).await?;
    let mut later: Option<Timestamp> = None;
    let pending = |effect: &&EffectRecord| {
        let is_done_here = matches!(effect.target, EffectTarget::Alert | EffectTarget::Claim | EffectTarget::Customer);
        effect.outcome == EffectOutcome::Pending && is_done_here
    };
    let mut failed = None;
    for effect in loaded.effects.iter().filter(pending) {
        let EffectBody::ByRule { rule, exception, action, .. } = serde_json::from_str(&effect.body)
            .map_err(|e| UseCaseError::Internal(format!("effect {}: {e}", effect.id)))?
        else {
            continue;
        };
        let content = book.rule(&rule).map(|rule| Arc::clone(&rule.content));
        let limits = content.as_ref().map(|content| content.limits.clone()).unwrap_or_default();
        let quiet = limits.quiet.as_ref().filter(|_| effect.target != EffectTarget::Claim);
        if let Some(until) = quiet.and_then(|quiet| quiet_until(quiet, context.now())) {
            later = later.into_iter().chain([until]).min();
            continue;
        }
        let name = content.as_ref().map_or(rule.as_str(), |content| content.name.as_str());
        let one = One { rule: &rule, name, exception, group_by: limits.group_by.as_deref() };
        let done = match &action {
            Action::Alert { channel, text } => {
                one.alert(context, scope, &loaded, (channel.as_deref(), text)).await.map(Some)
            }
            Action::RaiseClaim => one.claim(context, scope, &loaded).await.map(Some),
            Action::MessageCustomer { channel, .. } => {
                message::hand_over(context, scope, (id, effect.id), channel.as_deref()).await
            }
            _ => Ok(Some(EffectOutcome::NotNeeded)),
        };
        match done {
            Ok(None) => {}
            Ok(Some(outcome)) => {
                context.store.shipments.effect_done(scope, effect.id, outcome, context.now()).await?;
            }
            // it stops none of those behind it
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(later), Err)
}

/// One action.
struct One<'a> {
    rule: &'a RuleId,
    /// What people call the rule.
    name: &'a str,
    exception: Option<ExceptionId>,
    group_by: Option<&'a str>,
}

impl One<'_> {
    fn exception<'a>(&self, loaded: &'a Loaded) -> Option<&'a ExceptionRecord> {
        self.exception.and_then(|id| loaded.exceptions.iter().find(|one| one.id == id))
    }

    async fn alert(
        &self,
        context: &Context,
        scope: Scope,
        loaded: &Loaded,
        (channel, said): (Option<&str>, &str),
    ) -> Result<EffectOutcome> {
        let exception = self.exception(loaded);
        if exception.is_some_and(|exception| exception.closed.is_some()) {
            return Ok(EffectOutcome::NotNeeded);
        }
        let group = self.group(context, loaded, exception);
        let subject = match &group {
            Some(group) => format!("{}/{group}", self.rule),
            None => self.rule.to_string(),
        };
        let about = group.map(|group| format!(", {group}")).unwrap_or_default();
        let raised = Raised {
            kind: AlertKind::RuleAlert,
            subject,
            severity: exception.map(|exception| exception.severity),
            title: format!("{}{about}", self.name),
            detail: text::fill(said, &values(context, loaded, exception)),
            count: Count::More(1),
            unit: "shipments".into(),
            link: page_of(self.rule),
            channels: channel.map(str::to_owned).into_iter().collect(),
        };
        alerts::raise(context, scope, raised).await?;
        Ok(EffectOutcome::Posted(RAISED.into()))
    }

    async fn claim(&self, context: &Context, scope: Scope, loaded: &Loaded) -> Result<EffectOutcome> {
        let exception = self.exception(loaded);
        let Some((exception, reason)) = exception.and_then(|one| Some((one, ClaimReason::of(one.reason)?))) else {
            return Ok(EffectOutcome::NotNeeded);
        };
        let number = claims::raise(context, scope, loaded.shipment.id, Some(exception.id), reason).await?;
        Ok(EffectOutcome::Posted(number.to_string()))
    }

    /// The value by which the rule puts alerts together.
    fn group(&self, context: &Context, loaded: &Loaded, exception: Option<&ExceptionRecord>) -> Option<String> {
        let field = schema::field(self.group_by?)?;
        let committed: Vec<_> = loaded.exceptions.iter().map(ExceptionRecord::committed).collect();
        let about = regard::about(loaded, regard::steps(context, loaded));
        let change = regard::standing(loaded, &about, &committed, context.now());
        let regarded = exception.map(regard::regarded);
        field.text(&Moment { change: &change, exception: regarded.as_ref() }).map(|value| words::foreign(&value))
    }
}

/// When quiet hours end that are now; none where they are not now.
fn quiet_until(quiet: &QuietHours, now: Timestamp) -> Option<Timestamp> {
    let zone = TimeZone::get(&quiet.zone).ok()?;
    let local = zone.to_datetime(now);
    let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    let (from, to) = (i64::from(quiet.from_minute), i64::from(quiet.to_minute));
    let is_quiet = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    if !is_quiet {
        return None;
    }
    let day = if minute < to { local.date() } else { local.date().tomorrow().ok()? };
    let time = jiff::civil::time(i8::try_from(to / 60).ok()?, i8::try_from(to % 60).ok()?, 0, 0);
    let end = zone.to_timestamp(day.to_datetime(time)).ok()?;
    Some(end.max(now.checked_add(SignedDuration::from_secs(1)).unwrap_or(now)))
}

/// The page of a rule, to which its alerts lead.
fn page_of(rule: &RuleId) -> String {
    format!("/rules/{rule}")
}

/// An operational alert that a rule was stopped.
pub(super) async fn alarm(context: &Context, scope: Scope, rule: &RuleId, why: &str) {
    let raised = Raised {
        kind: AlertKind::RuleStopped,
        subject: rule.to_string(),
        severity: None,
        title: format!("Rule {rule} is stopped"),
        detail: why.to_owned(),
        count: Count::Total(1),
        unit: "rules".into(),
        link: page_of(rule),
        channels: Vec::new(),
    };
    if let Err(error) = alerts::raise(context, scope, raised).await {
        tracing::warn!(%rule, "that the rule is stopped is shown on its page, and no alert is raised: {error}");
    }
}

/// A rule runs again.
pub(super) async fn all_clear(context: &Context, scope: Scope, rule: &RuleId) {
    if let Err(error) = alerts::clear(context, scope, AlertKind::RuleStopped, rule.as_str()).await {
        tracing::warn!(%rule, "the alert that the rule was stopped is not cleared: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_go_over_midnight_and_by_the_zone() {
        let quiet = QuietHours { from_minute: 20 * 60, to_minute: 7 * 60, zone: "Europe/Berlin".into() };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (now, until) in [
            ("2026-11-30T18:59:00Z", None),
            ("2026-11-30T19:00:00Z", Some("2026-12-01T06:00:00Z")),
            ("2026-12-01T05:59:00Z", Some("2026-12-01T06:00:00Z")),
            ("2026-12-01T06:00:00Z", None),
            // the clocks go forward in the night
            ("2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
        ] {
            assert_eq!(quiet_until(&quiet, at(now)), until.map(at), "{now}");
        }
        let noon = QuietHours { from_minute: 720, to_minute: 780, zone: "UTC".into() };
        assert_eq!(quiet_until(&noon, at("2026-11-30T12:30:00Z")), Some(at("2026-11-30T13:00:00Z")));
        assert_eq!(quiet_until(&noon, at("2026-11-30T13:30:00Z")), None);
    }
}
