//! Brings a shipment to its delivery in Odoo.

use super::{CallKeeper, Finish, errors, retry, together::Written};
use crate::{
    context::Context,
    odoo::{self, OrderError},
};
use domain::ids::ShipmentId;
use storage::jobs::LeasedJob;

pub(super) async fn perform(
    context: &Context,
    leased: &LeasedJob,
    written: Option<Written>,
    calls: &CallKeeper,
) -> Finish {
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
