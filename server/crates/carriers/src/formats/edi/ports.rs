//! What the X12 sets about containers share (315, 322): the shipment status code (element 157) and ports (segment R4).
//! Sources: X12 004010 elements 115, 157, 309, 374.

use crate::formats::edi::{
    say,
    x12::{self, Segment},
};
use crate::formats::json;
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{Codes, Location, Observation, Origin, Problem, ProviderCode},
};
use jiff::Timestamp;

/// Status codes whose date is an estimate: delivery (AG, BD), pick-up (BE), departure (C), arrival (E).
const ESTIMATES: &[&str] = &["AG", "BD", "BE", "C", "E"];
/// Status codes whose date is an appointment: pick-up (AA), delivery (AD, X9).
const APPOINTMENTS: &[&str] = &["AA", "AD", "X9"];
/// Ports and terminals where the transport begins (element 115): acceptance, loading, receipt, origin ramp.
const ORIGINS: &[&str] = &["6", "A", "L", "R"];
/// Where it ends: final discharge, destination ramp, discharge, delivery.
const DESTINATIONS: &[&str] = &["1", "7", "D", "E"];
/// Dates at a port that are expected (element 374), and the one that the port's function explains.
const EXPECTED: &[&str] = &["017", "139", "369", "371"];

/// A port or terminal of the transport, with what is expected there.
#[derive(Debug)]
pub(crate) struct Port {
    /// What it is for the transport (element 115).
    pub function: String,
    /// Where it is.
    pub location: Location,
    expected: Vec<(String, EventTime)>,
}

impl Port {
    /// R4-01 function, 02 and 03 code, 04 name, 05 country, 08 state.
    pub fn read(r4: &Segment<'_>) -> Option<Self> {
        let function = r4.element(1)?.to_owned();
        let mut location = place(r4.element(2), r4.element(3), r4.element(4)).unwrap_or_default();
        location.country = r4.element(5).and_then(json::country).or(location.country);
        location.region = r4.element(8).map(str::to_owned);
        Some(Self { function, location: location.non_empty()?, expected: Vec::new() })
    }

    /// A date at this port, or of the equipment.
    pub fn date(&mut self, dtm: &Segment<'_>, problems: &mut Vec<Problem>) {
        self.expected.extend(expected(dtm, problems));
    }

    /// What is expected here.
    pub fn expectations(&self, written: Option<Timestamp>) -> impl Iterator<Item = Observation> {
        let said = self
            .expected
            .iter()
            .map(move |(qualifier, time)| expectation(qualifier, Some(&self.function), time.clone(), written));
        said.map(|observation| Observation { location: Some(self.location.clone()), ..observation })
    }
}

/// A date that is expected: DTM-01 qualifier, 02 date, 03 time, 04 time code.
pub(crate) fn expected(dtm: &Segment<'_>, problems: &mut Vec<Problem>) -> Option<(String, EventTime)> {
    let qualifier = dtm.element(1).filter(|q| EXPECTED.contains(q))?;
    let time = x12::time(dtm, [2, 3, 4], problems);
    if time.sentinel || time.sort_key().is_none() {
        say(problems, dtm.at(), "DTM has no date that can be used");
        return None;
    }
    Some((qualifier.to_owned(), time))
}

/// A statement about it. It repeats in message after message.
pub(crate) fn expectation(
    qualifier: &str,
    function: Option<&str>,
    time: EventTime,
    written: Option<Timestamp>,
) -> Observation {
    let code = |value: String| ProviderCode::new("x12.374", value);
    let qualified = function.map(|function| code(format!("{qualifier}/{function}")));
    let codes = Codes {
        raw: qualifier.to_owned(),
        status: qualified.into_iter().chain([code(qualifier.to_owned())]).collect(),
        reason: None,
        coarse: None,
    };
    Observation { stated_at: written, ..Observation::new(codes, Classifier::Estimated, time, Origin::Summary) }
}

/// A place by code (element 309: UN UN/LOCODE, CI a city's name, others lists of ports) and name.
pub(crate) fn place(list: Option<&str>, code: Option<&str>, name: Option<&str>) -> Option<Location> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let location = match (list, code) {
        (Some("UN"), Some(code)) if code.len() == 5 && code.is_char_boundary(2) => Location {
            country: json::country(&code[..2]),
            unlocode: Some(code.to_owned()),
            raw: owned(name),
            ..Location::default()
        },
        (Some("CI"), _) => Location { city: owned(name.or(code)), ..Location::default() },
        _ => Location { facility: owned(code), city: owned(name), ..Location::default() },
    };
    location.non_empty()
}

/// A status (element 157). Its meaning may depend on whether the container is empty, and on which end of the transport
/// it is at.
pub(crate) fn status(code: &str, reason: Option<&str>, empty: bool, at_end: bool, time: EventTime) -> Observation {
    let classifier = match code {
        _ if ESTIMATES.contains(&code) => Classifier::Estimated,
        _ if APPOINTMENTS.contains(&code) => Classifier::Planned,
        _ => Classifier::Actual,
    };
    let of = |value: String| ProviderCode::new("x12.157", value);
    let qualified = [empty.then(|| of(format!("{code}/E"))), at_end.then(|| of(format!("{code}/D")))];
    let codes = Codes {
        raw: reason.map_or_else(|| code.to_owned(), |reason| format!("{code}/{reason}")),
        status: qualified.into_iter().flatten().chain([of(code.to_owned())]).collect(),
        reason: reason.map(|reason| ProviderCode::new("x12.641", reason)),
        coarse: None,
    };
    Observation::new(codes, classifier, time, Origin::Event)
}

/// Whether a place is where the transport ends, and not where it begins.
pub(crate) fn is_end(place: &Location, ports: &[Port]) -> bool {
    let at = |functions: &[&str]| {
        ports.iter().any(|port| functions.contains(&port.function.as_str()) && same(place, &port.location))
    };
    at(DESTINATIONS) && !at(ORIGINS)
}

/// The same code, or where there is none the same town.
pub(crate) fn same(a: &Location, b: &Location) -> bool {
    let equal =
        |a: &Option<String>, b: &Option<String>| a.as_ref().zip(b.as_ref()).map(|(a, b)| a.eq_ignore_ascii_case(b));
    equal(&a.unlocode, &b.unlocode)
        .or_else(|| equal(&a.facility, &b.facility))
        .or_else(|| equal(&a.city, &b.city))
        .unwrap_or_default()
}
