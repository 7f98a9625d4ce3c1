//! A person books a label for a delivery beside the rules. What was ordered is kept, and done by the delivery's own job, which reads Odoo
//! first; why it was not done stays with the shipment.

use super::{delivery_job, rules, work::newest};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use carriers::{
    api_template,
    booking::{LabelFormat, Mode},
};
use domain::{access::Permission, ids::ShipmentId};
use outbound::template::Family;
use storage::{
    bookings::{BookingOrder, BookingRecord, OrderedLabel},
    jobs::Lane,
    orders::OriginStanding,
    shipments::ShipmentRecord,
};

/// A platform at which a label can be booked now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookable {
    /// The name of the connection.
    pub connection: String,
    /// Whether its labels are for tests or paid.
    pub mode: Mode,
    /// The forms of its labels, the usual one first.
    pub formats: &'static [LabelFormat],
    /// Whether every parcel needs its dimensions there.
    pub needs_dimensions: bool,
}

/// Where a label can be booked for a shipment; nowhere where none is wanted: it is of no delivery to a customer, has left, or has its
/// labels.
pub(super) fn bookable(context: &Context, shipment: &ShipmentRecord, bookings: &[BookingRecord]) -> Vec<Bookable> {
    if check(shipment, bookings).is_err() {
        return Vec::new();
    }
    let connections = context.connections.now();
    let at = |name: &str, mode: Mode| {
        let manifest = api_template::manifest(&connections.get(name)?.record.connector)?.booking?;
        let (formats, needs_dimensions) = (manifest.formats, manifest.needs_dimensions);
        Some(Bookable { connection: name.to_owned(), mode, formats, needs_dimensions })
    };
    connections.in_use(Family::Shipping).filter_map(|one| at(&one.record.name, one.mode)).collect()
}

fn check(shipment: &ShipmentRecord, bookings: &[BookingRecord]) -> Result<()> {
    let conflict = |what: &str| Err(UseCaseError::Conflict(what.to_owned()));
    let Some(origin) = &shipment.origin else { return conflict("the shipment is of no delivery in Odoo") };
    let newest = newest(bookings.to_vec());
    let labels = || bookings.iter().filter_map(|one| one.purchase.label.as_ref());
    let is_ours = |number: &str| labels().any(|label| label.number == number);
    match () {
        () if !origin.transfer.direction.is_outbound() => conflict("the transfer does not go to a customer"),
        () if shipment.standing == OriginStanding::Cancelled => conflict("the delivery is cancelled in Odoo"),
        () if shipment.folded.state.has_left() => conflict("the carrier has the goods already"),
        () if shipment.merged_into.is_some() => conflict("the shipment was merged into another one"),
        () if shipment.numbers.iter().any(|number| !is_ours(&number.number)) => {
            conflict("it has a tracking number: where that is not used, remove it in Odoo first")
        }
        () if !newest.is_empty() && newest.iter().all(|one| !one.purchase.phase.has_no_label()) => {
            conflict("it has its label, or one is being booked: void that one first")
        }
        () => Ok(()),
    }
}

/// Books a label for each parcel of a shipment's delivery that has none. `confirmed` is what the person took the labels for: live ones
/// are paid.
///
/// # Errors
/// When the caller may not; `NotFound` where there is no such shipment; `Conflict` where it needs no label; `Invalid` where the
/// connection books none, or makes live labels and that was not confirmed.
pub async fn book(
    context: &Context,
    caller: &Caller,
    shipment: ShipmentId,
    with: OrderedLabel,
    confirmed: Mode,
) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let found = context.store.shipments.shipment(scope, shipment).await?.ok_or(UseCaseError::NotFound("shipment"))?;
    let bookings = context.store.bookings.of_shipment(scope, shipment).await?;
    check(&found, &bookings)?;
    let Some(origin) = &found.origin else { return Err(UseCaseError::NotFound("delivery")) };
    rules::check_label(context, &with).map_err(|message| UseCaseError::Invalid { field: "connection", message })?;
    let mode = context.connections.now().get(&with.connection).map(|one| one.mode);
    if mode == Some(Mode::Live) && confirmed != Mode::Live {
        let message = format!("{} makes live labels, which are paid: confirm that.", with.connection);
        return Err(UseCaseError::Invalid { field: "confirmed", message });
    }
    let job = delivery_job(context, (&origin.system, origin.record), Some(shipment), context.correlation());
    let audit = context.audit("booking.book", format!("shipment:{shipment}"));
    let mode = mode.map(|mode| mode.label().to_owned());
    let order = BookingOrder { shipment, with, mode, refused: None, ordered_at: context.now() };
    context.store.bookings.order(scope, order, vec![job], audit).await?;
    context.notifier.work(Lane::RealTime);
    context.notifier.changed();
    Ok(())
}
