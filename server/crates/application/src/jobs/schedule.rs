//! What the clock starts: reviews of shipments, and the work that is scheduled. Of several nodes one does it, the leader: it
//! has a lease that it renews, and that ends by itself when the node is dead.

use super::{
    kind::{Kind, Start},
    next::next_after,
    registry,
};
use crate::{
    audit::anchor,
    caller::Caller,
    connections::{self, inbound},
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
    tracking::mappings,
};
use domain::access::Permission;
use jiff::{SignedDuration, Timestamp};
use outbound::template::Family;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use storage::{
    jobs::{Cause, JobKind, Lane, NewJob},
    schedules::Schedule,
};
use tokio_util::sync::CancellationToken;

/// How often the schedule looks.
const TICK: Duration = Duration::from_secs(1);
/// How often a node looks after itself.
const UPKEEP: Duration = Duration::from_secs(1);
/// The name of the leader's lease.
const LEADER: &str = "schedule";
/// For how long a node leads without renewing.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How often the leader renews.
const RENEW: SignedDuration = SignedDuration::from_secs(10);
/// Shipments reviewed in one tick.
const REVIEWS_PER_TICK: u32 = 500;
/// Clocks of the nodes differ by no more; what lies further ahead than it can was set by a clock that has been set back since.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(1);
/// The default time zone of schedules.
const ZONE: &str = "UTC";

/// Ticks while this node leads, until shutdown.
pub async fn run_schedule(context: Arc<Context>, shutdown: CancellationToken) {
    let owner = context.clock.id().simple().to_string();
    let mut renewed = None;
    loop {
        if let Err(error) = tick_as_leader(&context, &owner, &mut renewed).await {
            tracing::warn!("schedule: {error}");
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
    }
    if let Err(error) = context.store.jobs.release_leadership(LEADER, &owner).await {
        tracing::warn!("the schedule's lease is not given back, it ends by itself: {error}");
    }
}

async fn tick_as_leader(context: &Context, owner: &str, renewed: &mut Option<Timestamp>) -> storage::Result<()> {
    let now = context.now();
    if renewed.is_none_or(|renewed| renewed > now || now.duration_since(renewed) >= RENEW) {
        *renewed = None;
        let until = now.checked_add(LEASE).unwrap_or(now);
        if context.store.jobs.acquire_leadership(LEADER, owner, now, until).await? {
            *renewed = Some(now);
        }
    }
    if renewed.is_some() { tick(context).await } else { Ok(()) }
}

/// What every node does for itself, until shutdown: it takes up mappings and connections that another process changed, and anchors the audit
/// trail.
pub async fn run_upkeep(context: Arc<Context>, shutdown: CancellationToken) {
    let mut trail = anchor::Follower::default();
    loop {
        if let Err(error) = mappings::refresh(&context).await {
            tracing::warn!("the published mapping cannot be taken up: {error}");
        }
        if let Err(error) = connections::refresh(&context).await {
            tracing::warn!("changed connections cannot be taken up: {error}");
        }
        if let Err(error) = connections::flush(&context).await {
            tracing::warn!("the traffic of connections is not kept: {error}");
        }
        if let Err(error) = crate::rules::upkeep::flush(&context).await {
            tracing::warn!("what rules did is not counted: {error}");
        }
        if let Err(error) = trail.look(&context).await {
            tracing::warn!("the audit trail cannot be followed: {error}");
        }
        // the last look comes after the shutdown
        if shutdown.is_cancelled() {
            return;
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = context.notifier.connection_changes().notified() => {}
            () = tokio::time::sleep(UPKEEP) => {}
        }
    }
}

/// One look at the clock.
///
/// # Errors
/// When the store fails; the next tick tries again.
pub async fn tick(context: &Context) -> storage::Result<()> {
    review(context).await?;
    let (now, scope) = (context.now(), context.scope());
    for (schedule, _) in ensured(context).await? {
        let next = match next_after(&schedule.expression, &schedule.zone, now) {
            Ok(next) => next,
            Err(error) => {
                if schedule.next_at <= now {
                    tracing::warn!(schedule = schedule.name, "not started: {error}");
                }
                continue;
            }
        };
        if !is_due(&schedule, next, now) {
            continue;
        }
        let job = job_of(context, &schedule);
        if context.store.schedules.start(scope, &schedule.name, schedule.next_at, next, job, now).await? {
            context.notifier.work(Lane::Batch);
        }
    }
    Ok(())
}

/// Whether a schedule that would come next at this time, were it set now, starts now: its time has come, or it was set by a
/// clock that was ahead.
fn is_due(schedule: &Schedule, next: Timestamp, now: Timestamp) -> bool {
    let beyond = |time: Timestamp, most: Timestamp| time.duration_since(most) > CLOCKS_APART;
    schedule.next_at <= now || beyond(schedule.next_at, next) || schedule.last_at.is_some_and(|last| beyond(last, now))
}

/// Folds the shipments whose time has come.
async fn review(context: &Context) -> storage::Result<()> {
    let due = context.store.shipments.due(context.scope(), context.now(), REVIEWS_PER_TICK).await?;
    if due.is_empty() {
        return Ok(());
    }
    let fold = |id| context.job(JobKind::FOLD, id, Cause::Live, context.correlation(), Some(id));
    context.store.jobs.enqueue(context.scope(), due.into_iter().map(fold).collect()).await?;
    context.notifier.work(Lane::RealTime);
    Ok(())
}

fn job_of(context: &Context, schedule: &Schedule) -> NewJob {
    let cause = if schedule.kind == JobKind::IMPORT_ORDERS { Cause::Import } else { Cause::Live };
    let job = context.job(schedule.kind, &schedule.target, cause, context.correlation(), None);
    NewJob { lane: Lane::Batch, destination: schedule.destination.clone(), ..job }
}

/// The schedules of this installation with their kinds, by name; those that are not kept yet are due now.
async fn ensured(context: &Context) -> storage::Result<Vec<(Schedule, &'static Kind)>> {
    let scope = context.scope();
    let known = context.store.schedules.all(scope).await?;
    let mut known: BTreeMap<String, Schedule> = known.into_iter().map(|one| (one.name.clone(), one)).collect();
    let mut ensured = Vec::new();
    for (schedule, kind) in wanted(context).await? {
        let kept = known.remove(&schedule.name);
        // the settings of a connection decide; any other schedule is a person's once it is there
        let kept = kept.filter(|kept| kind.start != Start::Connection || kept.expression == schedule.expression);
        let schedule = match kept {
            Some(kept) => kept,
            None => {
                context.store.schedules.put(scope, schedule.clone(), None).await?;
                schedule
            }
        };
        ensured.push((schedule, kind));
    }
    ensured.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    Ok(ensured)
}

/// One for each kind that the clock starts, and for each destination that is set up.
async fn wanted(context: &Context) -> storage::Result<Vec<(Schedule, &'static Kind)>> {
    let mut wanted = Vec::new();
    for kind in registry::ALL {
        let destinations: Vec<(Option<String>, String)> = match (kind.start, kind.name) {
            (Start::OnDemand, _) => continue,
            (Start::Connection, JobKind::IMPORT_ORDERS) => of_connections(context, Family::Orders),
            (Start::Connection, _) => of_connections(context, Family::Desk),
            (Start::Clock(expression), JobKind::FETCH_KEYS) => {
                let sources = inbound::with_published_keys(context, context.scope()).await?;
                sources.into_iter().map(|source| (Some(source), expression.to_owned())).collect()
            }
            (Start::Clock(expression), JobKind::CHECK_CONNECTION) => {
                let systems = context.connections.now();
                let systems = systems.in_use(Family::Orders);
                systems.map(|one| (Some(one.record.name.clone()), expression.to_owned())).collect()
            }
            // without an order system there is nothing to compare
            (Start::Clock(_), JobKind::RECONCILE) if of_connections(context, Family::Orders).is_empty() => continue,
            (Start::Clock(expression), _) => vec![(None, expression.to_owned())],
        };
        for (destination, expression) in destinations {
            let (kind_name, zone, now) = (kind.name.to_string(), ZONE.to_owned(), context.now());
            // a connection is tested when it is set up: its first test by the clock comes a day later
            let next_at = match kind.name {
                JobKind::CHECK_CONNECTION => next_after(&expression, &zone, now).unwrap_or(now),
                _ => now,
            };
            let (name, target) = match &destination {
                Some(destination) => (format!("{kind_name}/{destination}"), destination.clone()),
                None => (kind_name.clone(), kind_name),
            };
            let schedule =
                Schedule { name, kind: kind.name, target, destination, expression, zone, next_at, last_at: None };
            wanted.push((schedule, *kind));
        }
    }
    Ok(wanted)
}

/// The connections of a family that are in use, each with its schedule.
fn of_connections(context: &Context, family: Family) -> Vec<(Option<String>, String)> {
    let every = |seconds: u64| format!("every {} s", seconds.clamp(1, super::next::EVERY_SECONDS_MAX));
    let connections = context.connections.now();
    connections.in_use(family).map(|one| (Some(one.record.name.clone()), every(one.seconds))).collect()
}

/// The schedules of this installation.
///
/// # Errors
/// When the caller may not see them, or the store fails.
pub async fn schedules(context: &Context, caller: &Caller) -> Result<Vec<Schedule>> {
    caller.require(Permission::Operate)?;
    Ok(ensured(context).await?.into_iter().map(|(schedule, _)| schedule).collect())
}

/// A person sets when something starts.
///
/// # Errors
/// When the caller may not, there is no such schedule, it is set by a connection, or the expression is wrong.
pub async fn reschedule(
    context: &Context,
    caller: &Caller,
    name: &str,
    expression: &str,
    zone: &str,
) -> Result<Schedule> {
    caller.require(Permission::Operate)?;
    let known = ensured(context).await?;
    let invalid = |field, message| Err(UseCaseError::Invalid { field, message });
    let Some((schedule, kind)) = known.iter().find(|(schedule, _)| schedule.name == name) else {
        let names: Vec<_> = known.iter().map(|(schedule, _)| schedule.name.as_str()).collect();
        return invalid("name", format!("there is no schedule {name}: there are {}", names.join(", ")));
    };
    if kind.start == Start::Connection {
        return invalid("name", format!("the settings of the connection say when {name} starts: change it there"));
    }
    let next_at = match next_after(expression, zone, context.now()) {
        Ok(next) => next,
        Err(message) => return invalid("expression", message),
    };
    let set = Schedule { expression: expression.into(), zone: zone.into(), next_at, ..schedule.clone() };
    let scope = caller.scope();
    let shown = |schedule: &Schedule| serde_json::json!({"expression": schedule.expression, "zone": schedule.zone});
    let audit = context
        .audit("schedule.set", format!("schedule:{name}"))
        .before(sealed_audit(context, scope, &shown(schedule)).await?)
        .after(sealed_audit(context, scope, &shown(&set)).await?);
    context.store.schedules.put(scope, set.clone(), Some(audit)).await?;
    Ok(set)
}
