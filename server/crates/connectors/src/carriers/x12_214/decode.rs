//! From the 214's segments to statements.

use super::super::{
    DecodeError,
    edi::x12::{self, Segment, Set},
    json, times,
};
use domain::{
    Classifier,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, Stop,
        TrackerReport,
    },
};

/// Status codes whose date is an estimate (X12 1650: estimated delivery, arrival, departure, pick-up).
const ESTIMATES: &[&str] = &["AG", "X2", "B6", "C1", "AA"];
/// Reasons that say "nothing special".
const NO_REASON: &[&str] = &["NS", "NA"];

/// Decodes every 214 of the file.
pub(super) fn decode(raw: &[u8]) -> Result<Decoded, DecodeError> {
    let read = x12::read(raw)?;
    let mut decoded = Decoded { reports: Vec::new(), problems: read.problems };
    let mut others: Vec<String> = Vec::new();
    for set in &read.sets {
        if set.kind == "214" {
            decoded.reports.push(Reader::default().report(set, &mut decoded.problems)?);
        } else {
            others.push(set.kind.clone());
        }
    }
    if decoded.reports.is_empty() {
        return Err(match others.first() {
            Some(kind) => DecodeError::NotTracking(format!("X12 set {kind}")),
            None => DecodeError::Incomplete { at: "ST".into(), reason: "there is no transaction set in it".into() },
        });
    }
    times::days_in_disguise(&mut decoded);
    Ok(decoded)
}

/// Where reading a set has come to.
#[derive(Default)]
struct Reader {
    refs: References,
    carrier: Option<String>,
    /// The statement whose place and stop may still follow.
    pending: Option<Observation>,
    done: Vec<Observation>,
}

impl Reader {
    fn report(mut self, set: &Set, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
        for segment in &set.segments {
            match segment.tag() {
                "B10" => self.heading(segment),
                "L11" => self.reference(segment),
                "LX" => self.finish(),
                "AT7" => self.status(segment, problems),
                "MS1" => self.place(segment),
                _ => {}
            }
        }
        self.finish();
        if self.refs.get(RefKind::TrackingNumber).is_none() {
            return Err(DecodeError::Incomplete { at: "B10".into(), reason: "has neither a reference (B10-01) nor a shipment number (B10-02): nobody can tell what this is about".into() });
        }
        Ok(TrackerReport { refs: self.refs, carrier: self.carrier, feed: Feed::Delta, observations: self.done })
    }

    fn heading(&mut self, b10: &Segment) {
        self.refs.add(RefKind::TrackingNumber, b10.element(1).or_else(|| b10.element(2)));
        self.refs.add(RefKind::Shipment, b10.element(2));
        self.carrier = b10.element(3).map(str::to_owned);
    }

    fn reference(&mut self, l11: &Segment) {
        let value = l11.element(1);
        match l11.element(2) {
            Some("QN") => {
                if let (Some(statement), Some(number)) = (&mut self.pending, value.and_then(|v| v.parse().ok())) {
                    statement.stop = Some(Stop { number });
                }
            }
            Some("PO") => self.refs.add(RefKind::PurchaseOrder, value),
            Some("BM") => self.refs.add(RefKind::BillOfLading, value),
            Some("ON" | "CO") => self.refs.add(RefKind::Order, value),
            Some("BN") => self.refs.add(RefKind::Booking, value),
            _ => {}
        }
    }

    /// AT7-01/02 status and reason, 03/04 appointment and reason, 05 date, 06 time, 07 time code.
    fn status(&mut self, at7: &Segment, problems: &mut Vec<Problem>) {
        self.finish();
        let (list, code, reason, classifier) = match (at7.element(1), at7.element(3)) {
            (Some(status), _) if ESTIMATES.contains(&status) => {
                ("x12.1650", status, at7.element(2), Classifier::Estimated)
            }
            (Some(status), _) => ("x12.1650", status, at7.element(2), Classifier::Actual),
            (None, Some(appointment)) => ("x12.1652", appointment, at7.element(4), Classifier::Planned),
            (None, None) => {
                problems.push(Problem {
                    at: format!("segment {}", at7.place),
                    message: "AT7 has neither a status nor an appointment".into(),
                });
                return;
            }
        };
        let time = x12::time(at7.element(5), at7.element(6), at7.element(7));
        if time.sentinel || time.sort_key().is_none() {
            problems.push(Problem {
                at: format!("segment {}", at7.place),
                message: "AT7 has no date that can be used".into(),
            });
        }
        let special = reason.filter(|r| !NO_REASON.contains(r));
        let codes = Codes {
            raw: reason.map_or_else(|| code.to_owned(), |reason| format!("{code}/{reason}")),
            status: vec![ProviderCode::new(list, code)],
            reason: special.map(|r| ProviderCode::new("x12.1651", r)),
            coarse: None,
        };
        self.pending = Some(Observation::new(codes, classifier, time, Origin::Event));
    }

    fn place(&mut self, ms1: &Segment) {
        let Some(statement) = &mut self.pending else { return };
        let country = ms1.element(3).and_then(json::country);
        let place = Location {
            city: ms1.element(1).map(str::to_owned),
            region: ms1.element(2).map(str::to_owned),
            country,
            ..Location::default()
        };
        statement.location = place.non_empty();
    }

    fn finish(&mut self) {
        self.done.extend(self.pending.take());
    }
}
