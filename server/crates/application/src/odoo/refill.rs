//! Fields that a set-up has just made are empty: open and recent deliveries are written once, and their orders with them, without
//! notes, since no person changed them.

use crate::{context::Context, error::Result};
use jiff::SignedDuration;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
    reconciliations::{Compared, Walk},
};

/// What ended within this time is written too.
const RECENT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Deliveries that are asked for at once.
const PAGE: u32 = 500;

/// What was written there counts no more.
///
/// # Errors
/// When the store fails.
pub(super) async fn forget(context: &Context, scope: Scope, system: &str) -> Result<()> {
    Ok(context.store.shipments.forget_written(scope, system).await?)
}

/// Has open and recent deliveries written.
///
/// # Errors
/// When the store fails.
pub(super) async fn begin(context: &Context, scope: Scope, system: &str) -> Result<()> {
    let now = context.now();
    let correlation = context.correlation();
    let mut walk = Some(Walk::Open(0));
    while let Some(at) = walk.take() {
        let page = context.store.reconciliations.subjects(scope, system, at.clone(), PAGE).await?;
        let job = |one: &Compared| {
            let job = context.job(JobKind::SYNC_ORDER, one.id, Cause::Reconcile, correlation, Some(one.id)).to(system);
            NewJob { lane: Lane::Batch, ..job }
        };
        context.store.jobs.enqueue(scope, page.iter().map(job).collect()).await?;
        let since = now.checked_sub(RECENT).unwrap_or(now);
        walk = match (at, page.last()) {
            (Walk::Open(_), Some(last)) => Some(Walk::Open(last.record)),
            (Walk::Open(_), None) => Some(Walk::Ended(since, None)),
            (Walk::Ended(since, _), Some(last)) => Some(Walk::Ended(since, Some((last.updated_us, last.id)))),
            (Walk::Ended(..) | Walk::Left(_), _) => None,
        };
    }
    context.notifier.work(Lane::Batch);
    Ok(())
}
