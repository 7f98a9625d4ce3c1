//! Counts figures again, a step at a time.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::kpi::keep;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::new("recount_figures"),
    label: "Count figures again",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("0 3 * * *"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    match keep::recount(context, context.scope()).await {
        Ok(keep::Step::Done) => Finish::Done,
        Ok(keep::Step::More) => Finish::Later(context.now()),
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
