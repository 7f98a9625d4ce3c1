//! What the use cases of claims share.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{
    claims::NotPossible,
    ids::{CorrelationId, ShipmentId},
    place::zone,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use storage::{
    Scope,
    claims::ClaimRecord,
    jobs::{Cause, JobKind, NewJob},
    shipments::{Loaded, ShipmentRecord},
};

/// Characters of a note.
const NOTE_CHARS_MAX: usize = 4_000;

/// The day in UTC.
pub(super) fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// The zone where a shipment was seen last; UTC where that is not known.
pub(super) fn zone_there(loaded: &Loaded) -> TimeZone {
    let places = loaded.input.facts.iter().rev().filter_map(|fact| fact.observation.location.as_ref());
    let mut zones = places.filter_map(zone).filter_map(|name| TimeZone::get(name).ok());
    zones.next().unwrap_or(TimeZone::UTC)
}

/// A person's note as it is kept.
pub(super) fn checked_note(note: &str) -> Result<String> {
    let note = note.trim();
    if note.chars().count() > NOTE_CHARS_MAX {
        let message = format!("The note has at most {NOTE_CHARS_MAX} characters.");
        return Err(UseCaseError::Invalid { field: "note", message });
    }
    Ok(note.to_owned())
}

/// Why a step is not possible, for people.
pub(super) fn not_possible(why: NotPossible) -> UseCaseError {
    match why {
        NotPossible::From(..) => UseCaseError::Conflict(why.to_string()),
        NotPossible::NoAmount | NotPossible::NotPositive | NotPossible::Currency(_) => {
            UseCaseError::Invalid { field: "amount", message: why.to_string() }
        }
    }
}

/// The work that collects what other systems know of a claim.
pub(super) fn job(context: &Context, of: &ClaimRecord, system: Option<&str>) -> NewJob {
    let correlation = CorrelationId(context.clock.id());
    let job = context.job(JobKind::PREPARE_CLAIM, of.id, Cause::Live, correlation, Some(of.shipment));
    // a system that is not connected any more has nothing to say, and would hold the job up
    let system = system.filter(|system| context.odoo(system).is_some());
    NewJob { destination: system.map(str::to_owned), ..job }
}

/// A claim's shipment, or the one that took it over.
pub(super) async fn shipment_of(context: &Context, scope: Scope, id: ShipmentId) -> Result<Option<ShipmentRecord>> {
    let shipments = &context.store.shipments;
    let found = shipments.shipment(scope, id).await?;
    match found.as_ref().and_then(|shipment| shipment.merged_into) {
        Some(target) => Ok(shipments.shipment(scope, target).await?),
        None => Ok(found),
    }
}

/// The work for a claim whose shipment is not at hand.
pub(super) async fn job_of(context: &Context, scope: Scope, of: &ClaimRecord) -> Result<NewJob> {
    let origin = shipment_of(context, scope, of.shipment).await?.and_then(|shipment| shipment.origin);
    Ok(job(context, of, origin.as_ref().map(|origin| origin.system.as_str())))
}
