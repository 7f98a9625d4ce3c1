//! Brings a shipment to its delivery in Odoo, and what its shipments come to to a sales order.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    leave_to, retry,
    together::TOGETHER,
};
use crate::odoo::{self, OrderOutcome};
use domain::ids::ShipmentId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::SYNC_ORDER,
    label: "Update delivery in Odoo",
    calls: Calls::Orders,
    // more than call at once, so that equal values are found and written together
    budget: Budget::Concurrency(TOGETHER),
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

pub(super) const SALES_ORDER: Kind = Kind {
    name: JobKind::SYNC_SALES_ORDER,
    label: "Update sales order in Odoo",
    calls: Calls::Orders,
    budget: Budget::Concurrency(TOGETHER),
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, written, calls } = job;
    if leased.job.kind == JobKind::SYNC_ORDER && leased.job.target.parse::<ShipmentId>().is_err() {
        return Finish::Dead { error: "the target is no shipment".into(), class: errors::INVALID.into() };
    }
    let synced = match written {
        Some(written) => written.update.finish(context, leased.scope, written.result, calls).await,
        None => odoo::sync(context, leased, calls).await,
    };
    match synced {
        Ok(OrderOutcome::Agreed) => Finish::Done,
        Ok(OrderOutcome::NotBefore(at)) => Finish::Later(at),
        Ok(OrderOutcome::Elsewhere(system)) => leave_to(context, leased, &system).await,
        Err(error) => retry::after_order(&error, leased.attempts, &*context.clock),
    }
}
