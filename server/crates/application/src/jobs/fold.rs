//! Folds a shipment.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use domain::ids::ShipmentId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::FOLD,
    label: "Recalculate status",
    calls: Calls::Nothing,
    budget: Budget::Each { real_time: 32, batch: 8 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let Ok(id) = leased.job.target.parse::<ShipmentId>() else {
        return Finish::Dead { error: "the target is no shipment".into(), class: errors::INVALID.into() };
    };
    match crate::tracking::fold::fold_shipment(context, leased.scope, id, leased.job.cause, leased.job.correlation)
        .await
    {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
