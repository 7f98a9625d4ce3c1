//! Numbers are registered at a platform that tracks them: each once for each connection.

use super::{platform_at, purchase::Done, renewal::ends_at};
use crate::{caller::Caller, context::Context, error::UseCaseError, odoo::OrderError};
use carriers::{
    outcome::Outcome,
    registering::{Again, Registered, RegisteredNumber, Registering, RegisteringManifest, Standing, TrackedNumber},
};
use domain::{
    access::Permission,
    booking::Subscription,
    carriers as directory,
    ids::{CorrelationId, ShipmentId},
    numbers,
};
use jiff::Timestamp;
use outbound::{CallError, CallLog, ErrorClass};
use storage::{
    Scope,
    bookings::{Registration, RegistrationRecord, Tracking},
    jobs::{Cause, JobKind, Lane, NewJob},
    shipments::ShipmentRecord,
    trackers::NumberRecord,
};

/// Who asks for a registration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Its delivery, each time that it is looked at.
    ByDelivery,
    /// A person: what was refused before is asked for anew.
    ByPerson,
}

/// A number that is to be registered.
pub(super) struct Wanted<'a> {
    pub(super) asked: Asked,
    pub(super) connection: &'a str,
    pub(super) number: &'a str,
    pub(super) carrier: Named<'a>,
    pub(super) shipment: ShipmentId,
    pub(super) reference: &'a str,
    pub(super) country: Option<&'a str>,
}

/// By whose word the carrier of a number is known.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    /// The platform's own: of a label that was booked there.
    There(Option<&'a str>),
    /// Ours: the family of the number, and what the order system calls the carrier, now and when the number came.
    Here { family: Option<&'a str>, labels: [Option<&'a str>; 2] },
}

impl<'a> Named<'a> {
    /// That of a number of a shipment whose delivery has this shipping method.
    pub(super) fn of(number: &'a NumberRecord, method: Option<&'a str>) -> Self {
        Self::Here { family: number.carrier.as_deref(), labels: [method, number.carrier_label.as_deref()] }
    }

    /// The number as its carrier writes it, by which it is registered: people type blanks and small letters.
    pub(super) fn written(self, number: &str) -> String {
        let family = match self {
            Self::There(_) => None,
            Self::Here { family, .. } => family,
        };
        numbers::normalise_of(number, family).unwrap_or_else(|_| number.trim().to_owned())
    }

    /// In the platform's word, and in our own.
    fn both(self) -> (Option<String>, Option<String>) {
        match self {
            Self::There(word) => (word.map(str::to_owned), None),
            Self::Here { family, labels } => {
                let mut brands = labels.into_iter().flatten().filter_map(|label| directory::known("odoo", label));
                let brand = brands.find(|brand| family.is_none_or(|family| family == brand.family));
                (None, brand.map(|brand| brand.code.as_str()).or(family).map(str::to_owned))
            }
        }
    }
}

/// Has a number registered, unless it is known at the connection; one that was ended is registered again, and one that was refused once
/// another carrier is named.
pub(super) async fn want(
    context: &Context,
    scope: Scope,
    wanted: &Wanted<'_>,
    correlation: CorrelationId,
) -> Result<(), OrderError> {
    let bookings = &context.store.bookings;
    let (carrier, ours) = wanted.carrier.both();
    let about = Registration {
        carrier,
        ours,
        reference: Some(wanted.reference.to_owned()),
        country: wanted.country.map(str::to_owned),
        ..Registration::default()
    };
    let mut new = RegistrationRecord {
        connection: wanted.connection.to_owned(),
        number: wanted.carrier.written(wanted.number),
        shipment: wanted.shipment,
        tracking: Tracking::Wanted,
        about,
        due_at: None,
        updated_at: context.now(),
        revision: 0,
    };
    let known = match bookings.registration(scope, wanted.connection, &new.number).await? {
        // earlier ones are kept as people wrote them
        None if new.number != wanted.number => bookings.registration(scope, wanted.connection, wanted.number).await?,
        known => known,
    };
    let Some(known) = known else {
        let job = job(context, &new, correlation);
        bookings.want(scope, new, vec![job]).await?;
        context.notifier.work(Lane::RealTime);
        return Ok(());
    };
    new.number.clone_from(&known.number);
    let manifest = platform_at(context, wanted.connection).and_then(|platform| platform.registering);
    let Some(next) = again(&known, (new, wanted.asked), manifest, context.now()) else { return Ok(()) };
    let calls = matches!(next.tracking, Tracking::Wanted | Tracking::Lapsed | Tracking::Sending)
        && next.tracking != known.tracking;
    let jobs = if calls { vec![job(context, &next, correlation)] } else { Vec::new() };
    keep(context, scope, next, jobs).await?;
    context.notifier.work(Lane::RealTime);
    Ok(())
}

/// What becomes of a known number that a delivery wants: it is that delivery's from now on, and registered anew where that is over. None
/// where nothing changes.
fn again(
    known: &RegistrationRecord,
    (new, asked): (RegistrationRecord, Asked),
    manifest: Option<&RegisteringManifest>,
    now: Timestamp,
) -> Option<RegistrationRecord> {
    let known = known.clone();
    let stops = manifest.is_some_and(|manifest| manifest.stops);
    let doubles = manifest.is_some_and(|manifest| manifest.again == Again::Doubles);
    let was_registered = known.about.registered_at.is_some();
    let moved = known.shipment != new.shipment;
    let (reference, country) = (new.about.reference.clone(), new.about.country.clone());
    let of_new = |tracking: Tracking, due_at: Option<Timestamp>| {
        let about = Registration { reference, country, ..known.about.clone() };
        RegistrationRecord { tracking, due_at, about, shipment: new.shipment, ..known.clone() }
    };
    Some(match known.tracking {
        // its end was not asked for: it is registered still
        Tracking::Unwanted if was_registered => of_new(Tracking::Registered, Some(now)),
        Tracking::Stopped if was_registered && !stops => of_new(Tracking::Registered, Some(now)),
        // it may have ended: some platforms take a stopped number for registered, so it is started again
        Tracking::Stopping | Tracking::Stopped if was_registered => {
            let mut next = of_new(Tracking::Lapsed, None);
            (next.about.restarts, next.about.ended) = (0, None);
            next
        }
        // it may be there: that is looked at before it is sent again
        Tracking::Unwanted | Tracking::Stopped if known.about.unanswered && doubles => of_new(Tracking::Sending, None),
        Tracking::Unwanted | Tracking::Stopping | Tracking::Stopped => {
            RegistrationRecord { revision: known.revision, ..new }
        }
        Tracking::Refused if asked == Asked::ByPerson => RegistrationRecord { revision: known.revision, ..new },
        Tracking::Refused if new.about.ours.is_some() && known.about.ours != new.about.ours => {
            RegistrationRecord { revision: known.revision, ..new }
        }
        tracking if moved => of_new(tracking, known.due_at),
        Tracking::Wanted | Tracking::Sending | Tracking::Registered | Tracking::Lapsed | Tracking::Refused => {
            return None;
        }
    })
}

/// A person has the numbers of a shipment registered at a platform: also those again that it refused or ended before.
///
/// # Errors
/// When the caller may not, the shipment has no number, or the store fails.
pub async fn by_hand(
    context: &Context,
    caller: &Caller,
    shipment: &ShipmentRecord,
    connection: &str,
) -> Result<(), UseCaseError> {
    caller.require(Permission::Act)?;
    let (scope, correlation) = (caller.scope(), context.correlation());
    if shipment.numbers.is_empty() {
        return Err(UseCaseError::Conflict("the shipment has no tracking number".into()));
    }
    let audit = context.audit("shipment.register", format!("shipment:{}", shipment.id));
    context.store.people.audit(scope, audit).await?;
    for number in &shipment.numbers {
        let wanted = Wanted {
            asked: Asked::ByPerson,
            connection,
            number: &number.number,
            carrier: Named::of(number, None),
            shipment: shipment.id,
            reference: shipment.origin.as_ref().map_or(number.number.as_str(), |origin| origin.name.as_str()),
            country: shipment.plan.to.as_deref(),
        };
        want(context, scope, &wanted, correlation).await.map_err(ours)?;
    }
    Ok(())
}

/// Nothing is called here: what fails is our own.
fn ours(error: OrderError) -> UseCaseError {
    match error {
        OrderError::Ours(error) => error,
        other => UseCaseError::Internal(other.to_string()),
    }
}

/// Has the tracking of a number ended.
pub(super) async fn end(
    context: &Context,
    scope: Scope,
    known: RegistrationRecord,
    correlation: CorrelationId,
) -> Result<(), OrderError> {
    if matches!(known.tracking, Tracking::Unwanted | Tracking::Stopping | Tracking::Stopped | Tracking::Refused) {
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
        Tracking::Unwanted | Tracking::Stopping => stop(context, scope, known, registers, calls).await?,
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
    let Some(number) = tracked(&known, manifest) else {
        let why = no_code(context, &known);
        return refuse(context, scope, known, why).await;
    };
    known.about.carrier.clone_from(&number.carrier);
    let has_lapsed = known.tracking == Tracking::Lapsed;
    // a second registration would double every event: that it is about to be sent is kept first
    let guarded = manifest.again == Again::Doubles;
    if guarded {
        (known.tracking, known.about.unanswered) = (Tracking::Sending, true);
        known = keep(context, scope, known, Vec::new()).await?;
    }
    let outcomes = match has_lapsed {
        true => registers.restart(&[number], calls).await,
        false => registers.register(&[number], calls).await,
    };
    let outcome = outcomes.into_iter().next();
    if matches!(outcome, Some(Outcome::Done(_) | Outcome::Pending { .. })) {
        known.about.restarts += u32::from(has_lapsed);
    }
    match outcome {
        Some(Outcome::Done(done)) => registered(context, scope, known, Some(done)).await,
        Some(Outcome::Pending { .. }) => registered(context, scope, known, None).await,
        Some(Outcome::Refused(refusal)) => {
            let refused = format!("{}. {}", refusal.error.message, refusal.code.what_to_do());
            refuse(context, scope, known, refused).await
        }
        Some(Outcome::NotSent(error) | Outcome::Unauthorised(error)) => {
            if guarded {
                let tracking = if has_lapsed { Tracking::Lapsed } else { Tracking::Wanted };
                (known.tracking, known.about.unanswered) = (tracking, false);
                keep(context, scope, known, Vec::new()).await?;
            }
            Err(error.into())
        }
        Some(Outcome::Unknown(error)) => {
            if !known.about.unanswered {
                known.about.unanswered = true;
                keep(context, scope, known, Vec::new()).await?;
            }
            Err(error.into())
        }
        None => Err(CallError::new(ErrorClass::BadAnswer, "the platform said nothing of the number").into()),
    }
}

/// A number as it is registered; none where the platform needs the carrier and has no code for it that is known.
fn tracked(known: &RegistrationRecord, manifest: &RegisteringManifest) -> Option<TrackedNumber> {
    let about = &known.about;
    let of_family = |brand: &str| manifest.code_of(&directory::known("odoo", brand)?.family);
    let code = |ours: &String| manifest.code_of(ours).or_else(|| of_family(ours)).map(str::to_owned);
    let carrier = about.carrier.clone().or_else(|| about.ours.as_ref().and_then(code));
    if manifest.needs_carrier && carrier.is_none() {
        return None;
    }
    Some(TrackedNumber {
        number: known.number.clone(),
        carrier,
        reference: about.reference.clone(),
        country: about.country.clone(),
        ..TrackedNumber::default()
    })
}

/// Why a number is not registered whose carrier the platform does not know by a code of its own, and what to do.
fn no_code(context: &Context, known: &RegistrationRecord) -> String {
    let platform = platform_at(context, &known.connection).map_or("The platform", |manifest| manifest.label);
    let finders = carriers::ALL.iter().filter_map(|one| one.api());
    let finders = finders.filter(|api| api.registering.is_some_and(|registering| !registering.needs_carrier));
    let finders = finders.map(|api| api.label).collect::<Vec<_>>().join(", ");
    let ours = known.about.ours.as_deref();
    match ours.map(|ours| directory::known("odoo", ours).map_or(ours, |of| of.name.as_str())) {
        Some(name) => format!(
            "{platform} has no code for {name} that Milepost can choose. Choose a shipping method in Odoo that names the carrier more \
             exactly (DHL Express, DHL Paket), register the number at {platform} by hand, or have the rule use a platform that finds \
             the carrier itself: {finders}."
        ),
        None => format!(
            "{platform} needs the carrier of a number, and it is not known. Choose a shipping method of the carrier in Odoo, or have the \
             rule use a platform that finds the carrier itself: {finders}."
        ),
    }
}

/// Looks whether a number is registered of which that is not known: only what the platform says of our registration counts.
async fn look(
    context: &Context,
    scope: Scope,
    known: RegistrationRecord,
    registers: &dyn Registering,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let by_hand = "Whether it is registered is not known: the platform did not answer, and does not say it afterwards. Register it \
                   again if no event of it arrives.";
    let Some(number) = tracked(&known, registers.manifest()) else {
        return refuse(context, scope, known, by_hand.to_owned()).await;
    };
    let standing = match registers.standing(&number, calls).await {
        Err(error) if error.class == ErrorClass::NotFound => Standing::Absent,
        standing => standing?,
    };
    match standing {
        Standing::Registered => registered(context, scope, known, None).await,
        Standing::Absent => {
            let mut next = RegistrationRecord { tracking: Tracking::Wanted, ..known };
            next.about.unanswered = false;
            let next = keep(context, scope, next, Vec::new()).await?;
            begin(context, scope, next, registers, calls).await
        }
        Standing::CannotTell => refuse(context, scope, known, by_hand.to_owned()).await,
    }
}

async fn stop(
    context: &Context,
    scope: Scope,
    known: RegistrationRecord,
    registers: &dyn Registering,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let mut known = known;
    let may_be_there = known.about.registered_at.is_some() || known.about.unanswered;
    if registers.manifest().stops && may_be_there {
        // kept before the call: a delivery that wants the number meanwhile then knows that it may have ended
        if known.tracking != Tracking::Stopping {
            known =
                keep(context, scope, RegistrationRecord { tracking: Tracking::Stopping, ..known }, Vec::new()).await?;
        }
        match registers.stop(&[known_by(&known)], calls).await.into_iter().next() {
            // one that the platform does not end sends on, and its messages fold into what they concern
            None | Some(Outcome::Done(()) | Outcome::Pending { .. } | Outcome::Refused(_)) => {}
            Some(Outcome::NotSent(error) | Outcome::Unknown(error) | Outcome::Unauthorised(error)) => {
                return Err(error.into());
            }
        }
        known.about.unanswered = false;
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
    let ends = ends_at(context, &known.connection).unwrap_or_default();
    let since = Subscription { since: now, received: None, exception: None, reopened: None };
    let mut next = RegistrationRecord { tracking: Tracking::Registered, due_at: ends.look_at(&since), ..known };
    next.about.registered_at = Some(now);
    (next.about.refused, next.about.unanswered) = (None, false);
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
    (next.about.refused, next.about.unanswered) = (Some(why), false);
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
