//! A delivery and its bookings: what is to be booked or registered is planned, what is no longer wanted given up, what became of it
//! brought to Odoo. It reads both sides anew each time, and does nothing where they agree.

use super::{
    platform_job,
    register::{self, Wanted},
    report::Report,
    request::{Request, key_of},
    rules,
    work::{Delivery, newest, parcels_of},
};
use crate::{context::Context, odoo::OrderError};
use ::odoo::{PARCELS_MAX, Parcel, Readiness, ToBook};
use carriers::{
    api_template,
    booking::{BookingKey, Mode},
};
use domain::{
    booking::{Action, Choice, Event, Phase, Purchase, When, matching},
    ids::{BookingId, CorrelationId, ShipmentId},
};
use jiff::Timestamp;
use outbound::CallLog;
use storage::{
    Scope,
    bookings::{BookingOrder, BookingRecord, OrderedLabel, WantedLabel},
    jobs::{JobKind, Lane},
    shipments::ShipmentRecord,
};

/// What is booked with.
struct Order<'a> {
    /// None: a person booked it.
    rule: Option<&'a str>,
    connection: &'a str,
    choice: &'a Choice,
    format: &'a str,
    /// Of parcels that have none.
    size_mm: Option<[u32; 3]>,
    mode: Mode,
    /// When a person booked it: what was voided, refused or given up before then is booked again.
    since: Option<Timestamp>,
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
    let ordered = context.store.bookings.ordered(scope, shipment.id).await?.filter(|order| order.refused.is_none());
    match (&read, &ordered) {
        (Some(read), _) if read.readiness == Readiness::Cancelled => delivery.give_up(&shipment, &bookings).await?,
        (Some(read), Some(order)) => delivery.by_hand(read, &shipment, &bookings, order).await?,
        (Some(read), None) => delivery.plan(read, &shipment, &bookings).await?,
        (None, _) => delivery.give_up(&shipment, &bookings).await?,
    }
    if let Some(order) = ordered {
        delivery.settle(read.as_ref(), order).await?;
    }
    let bookings = context.store.bookings.of_records(scope, system, vec![record]).await?;
    if let Some(read) = read.as_ref().filter(|read| read.readiness != Readiness::Cancelled) {
        delivery.track(read, &bookings).await?;
        delivery.end_gone(&shipment, &bookings).await?;
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
        // the carrier has the parcel: its label is used, and its number tracked on
        if shipment.folded.state.has_left() {
            return Ok(());
        }
        for booking in bookings {
            let phase = booking.purchase.phase;
            let is_over = phase.has_no_label() || matches!(phase, Phase::Voiding | Phase::NotVoided);
            if booking.purchase.unwanted || is_over {
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
        let rules = rules::rules(self.context, self.scope).await?;
        let parcels = parcels_of(read, shipment, bookings);
        match matching(&rules, &parcels).map(|rule| (&rule.name, &rule.action)) {
            Some((name, Action::Book { connection, choice, format, when, size_mm })) => {
                let is_time = matches!((when, read.readiness), (_, Readiness::Done) | (When::Ready, Readiness::Ready));
                let Some(mode) = self.mode_of(name, connection).filter(|_| is_time) else { return Ok(()) };
                let size_mm = *size_mm;
                let order = Order { rule: Some(name), connection, choice, format, size_mm, mode, since: None };
                self.book(read, shipment, bookings, &order).await
            }
            Some((_, Action::Register { connection })) => self.register(read, shipment, connection).await,
            Some((_, Action::Nothing)) | None => Ok(()),
        }
    }

    /// Books what a person ordered.
    async fn by_hand(
        &self,
        read: &ToBook,
        shipment: &ShipmentRecord,
        bookings: &[BookingRecord],
        order: &BookingOrder,
    ) -> Result<(), OrderError> {
        if !read.is_delivery {
            return Ok(());
        }
        let OrderedLabel { connection, choice, format, size_mm } = &order.with;
        let connections = self.context.connections.now();
        let mode = connections.get(connection).map(|one| one.mode);
        let Some(mode) = mode.filter(|_| !parcels_of(read, shipment, bookings).has_number) else { return Ok(()) };
        let since = Some(order.ordered_at);
        let order = Order { rule: None, connection, choice, format, size_mm: *size_mm, mode, since };
        self.book(read, shipment, bookings, &order).await
    }

    /// What a person ordered is settled: it is planned, or is kept with why it was not.
    async fn settle(&self, read: Option<&ToBook>, order: BookingOrder) -> Result<(), OrderError> {
        let bookings = self.context.store.bookings.of_records(self.scope, self.system, vec![self.record]).await?;
        let planned = bookings.iter().any(|one| one.created_at >= order.ordered_at);
        let refused = match read {
            _ if planned => None,
            None => Some("Odoo does not have the delivery any more.".to_owned()),
            Some(read) if read.readiness == Readiness::Cancelled => Some("The delivery is cancelled.".to_owned()),
            Some(read) if !read.is_delivery => Some("The transfer does not go to a customer from stock.".to_owned()),
            Some(read) if read.parcels.len() > PARCELS_MAX => {
                Some(format!("It has more than {PARCELS_MAX} parcels: split the delivery in Odoo."))
            }
            Some(ToBook { number: Some(_), .. }) => {
                let what =
                    "The delivery has a tracking reference: remove it in Odoo if it is not used, then book again.";
                Some(what.to_owned())
            }
            Some(_) if self.context.connections.now().get(&order.with.connection).is_none() => {
                Some(format!("The connection {} is not there any more: choose another one.", order.with.connection))
            }
            Some(_) => Some("The delivery has no customer whose address may be used.".to_owned()),
        };
        self.context.store.bookings.settle_order(self.scope, BookingOrder { refused, ..order }).await?;
        self.context.notifier.changed();
        Ok(())
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
            let boxed = Parcel { size_mm: of.parcel.size_mm.or(order.size_mm), ..of.parcel };
            let request = Request::of(read, boxed, of.goods.clone());
            let digest = request.digest(context);
            let generation = match newest.iter().find(|one| one.wanted.parcel == parcel) {
                None => 1,
                Some(one) if one.purchase.phase == Phase::Refused && one.wanted.digest != digest => {
                    one.wanted.generation.saturating_add(1)
                }
                Some(one) if one.purchase.phase.has_no_label() && order.since.is_some_and(|at| one.created_at < at) => {
                    one.wanted.generation.saturating_add(1)
                }
                Some(_) => continue,
            };
            let wanted = WantedLabel {
                name: read.name.clone(),
                parcel,
                generation,
                rule: order.rule.map(str::to_owned),
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

    /// The numbers of the shipment are registered.
    async fn register(&self, read: &ToBook, shipment: &ShipmentRecord, connection: &str) -> Result<(), OrderError> {
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
        Ok(())
    }

    /// Numbers that the shipment goes under no longer, and that are no label's, are not tracked any more.
    async fn end_gone(&self, shipment: &ShipmentRecord, bookings: &[BookingRecord]) -> Result<(), OrderError> {
        let labels = bookings.iter().filter(|one| one.purchase.phase == Phase::Booked && !one.purchase.unwanted);
        let labels = labels.filter_map(|one| one.purchase.label.as_ref()).map(|label| label.number.as_str());
        let wanted: Vec<&str> = shipment.numbers.iter().map(|number| number.number.as_str()).chain(labels).collect();
        for known in self.context.store.bookings.registrations(self.scope, shipment.id).await? {
            if !wanted.contains(&known.number.as_str()) {
                register::end(self.context, self.scope, known, self.correlation).await?;
            }
        }
        Ok(())
    }
}
