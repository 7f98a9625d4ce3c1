//! Folds a shipment.

use super::{Finish, errors, retry};
use crate::{tower::Tower, usecases};
use domain::ids::ShipmentId;
use storage::jobs::LeasedJob;

pub(super) async fn perform(tower: &Tower, leased: &LeasedJob) -> Finish {
    let Ok(id) = leased.job.target.parse::<ShipmentId>() else {
        return Finish::Dead { error: "the target is no shipment".into(), class: errors::INVALID.into() };
    };
    match usecases::fold::fold_shipment(tower, leased.scope, id, leased.job.cause, leased.job.correlation).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*tower.clock),
    }
}
