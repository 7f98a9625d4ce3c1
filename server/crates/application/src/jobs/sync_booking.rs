//! Plans the bookings of a delivery, and brings what became of them to Odoo.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::booking;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::SYNC_BOOKING,
    label: "Plan and report bookings in Odoo",
    calls: Calls::Orders,
    budget: Budget::Concurrency(1),
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let target = leased.job.target.rsplit_once('/').and_then(|(system, record)| Some((system, record.parse().ok()?)));
    let Some(target) = target else {
        return Finish::Dead { error: "the target is no delivery".into(), class: errors::INVALID.into() };
    };
    match booking::sync(context, leased.scope, target, leased.job.correlation, calls).await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_order(&error, leased.attempts, &*context.clock),
    }
}
