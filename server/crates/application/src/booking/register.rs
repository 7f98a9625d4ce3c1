//! Numbers are registered at a platform that tracks them: each once for each connection.

use super::{purchase::Done, renewal::ends_at};
use crate::{context::Context, error::UseCaseError, odoo::OrderError};
use carriers::{
    outcome::Outcome,
    registering::{Again, Registered, RegisteredNumber, Registering, TrackedNumber},
};
use domain::{
    booking::Subscription,
    ids::{CorrelationId, ShipmentId},
};
use outbound::{CallError, CallLog, ErrorClass};
use storage::{
    Scope,
    bookings::{Registration, RegistrationRecord, Tracking},
    jobs::{Cause, JobKind, Lane, NewJob},
};

/// A number that is to be registered.
pub(super) struct Wanted<'a> {
    pub(super) connection: &'a str,
    pub(super) number: &'a str,
    /// The carrier, in the platform's word where that is known, else its family.
    pub(super) carrier: Option<&'a str>,
    pub(super) shipment: ShipmentId,
    pub(super) reference: &'a str,
    pub(super) country: Option<&'a str>,
}

/// Has a number registered, unless it is known at the connection; one that was ended is registered again.
pub(super) async fn want(
    context: &Context,
    scope: Scope,
    wanted: &Wanted<'_>,
    correlation: CorrelationId,
) -> Result<(), OrderError> {
    let bookings = &context.store.bookings;
    let about = Registration {
        carrier: wanted.carrier.map(str::to_owned),
        reference: Some(wanted.reference.to_owned()),
        country: wanted.country.map(str::to_owned),
        ..Registration::default()
    };
    let new = RegistrationRecord {
        connection: wanted.connection.to_owned(),
        number: wanted.number.to_owned(),
        shipment: wanted.shipment,
        tracking: Tracking::Wanted,
        about,
        due_at: None,
        updated_at: context.now(),
        revision: 0,
    };
    let job = job(context, &new, correlation);
    match bookings.registration(scope, wanted.connection, wanted.number).await? {
        None => drop(bookings.want(scope, new, vec![job]).await?),
        // its end was not asked for yet: it is registered still
        Some(known) if known.tracking == Tracking::Unwanted && known.about.registered_at.is_some() => {
            let due_at = Some(context.now());
            let next = RegistrationRecord { tracking: Tracking::Registered, due_at, ..known };
            keep(context, scope, next, Vec::new()).await?;
            return Ok(());
        }
        Some(known) if matches!(known.tracking, Tracking::Stopped | Tracking::Unwanted) => {
            let next = RegistrationRecord { revision: known.revision, ..new };
            keep(context, scope, next, vec![job]).await?;
        }
        Some(_) => return Ok(()),
    }
    context.notifier.work(Lane::RealTime);
    Ok(())
}

/// Has the tracking of a number ended.
pub(super) async fn end(
    context: &Context,
    scope: Scope,
    known: RegistrationRecord,
    correlation: CorrelationId,
) -> Result<(), OrderError> {
    if matches!(known.tracking, Tracking::Unwanted | Tracking::Stopped | Tracking::Refused) {
        return Ok(());
    }
    let next = RegistrationRecord { tracking: Tracking::Unwanted, due_at: None, ..known };
    let job = job(context, &next, correlation);
    keep(context, scope, next, vec![job]).await?;
    context.notifier.work(Lane::RealTime);
    Ok(())
}

pub(super) fn job(context: &Context, of: &RegistrationRecord, correlation: CorrelationId) -> NewJob {
    let target = format!("{}/{}", of.connection, of.number);
    context.job(JobKind::REGISTER_TRACKING, target, Cause::Live, correlation, Some(of.shipment)).to(&of.connection)
}

/// Registers a number, or ends its tracking, as is wanted now.
///
/// # Errors
/// When the connection is not in use, or the platform or the store fails; what was done stays done.
pub async fn register(
    context: &Context,
    scope: Scope,
    (connection, number): (&str, &str),
    calls: &dyn CallLog,
) -> Result<Done, OrderError> {
    let known = context.store.bookings.registration(scope, connection, number).await?;
    let Some(known) = known else { return Ok(Done::Over) };
    let (platform, _) = context.platform(connection).ok_or(OrderError::NotInUse)?;
    let Some(registers) = platform.registering() else { return Ok(Done::Over) };
    match known.tracking {
        Tracking::Wanted | Tracking::Lapsed => begin(context, scope, known, registers, calls).await?,
        Tracking::Sending => look(context, scope, known, registers, calls).await?,
        Tracking::Unwanted => stop(context, scope, known, registers, calls).await?,
        Tracking::Registered | Tracking::Stopped | Tracking::Refused => {}
    }
    Ok(Done::Over)
}

async fn begin(
    context: &Context,
    scope: Scope,
    mut known: RegistrationRecord,
    registers: &dyn Registering,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let manifest = registers.manifest();
    // a second registration would double every event: that it is about to be sent is kept first
    let guarded = manifest.again == Again::Doubles;
    if guarded {
        known = keep(context, scope, RegistrationRecord { tracking: Tracking::Sending, ..known }, Vec::new()).await?;
    }
    let number = TrackedNumber {
        number: known.number.clone(),
        carrier: known.about.carrier.clone().filter(|_| manifest.needs_carrier),
        reference: known.about.reference.clone(),
        country: known.about.country.clone(),
        ..TrackedNumber::default()
    };
    let outcomes = match known.tracking {
        Tracking::Lapsed => registers.restart(&[number], calls).await,
        _ => registers.register(&[number], calls).await,
    };
    let outcome = outcomes.into_iter().next();
    match outcome {
        Some(Outcome::Done(done)) => registered(context, scope, known, Some(done)).await,
        Some(Outcome::Pending { .. }) => registered(context, scope, known, None).await,
        Some(Outcome::Refused(refusal)) => {
            let refused = format!("{}. {}", refusal.error.message, refusal.code.what_to_do());
            refuse(context, scope, known, refused).await
        }
        Some(Outcome::NotSent(error) | Outcome::Unauthorised(error)) => {
            if guarded {
                keep(context, scope, RegistrationRecord { tracking: Tracking::Wanted, ..known }, Vec::new()).await?;
            }
            Err(error.into())
        }
        Some(Outcome::Unknown(error)) => Err(error.into()),
        None => Err(CallError::new(ErrorClass::BadAnswer, "the platform said nothing of the number").into()),
    }
}

/// Looks whether a number is registered of which that is not known.
async fn look(
    context: &Context,
    scope: Scope,
    known: RegistrationRecord,
    registers: &dyn Registering,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let by_hand = "Whether it is registered is not known. Look at the platform, and register it there by hand.";
    if !registers.manifest().fetches {
        return refuse(context, scope, known, by_hand.to_owned()).await;
    }
    match registers.fetch(&[known_by(&known)], calls).await.into_iter().next() {
        Some(Ok(_)) => registered(context, scope, known, None).await,
        Some(Err(error)) if error.class == ErrorClass::NotFound => {
            let next = RegistrationRecord { tracking: Tracking::Wanted, ..known };
            let next = keep(context, scope, next, Vec::new()).await?;
            begin(context, scope, next, registers, calls).await
        }
        Some(Err(error)) => Err(error.into()),
        None => refuse(context, scope, known, by_hand.to_owned()).await,
    }
}

async fn stop(
    context: &Context,
    scope: Scope,
    known: RegistrationRecord,
    registers: &dyn Registering,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    if registers.manifest().stops && known.about.registered_at.is_some() {
        match registers.stop(&[known_by(&known)], calls).await.into_iter().next() {
            // one that the platform does not end sends on, and its messages fold into what they concern
            None | Some(Outcome::Done(()) | Outcome::Pending { .. } | Outcome::Refused(_)) => {}
            Some(Outcome::NotSent(error) | Outcome::Unknown(error) | Outcome::Unauthorised(error)) => {
                return Err(error.into());
            }
        }
    }
    keep(context, scope, RegistrationRecord { tracking: Tracking::Stopped, ..known }, Vec::new()).await?;
    Ok(())
}

fn known_by(known: &RegistrationRecord) -> RegisteredNumber {
    let Registration { carrier, id, .. } = known.about.clone();
    RegisteredNumber { number: known.number.clone(), carrier, id }
}

async fn registered(
    context: &Context,
    scope: Scope,
    known: RegistrationRecord,
    done: Option<Registered>,
) -> Result<(), OrderError> {
    let now = context.now();
    let again = u32::from(known.tracking == Tracking::Lapsed);
    let ends = ends_at(context, &known.connection).unwrap_or_default();
    let since = Subscription { since: now, received: None, exception: None, reopened: None };
    let mut next = RegistrationRecord { tracking: Tracking::Registered, due_at: ends.look_at(&since), ..known };
    next.about.registered_at = Some(now);
    next.about.restarts += again;
    next.about.refused = None;
    if let Some(Registered { id, carrier, .. }) = done {
        next.about.id = id.or(next.about.id);
        next.about.carrier = carrier.or(next.about.carrier);
    }
    keep(context, scope, next, Vec::new()).await?;
    context.notifier.changed();
    Ok(())
}

async fn refuse(context: &Context, scope: Scope, known: RegistrationRecord, why: String) -> Result<(), OrderError> {
    let mut next = RegistrationRecord { tracking: Tracking::Refused, due_at: None, ..known };
    next.about.refused = Some(why);
    keep(context, scope, next, Vec::new()).await?;
    context.notifier.changed();
    Ok(())
}

/// Keeps a registration as its next revision, with the jobs that follow.
///
/// # Errors
/// `Conflict` where it changed since it was read: the job looks again.
pub(super) async fn keep(
    context: &Context,
    scope: Scope,
    next: RegistrationRecord,
    jobs: Vec<NewJob>,
) -> Result<RegistrationRecord, UseCaseError> {
    let mut next = RegistrationRecord { updated_at: context.now(), ..next };
    if !context.store.bookings.save_registration(scope, next.clone(), jobs).await? {
        return Err(UseCaseError::Conflict("the registration changed meanwhile".into()));
    }
    next.revision += 1;
    Ok(next)
}
