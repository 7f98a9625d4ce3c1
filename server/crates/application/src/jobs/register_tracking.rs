//! Registers a number for tracking at a platform, or ends that.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::booking;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::REGISTER_TRACKING,
    label: "Register a number for tracking",
    calls: Calls::Platforms,
    budget: Budget::Concurrency(1),
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Some(target) = leased.job.target.split_once('/') else {
        return Finish::Dead { error: "the target is no number".into(), class: errors::INVALID.into() };
    };
    let done = booking::register(context, leased.scope, target, calls).await;
    retry::after_booking(done, leased.attempts, &*context.clock)
}
