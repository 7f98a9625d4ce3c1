//! What another system refuses for good is an exception of its shipment, and over once it is accepted: a decision that the fold
//! reads.

use crate::context::Context;
use domain::{
    ExceptionReason,
    fold::{Choice, Decision},
};
use storage::jobs::{Cause, Finish, JobKind, LeasedJob};

/// The exception of a kind of job that a system refuses.
fn refusal(kind: JobKind) -> Option<ExceptionReason> {
    match () {
        () if kind == JobKind::SYNC_ORDER => Some(ExceptionReason::OrderRefused),
        () if kind == JobKind::SYNC_CASE => Some(ExceptionReason::DeskRefused),
        () => None,
    }
}

/// Keeps how a job ended, where that changes what is known of its shipment.
///
/// # Errors
/// When the store fails; the job is done all the same.
pub(super) async fn keep<T: Sync>(context: &Context, leased: &LeasedJob, finish: &Finish<T>) -> storage::Result<()> {
    let (Some(reason), Some(shipment)) = (refusal(leased.job.kind), leased.job.shipment) else { return Ok(()) };
    let refused = match finish {
        Finish::Dead { .. } => true,
        Finish::Done => false,
        _ => return Ok(()),
    };
    let since = context.store.work.open_since(leased.scope, shipment, reason).await?;
    if since.is_some() == refused {
        return Ok(());
    }
    let what = if refused { Choice::Refused { reason } } else { Choice::Accepted { reason } };
    let fold = context.job(JobKind::FOLD, shipment, Cause::Live, leased.job.correlation, Some(shipment));
    let lane = fold.lane;
    // not before what it ends, also where the clock was set back
    let at = since.map_or(context.now(), |since| since.max(context.now()));
    context.store.work.answered(leased.scope, shipment, Decision { at, what }, fold).await?;
    context.notifier.work(lane);
    Ok(())
}
