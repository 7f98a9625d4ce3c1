//! Looks at the conditions of operational alerts.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::alerts;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::EVALUATE_ALERTS,
    label: "Look for alerts",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("every 60 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    match alerts::evaluate(context, leased.scope).await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
