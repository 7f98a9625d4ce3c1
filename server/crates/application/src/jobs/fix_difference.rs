//! Mends a difference, then looks whether it is gone.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::reconcile::{self, Fixing};
use domain::ids::DifferenceId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::FIX_DIFFERENCE,
    label: "Fix a difference",
    calls: Calls::OrdersAndInside,
    budget: Budget::Each { real_time: 2, batch: 2 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Ok(id) = leased.job.target.parse::<DifferenceId>() else {
        return Finish::Dead { error: "the target is no difference".into(), class: errors::INVALID.into() };
    };
    let finish = match reconcile::work(context, leased.scope, id, leased.job.correlation, calls).await {
        Ok(Fixing::Over) => return Finish::Done,
        Ok(Fixing::LookAt(at)) => return Finish::Later(at),
        Err(error) => retry::after_order(&error, leased.attempts, &*context.clock),
    };
    if matches!(finish, Finish::Dead { .. })
        && let Err(error) = reconcile::withdraw(context, leased.scope, id).await
    {
        tracing::warn!(difference = %id, "its fix failed and is still shown as requested: {error}");
    }
    finish
}
