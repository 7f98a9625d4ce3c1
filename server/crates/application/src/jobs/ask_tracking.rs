//! Asks a platform what it knows of a number now.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::{booking::Done, remedies};
use futures::FutureExt as _;

pub(super) const KIND: Kind = Kind {
    name: remedies::ASK_TRACKING,
    label: "Ask a platform for updates",
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
    let asked = remedies::ask(context, leased.scope, target, leased.job.correlation, calls).await;
    retry::after_booking(asked.map(|()| Done::Over), leased.attempts, &*context.clock)
}
