//! Folds a shipment.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::tracking::fold::fold_shipment;
use domain::ids::ShipmentId;
use futures::FutureExt as _;
use std::time::Instant;
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
    let started = Instant::now();
    let folded = fold_shipment(context, leased.scope, id, leased.job.cause, leased.job.correlation).await;
    metrics::histogram!("milepost_fold_seconds").record(started.elapsed().as_secs_f64());
    match folded {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
