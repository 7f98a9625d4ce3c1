//! Drops a step of what is old.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::operations::upkeep;
use futures::FutureExt as _;
use jiff::SignedDuration;
use storage::jobs::JobKind;

/// Between two steps: each keeps the writer busy for some milliseconds.
const BETWEEN: SignedDuration = SignedDuration::from_secs(1);

pub(super) const KIND: Kind = Kind {
    name: JobKind::new("prune"),
    label: "Delete old data",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("every 600 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    match upkeep::prune(context).await {
        Ok(pruned) if pruned.more => Finish::Later(context.now().checked_add(BETWEEN).unwrap_or(context.now())),
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
