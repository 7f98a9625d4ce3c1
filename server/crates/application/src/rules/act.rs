//! What rules do outside of order systems and desks: alerts and claims, each once.

use super::regard;
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
    rules::{Moment, Regarded, schema, text},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::collections::BTreeMap;
use storage::{
    Scope,
    shipments::{EffectRecord, Loaded},
    work::ExceptionRecord,
};

/// What is kept as done of an alert.
const RAISED: &str = "raised";
/// The page that alerts lead to.
const ALERTS: &str = "/alerts";

/// What the words in the texts of a rule stand for, of a shipment and an exception of it.
pub fn values(
    context: &Context,
    loaded: &Loaded,
    exception: Option<&ExceptionRecord>,
) -> BTreeMap<&'static str, String> {
    let shipment = &loaded.shipment;
    let folded = &shipment.folded;
    let mut values =
        BTreeMap::from([("status", folded.state.label().to_owned()), ("link", context.config.page_of(shipment.id))]);
    if let Some(origin) = &shipment.origin {
        values.insert("delivery", words::foreign(&origin.name));
        values.extend(origin.order.as_deref().map(|order| ("order", words::foreign(order))));
    }
    values.extend(shipment.numbers.first().map(|number| ("number", words::number(number))));
    values.extend(folded.eta.as_ref().map(|eta| ("eta", words::event_time(eta))));
    let last = loaded.input.facts.iter().find(|fact| Some(fact.id) == folded.last_event);
    let place = last.and_then(|fact| fact.observation.location.as_ref()).map(|at| at.in_parts().label());
    values.extend(place.filter(|place| !place.is_empty()).map(|place| ("place", words::foreign(&place))));
    if let Some(exception) = exception {
        values.insert("reason", exception.reason.label().to_owned());
        values.insert("severity", exception.severity.label().to_owned());
    }
    values
}

/// When the rest of a shipment's actions may be done; none where all are done.
///
/// # Errors
/// When the store fails; what was done stays done and is not done again.
pub async fn act(context: &Context, scope: Scope, id: ShipmentId) -> Result<Option<Timestamp>> {
    let Some(loaded) = context.store.shipments.load(scope, id, None).await? else { return Ok(None) };
    let book = context.rules.book(&context.store, scope, context.now()).await?;
    let mut later: Option<Timestamp> = None;
    let pending = |effect: &&EffectRecord| {
        effect.outcome == EffectOutcome::Pending && matches!(effect.target, EffectTarget::Alert | EffectTarget::Claim)
    };
    for effect in loaded.effects.iter().filter(pending) {
        let EffectBody::ByRule { rule, exception, action, .. } = serde_json::from_str(&effect.body)
            .map_err(|e| UseCaseError::Internal(format!("effect {}: {e}", effect.id)))?
        else {
            continue;
        };
        let limits = book.rule(&rule).map(|rule| rule.content.limits.clone()).unwrap_or_default();
        let quiet = limits.quiet.as_ref().filter(|_| effect.target == EffectTarget::Alert);
        if let Some(until) = quiet.and_then(|quiet| quiet_until(quiet, context.now())) {
            later = later.into_iter().chain([until]).min();
            continue;
        }
        let one = One { rule: &rule, exception, group_by: limits.group_by.as_deref() };
        let outcome = match &action {
            Action::Alert { channel, text } => one.alert(context, scope, &loaded, (channel.as_deref(), text)).await?,
            Action::RaiseClaim => one.claim(context, scope, &loaded).await?,
            _ => EffectOutcome::NotNeeded,
        };
        context.store.shipments.effect_done(scope, effect.id, outcome, context.now()).await?;
    }
    Ok(later)
}

/// One action.
struct One<'a> {
    rule: &'a RuleId,
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
            title: format!("Rule {}{about}", self.rule),
            detail: text::fill(said, &values(context, loaded, exception)),
            count: Count::More(1),
            unit: "shipments".into(),
            link: ALERTS.into(),
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
        let regarded = exception.map(|one| Regarded {
            id: one.id,
            reason: one.reason,
            severity: one.severity,
            recorded_at: one.recorded_at,
            open: one.closed.is_none(),
            withheld: one.withheld,
        });
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
        link: ALERTS.into(),
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
