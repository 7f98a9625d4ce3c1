//! Looks at shipments that are under way, for rules that the clock starts.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::rules::sweep;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::CHECK_RULES,
    label: "Check rules by the clock",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("every 300 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let done = match leased.job.target.parse() {
        Ok(after) => sweep::step(context, leased.scope, after).await,
        Err(_) => sweep::begin(context, leased.scope).await,
    };
    match done {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
