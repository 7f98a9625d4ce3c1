//! A delivery at work: what its parts have in common.

use crate::{context::Context, error::UseCaseError, odoo::OrderError};
use ::odoo::{OdooClient, ToBook};
use domain::{
    booking::{
        Event, Had, Parcels, Purchase,
        parcels::{self, Matched},
    },
    ids::CorrelationId,
};
use outbound::CallLog;
use std::collections::BTreeMap;
use storage::{
    Scope,
    bookings::{BookingRecord, WantedLabel},
    jobs::{Lane, NewJob},
    shipments::ShipmentRecord,
};

/// A delivery at work.
pub(super) struct Delivery<'a> {
    pub(super) context: &'a Context,
    pub(super) scope: Scope,
    pub(super) system: &'a str,
    pub(super) record: i64,
    pub(super) correlation: CorrelationId,
    pub(super) odoo: &'a OdooClient,
    pub(super) calls: &'a dyn CallLog,
}

/// The newest booking of each parcel, in their order.
pub(super) fn newest(bookings: Vec<BookingRecord>) -> Vec<BookingRecord> {
    let mut newest: BTreeMap<u32, BookingRecord> = BTreeMap::new();
    for booking in bookings {
        let known = newest.get(&booking.wanted.parcel);
        if known.is_none_or(|known| known.wanted.generation < booking.wanted.generation) {
            newest.insert(booking.wanted.parcel, booking);
        }
    }
    newest.into_values().collect()
}

/// Which of these newest bookings is of which parcel of a delivery.
pub(super) fn matched(newest: &[BookingRecord], read: &ToBook) -> Matched {
    let had = |one: &BookingRecord| {
        let WantedLabel { of, parcel, .. } = one.wanted;
        Had { of, place: parcel, live: !one.purchase.phase.has_no_label() }
    };
    let had: Vec<Had> = newest.iter().map(had).collect();
    parcels::matched(&had, &read.parcels.iter().map(|one| one.of).collect::<Vec<_>>())
}

/// What rules look at.
pub(super) fn parcels_of<'a>(
    read: &'a ToBook,
    shipment: &'a ShipmentRecord,
    bookings: &[BookingRecord],
) -> Parcels<'a> {
    let labels = || bookings.iter().filter_map(|one| one.purchase.label.as_ref());
    let is_ours = read
        .number
        .as_deref()
        .is_some_and(|number| number.split(',').all(|part| labels().any(|label| label.number == part.trim())));
    let weight = read.parcels.iter().fold(0_u32, |sum, one| sum.saturating_add(one.parcel.weight_g));
    Parcels {
        method: read.method.as_deref(),
        warehouse: read.warehouse.as_deref().or_else(|| shipment.origin.as_ref()?.warehouse()),
        country: read.to.country.as_deref(),
        weight_g: (weight > 0).then_some(weight),
        has_number: read.number.is_some() && !is_ours,
        ready_at: read.ready_at,
        done_at: read.done_at,
    }
}

impl Delivery<'_> {
    pub(super) fn after(&self, purchase: &Purchase, event: Event) -> Result<Purchase, UseCaseError> {
        purchase.after(event, self.context.now()).map_err(|wrong| UseCaseError::Conflict(wrong.to_string()))
    }

    /// Keeps a booking; where it changed meanwhile the job begins again.
    pub(super) async fn save(&self, booking: BookingRecord, jobs: Vec<NewJob>) -> Result<(), OrderError> {
        let wakes = !jobs.is_empty();
        let booking = BookingRecord { updated_at: self.context.now(), ..booking };
        if !self.context.store.bookings.save(self.scope, booking, jobs, None).await? {
            return Err(UseCaseError::Conflict("the booking changed meanwhile".into()).into());
        }
        if wakes {
            self.context.notifier.work(Lane::RealTime);
        }
        Ok(())
    }
}
