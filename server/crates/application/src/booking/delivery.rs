//! A delivery and its bookings: what is to be booked or registered is planned, what is no longer wanted given up, what became of it
//! brought to Odoo. It reads both sides anew each time, and does nothing where they agree.

use super::{
    platform_at, platform_job,
    register::{self, Asked, Named, Wanted},
    report::Report,
    request::{Request, key_of},
    rules, typed_over,
    work::{Delivery, matched, newest, parcels_of},
};
use crate::{context::Context, odoo::OrderError};
use ::odoo::{PARCELS_MAX, Parcel, Readiness, ToBook};
use carriers::booking::{BookingKey, Mode};
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
    let bookings = delivery.still_there(read.as_ref(), &shipment, bookings).await?;
    match (&read, &ordered) {
        (Some(read), _) if read.readiness == Readiness::Cancelled => delivery.give_up(&shipment, &bookings).await?,
        (Some(read), Some(order)) => {
            let refused = delivery.by_hand(read, &shipment, &bookings, order).await?;
            delivery.settle(order.clone(), refused).await?;
        }
        (Some(read), None) => delivery.plan(read, &shipment, &bookings).await?,
        (None, _) => delivery.give_up(&shipment, &bookings).await?,
    }
    let is_cancelled = read.as_ref().is_none_or(|read| read.readiness == Readiness::Cancelled);
    if let Some(order) = ordered.filter(|_| is_cancelled) {
        let why =
            if read.is_some() { "The delivery is cancelled." } else { "Odoo does not have the delivery any more." };
        delivery.settle(order, Some(why.to_owned())).await?;
    }
    let bookings = context.store.bookings.of_records(scope, system, vec![record]).await?;
    if let Some(read) = read.as_ref().filter(|read| read.readiness != Readiness::Cancelled) {
        delivery.track(read, &bookings).await?;
        delivery.end_gone(&shipment, &bookings).await?;
    }
    let mut ever = bookings.clone();
    ever.sort_by_key(|one| one.wanted.generation);
    Report::new(&delivery, read.as_ref(), &newest(bookings), &ever).all().await?;
    match &read {
        Some(read) => typed_over::settle(&delivery, read).await,
        None => Ok(()),
    }
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
            self.unwanted(booking).await?;
        }
        for known in self.context.store.bookings.registrations(self.scope, shipment.id).await? {
            register::end(self.context, self.scope, known, self.correlation).await?;
        }
        Ok(())
    }

    /// A booking is not wanted any more: what is not bought, or was refused, is given up, and a label is voided.
    async fn unwanted(&self, booking: &BookingRecord) -> Result<(), OrderError> {
        if booking.purchase.unwanted {
            return Ok(());
        }
        let purchase = self.after(&booking.purchase, Event::Unwanted)?;
        let void = purchase.phase == Phase::Booked;
        let job = platform_job(self.context, JobKind::VOID_BOOKING, booking, self.correlation);
        let next = BookingRecord { purchase, ..booking.clone() };
        self.save(next, if void { vec![job] } else { Vec::new() }).await
    }

    /// The bookings, after labels of packages that are no longer in the delivery were given up. What is not reserved has no packages to
    /// speak of, and what left the house is on its way.
    async fn still_there(
        &self,
        read: Option<&ToBook>,
        shipment: &ShipmentRecord,
        bookings: Vec<BookingRecord>,
    ) -> Result<Vec<BookingRecord>, OrderError> {
        let packed =
            read.filter(|read| read.is_delivery && matches!(read.readiness, Readiness::Ready | Readiness::Done));
        let Some(read) = packed.filter(|_| !shipment.folded.state.has_left()) else { return Ok(bookings) };
        let newest = newest(bookings.clone());
        let gone = matched(&newest, read).gone;
        for booking in &gone {
            self.unwanted(&newest[*booking]).await?;
        }
        match gone.is_empty() {
            true => Ok(bookings),
            false => Ok(self.context.store.bookings.of_records(self.scope, self.system, vec![self.record]).await?),
        }
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
                self.book(read, shipment, bookings, &order).await.map(drop)
            }
            Some((_, Action::Register { connection })) => self.register(read, shipment, connection).await,
            Some((_, Action::Nothing)) | None => Ok(()),
        }
    }

    /// Books what a person ordered; why it was not done, where it was not.
    async fn by_hand(
        &self,
        read: &ToBook,
        shipment: &ShipmentRecord,
        bookings: &[BookingRecord],
        order: &BookingOrder,
    ) -> Result<Option<String>, OrderError> {
        let OrderedLabel { connection, choice, format, size_mm } = &order.with;
        let connections = self.context.connections.now();
        let Some(mode) = connections.get(connection).map(|one| one.mode) else {
            return Ok(Some(format!("The connection {connection} is not there any more: choose another one.")));
        };
        let confirmed = order.mode.as_deref();
        let why = match () {
            () if !read.is_delivery => "The transfer does not go to a customer from stock.".to_owned(),
            () if parcels_of(read, shipment, bookings).has_number => {
                "The delivery has a tracking reference: remove it in Odoo if it is not used, then book again."
                    .to_owned()
            }
            // what was ordered is what the person took the labels for
            () if confirmed.is_some_and(|confirmed| confirmed != mode.label()) => {
                format!(
                    "{connection} makes {} labels now, which was not so when it was ordered: book again.",
                    mode.label()
                )
            }
            () => {
                let since = Some(order.ordered_at);
                let order = Order { rule: None, connection, choice, format, size_mm: *size_mm, mode, since };
                return self.book(read, shipment, bookings, &order).await;
            }
        };
        Ok(Some(why))
    }

    /// What a person ordered is settled: it is planned, or is kept with why it was not.
    async fn settle(&self, order: BookingOrder, refused: Option<String>) -> Result<(), OrderError> {
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

    /// Plans a booking for each parcel that has none; why not, where it cannot.
    async fn book(
        &self,
        read: &ToBook,
        shipment: &ShipmentRecord,
        bookings: &[BookingRecord],
        order: &Order<'_>,
    ) -> Result<Option<String>, OrderError> {
        let context = self.context;
        if read.parcels.len() > PARCELS_MAX {
            tracing::warn!(record = self.record, "a delivery of more than {PARCELS_MAX} parcels is not booked");
            return Ok(Some(format!("It has more than {PARCELS_MAX} parcels: split the delivery in Odoo.")));
        }
        let Some(key) = key_of(context, self.scope, shipment.id).await? else {
            return Ok(Some("The delivery has no customer whose address may be used.".to_owned()));
        };
        let newest = newest(bookings.to_vec());
        let mut free = newest.iter().map(|one| one.wanted.parcel.saturating_add(1)).max().unwrap_or_default();
        for (of, known) in read.parcels.iter().zip(matched(&newest, read).of_parcels) {
            let known = known.map(|n| &newest[n]);
            let boxed = Parcel { size_mm: of.parcel.size_mm.or(order.size_mm), ..of.parcel };
            let request = Request::of(read, boxed, of.goods.clone());
            let digest = request.digest(context);
            let generation = match known {
                None => 1,
                Some(one) if one.purchase.phase == Phase::Refused && one.wanted.digest != digest => {
                    one.wanted.generation.saturating_add(1)
                }
                Some(one) if one.purchase.phase.has_no_label() && order.since.is_some_and(|at| one.created_at < at) => {
                    one.wanted.generation.saturating_add(1)
                }
                Some(_) => continue,
            };
            let parcel = known.map_or(free, |known| known.wanted.parcel);
            free = free.max(parcel.saturating_add(1));
            let wanted = WantedLabel {
                name: read.name.clone(),
                parcel,
                of: of.of,
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
        Ok(None)
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
        let booked = bookings.iter().filter(|one| one.purchase.phase == Phase::Booked && !one.purchase.unwanted);
        for booking in booked {
            let Some(label) = booking.purchase.label.as_ref().filter(|label| !label.tracked) else { continue };
            let Some(manifest) = platform_at(self.context, &booking.connection) else { continue };
            let tracks = manifest.booking.is_some_and(|booking| booking.tracks_labels);
            if tracks || manifest.registering.is_none() {
                continue;
            }
            let rate = booking.purchase.rate.as_ref();
            let word = label.carrier.as_deref().or_else(|| rate.map(|rate| rate.carrier.as_str()));
            let wanted = Wanted {
                asked: Asked::ByDelivery,
                connection: &booking.connection,
                number: &label.number,
                carrier: Named::There(word),
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
                asked: Asked::ByDelivery,
                connection,
                number: &number.number,
                carrier: Named::of(number, read.method.as_deref()),
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
        let labels = labels.filter_map(|one| one.purchase.label.as_ref());
        let labels = labels.map(|label| (label.number.as_str(), Named::There(None)));
        let own = shipment.numbers.iter().map(|number| (number.number.as_str(), Named::of(number, None)));
        // earlier ones are kept as people wrote them
        let both = |(number, named): (&str, Named<'_>)| [named.written(number), number.to_owned()];
        let wanted: Vec<String> = own.chain(labels).flat_map(both).collect();
        for known in self.context.store.bookings.registrations(self.scope, shipment.id).await? {
            if !wanted.contains(&known.number) {
                register::end(self.context, self.scope, known, self.correlation).await?;
            }
        }
        Ok(())
    }
}
