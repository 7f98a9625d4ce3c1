//! From the 856's segments to statements. Most of a ship notice is about what is in the boxes; what is read here is
//! that it goes, with whom, under which numbers, and when it is to arrive.

use super::super::DecodeError;
use crate::formats::edi::{
    self, charset, say,
    x12::{self, Segment, Set},
};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};

/// Dates of what has happened (X12 374): shipped, delivered, departed, arrived.
const ACTUAL: &[&str] = &["011", "035", "370", "372"];
/// Dates that are expected: delivery, departure, arrival.
const ESTIMATED: &[&str] = &["017", "369", "371"];
/// Dates of a plan: delivery as requested, as scheduled; shipment as scheduled.
const PLANNED: &[&str] = &["002", "067", "068"];
/// Maximum number of pieces of one shipment.
const PIECES_MAX: usize = 2_000;

/// Decodes every 856 of the file.
pub(super) fn decode(raw: &[u8]) -> Result<Decoded, DecodeError> {
    x12::decode(&charset::x12(raw), "856", |set, problems| Reader::default().reports(set, problems))
}

/// Where reading a set has come to.
#[derive(Default)]
struct Reader {
    notice: Notice,
    refs: References,
    carrier: Option<String>,
    /// The level being read (HL-03): dates of orders and items are not the shipment's.
    level: String,
    said: Vec<Observation>,
    /// A date could not be read.
    undated: bool,
    pieces: Vec<String>,
    /// The carrier's or the shipper's number of the last package.
    package: Option<String>,
}

/// BSN: what for, and which notice.
#[derive(Default)]
struct Notice {
    sender: Option<String>,
    purpose: String,
    number: String,
    /// Date and time, as written.
    written: String,
}

impl Reader {
    fn reports(mut self, set: &Set<'_>, problems: &mut Vec<Problem>) -> Result<Vec<TrackerReport>, DecodeError> {
        for segment in set.segments() {
            match segment.tag() {
                "BSN" => self.heading(&segment, set, problems),
                "HL" => self.level = segment.element(3).unwrap_or_default().to_owned(),
                "TD5" if segment.element(2) == Some("2") || self.carrier.is_none() => {
                    self.carrier = segment.element(3).or_else(|| segment.element(5)).map(str::to_owned);
                }
                "TD3" => self.equipment(&segment),
                "REF" => self.reference(&segment),
                "PRF" => self.refs.add(RefKind::PurchaseOrder, segment.element(1)),
                "MAN" => self.mark(&segment),
                "DTM" if matches!(self.level.as_str(), "" | "S") => self.date(&segment, set, problems),
                _ => {}
            }
        }
        if self.refs.0.is_empty() {
            let reason = "neither BSN-02 nor REF names the shipment, so the shipment is unknown";
            return Err(DecodeError::Incomplete { at: "BSN".into(), reason: reason.into() });
        }
        if self.said.is_empty() && !self.undated {
            return Err(DecodeError::NotTracking("a ship notice without a date of shipment or delivery".into()));
        }
        Ok(self.conclude(problems))
    }

    /// BSN-01 purpose, 02 number of the notice, 03 and 04 when it was written. A cancelled notice has no other content.
    fn heading(&mut self, bsn: &Segment<'_>, set: &Set<'_>, problems: &mut Vec<Problem>) {
        let text = |element: usize| bsn.element(element).unwrap_or_default().to_owned();
        self.notice = Notice {
            sender: set.sender.clone(),
            purpose: text(1),
            number: text(2),
            written: format!("{}{}", text(3), text(4)),
        };
        self.refs.add(RefKind::Shipment, bsn.element(2));
        if self.notice.purpose == "01" {
            let time = x12::time(bsn, [3, 4, usize::MAX], problems);
            let said = Observation {
                stated_at: set.written,
                ..Observation::new(codes("x12.353", "01"), Classifier::Actual, time, Origin::Event)
            };
            self.said.push(said);
        }
    }

    /// TD3-01 kind of equipment, 02 and 03 number. Trailers are no number of the goods.
    fn equipment(&mut self, td3: &Segment<'_>) {
        if matches!(td3.element(1), Some("CN" | "CC" | "20" | "40" | "4B" | "2B")) {
            self.refs.add(RefKind::Container, edi::container(td3.element(2), td3.element(3), None).as_deref());
        }
    }

    /// REF (X12 128).
    fn reference(&mut self, reference: &Segment<'_>) {
        let value = reference.element(2);
        match reference.element(1).unwrap_or_default() {
            "CN" | "2I" => self.refs.add(RefKind::TrackingNumber, value),
            "BM" | "MB" => self.refs.add(RefKind::BillOfLading, value),
            "BN" => self.refs.add(RefKind::Booking, value),
            "PO" => self.refs.add(RefKind::PurchaseOrder, value),
            "CO" | "ON" => self.refs.add(RefKind::Order, value),
            _ => {}
        }
    }

    /// MAN: GM and AA are serial shipping container codes, CP and SM the carrier's and the shipper's package numbers.
    fn mark(&mut self, man: &Segment<'_>) {
        for qualifier in [1, 4] {
            let Some(kind @ ("GM" | "AA" | "CP" | "SM")) = man.element(qualifier) else { continue };
            for mark in [qualifier + 1, qualifier + 2].iter().filter_map(|n| man.element(*n)).map(edi::sscc) {
                self.package = matches!(kind, "CP" | "SM").then(|| mark.to_owned());
                if self.pieces.len() <= PIECES_MAX {
                    self.pieces.push(mark.to_owned());
                }
            }
        }
    }

    /// DTM-01 qualifier, 02 date, 03 time, 04 time code.
    fn date(&mut self, dtm: &Segment<'_>, set: &Set<'_>, problems: &mut Vec<Problem>) {
        let Some(qualifier) = dtm.element(1) else { return };
        let classifier = match qualifier {
            _ if self.notice.purpose == "01" => return,
            _ if ACTUAL.contains(&qualifier) => Classifier::Actual,
            _ if ESTIMATED.contains(&qualifier) => Classifier::Estimated,
            _ if PLANNED.contains(&qualifier) => Classifier::Planned,
            _ => return,
        };
        let time = x12::time(dtm, [2, 3, 4], problems);
        if time.sentinel || time.sort_key().is_none() {
            self.undated = true;
            return say(problems, dtm.at(), "DTM has no date that can be used");
        }
        let said = Observation {
            stated_at: set.written,
            ..Observation::new(codes("x12.374", qualifier), classifier, time, Origin::Event)
        };
        self.said.push(said);
    }

    /// The statements are the shipment's, or each piece's where the notice names them.
    fn conclude(mut self, problems: &mut Vec<Problem>) -> Vec<TrackerReport> {
        self.pieces.sort_unstable();
        self.pieces.dedup();
        if self.pieces.len() > PIECES_MAX {
            say(problems, "MAN", format!("more than {PIECES_MAX} pieces: the notice is read as that of all"));
            self.pieces.clear();
        }
        // the only package's number is the shipment's
        if self.pieces.len() == 1 && self.package.is_some() && self.refs.get(RefKind::TrackingNumber).is_none() {
            self.refs.add(RefKind::TrackingNumber, self.pieces.pop().as_deref());
        }
        let mut observations: Vec<Observation> = self.said.iter().flat_map(|said| self.named(said)).collect();
        if !self.pieces.is_empty() {
            let of_piece = |o: &Observation, piece: &String| Observation { piece: Some(piece.clone()), ..o.clone() };
            observations = observations.iter().flat_map(|o| self.pieces.iter().map(|p| of_piece(o, p))).collect();
        }
        vec![TrackerReport { refs: self.refs, carrier: self.carrier, feed: Feed::Delta, observations, test: false }]
    }

    /// The notice names its statements, under its sender: suppliers number their notices each from one. Where nobody says
    /// who sends it, or it has no number, it is only known with what it is about. A replacement (05) takes back what the original said, and
    /// may itself be said again later: its name has its own date.
    fn named(&self, said: &Observation) -> Vec<Observation> {
        let unknown = self.notice.sender.is_none() || self.notice.number.is_empty();
        let about = self.refs.tracker().map(|(_, number)| number).filter(|_| unknown);
        let number = format!("{}{}", self.notice.number, about.map(|about| format!("/{about}")).unwrap_or_default());
        let original = edi::said_by(self.notice.sender.as_deref(), &format!("{number}/{}", said.codes.raw));
        let replaces = self.notice.purpose == "05";
        let name = if replaces { format!("{original}/{}", self.notice.written) } else { original.clone() };
        let statement = Observation { provider_event_id: Some(name), ..said.clone() };
        let retraction = Observation {
            retracts: Some(original),
            stated_at: said.stated_at,
            ..Observation::new(
                Codes { status: Vec::new(), ..said.codes.clone() },
                Classifier::Actual,
                EventTime::unknown(""),
                Origin::Event,
            )
        };
        std::iter::once(statement).chain(replaces.then_some(retraction)).collect()
    }
}

fn codes(list: &str, value: &str) -> Codes {
    Codes { raw: value.to_owned(), status: vec![ProviderCode::new(list, value)], reason: None, coarse: None }
}
