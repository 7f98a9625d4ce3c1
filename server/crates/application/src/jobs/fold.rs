//! Folds a shipment.

use super::{Finish, errors, retry};
use crate::context::Context;
use domain::ids::ShipmentId;
use storage::jobs::LeasedJob;

pub(super) async fn perform(context: &Context, leased: &LeasedJob) -> Finish {
    let Ok(id) = leased.job.target.parse::<ShipmentId>() else {
        return Finish::Dead { error: "the target is no shipment".into(), class: errors::INVALID.into() };
    };
    match crate::tracking::fold::fold_shipment(context, leased.scope, id, leased.job.cause, leased.job.correlation)
        .await
    {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
