//! Collects what other systems know of a claim.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::claims;
use domain::ids::ClaimId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::PREPARE_CLAIM,
    label: "Collect the evidence of a claim",
    calls: Calls::OrdersAndInside,
    budget: Budget::Each { real_time: 2, batch: 2 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Ok(id) = leased.job.target.parse::<ClaimId>() else {
        return Finish::Dead { error: "the target is no claim".into(), class: errors::INVALID.into() };
    };
    match claims::prepare(context, leased.scope, id, leased.job.destination.as_deref(), calls).await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_order(&error, leased.attempts, &*context.clock),
    }
}
