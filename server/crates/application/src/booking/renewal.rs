//! When a change of a shipment may be the end of a platform's reports about its numbers: a job looks.

use super::platform_at;
use crate::context::Context;
use domain::{
    booking::{Ends, subscription},
    fold::Folded,
    ids::{CorrelationId, ShipmentId},
};
use outbound::template::Family;
use storage::jobs::{Cause, JobKind, NewJob};

/// When the platform of a connection stops by itself; none where there is no such connection, or it tracks no numbers.
pub(super) fn ends_at(context: &Context, connection: &str) -> Option<Ends> {
    platform_at(context, connection)?.registering.map(|registering| registering.ends)
}

/// The job that looks after a change of a shipment, where a platform that is connected may have stopped because of it.
pub fn after_change(
    context: &Context,
    shipment: ShipmentId,
    (before, after): (&Folded, &Folded),
    correlation: CorrelationId,
) -> Option<NewJob> {
    if !subscription::may_have_ended(before, after) {
        return None;
    }
    let connections = context.connections.now();
    let mut platforms = connections.in_use(Family::Shipping);
    let by_events = |name: &str| ends_at(context, name).is_some_and(|ends| ends.by_events());
    platforms
        .any(|one| by_events(&one.record.name))
        .then(|| context.job(JobKind::RENEW_TRACKING, shipment, Cause::Live, correlation, Some(shipment)))
}
