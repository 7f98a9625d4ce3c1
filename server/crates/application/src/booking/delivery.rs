//! A delivery and its bookings: what is to be booked or registered is planned, what is no longer wanted given up, what became of it
//! brought to Odoo. It reads both sides anew each time, and does nothing where they agree.

use super::{
    platform_job,
    register::{self, Wanted},
    report::Report,
    request::{Request, key_of},
    rules,
    work::{Delivery, newest},
};
use crate::{context::Context, odoo::OrderError};
use ::odoo::{PARCELS_MAX, Parcel, Readiness, ToBook};
use carriers::{
    api_template,
    booking::{BookingKey, Mode},
};
use domain::{
    booking::{Action, Choice, Event, Parcels, Phase, Purchase, When, matching},
    ids::{BookingId, CorrelationId, ShipmentId},
};
use outbound::CallLog;
use storage::{
    Scope,
    bookings::{BookingRecord, WantedLabel},
    jobs::{JobKind, Lane},
    shipments::ShipmentRecord,
};

/// What a rule books with.
struct Order<'a> {
    rule: &'a str,
    connection: &'a str,
    choice: &'a Choice,
    format: &'a str,
    /// Of parcels that have none.
    size_mm: Option<[u32; 3]>,
    mode: Mode,
}

/// Looks at a delivery and its bookings.
///
/// # Errors
/// When the connection is not in use, or Odoo or the store fails; what was done stays done.
pub async fn sync(
    context: &Context,
    scope: Scope,
    (system, record): (&str, i64),
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let odoo = context.odoo(system).ok_or(OrderError::NotInUse)?;
    let delivery = Delivery { context, scope, system, record, correlation, odoo: &odoo, calls };
    let bookings = context.store.bookings.of_records(scope, system, vec![record]).await?;
    let read = odoo.to_book(record, calls).await?;
    let Some(shipment) = delivery.shipment(read.as_ref(), &bookings).await? else { return Ok(()) };
    match &read {
        Some(read) if read.readiness != Readiness::Cancelled => delivery.plan(read, &shipment, &bookings).await?,
        _ => delivery.give_up(&shipment, &bookings).await?,
    }
    let bookings = context.store.bookings.of_records(scope, system, vec![record]).await?;
    if let Some(read) = &read {
        delivery.track(read, &bookings).await?;
    }
    Report::new(&delivery, read.as_ref(), &newest(bookings)).all().await
}

impl Delivery<'_> {
    /// Its shipment; none where no import has made it, or it was taken over.
    async fn shipment(
        &self,
        read: Option<&ToBook>,
        bookings: &[BookingRecord],
    ) -> Result<Option<ShipmentRecord>, OrderError> {
        let shipments = &self.context.store.shipments;
        let known: Vec<ShipmentId> = match (bookings.first(), read) {
            (Some(booking), _) => vec![booking.shipment],
            (None, Some(read)) => shipments.find(self.scope, &read.name).await?,
            (None, None) => Vec::new(),
        };
        for id in known {
            let Some(shipment) = shipments.shipment(self.scope, id).await? else { continue };
            let origin = shipment.origin.as_ref();
            if origin.is_some_and(|origin| origin.system == self.system && origin.record == self.record) {
                return Ok(Some(shipment));
            }
        }
        Ok(None)
    }

    /// The delivery is cancelled or gone: what is not on its way is given up.
    async fn give_up(&self, shipment: &ShipmentRecord, bookings: &[BookingRecord]) -> Result<(), OrderError> {
        for booking in bookings {
            let phase = booking.purchase.phase;
            let is_over = phase.has_no_label() || matches!(phase, Phase::Voiding | Phase::NotVoided);
            // the carrier has the parcel: its label is used
            if booking.purchase.unwanted || is_over || shipment.folded.state.has_left() {
                continue;
            }
            let purchase = self.after(&booking.purchase, Event::Unwanted)?;
            let void = purchase.phase == Phase::Booked;
            let job = platform_job(self.context, JobKind::VOID_BOOKING, booking, self.correlation);
            let next = BookingRecord { purchase, ..booking.clone() };
            self.save(next, if void { vec![job] } else { Vec::new() }).await?;
        }
        for known in self.context.store.bookings.registrations(self.scope, shipment.id).await? {
            register::end(self.context, self.scope, known, self.correlation).await?;
        }
        Ok(())
    }

    async fn plan(
        &self,
        read: &ToBook,
        shipment: &ShipmentRecord,
        bookings: &[BookingRecord],
    ) -> Result<(), OrderError> {
        if !read.is_delivery {
            return Ok(());
        }
        let labels = || bookings.iter().filter_map(|one| one.purchase.label.as_ref());
        let is_ours = read
            .number
            .as_deref()
            .is_some_and(|number| number.split(',').all(|part| labels().any(|label| label.number == part.trim())));
        let rules = rules::rules(self.context, self.scope).await?;
        let weight = read.parcels.iter().fold(0_u32, |sum, parcel| sum.saturating_add(parcel.weight_g));
        let parcels = Parcels {
            method: read.method.as_deref(),
            warehouse: read.warehouse.as_deref().or_else(|| shipment.origin.as_ref()?.warehouse()),
            country: read.to.country.as_deref(),
            weight_g: (weight > 0).then_some(weight),
            has_number: read.number.is_some() && !is_ours,
        };
        match matching(&rules, &parcels).map(|rule| (&rule.name, &rule.action)) {
            Some((name, Action::Book { connection, choice, format, when, size_mm })) => {
                let is_time = matches!((when, read.readiness), (_, Readiness::Done) | (When::Ready, Readiness::Ready));
                let Some(mode) = self.mode_of(name, connection).filter(|_| is_time) else { return Ok(()) };
                let order = Order { rule: name, connection, choice, format, size_mm: *size_mm, mode };
                self.book(read, shipment, bookings, &order).await
            }
            Some((_, Action::Register { connection })) => self.register(read, shipment, connection).await,
            Some((_, Action::Nothing)) | None => Ok(()),
        }
    }

    /// Whether a connection is for tests or live; none where a rule names one that is no platform's.
    fn mode_of(&self, rule: &str, connection: &str) -> Option<Mode> {
        let connections = self.context.connections.now();
        let known = connections.get(connection).filter(|one| one.family == Some(outbound::template::Family::Shipping));
        if known.is_none() {
            tracing::warn!(rule, connection, "a booking rule names no connection to a platform: nothing is booked");
        }
        known.map(|one| one.mode)
    }

    async fn book(
        &self,
        read: &ToBook,
        shipment: &ShipmentRecord,
        bookings: &[BookingRecord],
        order: &Order<'_>,
    ) -> Result<(), OrderError> {
        let context = self.context;
        if read.parcels.len() > PARCELS_MAX {
            tracing::warn!(record = self.record, "a delivery of more than {PARCELS_MAX} parcels is not booked");
            return Ok(());
        }
        let Some(key) = key_of(context, self.scope, shipment.id).await? else {
            return Ok(()); // there is no customer, or it was erased
        };
        let newest = newest(bookings.to_vec());
        for (parcel, of) in (0_u32..).zip(&read.parcels) {
            let of = Parcel { size_mm: of.size_mm.or(order.size_mm), ..*of };
            let request = Request::of(read, of);
            let digest = request.digest(context);
            let generation = match newest.iter().find(|one| one.wanted.parcel == parcel) {
                None => 1,
                Some(one) if one.purchase.phase == Phase::Refused && one.wanted.digest != digest => {
                    one.wanted.generation.saturating_add(1)
                }
                Some(_) => continue,
            };
            let wanted = WantedLabel {
                name: read.name.clone(),
                parcel,
                generation,
                rule: order.rule.to_owned(),
                choice: order.choice.clone(),
                mode: order.mode.label().to_owned(),
                format: order.format.to_owned(),
                digest,
            };
            let now = context.now();
            let booking = BookingRecord {
                id: BookingId(context.clock.id()),
                key: self.key(&wanted),
                connection: order.connection.to_owned(),
                system: self.system.to_owned(),
                record: self.record,
                shipment: shipment.id,
                wanted,
                request: Some(request.sealed(&key)),
                purchase: Purchase::default(),
                written: None,
                created_at: now,
                updated_at: now,
                revision: 0,
            };
            let job = platform_job(context, JobKind::BOOK_SHIPMENT, &booking, self.correlation);
            context.store.bookings.plan(self.scope, booking, vec![job]).await?;
        }
        context.notifier.work(Lane::RealTime);
        Ok(())
    }

    fn key(&self, wanted: &WantedLabel) -> String {
        let (url, database) = self.odoo.place();
        let company = self.scope.company.to_string();
        let (record, parcel) = (self.record.to_string(), wanted.parcel.to_string());
        let generation = wanted.generation.to_string();
        BookingKey::of(&[&company, url, database, &record, &parcel, &generation]).as_str().to_owned()
    }

    /// Labels that their platform does not track by itself are registered there.
    async fn track(&self, read: &ToBook, bookings: &[BookingRecord]) -> Result<(), OrderError> {
        let connections = self.context.connections.now();
        let booked = bookings.iter().filter(|one| one.purchase.phase == Phase::Booked && !one.purchase.unwanted);
        for booking in booked {
            let Some(label) = booking.purchase.label.as_ref().filter(|label| !label.tracked) else { continue };
            let connection = connections.get(&booking.connection);
            let manifest = connection.and_then(|one| api_template::manifest(&one.record.connector));
            if manifest.is_none_or(|manifest| manifest.registering.is_none()) {
                continue;
            }
            let rate = booking.purchase.rate.as_ref();
            let wanted = Wanted {
                connection: &booking.connection,
                number: &label.number,
                carrier: label.carrier.as_deref().or_else(|| rate.map(|rate| rate.carrier.as_str())),
                shipment: booking.shipment,
                reference: &read.name,
                country: read.to.country.as_deref(),
            };
            register::want(self.context, self.scope, &wanted, self.correlation).await?;
        }
        Ok(())
    }

    /// The numbers of the shipment are registered; those that it no longer goes under are ended.
    async fn register(&self, read: &ToBook, shipment: &ShipmentRecord, connection: &str) -> Result<(), OrderError> {
        let numbers: Vec<&str> = shipment.numbers.iter().map(|number| number.number.as_str()).collect();
        for number in &shipment.numbers {
            let wanted = Wanted {
                connection,
                number: &number.number,
                carrier: number.carrier.as_deref(),
                shipment: shipment.id,
                reference: &read.name,
                country: read.to.country.as_deref(),
            };
            register::want(self.context, self.scope, &wanted, self.correlation).await?;
        }
        if numbers.is_empty() {
            return Ok(());
        }
        for known in self.context.store.bookings.registrations(self.scope, shipment.id).await? {
            if !numbers.contains(&known.number.as_str()) {
                register::end(self.context, self.scope, known, self.correlation).await?;
            }
        }
        Ok(())
    }
}
