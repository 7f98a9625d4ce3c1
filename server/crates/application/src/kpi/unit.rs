//! What a shipment adds to figures, from all that is known of it.

use crate::{config::Mode, context::Context};
use domain::{
    calendar::CompanyCalendar,
    commit::ExceptionChange,
    event_time::EventTime,
    fold::{Folded, FoldedException, Resolution},
    ids::{ExceptionId, ObservationId},
    observation::Location,
    place::{country, zone},
};
use jiff::{Timestamp, tz::TimeZone};
use kpi::contribution::{
    cases::Case,
    of_shipment,
    row::{Contributed, Dims},
    shipment::{Closed, Shipment, Trouble},
};
use storage::{
    exceptions::ExceptionRecord,
    orders::Origin,
    shipments::{Loaded, ShipmentRecord},
    work::CaseRecord,
};

/// What a shipment adds in this installation: what is simulated counts only in a demo, whose every page says so.
pub fn of(
    context: &Context,
    loaded: &Loaded,
    folded: &Folded,
    changes: &[ExceptionChange],
    company: &CompanyCalendar,
    at: Timestamp,
) -> Contributed {
    if loaded.shipment.sandbox && context.config.mode != Mode::Demo {
        return Contributed::default();
    }
    contributed(loaded, folded, changes, company, at)
}

/// What a shipment adds with a fold that changes these exceptions at a time.
pub fn contributed(
    loaded: &Loaded,
    folded: &Folded,
    changes: &[ExceptionChange],
    company: &CompanyCalendar,
    at: Timestamp,
) -> Contributed {
    let shipment = &loaded.shipment;
    if shipment.origin.is_none() {
        return Contributed::default();
    }
    let company_zone = TimeZone::get(&company.zone).unwrap_or(TimeZone::UTC);
    let place = place_of(shipment);
    let zone = zone(&place).and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| company_zone.clone());
    let to = place.country.as_deref().and_then(country);
    let (origin, destination) = (company.own(), company.of_place(to, zone.clone()));
    let troubles = troubles(loaded, changes, at);
    let cases: Vec<Case> = loaded.cases.iter().map(case).collect();
    let inbound = shipment.origin.as_ref().is_some_and(|origin| {
        !matches!(origin.transfer.direction, domain::Direction::Outbound | domain::Direction::Dropship)
    });
    let of = Shipment {
        linked: true,
        test: false,
        inbound,
        company_zone: &company_zone,
        zone: &zone,
        origin: &origin,
        destination: &destination,
        plan: &loaded.input.plan,
        facts: &loaded.input.facts,
        folded,
        troubles: &troubles,
        cases: &cases,
    };
    of_shipment(of, dims(shipment, to))
}

/// By what it is narrowed. Of several carriers the first number's.
fn dims(shipment: &ShipmentRecord, to: Option<&str>) -> Dims {
    let origin = shipment.origin.as_ref();
    Dims {
        company: origin.and_then(|origin| origin.company.clone()),
        warehouse: origin.and_then(Origin::warehouse).map(str::to_owned),
        carrier: shipment.numbers.first().and_then(|number| number.carrier.clone()),
        country: to.map(str::to_owned),
        segments: origin.map(|origin| origin.segments.clone()).unwrap_or_default(),
    }
}

/// The place of delivery, as lists have it: city and country.
pub(crate) fn place_of(shipment: &ShipmentRecord) -> Location {
    let parts = shipment.destination.as_deref().and_then(|place| place.rsplit_once(", "));
    let (city, land) = parts.unzip();
    let land = land.or(shipment.destination.as_deref()).filter(|word| country(word).is_some());
    Location {
        city: city.map(str::to_owned),
        country: land.or(shipment.plan.to.as_deref()).map(str::to_owned),
        ..Location::default()
    }
}

/// Its exceptions as they are after the changes.
fn troubles(loaded: &Loaded, changes: &[ExceptionChange], at: Timestamp) -> Vec<Trouble> {
    let ticket = |id: ExceptionId| loaded.cases.iter().any(|case| case.exception == id);
    let mut troubles: Vec<Trouble> = Vec::with_capacity(loaded.exceptions.len());
    for record in &loaded.exceptions {
        let mut trouble = known(loaded, record, ticket(record.id));
        for change in changes {
            match change {
                ExceptionChange::Close { id, at: end, resolution } if *id == record.id => {
                    let end = end.as_ref().and_then(EventTime::sort_key).unwrap_or(at);
                    trouble.closed = Some(closed(loaded, (end, at), *resolution, &record.evidence));
                }
                ExceptionChange::Keep { id, exception } if *id == record.id => {
                    trouble.severity = exception.severity;
                    trouble.opened = began(exception);
                    trouble.closed = trouble.closed.filter(|_| exception.closed.is_some());
                }
                _ => {}
            }
        }
        troubles.push(trouble);
    }
    for change in changes {
        if let ExceptionChange::Open { id, exception } = change {
            let end = exception.closed.as_ref();
            troubles.push(Trouble {
                reason: exception.reason,
                severity: exception.severity,
                opened: began(exception),
                recorded: at,
                closed: end
                    .map(|(end, how)| closed(loaded, (end.sort_key().unwrap_or(at), at), *how, &exception.evidence)),
                ticket: ticket(*id),
            });
        }
    }
    troubles
}

fn began(exception: &FoldedException) -> Timestamp {
    exception.opened.sort_key().unwrap_or(exception.opened_recorded)
}

fn known(loaded: &Loaded, record: &ExceptionRecord, ticket: bool) -> Trouble {
    let end = |(end, how): (Timestamp, Resolution)| {
        closed(loaded, (end, record.closed_recorded_at.unwrap_or(end)), how, &record.evidence)
    };
    Trouble {
        reason: record.reason,
        severity: record.severity,
        opened: record.opened_at,
        recorded: record.recorded_at,
        closed: record.closed.map(end),
        ticket,
    }
}

/// What the clock alone opened is not taken back when its condition is over: its evidence is no fact.
fn closed(
    loaded: &Loaded,
    (at, recorded): (Timestamp, Timestamp),
    how: Resolution,
    evidence: &[ObservationId],
) -> Closed {
    let reported = || loaded.input.facts.iter().any(|fact| evidence.contains(&fact.id));
    let taken_back = how == Resolution::Cleared && reported();
    Closed { at, recorded, taken_back, by_person: how == Resolution::Person }
}

/// When an agent first acted is not kept of tickets, when the last one did is.
fn case(record: &CaseRecord) -> Case {
    Case { decided: record.opened_at, solved: record.resolved_at, ..Case::default() }
}
