//! Takes in what Odoo changed.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::odoo::{self, IMPORT_PAGES_MAX};
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::IMPORT_ORDERS,
    label: "Import deliveries",
    calls: Calls::Orders,
    budget: ONE,
    start: Start::Connection,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    match odoo::import(context, leased.scope, &leased.job.target, leased.job.correlation, IMPORT_PAGES_MAX, calls).await
    {
        Ok(imported) => {
            if imported.created + imported.changed > 0 {
                tracing::info!(created = imported.created, changed = imported.changed, "deliveries imported from Odoo");
            }
            Finish::Done
        }
        Err(error) => retry::after_order(&error, leased.attempts, &*context.clock),
    }
}
