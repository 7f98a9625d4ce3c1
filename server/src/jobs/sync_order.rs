//! Brings a shipment to its delivery in Odoo.

use super::{CallKeeper, errors, retry};
use crate::{
    tower::Tower,
    usecases::orders::{self, OrderError},
};
use domain::ids::ShipmentId;
use storage::jobs::{Finish, LeasedJob};

pub(super) async fn perform(tower: &Tower, leased: &LeasedJob, calls: &CallKeeper) -> Finish {
    let Ok(id) = leased.job.target.parse::<ShipmentId>() else {
        return Finish::Dead { error: "the target is no shipment".into(), class: errors::INVALID.into() };
    };
    match orders::sync(tower, leased.scope, id, leased.attempts, calls).await {
        Ok(()) => Finish::Done,
        Err(OrderError::Call(error)) => retry::after_call(&error, leased.attempts, &*tower.clock),
        Err(OrderError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*tower.clock),
    }
}
