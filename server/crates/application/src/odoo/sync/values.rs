//! What a delivery shows of its shipment.

use crate::{context::Context, words};
use domain::{Severity, State, Visibility, event_time::EventTime, observation::Location};
use jiff::{Timestamp, tz::TimeZone};
use odoo::StatusValues;
use storage::{
    shipments::Loaded,
    work::{CaseRecord, CaseStatus, ExceptionRecord},
};

/// What the delivery shows.
pub(crate) fn values(context: &Context, loaded: &Loaded) -> StatusValues {
    let folded = &loaded.shipment.folded;
    let worst = worst(loaded);
    let last = loaded.input.facts.iter().find(|f| Some(f.id) == folded.last_event);
    let last_event = last.map(|fact| {
        let place = fact.observation.location.as_ref().map(Location::label).filter(|l| !l.is_empty());
        let place = place.map(|p| format!(", {}", words::foreign(&p))).unwrap_or_default();
        format!("{}{place}, {}", fact.reading.milestone.label(), words::event_time(&fact.observation.time))
    });
    let case = open_case(loaded);
    StatusValues {
        status: folded.state.code().to_owned(),
        last_event,
        eta: folded.eta.as_ref().and_then(honest_instant).filter(|_| !folded.state.is_terminal()),
        promised: loaded.shipment.plan.promised_by,
        delivered_at: folded
            .delivered_at
            .as_ref()
            .filter(|_| folded.state == State::Delivered)
            .and_then(honest_instant),
        exception: worst.map(|e| e.reason.label().to_owned()),
        url: Some(context.config.page_of(loaded.shipment.id)),
        case: case.and_then(|case| case.number.as_deref()).map(|number| format!("#{}", words::foreign(number))),
        case_url: case.and_then(|case| case.url.clone()),
        delivery_state: oca_delivery_state(folded.state, folded.visibility, worst).map(str::to_owned),
    }
}

/// The worst open exception, of several the newest.
pub(super) fn worst(loaded: &Loaded) -> Option<&ExceptionRecord> {
    loaded.exceptions.iter().filter(|e| e.closed.is_none()).max_by_key(|e| (e.severity, e.opened_at))
}

/// The newest open ticket.
fn open_case(loaded: &Loaded) -> Option<&CaseRecord> {
    loaded.cases.iter().rev().find(|case| case.status == CaseStatus::Open && case.number.is_some())
}

/// A Datetime field needs an instant. A local time is written as its place's zone has it, or as if it were UTC where no
/// zone is known, rather than left out: the date is right and the last event's text says "local time". A mere day is
/// written at noon UTC, which is that day nearly everywhere.
fn honest_instant(time: &EventTime) -> Option<Timestamp> {
    use domain::event_time::Precision;
    match time.precision {
        Precision::None => None,
        Precision::Date => TimeZone::UTC.to_timestamp(time.wall_clock()?.date().at(12, 0, 0, 0)).ok(),
        Precision::Minute | Precision::Second => time.sort_key(),
    }
}

/// OCA's `delivery_state`: an open major or critical exception is an incident, a feed that stopped is `no_update`.
fn oca_delivery_state(state: State, visibility: Visibility, worst: Option<&ExceptionRecord>) -> Option<&'static str> {
    let ended = matches!(state, State::Delivered | State::Cancelled);
    if !ended && worst.is_some_and(|e| e.severity >= Severity::Major) {
        return Some("incident");
    }
    if !state.is_terminal() && visibility == Visibility::Stopped {
        return Some("no_update");
    }
    state.oca_delivery_state()
}
