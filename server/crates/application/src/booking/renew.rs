//! Numbers whose platform stopped by itself are started again while their shipment is open: after a change of the shipment, and by the
//! clock.

use super::{register, renewal::ends_at};
use crate::{context::Context, error::Result};
use domain::{
    booking::{RESTARTS_MAX, Subscription, subscription::is_open},
    ids::{CorrelationId, ShipmentId},
};
use jiff::Timestamp;
use std::collections::BTreeSet;
use storage::{
    Scope,
    bookings::{RegistrationRecord, Tracking},
    jobs::Lane,
    shipments::ShipmentRecord,
};

/// Numbers of one look by the clock; the others come with the next one.
const LOOK_NUMBERS_MAX: u32 = 500;

/// Looks at the numbers of a shipment.
///
/// # Errors
/// When the store fails; what was done stays done.
pub async fn renew(context: &Context, scope: Scope, shipment: ShipmentId, correlation: CorrelationId) -> Result<()> {
    let Some(record) = context.store.shipments.shipment(scope, shipment).await? else { return Ok(()) };
    let registrations = context.store.bookings.registrations(scope, shipment).await?;
    let registered: Vec<_> = registrations.into_iter().filter(|one| one.tracking == Tracking::Registered).collect();
    if registered.is_empty() {
        return Ok(());
    }
    let reopened = reopened_at(context, scope, shipment).await?;
    for known in registered {
        look(context, scope, known, (&record, reopened), correlation).await?;
    }
    Ok(())
}

/// Looks at the numbers whose time has come; how many.
///
/// # Errors
/// As [`renew`].
pub async fn renew_due(context: &Context, scope: Scope, correlation: CorrelationId) -> Result<usize> {
    let due = context.store.bookings.registrations_due(scope, context.now(), LOOK_NUMBERS_MAX).await?;
    let shipments: BTreeSet<ShipmentId> = due.iter().map(|one| one.shipment).collect();
    for shipment in shipments {
        renew(context, scope, shipment, correlation).await?;
    }
    Ok(due.len())
}

async fn reopened_at(context: &Context, scope: Scope, shipment: ShipmentId) -> Result<Option<Timestamp>> {
    let history = context.store.shipments.history(scope, shipment).await?;
    Ok(history.iter().filter(|change| !is_open(change.from) && is_open(change.to)).map(|change| change.at).max())
}

async fn look(
    context: &Context,
    scope: Scope,
    known: RegistrationRecord,
    (shipment, reopened): (&ShipmentRecord, Option<Timestamp>),
    correlation: CorrelationId,
) -> Result<()> {
    let now = context.now();
    let open = is_open(shipment.folded.state) && shipment.merged_into.is_none();
    let ends = ends_at(context, &known.connection).filter(|_| open).unwrap_or_default();
    let of = Subscription::of(known.about.registered_at.unwrap_or(known.updated_at), &shipment.folded, reopened);
    match ends.ended(&of, now) {
        Some(_) if known.about.restarts >= RESTARTS_MAX => {
            let mut next = RegistrationRecord { tracking: Tracking::Refused, due_at: None, ..known };
            next.about.refused =
                Some(format!("It was started again {RESTARTS_MAX} times. Look at the shipment and at the platform."));
            register::keep(context, scope, next, Vec::new()).await?;
        }
        Some(ended) => {
            let mut next = RegistrationRecord { tracking: Tracking::Lapsed, due_at: None, ..known };
            next.about.ended = Some(ended);
            let job = register::job(context, &next, correlation);
            register::keep(context, scope, next, vec![job]).await?;
            context.notifier.work(Lane::RealTime);
            context.notifier.changed();
        }
        None if known.due_at != ends.look_at(&of) => {
            let next = RegistrationRecord { due_at: ends.look_at(&of), ..known };
            register::keep(context, scope, next, Vec::new()).await?;
        }
        None => {}
    }
    Ok(())
}
