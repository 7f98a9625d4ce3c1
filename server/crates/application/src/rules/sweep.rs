//! Rules that the clock starts: shipments that are under way are folded again, page by page, when such a rule is due.

use super::book::Book;
use crate::{context::Context, error::Result};
use domain::{ids::ShipmentId, rule::Trigger};
use jiff::Timestamp;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
};

/// Between two looks of the clock, in minutes; [`crate::jobs`] has the same in its schedule.
pub(crate) const TICK_MINUTES: i64 = 5;
/// Shipments of one step.
const STEP_SHIPMENTS: u32 = 200;

/// Begins a walk where a rule is due.
///
/// # Errors
/// When the store fails.
pub async fn begin(context: &Context, scope: Scope) -> Result<()> {
    let book = context.rules.book(&context.store, scope, context.now()).await?;
    if is_due(&book, context.now()) { step(context, scope, None).await } else { Ok(()) }
}

/// Whether a rule is due: its minutes have come round since the last look.
fn is_due(book: &Book, now: Timestamp) -> bool {
    let minute = now.as_second().div_euclid(60);
    let due = |every: u32| minute.rem_euclid(i64::from(every.max(1))) < TICK_MINUTES;
    book.running.iter().any(|rule| matches!(rule.content.trigger, Trigger::Every { minutes } if due(minutes)))
}

/// Folds the next shipments behind one.
///
/// # Errors
/// When the store fails.
pub async fn step(context: &Context, scope: Scope, after: Option<ShipmentId>) -> Result<()> {
    let ids = context.store.rules.under_way(scope, after, STEP_SHIPMENTS).await?;
    let Some(last) = ids.last().copied() else { return Ok(()) };
    let correlation = context.correlation();
    let fold = |id: &ShipmentId| {
        let job = context.job(JobKind::FOLD, id, Cause::Live, correlation, Some(*id));
        NewJob { lane: Lane::Batch, ..job }
    };
    let mut jobs: Vec<NewJob> = ids.iter().map(fold).collect();
    if ids.len() as u64 >= u64::from(STEP_SHIPMENTS) {
        let next = context.job(JobKind::CHECK_RULES, last, Cause::Live, correlation, None);
        jobs.push(NewJob { lane: Lane::Batch, ..next });
    }
    context.store.jobs.enqueue(scope, jobs).await?;
    context.notifier.work(Lane::Batch);
    Ok(())
}
