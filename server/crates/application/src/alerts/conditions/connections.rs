//! Connections: suspended, rate-limited, unusable, many errors, silent, secrets that end.

use super::{Condition, Looking};
use crate::{
    alerts::{Count, Raised},
    connections::Connection,
    destinations::breaker::{Admission, admission},
    error::Result,
    words::span,
};
use domain::{
    Severity,
    alerts::{AlertKind, habit::usual_gap_hours},
    visible::visible_line,
};
use futures::FutureExt as _;
use jiff::SignedDuration;
use outbound::{
    ErrorClass,
    check::{Report, time_left},
    template::Family,
};
use std::sync::Arc;
use storage::destinations::Breaker;

/// Fewer calls in the time say nothing of a share of errors.
const CALLS_MIN: u64 = 20;
/// Hours over which errors are counted: this one and the one before.
const ERROR_HOURS: i64 = 2;
/// Hours from which the habit of a source is read.
const HABIT_HOURS: i64 = 21 * 24;
/// A source is never silent for less.
const SILENCE_HOURS_MIN: i64 = 2;
/// A secret that ends so soon is major.
const SOON: SignedDuration = SignedDuration::from_hours(3 * 24);

pub(super) const HEALTH: Condition = Condition {
    kinds: &[AlertKind::ConnectionSuspended, AlertKind::RateLimited, AlertKind::ConnectionUnusable],
    look: |looking| health(looking).boxed(),
};

pub(super) const TRAFFIC: Condition =
    Condition { kinds: &[AlertKind::ErrorRate, AlertKind::SourceSilent], look: |looking| traffic(looking).boxed() };

pub(super) const SECRETS: Condition =
    Condition { kinds: &[AlertKind::SecretExpires], look: |looking| secrets(looking).boxed() };

fn of(kind: AlertKind, one: &Connection, title: &str, detail: String, count: (u64, &str)) -> Raised {
    Raised {
        kind,
        subject: one.record.name.clone(),
        severity: None,
        title: format!("{} {title}", visible_line(&one.record.label)),
        detail,
        count: Count::Total(count.0),
        unit: count.1.to_owned(),
        link: format!("/connections/{}", one.record.name),
        channels: Vec::new(),
    }
}

/// Those that are in use, as people see it.
fn enabled(looking: Looking<'_>) -> Vec<Arc<Connection>> {
    let all = looking.context.connections.now();
    all.all().iter().filter(|one| one.record.enabled).map(Arc::clone).collect()
}

async fn health(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, scope, rules } = looking;
    let now = context.now();
    let breakers = context.store.destinations.breakers(scope).await?;
    let jobs = context.store.jobs.summary(scope, now).await?;
    let minutes = |kind| SignedDuration::from_mins(i64::from(rules.threshold(kind)));
    let healthy = Breaker::default();
    let mut found = Vec::new();
    for one in enabled(looking) {
        let waiting =
            jobs.iter().find(|jobs| jobs.destination == one.record.name).map_or(0, |jobs| jobs.pending + jobs.retrying);
        if let Some(why) = one.unusable() {
            found.push(of(
                AlertKind::ConnectionUnusable,
                &one,
                "cannot be used",
                visible_line(why).into_owned(),
                (waiting, "jobs"),
            ));
            continue;
        }
        let breaker = breakers.get(&one.record.name).unwrap_or(&healthy);
        if breaker.paused.is_some() {
            continue;
        }
        let health = &breaker.health;
        let failing = health.failing_since.map_or(SignedDuration::MAX, |since| now.duration_since(since));
        if !matches!(admission(breaker, now), Admission::All)
            && health.limited_until.is_none_or(|until| until <= now)
            && failing >= minutes(AlertKind::ConnectionSuspended)
        {
            let class = health.last_error.as_deref().and_then(ErrorClass::from_code);
            let why = class.map_or_else(String::new, |class| class.meaning().to_owned());
            found.push(of(AlertKind::ConnectionSuspended, &one, "is suspended", why, (waiting, "jobs")));
        }
        if let (Some(until), Some(since)) = (health.limited_until.filter(|until| *until > now), health.limited_since)
            && now.duration_since(since) >= minutes(AlertKind::RateLimited)
        {
            let asks = format!("It asks not to be called until {}", until.strftime("%H:%M UTC"));
            let why =
                format!("{asks}, and limits the rate since {}; it resumes by itself", since.strftime("%H:%M UTC"));
            found.push(of(AlertKind::RateLimited, &one, "is rate-limited", why, (waiting, "jobs")));
        }
    }
    Ok(found)
}

async fn traffic(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, scope, rules } = looking;
    let now = context.now();
    let hour = now.as_second().div_euclid(3_600);
    let hours = context.store.connections.hours(scope, hour - HABIT_HOURS).await?;
    let kept = context.store.connections.all(scope).await?;
    let breakers = context.store.destinations.breakers(scope).await?;
    let mut found = Vec::new();
    for one in enabled(looking) {
        let own: Vec<_> = hours.iter().filter(|hour| hour.connection == one.record.name).collect();
        let lately = own.iter().filter(|one| one.hour > hour - ERROR_HOURS);
        let (ok, failed) = lately.fold((0, 0), |(ok, failed), one| (ok + one.ok, failed + one.failed));
        let percent = (failed * 100).checked_div(ok + failed).unwrap_or_default();
        // that a connection is suspended, or a channel does not deliver, is an alert of its own
        let is_alerted = one.family == Some(Family::Channel)
            || breakers.get(&one.record.name).is_some_and(|breaker| !matches!(admission(breaker, now), Admission::All));
        if !is_alerted && ok + failed >= CALLS_MIN && percent >= u64::from(rules.threshold(AlertKind::ErrorRate)) {
            let why = format!("{failed} of {} failed in this hour and the one before: {percent} %", ok + failed);
            found.push(of(AlertKind::ErrorRate, &one, "has many errors", why, (failed, "calls or messages")));
        }
        let last = kept.iter().find(|record| record.id == one.record.id).and_then(|record| record.last_ok_at);
        if let (Some(Family::Carrier), Some(last)) = (one.family, last) {
            let active: Vec<i64> = own.iter().filter(|one| one.ok > 0).map(|one| one.hour).collect();
            let Some(usual) = usual_gap_hours(&active) else { continue };
            let most = (usual * i64::from(rules.threshold(AlertKind::SourceSilent))).max(SILENCE_HOURS_MIN);
            let silent = now.duration_since(last);
            if silent >= SignedDuration::from_hours(most) {
                let longest = SignedDuration::from_hours(usual);
                let why = format!("Silent for {}; usually for {} at most", span(silent), span(longest));
                found.push(of(AlertKind::SourceSilent, &one, "stopped sending", why, (1, "connection")));
            }
        }
    }
    Ok(found)
}

async fn secrets(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, scope, rules } = looking;
    let now = context.now();
    let notice = SignedDuration::from_hours(i64::from(rules.threshold(AlertKind::SecretExpires)) * 24);
    let kept = context.store.connections.all(scope).await?;
    let mut found = Vec::new();
    for one in enabled(looking) {
        let record = kept.iter().find(|record| record.id == one.record.id);
        let report = record.and_then(|record| serde_json::from_str::<Report>(record.tested.as_deref()?).ok());
        let Some(ends) = report.and_then(|report| report.secret_ends) else { continue };
        // one that was replaced since its test is another one
        if record.is_some_and(|record| record.secret_set_at > ends) || ends.duration_since(now) > notice {
            continue;
        }
        let left =
            time_left(ends, now).unwrap_or_else(|| format!("in {} days", ends.duration_since(now).as_hours() / 24));
        let why = format!("It ends on {}, {left}; a new one can be added now", ends.strftime("%Y-%m-%d"));
        let severity = if ends.duration_since(now) <= SOON { Severity::Major } else { Severity::Minor };
        let raised = of(AlertKind::SecretExpires, &one, "has a key that expires", why, (1, "connection"));
        found.push(Raised { severity: Some(severity), ..raised });
    }
    Ok(found)
}
