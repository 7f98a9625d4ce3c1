//! Drops sessions and counters of tries that have ended, and what is left of removed connections.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::connections::removal;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::new("sweep"),
    label: "Remove ended sessions, and the work of removed connections",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("every 300 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let swept = async {
        context.store.people.sweep(context.now()).await?;
        removal::end_removed(context).await
    };
    match swept.await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
