//! From the 315's segments to statements.

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
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};

/// Decodes every 315 of the file.
pub(super) fn decode(raw: &[u8]) -> Result<Decoded, DecodeError> {
    x12::decode(&charset::x12(raw), "315", |set, problems| {
        Reader::default().report(set, problems).map(|report| vec![report])
    })
}

/// Where reading a set has come to. A status means something only beside the ports, which follow it.
#[derive(Default)]
struct Reader {
    refs: References,
    carrier: Option<String>,
    empty: bool,
    place: Option<Location>,
    statuses: Vec<Status>,
    /// Events with codes of their own (V9).
    others: Vec<Observation>,
    ports: Vec<Port>,
}

struct Status {
    at: String,
    code: String,
    reason: Option<String>,
    time: EventTime,
}

impl Reader {
    fn report(mut self, set: &Set<'_>, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
        let mut equipment = None;
        for segment in set.segments() {
            match segment.tag() {
                "B4" => equipment = self.heading(&segment, problems),
                "N9" => self.reference(&segment),
                "SG" => self.status(&segment, [1, 2, 4, 5, 6], problems),
                "R4" => self.ports.extend(Port::read(&segment)),
                "DTM" => {
                    if let Some(port) = self.ports.last_mut() {
                        port.date(&segment, problems);
                    }
                }
                "V9" => self.event(&segment, problems),
                _ => {}
            }
        }
        // the equipment that the status names is what it is about, whatever a reference says
        if equipment.is_some() {
            self.refs.0.remove(&RefKind::Container);
            self.refs.add(RefKind::Container, equipment.as_deref());
        }
        if self.refs.0.is_empty() {
            let reason = "neither B4 nor N9 names a container, booking or bill of lading, so the shipment is unknown";
            return Err(DecodeError::Incomplete { at: "B4".into(), reason: reason.into() });
        }
        Ok(self.conclude(set, problems))
    }

    /// B4-03 status, 04 date, 05 time, 06 place, 07 and 08 equipment, 09 empty or loaded, 11 and 12 place, 13 check
    /// digit.
    fn heading(&mut self, b4: &Segment<'_>, problems: &mut Vec<Problem>) -> Option<String> {
        self.empty = b4.element(9) == Some("E");
        self.place = ports::place(b4.element(12), b4.element(11).or_else(|| b4.element(6)), None);
        self.status(b4, [3, usize::MAX, 4, 5, usize::MAX], problems);
        edi::container(b4.element(7), b4.element(8), b4.element(13)).filter(|_| b4.element(7).is_some())
    }

    /// Status, reason, date, time and time code at these elements.
    fn status(
        &mut self,
        segment: &Segment<'_>,
        [code, reason, date, clock, zone]: [usize; 5],
        problems: &mut Vec<Problem>,
    ) {
        let Some(code) = segment.code(code) else { return };
        self.statuses.push(Status {
            at: segment.at(),
            code,
            reason: segment.code(reason),
            time: x12::time(segment, [date, clock, zone], problems),
        });
    }

    /// N9 (X12 128).
    fn reference(&mut self, n9: &Segment<'_>) {
        let value = n9.element(2);
        match n9.element(1).unwrap_or_default() {
            "EQ" => self.refs.add(RefKind::Container, value),
            "BN" => self.refs.add(RefKind::Booking, value),
            "BM" | "MB" | "OB" => self.refs.add(RefKind::BillOfLading, value),
            "SI" => self.refs.add(RefKind::Shipment, value),
            "PO" => self.refs.add(RefKind::PurchaseOrder, value),
            "SCA" => self.carrier = value.map(str::to_owned),
            _ => {}
        }
    }

    /// V9-01 code, 02 words, 03 and 04 time, 05 to 07 place, 14 time code: events whose codes the partners agree on.
    fn event(&mut self, v9: &Segment<'_>, problems: &mut Vec<Problem>) {
        let Some(code) = v9.element(1) else { return };
        let codes = Codes {
            raw: code.to_owned(),
            status: vec![ProviderCode::new("x12.304", code)],
            reason: None,
            coarse: None,
        };
        let time = x12::time(v9, [3, 4, 14], problems);
        let location = Location {
            city: v9.element(5).map(str::to_owned),
            region: v9.element(6).map(str::to_owned),
            country: v9.element(7).and_then(json::country),
            ..Location::default()
        };
        self.others.push(Observation {
            location: location.non_empty(),
            description: v9.element(2).map(str::to_owned),
            ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
        });
    }

    fn conclude(self, set: &Set<'_>, problems: &mut Vec<Problem>) -> TrackerReport {
        let known = |place: Location| {
            let port = self.ports.iter().find(|port| ports::same(&place, &port.location));
            port.map_or(place, |port| port.location.clone())
        };
        let here = self.ports.iter().find(|port| port.function == "5").map(|port| port.location.clone());
        let place = self.place.map(known).or(here);
        let at_end = place.as_ref().is_some_and(|place| ports::is_end(place, &self.ports));
        let mut observations = Vec::new();
        for status in self.statuses {
            if status.time.sentinel || status.time.sort_key().is_none() {
                say(problems, status.at, "the status has no date that can be used");
            }
            let said = ports::status(&status.code, status.reason.as_deref(), self.empty, at_end, status.time);
            observations.push(Observation { location: place.clone(), ..said });
        }
        observations.extend(self.others);
        for observation in &mut observations {
            observation.stated_at = set.written;
        }
        observations.extend(self.ports.iter().flat_map(|port| port.expectations(set.written)));
        TrackerReport { refs: self.refs, carrier: self.carrier, feed: Feed::Delta, observations, test: false }
    }
}
