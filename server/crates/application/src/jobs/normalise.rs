//! Reads a kept message.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use domain::ids::MessageId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::NORMALISE,
    label: "Process message",
    calls: Calls::Nothing,
    // an interchange may take a few hundred megabytes while it is read
    budget: Budget::Each { real_time: 32, batch: 1 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let Ok(id) = leased.job.target.parse::<MessageId>() else {
        return Finish::Dead { error: "the target is no message".into(), class: errors::INVALID.into() };
    };
    match crate::tracking::normalise::normalise(context, leased.scope, id, leased.job.cause).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
