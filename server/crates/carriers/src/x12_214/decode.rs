//! From the 214's segments to statements.

use super::super::DecodeError;
use crate::formats::{
    edi::{
        self, charset, say,
        x12::{self, Segment, Set},
    },
    json,
};
use domain::{
    Classifier,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, Stop,
        TrackerReport,
    },
};
use jiff::Timestamp;

/// Status codes whose date is an estimate (X12 1650: estimated delivery, arrival, departure, pick-up).
const ESTIMATES: &[&str] = &["AG", "X2", "B6", "C1", "AA"];
/// Reasons without a meaning.
const NO_REASON: &[&str] = &["NS", "NA"];
/// Status codes of a delivery place; at a stop before the last they end a leg.
const AT_DELIVERY: &[&str] = &["D1", "X1", "X5", "CD"];
/// Parties that the goods go to (X12 98): ship to, consignee.
const CONSIGNEES: &[&str] = &["ST", "CN"];
/// Maximum number of marks of one loop.
const MARKS_MAX: usize = 500;

/// Decodes every 214 of the file.
pub(super) fn decode(raw: &[u8]) -> Result<Decoded, DecodeError> {
    x12::decode(&charset::x12(raw), "214", |set, problems| {
        Reader { written: set.written, ..Reader::default() }.report(set, problems).map(|report| vec![report])
    })
}

/// Where reading a set has come to.
#[derive(Default)]
struct Reader {
    refs: References,
    carrier: Option<String>,
    written: Option<Timestamp>,
    /// Where the goods go.
    consignees: Vec<Location>,
    /// The address being read is a consignee's.
    at_consignee: bool,
    done: Vec<Statement>,
    /// Where the loop (LX, or a stop) begins in `done`, what it gives to all its events.
    loop_begins: usize,
    /// Where the statements begin whose stop is not known yet.
    stop_begins: usize,
    loop_stop: Option<u32>,
    marks: Vec<String>,
    remarks: Vec<String>,
}

/// A statement, and where its segment is.
struct Statement {
    said: Observation,
    status: Option<String>,
    at: String,
}

impl Reader {
    fn report(mut self, set: &Set<'_>, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
        let mut first = None;
        for segment in set.segments() {
            first.get_or_insert_with(|| segment.at());
            match segment.tag() {
                "B10" => self.heading(&segment),
                "L11" => self.reference(&segment),
                "N1" => self.at_consignee = segment.element(1).is_some_and(|p| CONSIGNEES.contains(&p)),
                "N4" if self.at_consignee => self.consignees.extend(place(&segment, [1, 2, 4])),
                "LX" => self.next_loop(None, problems),
                "S5" => self.next_loop(segment.element(1).and_then(|n| n.parse().ok()), problems),
                "AT7" => self.status(&segment, problems),
                "MS1" => self.last(|statement| statement.location = place(&segment, [1, 2, 3])),
                "MS2" => self.equipment(&segment),
                "MAN" => self.mark(&segment),
                "Q7" => self.lading_exception(&segment),
                "K1" => self.remarks.extend([1, 2].iter().filter_map(|n| segment.element(*n)).map(str::to_owned)),
                _ => {}
            }
        }
        self.next_loop(None, problems);
        self.ends_of_legs(problems);
        if [RefKind::TrackingNumber, RefKind::Container].iter().all(|kind| self.refs.get(*kind).is_none()) {
            let reason =
                "B10 has neither a reference (B10-01) nor a shipment number (B10-02), so the shipment is unknown";
            return Err(DecodeError::Incomplete { at: first.unwrap_or_else(|| "B10".into()), reason: reason.into() });
        }
        let observations = self.done.into_iter().map(|statement| statement.said).collect();
        Ok(TrackerReport { refs: self.refs, carrier: self.carrier, feed: Feed::Delta, observations, test: false })
    }

    fn heading(&mut self, b10: &Segment<'_>) {
        self.refs.add(RefKind::TrackingNumber, b10.element(1).or_else(|| b10.element(2)));
        self.refs.add(RefKind::Shipment, b10.element(2));
        self.carrier = b10.element(3).map(str::to_owned);
    }

    /// X12 128. CN and 2I are the carrier's own numbers, for where B10 has none.
    fn reference(&mut self, l11: &Segment<'_>) {
        let value = l11.element(1);
        match l11.element(2) {
            Some("QN") => self.stop(value.and_then(|v| v.parse().ok())),
            Some("CN" | "2I") => self.refs.add(RefKind::TrackingNumber, value),
            Some("SI") => self.refs.add(RefKind::Shipment, value),
            Some("PO") => self.refs.add(RefKind::PurchaseOrder, value),
            Some("BM" | "MB") => self.refs.add(RefKind::BillOfLading, value),
            Some("ON" | "CO") => self.refs.add(RefKind::Order, value),
            Some("BN") => self.refs.add(RefKind::Booking, value),
            _ => {}
        }
    }

    /// A stop's number comes after its statuses, or before them.
    fn stop(&mut self, number: Option<u32>) {
        let Some(number) = number else { return };
        let open = std::mem::replace(&mut self.stop_begins, self.done.len());
        if open == self.done.len() {
            self.loop_stop = Some(number);
        }
        for statement in &mut self.done[open..] {
            statement.said.stop.get_or_insert(Stop { number });
        }
    }

    /// AT7-01/02 status and reason, 03/04 appointment and reason, 05 date, 06 time, 07 time code.
    fn status(&mut self, at7: &Segment<'_>, problems: &mut Vec<Problem>) {
        let (list, code, reason, classifier) = match (at7.code(1), at7.code(3)) {
            (Some(status), _) if ESTIMATES.contains(&&*status) => {
                ("x12.1650", status, at7.code(2), Classifier::Estimated)
            }
            (Some(status), _) => ("x12.1650", status, at7.code(2), Classifier::Actual),
            (None, Some(appointment)) => ("x12.1652", appointment, at7.code(4), Classifier::Planned),
            (None, None) => return say(problems, at7.at(), "AT7 has neither a status nor an appointment"),
        };
        let time = x12::time(at7, [5, 6, 7], problems);
        if time.sentinel || time.sort_key().is_none() {
            say(problems, at7.at(), "AT7 has no date that can be used");
        }
        let special = reason.clone().filter(|r| !NO_REASON.contains(&&**r));
        let codes = Codes {
            raw: reason.map_or_else(|| code.clone(), |reason| format!("{code}/{reason}")),
            status: vec![ProviderCode::new(list, code)],
            reason: special.map(|r| ProviderCode::new("x12.1651", r)),
            coarse: None,
        };
        let said = Observation {
            stated_at: self.written,
            stop: self.loop_stop.map(|number| Stop { number }),
            ..Observation::new(codes, classifier, time, Origin::Event)
        };
        self.done.push(Statement { said, status: at7.code(1), at: at7.at() });
    }

    /// Changes the last statement of the loop.
    fn last(&mut self, change: impl FnOnce(&mut Observation)) {
        if let Some(statement) = self.done[self.loop_begins..].last_mut() {
            change(&mut statement.said);
        }
    }

    /// MS2-01 SCAC, 02 number, 03 kind of equipment, 04 check digit. Trailers are no number of the goods.
    fn equipment(&mut self, ms2: &Segment<'_>) {
        if self.carrier.is_none() {
            self.carrier = ms2.element(1).map(str::to_owned);
        }
        if ms2.element(3) == Some("CN") {
            let number = edi::container(ms2.element(1), ms2.element(2), ms2.element(4));
            self.refs.add(RefKind::Container, number.as_deref());
        }
    }

    /// MAN: pieces that the loop is about; a range counts as what it names.
    fn mark(&mut self, man: &Segment<'_>) {
        for number in [2, 3, 5, 6].iter().filter_map(|n| man.element(*n)).map(|m| edi::sscc(m).to_owned()) {
            if self.marks.len() <= MARKS_MAX && !self.marks.contains(&number) {
                self.marks.push(number);
            }
        }
    }

    /// The state of the goods, where the status gives no reason of its own.
    fn lading_exception(&mut self, q7: &Segment<'_>) {
        let Some(code) = q7.element(1) else { return };
        self.last(|statement| {
            if statement.classifier == Classifier::Actual {
                statement.codes.reason.get_or_insert_with(|| ProviderCode::new("x12.33", code));
            }
        });
    }

    /// Ends a loop: its marks are the pieces and its remarks the text of all its events.
    fn next_loop(&mut self, stop: Option<u32>, problems: &mut Vec<Problem>) {
        let begins = std::mem::take(&mut self.loop_begins);
        let (marks, remarks) = (std::mem::take(&mut self.marks), std::mem::take(&mut self.remarks));
        let words = (!remarks.is_empty()).then(|| remarks.join(" "));
        for statement in &mut self.done[begins..] {
            statement.said.description.clone_from(&words);
        }
        if marks.len() > MARKS_MAX {
            let at = self.done.get(begins).map_or_else(|| "MAN".to_owned(), |s| s.at.clone());
            say(problems, at, format!("more than {MARKS_MAX} marks: the status is read as that of all pieces"));
        } else if !marks.is_empty() {
            let whole = self.done.split_off(begins);
            self.done.extend(whole.iter().flat_map(|statement| marks.iter().map(|mark| statement.of_piece(mark))));
        }
        (self.loop_begins, self.stop_begins, self.loop_stop) = (self.done.len(), self.done.len(), stop);
    }

    /// A delivery status that is not at the last stop ends a leg (R13): where another delivery of the set is at a later
    /// stop, or where its place is in another town and another state than every consignee's.
    fn ends_of_legs(&mut self, problems: &mut Vec<Problem>) {
        let delivered: Vec<Option<u32>> =
            self.done.iter().filter(|s| s.is("D1")).map(|s| s.said.stop.map(|stop| stop.number)).collect();
        let last = delivered.iter().flatten().max().copied();
        for statement in &mut self.done {
            let Some(status) = statement.status.clone().filter(|s| AT_DELIVERY.contains(&s.as_str())) else { continue };
            let earlier = statement.said.stop.zip(last).is_some_and(|(stop, last)| stop.number < last);
            let elsewhere = statement
                .said
                .location
                .as_ref()
                .is_some_and(|at| !self.consignees.is_empty() && self.consignees.iter().all(|c| apart(at, c)));
            if earlier || elsewhere {
                statement.said.codes.status.insert(0, ProviderCode::new("x12.1650", format!("{status}/STOP")));
            }
            if elsewhere && !earlier && status == "D1" {
                say(
                    problems,
                    &*statement.at,
                    "D1 is neither in the consignee's town nor in its state: read as the end of a leg",
                );
            }
        }
    }
}

impl Statement {
    fn is(&self, status: &str) -> bool {
        self.status.as_deref() == Some(status)
    }

    fn of_piece(&self, mark: &str) -> Self {
        let said = Observation { piece: Some(mark.to_owned()), ..self.said.clone() };
        Self { said, status: self.status.clone(), at: self.at.clone() }
    }
}

/// City, region and country at these elements.
fn place(segment: &Segment<'_>, [city, region, country]: [usize; 3]) -> Option<Location> {
    Location {
        city: segment.element(city).map(str::to_owned),
        region: segment.element(region).map(str::to_owned),
        country: segment.element(country).and_then(json::country),
        ..Location::default()
    }
    .non_empty()
}

/// Certainly another place: towns are spelled in many ways, so the state has to be another one too.
fn apart(a: &Location, b: &Location) -> bool {
    let differ = |a: &Option<String>, b: &Option<String>| {
        a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| !a.eq_ignore_ascii_case(b))
    };
    differ(&a.city, &b.city) && differ(&a.region, &b.region)
}
