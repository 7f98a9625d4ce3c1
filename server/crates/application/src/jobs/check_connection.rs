//! Tests an order system once a day, so that a key that ends, a right that was taken away or a field that was removed is seen before
//! it stops the work.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::{caller::Caller, connections};
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::CHECK_CONNECTION,
    label: "Test the connection",
    calls: Calls::Orders,
    budget: ONE,
    start: Start::Clock("every 86400 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let name = &leased.job.target;
    let Some(odoo) = context.odoo(name) else { return Finish::Released };
    // one that does not answer now is asked again later; what its test found stays meanwhile
    if let Err(error) = odoo.health(calls).await {
        return retry::after_call(&error, leased.attempts, &*context.clock);
    }
    match connections::test(context, &Caller::trusted(leased.scope), name).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
