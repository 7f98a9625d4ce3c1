//! Takes in what Odoo changed.

use super::{CallKeeper, Finish, retry};
use crate::{
    context::Context,
    odoo::{self, IMPORT_PAGES_MAX, OrderError},
};
use storage::jobs::LeasedJob;

pub(super) async fn perform(context: &Context, leased: &LeasedJob, calls: &CallKeeper) -> Finish {
    match odoo::import(context, leased.scope, leased.job.correlation, IMPORT_PAGES_MAX, calls).await {
        Ok(imported) => {
            if imported.created + imported.changed > 0 {
                tracing::info!(created = imported.created, changed = imported.changed, "deliveries imported from Odoo");
            }
            Finish::Done
        }
        Err(OrderError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(OrderError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
