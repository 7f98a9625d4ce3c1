//! From the 322's segments to statements.

use super::super::DecodeError;
use crate::formats::{
    edi::{
        self, charset,
        ports::{self, Port},
        say,
        x12::{self, Segment, Set},
    },
    json,
};
use domain::{
    event_time::EventTime,
    observation::{Decoded, Feed, Location, Observation, Problem, RefKind, References, TrackerReport},
};

/// Decodes every 322 of the file.
pub(super) fn decode(raw: &[u8]) -> Result<Decoded, DecodeError> {
    x12::decode(&charset::x12(raw), "322", reports)
}

/// A status of the whole set, or of one unit.
#[derive(Clone)]
struct Status {
    at: String,
    code: String,
    reason: Option<String>,
    time: EventTime,
    place: Option<Location>,
}

/// A container or trailer (N7) with all its events.
#[derive(Default)]
struct Unit {
    refs: References,
    carrier: Option<String>,
    empty: bool,
    statuses: Vec<Status>,
    ports: Vec<Port>,
    expected: Vec<(String, EventTime)>,
}

/// One report for each unit. What comes before the first applies to all of them. A unit without a number costs no other.
fn reports(set: &Set<'_>, problems: &mut Vec<Problem>) -> Result<Vec<TrackerReport>, DecodeError> {
    let (mut header, mut units) = (Unit::default(), Vec::new());
    for segment in set.segments() {
        if segment.tag() == "N7" {
            units.push(Unit::default());
        }
        units.last_mut().unwrap_or(&mut header).take(&segment, problems);
    }
    if units.is_empty() {
        units.push(Unit::default());
    }
    let (mut reports, mut refused) = (Vec::new(), None);
    for unit in units {
        match unit.report(&header, set, problems) {
            Ok(report) => reports.push(report),
            Err(error) => {
                if refused.is_none() {
                    refused = Some(error);
                }
            }
        }
    }
    match refused {
        Some(error) if reports.is_empty() => Err(error),
        Some(error) => {
            say(problems, "N7", error.to_string());
            Ok(reports)
        }
        None => Ok(reports),
    }
}

impl Unit {
    fn take(&mut self, segment: &Segment<'_>, problems: &mut Vec<Problem>) {
        match segment.tag() {
            "Q5" => self.status(segment, problems),
            "N7" => self.equipment(segment, 18),
            "W2" => {
                self.empty = segment.element(5) == Some("E");
                self.equipment(segment, 13);
            }
            "DTM" => self.expected.extend(ports::expected(segment, problems)),
            "R4" => self.ports.extend(Port::read(segment)),
            "N1" if segment.element(1) == Some("RR") => self.carrier = segment.element(4).map(str::to_owned),
            "N9" => self.reference(segment),
            _ => {}
        }
    }

    /// Q5-01 status, 02 date, 03 time, 04 time code, 05 reason, 06 city, 07 state, 08 country, 09 and 10 equipment.
    fn status(&mut self, q5: &Segment<'_>, problems: &mut Vec<Problem>) {
        self.refs.add(RefKind::Container, edi::container(q5.element(9), q5.element(10), None).as_deref());
        let Some(code) = q5.code(1) else { return };
        let place = Location {
            city: q5.element(6).map(str::to_owned),
            region: q5.element(7).map(str::to_owned),
            country: q5.element(8).and_then(json::country),
            ..Location::default()
        };
        self.statuses.push(Status {
            at: q5.at(),
            code,
            reason: q5.code(5),
            time: x12::time(q5, [2, 3, 4], problems),
            place: place.non_empty(),
        });
    }

    /// 01 and 02 number; the check digit has another place in each segment.
    fn equipment(&mut self, segment: &Segment<'_>, check: usize) {
        let number = edi::container(segment.element(1), segment.element(2), segment.element(check));
        self.refs.add(RefKind::Container, number.as_deref());
        if segment.tag() == "N7" && self.carrier.is_none() {
            self.carrier = segment.element(12).map(str::to_owned);
        }
    }

    /// N9 (X12 128).
    fn reference(&mut self, n9: &Segment<'_>) {
        let value = n9.element(2);
        match n9.element(1).unwrap_or_default() {
            "EQ" => self.refs.add(RefKind::Container, value),
            "BN" => self.refs.add(RefKind::Booking, value),
            "BM" | "MB" => self.refs.add(RefKind::BillOfLading, value),
            "SI" => self.refs.add(RefKind::Shipment, value),
            "PO" => self.refs.add(RefKind::PurchaseOrder, value),
            _ => {}
        }
    }

    fn report(
        mut self,
        header: &Self,
        set: &Set<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<TrackerReport, DecodeError> {
        for (kind, value) in &header.refs.0 {
            self.refs.add(*kind, Some(value));
        }
        if self.refs.0.is_empty() {
            let reason = "neither N7 nor N9 names a container or booking, so the shipment is unknown";
            return Err(DecodeError::Incomplete { at: "N7".into(), reason: reason.into() });
        }
        let statuses = if self.statuses.is_empty() { &header.statuses } else { &self.statuses };
        let mut observations: Vec<_> = statuses.iter().map(|status| self.statement(status, set, problems)).collect();
        let expected = self.expected.iter().chain(&header.expected);
        let said = expected.map(|(qualifier, time)| ports::expectation(qualifier, None, time.clone(), set.written));
        observations.extend(said);
        let carrier = self.carrier.or_else(|| header.carrier.clone());
        Ok(TrackerReport { refs: self.refs, carrier, feed: Feed::Delta, observations, test: false })
    }

    /// The place is the ramp where it happens (R4-01 = 5), in the words of the status.
    fn statement(&self, status: &Status, set: &Set<'_>, problems: &mut Vec<Problem>) -> Observation {
        if status.time.sentinel || status.time.sort_key().is_none() {
            say(problems, status.at.as_str(), "the status has no date that can be used");
        }
        let here = self.ports.iter().find(|port| port.function == "5").map(|port| &port.location);
        let mut place = status.place.clone().or_else(|| here.cloned());
        if let (Some(place), Some(here)) = (&mut place, here) {
            place.unlocode.clone_from(&here.unlocode);
        }
        let at_end = place.as_ref().is_some_and(|place| ports::is_end(place, &self.ports));
        let said = ports::status(&status.code, status.reason.as_deref(), self.empty, at_end, status.time.clone());
        Observation { stated_at: set.written, location: place, ..said }
    }
}
