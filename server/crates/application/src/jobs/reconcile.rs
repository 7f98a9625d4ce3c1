//! Compares the systems: the clock starts a run, and each step of it is a job.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::reconcile;
use domain::ids::ReconciliationId;
use futures::FutureExt as _;
use storage::{jobs::JobKind, reconciliations::RunState};

pub(super) const KIND: Kind = Kind {
    name: JobKind::RECONCILE,
    label: "Compare with Odoo and the desk",
    calls: Calls::OrdersAndInside,
    budget: ONE,
    start: Start::Clock("every 1800 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let scope = leased.scope;
    let Ok(id) = leased.job.target.parse::<ReconciliationId>() else {
        return match reconcile::scheduled(context, scope).await {
            Ok(_) => Finish::Done,
            Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
        };
    };
    let destination = leased.job.destination.as_deref();
    let finish = match reconcile::step(context, scope, id, destination, leased.job.correlation, calls).await {
        Ok(()) => return Finish::Done,
        Err(error) => retry::after_order(&error, leased.attempts, &*context.clock),
    };
    if matches!(finish, Finish::Dead { .. }) {
        // the next run begins anew
        let ended = context.store.reconciliations.end(scope, id, RunState::Stalled, context.now(), None).await;
        if let Err(error) = ended {
            tracing::warn!(run = %id, "a run that came no further is not ended, the next one ends it: {error}");
        }
    }
    finish
}
