//! Voids a label.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::booking;
use domain::ids::BookingId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::VOID_BOOKING,
    label: "Void a label",
    calls: Calls::Platforms,
    budget: Budget::Concurrency(1),
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Ok(id) = leased.job.target.parse::<BookingId>() else {
        return Finish::Dead { error: "the target is no booking".into(), class: errors::INVALID.into() };
    };
    let done = booking::void(context, leased.scope, id, leased.job.correlation, calls).await;
    retry::after_booking(done, leased.attempts, &*context.clock)
}
