//! Bookings for people.

use super::{
    order::{self, Bookable},
    request::{DOCUMENT, key_of},
    work,
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{
    access::Permission,
    booking::Phase,
    ids::{BookingId, ShipmentId},
};
use storage::{
    Page,
    bookings::{BookingOrder, BookingRecord, RegistrationRecord},
};

/// The bookings and registrations of a shipment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OfShipment {
    /// Bookings, newest first.
    pub bookings: Vec<BookingRecord>,
    /// Registrations.
    pub registrations: Vec<RegistrationRecord>,
    /// What a person has booked that is not planned yet, or was not done.
    pub ordered: Option<BookingOrder>,
    /// Where a label can be booked now.
    pub bookable: Vec<Bookable>,
    /// Whether the carrier has the goods: a label is used, and not voided any more.
    pub has_left: bool,
}

/// Those of a shipment.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn of_shipment(context: &Context, caller: &Caller, shipment: ShipmentId) -> Result<OfShipment> {
    caller.require(Permission::See)?;
    let (store, scope) = (&context.store, caller.scope());
    let bookings = store.bookings.of_shipment(scope, shipment).await?;
    let record = store.shipments.shipment(scope, shipment).await?.ok_or(UseCaseError::NotFound("shipment"))?;
    let may = caller.require(Permission::Operate).is_ok();
    Ok(OfShipment {
        has_left: record.folded.state.has_left(),
        bookable: if may { order::bookable(context, &record, &bookings) } else { Vec::new() },
        bookings,
        registrations: store.bookings.registrations(scope, shipment).await?,
        ordered: store.bookings.ordered(scope, shipment).await?,
    })
}

/// A page of all bookings, newest first.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn list(
    context: &Context,
    caller: &Caller,
    phase: Option<Phase>,
    cursor: Option<String>,
) -> Result<Page<BookingRecord>> {
    caller.require(Permission::See)?;
    Ok(context.store.bookings.list(caller.scope(), phase, cursor).await?)
}

/// One.
///
/// # Errors
/// When the caller may not, or there is none.
pub async fn one(context: &Context, caller: &Caller, id: BookingId) -> Result<BookingRecord> {
    caller.require(Permission::See)?;
    context.store.bookings.booking(caller.scope(), id).await?.ok_or(UseCaseError::NotFound("booking"))
}

/// The newest bookings of the parcels of the delivery of a name or number.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn of_delivery(context: &Context, caller: &Caller, text: &str) -> Result<Vec<BookingRecord>> {
    caller.require(Permission::See)?;
    let scope = caller.scope();
    let mut found = Vec::new();
    for shipment in context.store.shipments.find(scope, text).await? {
        found.extend(work::newest(context.store.bookings.of_shipment(scope, shipment).await?));
    }
    Ok(found)
}

/// A label or paper of a booking: its name and bytes. It has names and addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// `label-1Z….pdf`.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The files of a booking; that they were read is audited.
///
/// # Errors
/// When the caller may not, there is none, or they cannot be opened.
pub async fn files(context: &Context, caller: &Caller, id: BookingId) -> Result<Vec<File>> {
    caller.require(Permission::ReadPersonal)?;
    let scope = caller.scope();
    let booking = context.store.bookings.booking(scope, id).await?.ok_or(UseCaseError::NotFound("booking"))?;
    let documents = context.store.bookings.documents(scope, id).await?;
    if documents.is_empty() {
        return Err(UseCaseError::NotFound("label"));
    }
    let key = key_of(context, scope, booking.shipment).await?.ok_or(UseCaseError::NotFound("label"))?;
    let audit = context.audit("booking.label", format!("booking:{id}"));
    context.store.people.audit(scope, audit).await?;
    let number = booking.purchase.label.map(|label| label.number).unwrap_or_default();
    let mut files = Vec::new();
    for document in documents {
        let bytes = key.open(DOCUMENT, &document.content);
        let bytes = bytes.map_err(|error| UseCaseError::Internal(format!("the label of {id}: {error}")))?;
        files.push(File { name: format!("{}-{number}.{}", document.paper, document.format), bytes });
    }
    Ok(files)
}
