//! Reads a transfer, or those of an order, because Odoo reported that it changed.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::odoo::hints::{Hint, follow};
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::READ_ORDER,
    label: "Read a changed delivery",
    calls: Calls::Orders,
    budget: Budget::Concurrency(1),
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Some(hint) = Hint::of_target(&leased.job.target) else {
        return Finish::Dead { error: "the target is no record".into(), class: errors::INVALID.into() };
    };
    let system = leased.job.destination.as_deref().unwrap_or_default();
    match follow(context, leased.scope, system, &hint, leased.job.correlation, calls).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_order(&error, leased.attempts, &*context.clock),
    }
}
