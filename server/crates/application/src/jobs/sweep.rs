//! Drops sessions and counters of tries that have ended.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::new("sweep"),
    label: "Remove ended sessions",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("every 300 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    match context.store.people.sweep(context.now()).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error.into(), leased.attempts, &*context.clock),
    }
}
