//! Has numbers tracked again whose platform stopped by itself: those of a shipment that changed, or by the clock those whose time has
//! come.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::booking::renew;
use domain::ids::ShipmentId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::RENEW_TRACKING,
    label: "Start ended tracking again",
    calls: Calls::Nothing,
    budget: ONE,
    start: Start::Clock("every 900 s"),
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let (scope, correlation) = (leased.scope, leased.job.correlation);
    let done = match leased.job.target.parse::<ShipmentId>() {
        Ok(shipment) => renew::renew(context, scope, shipment, correlation).await,
        Err(_) => renew::renew_due(context, scope, correlation).await.map(drop),
    };
    match done {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
