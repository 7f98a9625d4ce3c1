//! What the clock alone starts: reviews of shipments, imports, sweeping. Of several nodes one does it, the leader: it has a
//! lease that it renews, and that ends by itself when the node is dead.

use crate::{
    audit::anchor, connections::sources, context::Context, governance::erasure, operations::upkeep, tracking::mappings,
};
use jiff::{SignedDuration, Timestamp};
use std::{sync::Arc, time::Duration};
use storage::jobs::{Cause, JobKind, Lane};
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
/// How often it is asked whether something is old, in seconds.
const PRUNE_SECONDS: i64 = 600;
/// How often ended sessions are swept, in seconds.
const SWEEP_SECONDS: i64 = 300;

/// How often it is asked whether something came of erased shipments, in seconds.
const ERASE_SECONDS: i64 = 3600;
/// How often the keys that platforms publish are fetched, in seconds.
const KEYS_SECONDS: i64 = 3600;

/// When the schedule last did what it does now and then.
#[derive(Debug, Default)]
pub struct Done {
    renewed: Option<Timestamp>,
    imported: Option<Timestamp>,
    polled: Option<Timestamp>,
    swept: Option<Timestamp>,
    pruned: Option<Timestamp>,
    erased: Option<Timestamp>,
    keys: Option<Timestamp>,
}

/// Ticks while this node leads, until shutdown.
pub async fn run_schedule(context: Arc<Context>, shutdown: CancellationToken) {
    let owner = context.clock.id().simple().to_string();
    let mut done = Done::default();
    loop {
        if let Err(error) = tick_as_leader(&context, &owner, &mut done).await {
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

async fn tick_as_leader(context: &Context, owner: &str, done: &mut Done) -> storage::Result<()> {
    let now = context.now();
    if done.renewed.is_none_or(|renewed| renewed > now || now.duration_since(renewed) >= RENEW) {
        done.renewed = None;
        let until = now.checked_add(LEASE).unwrap_or(now);
        if context.store.jobs.acquire_leadership(LEADER, owner, now, until).await? {
            done.renewed = Some(now);
        }
    }
    if done.renewed.is_some() { tick(context, done).await } else { Ok(()) }
}

/// What every node does for itself, until shutdown: it takes up mappings that another process published, and anchors the audit
/// trail.
pub async fn run_upkeep(context: Arc<Context>, shutdown: CancellationToken) {
    let mut trail = anchor::Follower::default();
    loop {
        if let Err(error) = mappings::refresh(&context).await {
            tracing::warn!("the published mapping cannot be taken up: {error}");
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
            () = tokio::time::sleep(UPKEEP) => {}
        }
    }
}

/// One look at the clock.
///
/// # Errors
/// When the store fails; the next tick tries again.
pub async fn tick(context: &Context, done: &mut Done) -> storage::Result<()> {
    let (now, scope) = (context.now(), context.scope());
    let due = context.store.shipments.due(scope, now, REVIEWS_PER_TICK).await?;
    if !due.is_empty() {
        let jobs = due
            .into_iter()
            .map(|id| context.job(JobKind::Fold, id, Cause::Live, context.correlation(), Some(id)))
            .collect();
        context.store.jobs.enqueue(scope, jobs).await?;
        context.notifier.work(Lane::RealTime);
    }
    if let Some(odoo) = &context.config.odoo {
        let every = i64::try_from(odoo.import_seconds).unwrap_or(i64::MAX);
        if elapsed(done.imported, now, every) {
            done.imported = Some(now);
            let mut job = context.job(JobKind::ImportOrders, "odoo", Cause::Import, context.correlation(), None);
            job.lane = Lane::Batch;
            context.store.jobs.enqueue(scope, vec![job]).await?;
            context.notifier.work(Lane::Batch);
        }
    }
    if let Some(desk) = &context.config.desk {
        let every = i64::try_from(desk.poll_seconds).unwrap_or(i64::MAX);
        if elapsed(done.polled, now, every) {
            done.polled = Some(now);
            let mut job = context.job(JobKind::PollDesk, &desk.connector, Cause::Live, context.correlation(), None);
            job.lane = Lane::Batch;
            context.store.jobs.enqueue(scope, vec![job]).await?;
            context.notifier.work(Lane::Batch);
        }
    }
    // a step at each tick while there is something, then now and then
    if elapsed(done.pruned, now, PRUNE_SECONDS) {
        match upkeep::prune(context).await {
            Ok(pruned) if pruned.more => {}
            Ok(_) => done.pruned = Some(now),
            Err(error) => {
                done.pruned = Some(now);
                tracing::warn!("what is old is not dropped: {error}");
            }
        }
    }
    if elapsed(done.erased, now, ERASE_SECONDS) {
        done.erased = Some(now);
        if let Err(error) = erasure::follow(context).await {
            tracing::warn!("what came of erased shipments is not erased yet: {error}");
        }
    }
    if elapsed(done.swept, now, SWEEP_SECONDS) {
        done.swept = Some(now);
        context.store.people.sweep(now).await?;
    }
    if elapsed(done.keys, now, KEYS_SECONDS) {
        done.keys = Some(now);
        let jobs =
            sources::with_published_keys(context, scope).await?.iter().map(|s| sources::keys_job(context, s)).collect();
        context.store.jobs.enqueue(scope, jobs).await?;
        context.notifier.work(Lane::Batch);
    }
    Ok(())
}

fn elapsed(last: Option<Timestamp>, now: Timestamp, seconds: i64) -> bool {
    // a last time that is still to come was read from a clock that has been set back since
    last.is_none_or(|last| last > now || now.duration_since(last).as_secs() >= seconds)
}
