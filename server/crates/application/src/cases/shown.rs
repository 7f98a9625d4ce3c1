//! A ticket is shown on the delivery that it is about.

use crate::{context::Context, error::Result};
use domain::ids::CorrelationId;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane},
    shipments::ShipmentRecord,
    work::{CaseRecord, CaseStatus},
};

/// What a delivery shows of a ticket.
pub(super) fn of(case: &CaseRecord) -> (Option<String>, Option<String>, CaseStatus) {
    (case.number.clone(), case.url.clone(), case.status)
}

/// The shipment's delivery is brought up to date.
pub(super) async fn follow(
    context: &Context,
    scope: Scope,
    shipment: &ShipmentRecord,
    correlation: CorrelationId,
) -> Result<()> {
    let connections = context.connections.now();
    let Some(origin) = shipment.origin.as_ref().filter(|origin| connections.get(&origin.system).is_some()) else {
        return Ok(());
    };
    let job = context.job(JobKind::SYNC_ORDER, shipment.id, Cause::Live, correlation, Some(shipment.id));
    context.store.jobs.enqueue(scope, vec![job.to(&origin.system)]).await?;
    context.notifier.work(Lane::RealTime);
    Ok(())
}
