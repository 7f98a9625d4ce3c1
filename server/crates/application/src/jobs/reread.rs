//! Reads again what a published mapping concerns.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::REREAD,
    label: "Reprocess after mapping change",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let (target, correlation) = (&leased.job.target, leased.job.correlation);
    match crate::tracking::mappings::reprocess(context, leased.scope, target, correlation).await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
