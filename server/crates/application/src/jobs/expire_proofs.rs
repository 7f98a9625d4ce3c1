//! Ends the wait for proofs of delivery that never came.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::odoo;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::new("expire_proofs"),
    label: "End the wait for proofs of delivery",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("every 3600 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    match odoo::expire_proofs(context, leased.scope).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
