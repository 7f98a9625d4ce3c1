//! Fetches the keys that a platform publishes.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::connections::inbound::{self, KeysError};
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::FETCH_KEYS,
    label: "Refresh signing keys",
    calls: Calls::Sources,
    budget: ONE,
    start: Start::Clock("every 3600 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    match inbound::fetch_keys(context, leased.scope, &leased.job.target, calls).await {
        Ok(()) => Finish::Done,
        Err(KeysError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(KeysError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
