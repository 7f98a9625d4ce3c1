//! What the clock alone starts: reviews of shipments, imports, sweeping.

use crate::{
    tower::Tower,
    usecases::{mappings, sources},
};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use storage::jobs::{Cause, JobKind, Lane};
use tokio_util::sync::CancellationToken;

/// How often the schedule looks.
const TICK: Duration = Duration::from_secs(1);
/// Shipments reviewed in one tick.
const REVIEWS_PER_TICK: u32 = 500;
/// How often ended sessions are swept, in seconds.
const SWEEP_SECONDS: i64 = 300;

/// How often the keys that platforms publish are fetched, in seconds.
const KEYS_SECONDS: i64 = 3600;

/// When the schedule last did what it does now and then.
#[derive(Debug, Default)]
pub struct Done {
    imported: Option<Timestamp>,
    swept: Option<Timestamp>,
    keys: Option<Timestamp>,
}

/// Ticks until shutdown.
pub async fn run_schedule(tower: Arc<Tower>, shutdown: CancellationToken) {
    let mut done = Done::default();
    loop {
        if let Err(error) = tick(&tower, &mut done).await {
            tracing::warn!("schedule: {error}");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// One look at the clock.
///
/// # Errors
/// When the store fails; the next tick tries again.
pub async fn tick(tower: &Tower, done: &mut Done) -> storage::Result<()> {
    let (now, scope) = (tower.now(), tower.scope());
    // a command beside this process may have published one
    if let Err(error) = mappings::refresh(tower).await {
        tracing::warn!("the published mapping cannot be taken up: {error}");
    }
    let due = tower.store.shipments.due(scope, now, REVIEWS_PER_TICK).await?;
    if !due.is_empty() {
        let jobs = due
            .into_iter()
            .map(|id| tower.job(JobKind::Fold, id, Cause::Live, tower.correlation(), Some(id)))
            .collect();
        tower.store.jobs.enqueue(scope, jobs).await?;
        tower.wake.real_time.notify_waiters();
    }
    if let Some(odoo) = &tower.config.odoo {
        let every = i64::try_from(odoo.import_seconds).unwrap_or(i64::MAX);
        if elapsed(done.imported, now, every) {
            done.imported = Some(now);
            let mut job = tower.job(JobKind::ImportOrders, "odoo", Cause::Import, tower.correlation(), None);
            job.lane = Lane::Batch;
            tower.store.jobs.enqueue(scope, vec![job]).await?;
            tower.wake.batch.notify_waiters();
        }
    }
    if elapsed(done.swept, now, SWEEP_SECONDS) {
        done.swept = Some(now);
        tower.store.people.sweep(now).await?;
    }
    if elapsed(done.keys, now, KEYS_SECONDS) {
        done.keys = Some(now);
        let jobs =
            sources::with_published_keys(tower, scope).await?.iter().map(|s| sources::keys_job(tower, s)).collect();
        tower.store.jobs.enqueue(scope, jobs).await?;
        tower.wake.batch.notify_waiters();
    }
    Ok(())
}

fn elapsed(last: Option<Timestamp>, now: Timestamp, seconds: i64) -> bool {
    last.is_none_or(|last| now.duration_since(last).as_secs() >= seconds)
}
