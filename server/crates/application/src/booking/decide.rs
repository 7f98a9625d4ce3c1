//! What a person decides about a booking; each decision is audited.

use super::{platform_job, report_job};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{
    access::Permission,
    booking::{Event, Label, Phase},
    ids::{BookingId, ShipmentId},
    numbers,
};
use storage::{
    Scope,
    bookings::BookingRecord,
    jobs::{JobKind, Lane},
};

/// What a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There is a label with this number: it is the booking's.
    Adopt(String),
    /// There is none: it is bought again.
    SendAgain,
    /// There is none, and none is wanted; one that is not sent yet is given up.
    GiveUp,
    /// The label is not wanted: void it.
    Void,
}

/// Carries a decision out.
///
/// # Errors
/// When the caller may not, there is no such booking, the decision does not fit it, or it changed meanwhile.
pub async fn decide(context: &Context, caller: &Caller, id: BookingId, decision: Decision) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let bookings = &context.store.bookings;
    let booking = bookings.booking(scope, id).await?.ok_or(UseCaseError::NotFound("booking"))?;
    if decision == Decision::Void && has_left(context, scope, booking.shipment).await? {
        let what = "the carrier has the goods already, so that the label is used: it cannot be voided";
        return Err(UseCaseError::Conflict(what.into()));
    }
    let action = match &decision {
        Decision::Adopt(_) => "booking.adopt",
        Decision::SendAgain => "booking.again",
        Decision::GiveUp => "booking.give_up",
        Decision::Void => "booking.void",
    };
    let event = match decision {
        Decision::Adopt(number) => Event::Adopted(adopted(&number, &booking)?),
        Decision::SendAgain => Event::SendAgain,
        Decision::GiveUp => Event::GivenUp,
        Decision::Void if booking.purchase.phase == Phase::Booked => Event::Unwanted,
        Decision::Void if booking.purchase.phase == Phase::Voiding => {
            return Err(UseCaseError::Conflict("its void is requested already; the platform decides".into()));
        }
        Decision::Void => return Err(UseCaseError::Conflict("there is no label to void".into())),
    };
    let now = context.now();
    let purchase = booking.purchase.after(event, now).map_err(|wrong| UseCaseError::Conflict(wrong.to_string()))?;
    let next = BookingRecord { purchase, updated_at: now, ..booking };
    let correlation = context.correlation();
    let job = match next.purchase.phase {
        Phase::Planned => platform_job(context, JobKind::BOOK_SHIPMENT, &next, correlation),
        Phase::Booked if next.purchase.unwanted => platform_job(context, JobKind::VOID_BOOKING, &next, correlation),
        _ => report_job(context, &next, correlation),
    };
    let audit = context.audit(action, format!("booking:{id}"));
    if !bookings.save(scope, next, vec![job], Some(audit)).await? {
        return Err(UseCaseError::Conflict("the booking changed meanwhile: look at it again".into()));
    }
    context.notifier.work(Lane::RealTime);
    context.notifier.changed();
    Ok(())
}

async fn has_left(context: &Context, scope: Scope, shipment: ShipmentId) -> Result<bool> {
    let record = context.store.shipments.shipment(scope, shipment).await?;
    Ok(record.is_some_and(|record| record.folded.state.has_left()))
}

fn adopted(number: &str, booking: &BookingRecord) -> Result<Label> {
    let number = number.trim();
    numbers::normalise(number)
        .map_err(|error| UseCaseError::Invalid { field: "number", message: error.to_string() })?;
    let rate = booking.purchase.rate.as_ref();
    Ok(Label {
        reference: None,
        number: number.to_owned(),
        carrier: rate.map(|rate| rate.carrier.clone()),
        service: rate.map(|rate| rate.service.clone()),
        charged: None,
        tracked: false,
    })
}
