//! Learns transit times, a step at a time.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::learned::learn;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::LEARN_TRANSIT,
    label: "Learn transit times",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("40 3 * * *"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    match learn::step(context, context.scope()).await {
        Ok(learn::Step::Done) => Finish::Done,
        Ok(learn::Step::More) => Finish::Later(context.now()),
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
