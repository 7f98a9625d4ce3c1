//! Work: what is due and waits, what failed for good, what cannot be read.

use super::{Condition, Looking};
use crate::{
    alerts::{Count, Raised},
    destinations::breaker::{Admission, admission},
    error::Result,
    words::span,
};
use domain::{alerts::AlertKind, visible::visible_line};
use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use storage::jobs::{INSIDE, Lane};

/// An unmapped code that was last seen longer ago rises no more.
const SEEN: SignedDuration = SignedDuration::from_hours(24);

pub(super) const QUEUES: Condition =
    Condition { kinds: &[AlertKind::QueueOld, AlertKind::Backlog], look: |looking| queues(looking).boxed() };

pub(super) const DEAD_LETTERS: Condition =
    Condition { kinds: &[AlertKind::DeadLetters], look: |looking| dead_letters(looking).boxed() };

pub(super) const UNMAPPED_CODES: Condition =
    Condition { kinds: &[AlertKind::UnmappedCodes], look: |looking| unmapped_codes(looking).boxed() };

fn inside(kind: AlertKind, subject: &str, title: String, detail: String, count: (u64, &str)) -> Raised {
    Raised {
        kind,
        subject: subject.to_owned(),
        severity: None,
        title,
        detail,
        count: Count::Total(count.0),
        unit: count.1.to_owned(),
        link: "/sync".into(),
        channels: Vec::new(),
    }
}

/// What waits because its destination does is that destination's alert, and not one of the queue.
async fn queues(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, scope, rules } = looking;
    let now = context.now();
    let breakers = context.store.destinations.breakers(scope).await?;
    let connections = context.connections.now();
    let held = |name: &str| {
        let is_closed = breakers.get(name).is_some_and(|breaker| !matches!(admission(breaker, now), Admission::All));
        let in_use = connections.get(name).is_some_and(|one| one.record.enabled && one.unusable().is_none());
        name != INSIDE && (is_closed || !in_use)
    };
    let due = context.store.alerts.due_jobs(scope, now).await?;
    let mut found = Vec::new();
    for (lane, name) in [(Lane::RealTime, "real-time"), (Lane::Batch, "batch")] {
        let of_lane: Vec<_> = due.iter().filter(|due| due.lane == lane && !held(&due.destination)).collect();
        let number: u64 = of_lane.iter().map(|due| due.number).sum();
        let oldest = of_lane.iter().map(|due| due.oldest).min();
        if let Some(oldest) = oldest {
            let age = now.duration_since(oldest);
            if age.as_mins() >= i64::from(rules.threshold(AlertKind::QueueOld)) {
                let title = format!("The {name} queue is too old");
                let why = format!("Its oldest due job has waited for {}", span(age));
                found.push(inside(AlertKind::QueueOld, name, title, why, (number, "jobs")));
            }
        }
        if number > u64::from(rules.threshold(AlertKind::Backlog)) {
            let (title, why) = (format!("Backlog in the {name} queue"), format!("{number} jobs are due"));
            found.push(inside(AlertKind::Backlog, name, title, why, (number, "jobs")));
        }
    }
    Ok(found)
}

async fn dead_letters(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, scope, rules } = looking;
    let connections = context.connections.now();
    let jobs = context.store.jobs.summary(scope, context.now()).await?;
    let many = jobs.iter().filter(|one| one.dead >= u64::from(rules.threshold(AlertKind::DeadLetters)).max(1));
    let of = |one: &storage::jobs::DestinationSummary| {
        let label = connections.label(&one.destination);
        let title = format!("Jobs of {} failed for good", visible_line(&label));
        let class = one.errors.first().map(|error| error.class.clone()).unwrap_or_default();
        let why = crate::jobs::errors::class(&class).map_or("", |class| class.meaning).to_owned();
        let raised = inside(AlertKind::DeadLetters, &one.destination, title, why, (one.dead, "jobs"));
        Raised { link: format!("/sync?view=failed&destination={}", one.destination), ..raised }
    };
    Ok(many.map(of).collect())
}

async fn unmapped_codes(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, scope, rules } = looking;
    let since = context.now().checked_sub(SEEN).unwrap_or(Timestamp::MIN);
    let least = u64::from(rules.threshold(AlertKind::UnmappedCodes)).max(1);
    let codes = context.store.mappings.unmapped(scope).await?;
    let rising = codes.iter().filter(|one| one.observations >= least && one.last_seen >= since);
    let mut seen = BTreeSet::new();
    let of = |one: &storage::mappings::UnmappedCode| {
        let (provider, code) = (visible_line(&one.code.list), visible_line(&one.code.value));
        let subject = format!("{provider}/{code}");
        let title = format!("Unmapped code {code} of {provider}");
        let why = format!("{} shipments keep the status that they had", one.shipments);
        let raised = inside(AlertKind::UnmappedCodes, &subject, title, why, (one.observations, "events"));
        seen.insert(subject).then(|| Raised { link: "/mappings/unmapped".into(), ..raised })
    };
    Ok(rising.filter_map(of).collect())
}
