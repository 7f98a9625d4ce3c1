//! What is to be expected of one shipment.

use super::{
    course::Way,
    model::{in_force, outlook},
};
use crate::{
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{
    ExceptionReason,
    calendar::CompanyCalendar,
    exceptions::usual::Usual,
    fold::{self, Fact, Folded},
};
use jiff::{Timestamp, civil::DateTime};
use kpi::learned::{
    count::Topic,
    course::{Course, Stay},
    late::{Flag, Reason},
    outlook::{Estimate, Outlook},
    usual,
};
use storage::{Scope, shipments::Loaded};

/// Hours of a working day of the table of usual times.
const DAY_HOURS: f64 = 24.0;

/// What a shipment is watched by, as far as it is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// What is usual.
    pub usual: Option<Usual>,
    /// From when on it is expected late if nothing new is reported.
    pub late_from: Option<Timestamp>,
}

/// Our own words about a shipment that is under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Ours {
    /// When it arrives.
    pub estimate: Estimate,
    /// Why it is expected late; none where it is not.
    pub late: Option<String>,
}

/// What the table says of a shipment, refined by what was learned of its like.
///
/// # Errors
/// When the store fails.
pub async fn refined(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    company: &CompanyCalendar,
    table: Option<Usual>,
) -> Result<Expectation> {
    let plain = Expectation { usual: table, late_from: None };
    if loaded.shipment.folded.state.is_terminal() {
        return Ok(plain);
    }
    match learned(context, scope, loaded, company, plain).await {
        // a fold needs nothing of what is learned
        Err(UseCaseError::Internal(why)) => {
            tracing::warn!("shipment {}: the table counts, what is learned cannot be read: {why}", loaded.shipment.id);
            Ok(plain)
        }
        other => other,
    }
}

async fn learned(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    company: &CompanyCalendar,
    plain: Expectation,
) -> Result<Expectation> {
    let Some(model) = in_force(context, scope).await? else { return Ok(plain) };
    let Some(way) = Way::of(loaded, company) else { return Ok(plain) };
    let folded = fold::fold(&loaded.input, context.now());
    if folded.state.is_terminal() || !folded.state.has_left() {
        return Ok(plain);
    }
    let outlook = outlook(context, scope, &model, &way.cells()).await?;
    let is_flagged = |reason| loaded.exceptions.iter().any(|of| of.reason == reason && of.closed.is_none());
    let flag = if is_flagged(ExceptionReason::PredictedLate) { Flag::Up } else { Flag::Down };
    Ok(way.read(loaded, &folded, company, |course| Expectation {
        usual: plain.usual.map(|table| usual_of(&outlook, course, table)),
        late_from: outlook.late_from(course, flag),
    }))
}

fn usual_of(outlook: &Outlook, course: &Course<'_>, table: Usual) -> Usual {
    let stage = course.receipts.last().map(|receipt| receipt.stage);
    let gap = stage.map(|stage| outlook.silence(stage, f64::from(table.gap) * DAY_HOURS));
    usual::usual(table, outlook.known(Topic::Transit).as_ref(), gap.as_ref())
}

/// What we say of a shipment that is under way; none where too little is known of its like.
///
/// # Errors
/// When the store fails.
pub async fn ours(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    folded: &Folded,
    company: &CompanyCalendar,
) -> Result<Option<Ours>> {
    let Some(model) = in_force(context, scope).await? else { return Ok(None) };
    let Some(way) = Way::of(loaded, company) else { return Ok(None) };
    if folded.state.is_terminal() || !folded.state.has_left() {
        return Ok(None);
    }
    let outlook = outlook(context, scope, &model, &way.cells()).await?;
    let now = context.now();
    Ok(way.read(loaded, folded, company, |course| {
        let estimate = outlook.estimate(course, now)?;
        let promise = course.promise?.end;
        let late = outlook.theta.filter(|_| now < promise).and_then(|theta| {
            let expected = outlook.expected_late(course, now).filter(|expected| expected.p_late >= theta)?;
            let (place, since) = stood(loaded, course, &expected.stay);
            let today = course.way.destination.day_of(now);
            let (stage, depth, p_late) = (expected.stay.stage, expected.depth, expected.p_late);
            Some(Reason { stage, place: place.as_deref(), since, today, depth, p_late }.words())
        });
        Some(Ours { estimate, late })
    }))
}

/// Where a stay began, and since when by the clocks there. A place that came as free text may name people.
fn stood(loaded: &Loaded, course: &Course<'_>, stay: &Stay) -> (Option<String>, DateTime) {
    let began =
        |fact: &&Fact| fact.observation.time.sort_key() == Some(stay.from) && fact.reading.milestone.is_physical();
    let fact = loaded.input.facts.iter().find(began);
    let place = fact.and_then(|fact| fact.observation.location.as_ref()).filter(|place| place.is_in_parts());
    let place = place.map(|place| place.label()).filter(|label| !label.is_empty());
    let calendar = course.way.destination;
    let there = fact.and_then(|fact| fact.observation.time.wall_clock());
    (place, there.unwrap_or_else(|| calendar.day_of(stay.from).to_datetime(calendar.time_of(stay.from))))
}
