//! The next step of a replay.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::{error::UseCaseError, operations::replays};
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::REPLAY,
    label: "Bulk retry",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let step = async {
        let unknown = |_| UseCaseError::NotFound("replay");
        replays::step(context, leased.scope, leased.job.target.parse().map_err(unknown)?).await
    };
    match step.await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
