//! Brings a shipment to its delivery in Odoo.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
    together::TOGETHER,
};
use crate::odoo::{self, OrderError};
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

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, written, calls } = job;
    let Ok(id) = leased.job.target.parse::<ShipmentId>() else {
        return Finish::Dead { error: "the target is no shipment".into(), class: errors::INVALID.into() };
    };
    let synced = match written {
        Some(written) => written.update.finish(context, leased.scope, written.result, calls).await,
        None => odoo::sync(context, leased.scope, id, leased.attempts, calls).await,
    };
    match synced {
        Ok(None) => Finish::Done,
        Ok(Some(at)) => Finish::Later(at),
        Err(OrderError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(OrderError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
