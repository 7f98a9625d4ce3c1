//! What the simulated Odoos know of the simulated shipments.

use crate::{
    journey::{Fate, Shipment},
    odoo::{NewOrder, written_before},
};
use jiff::Timestamp;

/// The order in Odoo as it is at this time.
pub(crate) fn order_of(shipment: &Shipment, now: Timestamp) -> Option<NewOrder> {
    let announced = shipment.steps.first().is_some_and(|s| s.at <= now) || shipment.fate == Fate::WrongNumber;
    Some(NewOrder {
        order: shipment.order()?,
        picking: shipment.picking(),
        customer: shipment.customer.clone(),
        place: shipment.destination,
        carrier: shipment.carrier.label,
        tracking: Some(shipment.typed.clone().unwrap_or_else(|| shipment.number.clone())),
        promised: shipment.promised,
        shipped: shipment.picked_up().filter(|at| announced && *at <= now),
        written: written_before(now),
    })
}
