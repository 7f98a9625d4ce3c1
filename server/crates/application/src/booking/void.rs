//! A label that is not wanted is voided: asked for once, then looked at until the carrier has decided.

use super::{purchase::Done, report_job};
use crate::{context::Context, error::UseCaseError, odoo::OrderError};
use carriers::{
    booking::{Booking, BookingRef, VoidState},
    outcome::Outcome,
};
use domain::{
    booking::{Event, LabelRef, Phase, Todo, Void},
    ids::{BookingId, CorrelationId},
};
use outbound::{CallLog, Decision};
use storage::{Scope, bookings::BookingRecord, jobs::Lane};

/// Steps of one job at most; the next job goes on.
const STEPS_MAX: usize = 4;

/// Takes the next steps to void the label of a booking, and those of it that are surplus.
///
/// # Errors
/// When the connection is not in use, or the platform or the store fails; what was done stays done.
pub async fn void(
    context: &Context,
    scope: Scope,
    id: BookingId,
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<Done, OrderError> {
    let Some(mut booking) = context.store.bookings.booking(scope, id).await? else { return Ok(Done::Over) };
    let (platform, _) = context.platform(&booking.connection).ok_or(OrderError::NotInUse)?;
    let Some(books) = platform.booking() else { return Ok(Done::Over) };
    while let Some(surplus) = booking.purchase.surplus.last().cloned() {
        surplus_void(books, &surplus, calls).await?;
        let mut next = booking.clone();
        next.purchase.surplus.pop();
        booking = save(context, scope, next, correlation).await?;
    }
    for _ in 0..STEPS_MAX {
        let label = booking.purchase.label.as_ref().and_then(|label| label.reference.as_ref()).map(reference);
        let Some(label) = label else { return Ok(Done::Over) };
        let event = match booking.purchase.todo(context.now()) {
            Todo::Void => {
                booking = happens(context, scope, &booking, Event::Voiding, correlation).await?;
                match books.void(&label, calls).await {
                    Outcome::Done(state) => Event::VoidIs(Some(void_of(&state))),
                    Outcome::Pending { .. } => Event::VoidIs(Some(Void::Requested)),
                    Outcome::Refused(_) => Event::VoidIs(Some(Void::Rejected)),
                    // what became of it is looked at
                    Outcome::Unknown(_) => Event::VoidIs(None),
                    Outcome::NotSent(error) | Outcome::Unauthorised(error) => {
                        happens(context, scope, &booking, Event::VoidIs(Some(Void::NotRequested)), correlation).await?;
                        return Err(error.into());
                    }
                }
            }
            Todo::LookAtVoid => match books.fetch_void(&label, calls).await {
                // the platform does not say it: it counts as asked for, until the time for that is over
                Err(error) if error.class.decision() == Decision::Fail => Event::VoidIs(Some(Void::Requested)),
                state => Event::VoidIs(Some(void_of(&state?))),
            },
            Todo::Wait(at) => {
                if booking.purchase.phase == Phase::Voiding && booking.written != Some(Phase::Voiding) {
                    let job = report_job(context, &booking, correlation);
                    context.store.jobs.enqueue(scope, vec![job]).await?;
                    context.notifier.work(Lane::RealTime);
                }
                return Ok(Done::NotBefore(at));
            }
            _ => return Ok(Done::Over),
        };
        booking = happens(context, scope, &booking, event, correlation).await?;
    }
    Ok(Done::NotBefore(booking.purchase.next_at.unwrap_or(context.now())))
}

/// Voids a label that was bought beside the one that stays, unless that is asked for already.
async fn surplus_void(books: &dyn Booking, label: &LabelRef, calls: &dyn CallLog) -> Result<(), OrderError> {
    let label = reference(label);
    if books.fetch_void(&label, calls).await? != VoidState::NotRequested {
        return Ok(());
    }
    match books.void(&label, calls).await {
        Outcome::Done(_) | Outcome::Pending { .. } | Outcome::Refused(_) => Ok(()),
        Outcome::NotSent(error) | Outcome::Unknown(error) | Outcome::Unauthorised(error) => Err(error.into()),
    }
}

fn reference(label: &LabelRef) -> BookingRef {
    BookingRef { shipment: label.shipment.clone(), label: label.label.clone() }
}

const fn void_of(state: &VoidState) -> Void {
    match state {
        VoidState::NotRequested => Void::NotRequested,
        VoidState::Requested => Void::Requested,
        VoidState::Voided => Void::Voided,
        VoidState::Rejected { .. } => Void::Rejected,
        VoidState::NotApplicable => Void::NotApplicable,
        VoidState::NotAtCarrier => Void::NotAtCarrier,
    }
}

async fn happens(
    context: &Context,
    scope: Scope,
    booking: &BookingRecord,
    event: Event,
    correlation: CorrelationId,
) -> Result<BookingRecord, OrderError> {
    let after = booking.purchase.after(event, context.now());
    let purchase = after.map_err(|wrong| UseCaseError::Conflict(wrong.to_string()))?;
    save(context, scope, BookingRecord { purchase, ..booking.clone() }, correlation).await
}

/// Keeps a booking; one that came to its end is brought to its delivery.
async fn save(
    context: &Context,
    scope: Scope,
    booking: BookingRecord,
    correlation: CorrelationId,
) -> Result<BookingRecord, OrderError> {
    let is_over = matches!(booking.purchase.phase, Phase::Voided | Phase::NotVoided);
    let jobs = if is_over { vec![report_job(context, &booking, correlation)] } else { Vec::new() };
    let mut next = BookingRecord { updated_at: context.now(), ..booking };
    if !context.store.bookings.save(scope, next.clone(), jobs, None).await? {
        return Err(UseCaseError::Conflict("the booking changed meanwhile".into()).into());
    }
    next.revision += 1;
    if is_over {
        context.notifier.work(Lane::RealTime);
        context.notifier.changed();
    }
    Ok(next)
}
