//! What an invoice has to do with the other deliveries of its order.

use super::posting::Posting;
use crate::odoo::of_order::SalesOrder;
use domain::{
    State,
    effects::{EffectOutcome, EffectTarget},
};
use storage::{
    StoreError,
    jobs::{JobKind, NewJob},
    orders::OriginStanding,
    shipments::ShipmentRecord,
};

/// Whether every shipment of the order has arrived that is tracked and not cancelled.
pub(super) async fn has_arrived(posting: &Posting<'_>) -> Result<bool, StoreError> {
    let Some(order) = SalesOrder::of(posting.origin) else { return Ok(true) };
    let all = order.shipments(posting.context, posting.scope).await?;
    let counts = |one: &&ShipmentRecord| one.standing != OriginStanding::Cancelled && !one.numbers.is_empty();
    Ok(all.iter().filter(counts).all(|one| one.folded.state == State::Delivered))
}

/// The order is invoiced: what its other shipments wait for is done.
pub(super) async fn invoiced(posting: &Posting<'_>) -> Result<(), StoreError> {
    let (context, own) = (posting.context, posting.loaded.shipment.id);
    let Some(order) = SalesOrder::of(posting.origin) else { return Ok(()) };
    let mut jobs = Vec::new();
    let others = order.shipments(context, posting.scope).await?.into_iter().map(|shipment| shipment.id);
    for id in others.filter(|id| *id != own) {
        let Some(loaded) = context.store.shipments.load(posting.scope, id, None).await? else { continue };
        let waits = loaded
            .effects
            .iter()
            .any(|effect| effect.target == EffectTarget::OrderInvoice && effect.outcome == EffectOutcome::Pending);
        if waits {
            let NewJob { cause, correlation, .. } = posting.leased.job;
            let job = context.job(JobKind::SYNC_ORDER, id, cause, correlation, Some(id));
            jobs.push(job.to(&posting.origin.system));
        }
    }
    if !jobs.is_empty() {
        context.store.jobs.enqueue(posting.scope, jobs).await?;
        context.notifier.all_work();
    }
    Ok(())
}
