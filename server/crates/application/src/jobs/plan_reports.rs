//! Begins the mailings of saved reports that are due.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::reports;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::new("plan_reports"),
    label: "Look for reports that are due",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("every 60 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    match reports::begin_due(context, leased.scope).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
