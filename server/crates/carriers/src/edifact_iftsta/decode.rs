//! From IFTSTA's segments to statements: a consignment (CNI) has statuses (STS), each with its own times, places and
//! numbers, and the legs of its transport (TDT) with theirs.

use super::super::DecodeError;
use crate::formats::{
    edi::{
        self, charset,
        edifact::{self, Message, Segment},
        say,
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
use jiff::Timestamp;
use std::borrow::Cow;

/// Dates of what has happened (DE 2005): event, status change, delivery, arrival, departure, despatch, effective,
/// pick-up. The first two are the status's own.
const ACTUAL: &[&str] = &["78", "334", "35", "178", "186", "136", "11", "7", "200"];
/// Dates that are expected: delivery, arrival, departure, delivery.
const ESTIMATED: &[&str] = &["17", "132", "133", "191"];
/// Dates of a plan: delivery by schedule, as promised, as scheduled; departure, arrival.
const PLANNED: &[&str] = &["67", "69", "76", "189", "232"];
/// Message functions (DE 1225) that retract the message's events: cancellation, deletion.
const TAKES_BACK: &[&str] = &["1", "3"];
/// Maximum number of pieces of one status.
const PIECES_MAX: usize = 500;

/// Decodes every IFTSTA of the file.
pub(super) fn decode(raw: &[u8]) -> Result<Decoded, DecodeError> {
    edifact::decode(&charset::edifact(raw), "IFTSTA", |message, problems| {
        Reader { sender: message.sender.clone(), ..Reader::default() }.reports(message, problems)
    })
}

fn classifier(qualifier: &str) -> Option<Classifier> {
    let of = |list: &[&str], classifier| list.contains(&qualifier).then_some(classifier);
    of(ACTUAL, Classifier::Actual)
        .or_else(|| of(ESTIMATED, Classifier::Estimated))
        .or_else(|| of(PLANNED, Classifier::Planned))
}

/// Where reading a message has come to.
#[derive(Default)]
struct Reader {
    sender: Option<String>,
    takes_back: bool,
    carrier: Option<String>,
    written: Option<Timestamp>,
    /// What comes before the first consignment applies to all of them.
    header: Numbers,
    consignment: Option<Consignment>,
    reports: Vec<TrackerReport>,
    /// A status that is about nothing.
    refused: Option<DecodeError>,
}

/// The numbers of a message, a consignment or a status.
#[derive(Clone, Debug, Default)]
struct Numbers {
    refs: References,
    pieces: Vec<String>,
}

#[derive(Default)]
struct Consignment {
    number: Option<String>,
    numbers: Numbers,
    places: Vec<RolePlace>,
    statuses: Vec<Status>,
}

/// A place with what it is (DE 3227).
#[derive(Clone)]
struct RolePlace {
    role: String,
    location: Location,
}

/// A time with what it is (DE 2005); of a leg, with the place that it is of.
struct Dated {
    qualifier: String,
    time: EventTime,
    place: Option<RolePlace>,
}

#[derive(Default)]
struct Status {
    at: String,
    codes: Option<Codes>,
    numbers: Numbers,
    times: Vec<Dated>,
    places: Vec<RolePlace>,
    words: Vec<String>,
    /// The transport stage (DE 8051): from here on, places and times are the leg's.
    stage: Option<String>,
    leg: Vec<Dated>,
    leg_place: Option<RolePlace>,
}

impl Reader {
    fn reports(
        mut self,
        message: &Message<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<TrackerReport>, DecodeError> {
        for segment in message.segments() {
            match segment.tag() {
                "BGM" => self.heading(&segment),
                "NAD" if segment.element(1).as_deref() == Some("CA") => {
                    self.carrier = segment.component(2, 1).or_else(|| segment.component(4, 1)).map(Cow::into_owned);
                }
                "CNI" => {
                    self.end_of_consignment(problems);
                    let number = segment.component(2, 1).map(Cow::into_owned);
                    self.consignment = Some(Consignment { number, ..Consignment::default() });
                }
                "STS" => self.consignment.get_or_insert_default().statuses.push(status(&segment)),
                "TDT" => self.leg(&segment),
                "DTM" => self.time(&segment, problems),
                "LOC" => self.place(&segment),
                "RFF" | "EQD" | "GIN" | "PCI" => number(self.numbers(), &segment),
                "FTX" => self.words(&segment),
                _ => {}
            }
        }
        if self.consignment.is_none() {
            say(problems, message.at.as_str(), "the message has neither a consignment nor a status");
        }
        self.end_of_consignment(problems);
        match self.refused {
            Some(error) if self.reports.is_empty() => return Err(error),
            Some(error) => say(problems, message.at.as_str(), error.to_string()),
            None => {}
        }
        Ok(self.reports)
    }

    /// BGM: the kind of document, its number, its function. UPS names itself in the kind (Quantum View Data).
    fn heading(&mut self, bgm: &Segment<'_>) {
        self.takes_back = bgm.element(3).is_some_and(|function| TAKES_BACK.contains(&&*function));
        if self.carrier.is_none() && bgm.component(1, 4).as_deref() == Some("QVD") {
            self.carrier = bgm.component(1, 2).map(Cow::into_owned);
        }
    }

    fn status(&mut self) -> Option<&mut Status> {
        self.consignment.as_mut()?.statuses.last_mut()
    }

    /// Whose numbers are being read.
    fn numbers(&mut self) -> &mut Numbers {
        match &mut self.consignment {
            None => &mut self.header,
            Some(Consignment { statuses, numbers, .. }) => statuses.last_mut().map_or(numbers, |s| &mut s.numbers),
        }
    }

    fn leg(&mut self, tdt: &Segment<'_>) {
        let (stage, carrier) = (tdt.element(1), tdt.component(5, 1).or_else(|| tdt.component(5, 4)));
        if let Some(status) = self.status() {
            // of several legs the first is the status's, the others go on from it
            status.stage.get_or_insert_with(|| stage.unwrap_or_default().into_owned());
            status.leg_place = None;
        }
        if self.carrier.is_none() {
            self.carrier = carrier.map(Cow::into_owned);
        }
    }

    /// DTM has one element: where there are two, the plus of an offset was not released (`202603101512+01:205`).
    fn time(&mut self, dtm: &Segment<'_>, problems: &mut Vec<Problem>) {
        let (Some(qualifier), Some(value)) = (dtm.component(1, 1), dtm.component(1, 2)) else { return };
        let (time, unread) = match dtm.component(2, 1).filter(|_| dtm.component(1, 3).is_none()) {
            Some(offset) => edifact::time(&format!("{value}+{offset}"), dtm.component(2, 2).as_deref()),
            None => edifact::time(&value, dtm.component(1, 3).as_deref()),
        };
        if let Some(unread) = unread {
            say(problems, dtm.at(), unread);
        }
        if qualifier == "137" {
            // a local time orders the events of one partner, and nothing else
            self.written = time.sort_key().or(self.written);
            return;
        }
        let Some(status) = self.status() else { return };
        let dated = |place| Dated { qualifier: qualifier.into_owned(), time, place };
        match status.stage {
            Some(_) => status.leg.push(dated(status.leg_place.clone())),
            None => status.times.push(dated(None)),
        }
    }

    fn place(&mut self, loc: &Segment<'_>) {
        let place =
            loc.element(1).zip(location(loc)).map(|(role, location)| RolePlace { role: role.into_owned(), location });
        let Some(consignment) = &mut self.consignment else { return };
        match consignment.statuses.last_mut() {
            Some(status) if status.stage.is_some() => status.leg_place = place,
            Some(status) => status.places.extend(place),
            None => consignment.places.extend(place),
        }
    }

    /// FTX: up to five texts; UPS writes their kind in the last (`REASON`, `RESOLUTION`).
    fn words(&mut self, ftx: &Segment<'_>) {
        let mut texts: Vec<Cow<'_, str>> = (1..=5).filter_map(|n| ftx.component(4, n)).collect();
        let label = texts.pop_if(|last| matches!(&**last, "REASON" | "RESOLUTION"));
        let text = texts.join(" ");
        if let Some(status) = self.status().filter(|_| !text.is_empty()) {
            status.words.push(label.map_or_else(|| text.clone(), |label| format!("{label}: {text}")));
        }
    }

    /// A status that names no number costs no other.
    fn end_of_consignment(&mut self, problems: &mut Vec<Problem>) {
        let Some(mut consignment) = self.consignment.take() else { return };
        let several = consignment.has_several_containers();
        for status in std::mem::take(&mut consignment.statuses) {
            if status.codes.is_none() {
                say(problems, &*status.at, "STS names no event: nothing is read out of it");
                continue;
            }
            let known_as = consignment.known_as(&status, &self.header, several);
            if known_as.is_empty() {
                self.refused.get_or_insert(DecodeError::Incomplete {
                    at: status.at,
                    reason: "neither CNI nor RFF nor EQD names a number, so the shipment is unknown".into(),
                });
                continue;
            }
            if status.numbers.pieces.len() > PIECES_MAX {
                say(problems, &*status.at, format!("only the first {PIECES_MAX} pieces are read"));
            }
            let statements = status.statements(&consignment.places, self.written, problems);
            for (refs, piece) in known_as {
                let of_piece = |o: &Observation| Observation { piece: piece.clone(), ..o.clone() };
                self.add(refs, statements.iter().map(of_piece).collect());
            }
        }
    }

    fn add(&mut self, refs: References, mut observations: Vec<Observation>) {
        for observation in observations.iter_mut().filter(|o| o.origin == Origin::Event) {
            name(observation, self.sender.as_deref(), &refs, self.takes_back);
        }
        if self.takes_back {
            observations.retain(|o| o.retracts.is_some());
        }
        match self.reports.last_mut().filter(|report| report.refs == refs) {
            Some(report) => report.observations.extend(observations),
            None => self.reports.push(TrackerReport {
                refs,
                carrier: self.carrier.clone(),
                feed: Feed::Delta,
                observations,
                test: false,
            }),
        }
    }
}

/// The standard names no event, but takes messages back (function 1): so an event is named by who says it and by what
/// tells it from others, and a message that says the same with that function takes it back.
fn name(observation: &mut Observation, sender: Option<&str>, refs: &References, takes_back: bool) {
    let numbers: Vec<&str> = refs.0.values().map(String::as_str).collect();
    let piece = observation.piece.as_deref().unwrap_or_default();
    let name = format!("{}/{piece}/{}/{}", numbers.join(","), observation.codes.raw, observation.time.raw);
    let name = edi::said_by(sender, &name);
    if takes_back {
        let codes = Codes { status: Vec::new(), reason: None, ..observation.codes.clone() };
        let unknown = EventTime::unknown("");
        *observation = Observation {
            retracts: Some(name),
            stated_at: observation.stated_at,
            ..Observation::new(codes, Classifier::Actual, unknown, Origin::Event)
        };
    } else {
        observation.provider_event_id = Some(name);
    }
}

impl Consignment {
    /// Statuses about several containers are each about one of them.
    fn has_several_containers(&self) -> bool {
        let mut containers = self.statuses.iter().filter_map(|s| s.numbers.refs.get(RefKind::Container));
        let first = containers.next();
        self.number.is_some() && containers.any(|c| Some(c) != first)
    }

    /// The numbers that a status is known by, for each of its pieces. The nearest wins: the status's before the
    /// consignment's before the message's. A package number is the tracking number where there is no other.
    fn known_as(&self, status: &Status, header: &Numbers, several: bool) -> Vec<(References, Option<String>)> {
        let sources = [&status.numbers, &self.numbers, header];
        let mut refs = References::default();
        refs.add(RefKind::TrackingNumber, self.number.as_deref());
        for (kind, value) in sources.iter().flat_map(|n| &n.refs.0) {
            refs.add(*kind, Some(value));
        }
        let pieces = sources.iter().map(|n| n.pieces.as_slice()).find(|p| !p.is_empty()).unwrap_or_default();
        let of_package = refs.get(RefKind::TrackingNumber).is_none() && (pieces.len() == 1 || refs.0.is_empty());
        let container = status.numbers.refs.get(RefKind::Container).filter(|_| several).map(str::to_owned);
        match pieces {
            [] if refs.0.is_empty() => Vec::new(),
            [] => vec![(refs, container)],
            _ => pieces
                .iter()
                .take(PIECES_MAX)
                .map(|piece| {
                    let mut refs = refs.clone();
                    if of_package {
                        refs.add(RefKind::TrackingNumber, Some(piece));
                    }
                    (refs, Some(piece.clone()).filter(|_| !of_package))
                })
                .collect(),
        }
    }
}

impl Status {
    /// Its content: the event, and what it expects of later legs.
    fn statements(
        self,
        of_consignment: &[RolePlace],
        written: Option<Timestamp>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Observation> {
        let Some(mut codes) = self.codes else { return Vec::new() };
        let chosen = main_time(&codes, &self.times, &self.leg);
        let place = self.places.first().or(of_consignment.first()).or(chosen.and_then(|dated| dated.place.as_ref()));
        qualify(&mut codes, place.map(|p| p.role.as_str()), self.stage.as_deref());
        let time = chosen.map_or_else(|| EventTime::unknown(""), |dated| dated.time.clone());
        if time.sentinel || time.sort_key().is_none() {
            say(problems, &*self.at, "the status has no date that can be used");
        }
        let classifier = chosen.and_then(|dated| classifier(&dated.qualifier)).unwrap_or(Classifier::Actual);
        let event = Observation {
            stated_at: written,
            location: place.map(|p| p.location.clone()),
            description: (!self.words.is_empty()).then(|| self.words.join("\n")),
            ..Observation::new(codes, classifier, time, Origin::Event)
        };
        let others = self.times.iter().chain(&self.leg).filter(|d| !chosen.is_some_and(|c| std::ptr::eq(c, *d)));
        std::iter::once(event).chain(others.filter_map(|dated| expectation(dated, written))).collect()
    }
}

/// The time of a status: its own, what has happened first; else the leg's for the same, which is what arrivals and
/// departures are reported by. A date that is expected or planned is the status's own only where it is of the same event:
/// beside a delay, the day of the delivery is no time of the delay.
fn main_time<'a>(codes: &Codes, own: &'a [Dated], leg: &'a [Dated]) -> Option<&'a Dated> {
    let event = codes.status.last().map(|c| c.value.as_str());
    let of_leg: &[&str] = match event {
        Some("1") => &["178"],
        Some("24" | "27") => &["186", "136", "11"],
        _ => &[],
    };
    let first = |among: &'a [Dated], wanted: &[&str]| {
        wanted.iter().find_map(|qualifier| among.iter().find(|dated| dated.qualifier == *qualifier))
    };
    let of_event: &[&str] = match event {
        Some("1") => &["132", "232"],
        Some("21" | "22") => &["17", "191", "67", "69", "76"],
        Some("24" | "27") => &["133", "189"],
        _ => &[],
    };
    first(own, ACTUAL).or_else(|| first(leg, of_leg)).or_else(|| first(own, of_event))
}

/// A date that is expected or planned beside the event. It repeats in message after message.
fn expectation(dated: &Dated, written: Option<Timestamp>) -> Option<Observation> {
    let classifier = classifier(&dated.qualifier).filter(|c| *c != Classifier::Actual)?;
    dated.time.sort_key().filter(|_| !dated.time.sentinel)?;
    let list = "edifact.2005";
    let role = dated.place.as_ref().map(|p| ProviderCode::new(list, format!("{}/{}", dated.qualifier, p.role)));
    let codes = Codes {
        raw: dated.qualifier.clone(),
        status: role.into_iter().chain([ProviderCode::new(list, dated.qualifier.as_str())]).collect(),
        reason: None,
        coarse: None,
    };
    Some(Observation {
        stated_at: written,
        location: dated.place.as_ref().map(|p| p.location.clone()),
        ..Observation::new(codes, classifier, dated.time.clone(), Origin::Summary)
    })
}

/// STS: category (DE 9015), event (9011, later 4405), up to five reasons (9013). UPS writes the event into the
/// category: `STS+1:D2:21`.
fn status(sts: &Segment<'_>) -> Status {
    let category = sts.element(1);
    let in_category = sts.component(1, 2).and(sts.component(1, 3)).filter(|_| sts.component(2, 4).is_none());
    let (code, words) = (sts.element(2).or(in_category), sts.component(2, 4));
    let reasons: Vec<(Cow<'_, str>, String)> =
        (3..=7).filter_map(|n| Some((sts.element(n)?, list(sts, n, "rec24.9013", "edifact.9013")))).collect();
    let codes = code.as_deref().or(words.as_deref()).map(|raw| Codes {
        raw: std::iter::once(raw).chain(reasons.iter().map(|(reason, _)| &**reason)).collect::<Vec<_>>().join("/"),
        status: code.as_deref().map(|code| event(sts, category.as_deref(), code)).into_iter().collect(),
        reason: reasons.first().map(|(reason, list)| ProviderCode::new(list, bare(reason))),
        coarse: None,
    });
    let words = words.into_iter().chain((3..=7).filter_map(|n| sts.component(n, 4))).map(Cow::into_owned).collect();
    Status { at: sts.at(), codes, words, ..Status::default() }
}

/// Recommendation 24's events are those of transport; other categories have other codes.
fn event(sts: &Segment<'_>, category: Option<&str>, code: &str) -> ProviderCode {
    match category.map(bare) {
        None | Some("1") => ProviderCode::new(&list(sts, 2, "rec24.9011", "edifact.9011"), bare(code)),
        Some(other) => ProviderCode::new("edifact.4405", format!("{other}/{code}")),
    }
}

/// The list of an element's code: the standard's, unless another agency (DE 3055) keeps it.
fn list(sts: &Segment<'_>, element: usize, standard: &str, others: &str) -> String {
    match sts.component(element, 3) {
        Some(agency) if !matches!(&*agency, "6" | "ZZZ") => format!("{others}.{agency}"),
        _ => standard.to_owned(),
    }
}

/// `021` is 21.
fn bare(code: &str) -> &str {
    let bare = code.trim_start_matches('0');
    if bare.is_empty() { code } else { bare }
}

/// Arrivals and departures mean something else at another place, or on another stage of the transport.
fn qualify(codes: &mut Codes, role: Option<&str>, stage: Option<&str>) {
    let Some(event) = codes.status.first().filter(|c| c.list == "rec24.9011").map(|c| c.value.clone()) else { return };
    if !matches!(event.as_str(), "1" | "24") {
        return;
    }
    let by_role = role.map(|role| format!("{event}/{role}"));
    let by_stage = stage.filter(|stage| !stage.is_empty()).map(|stage| format!("{event}/TDT{stage}"));
    let qualified = by_role.into_iter().chain(by_stage).map(|value| ProviderCode::new("rec24.9011", value));
    codes.status.splice(0..0, qualified);
}

/// DE 1153, 8053 (container), 7405 (SSCC), 4233 (marked with an SSCC).
fn number(numbers: &mut Numbers, segment: &Segment<'_>) {
    let refs = &mut numbers.refs;
    let (qualifier, value) = match segment.tag() {
        "RFF" => (segment.component(1, 1), segment.component(1, 2)),
        _ => (segment.element(1), segment.element(2)),
    };
    let kind = match (segment.tag(), qualifier.as_deref().unwrap_or_default()) {
        ("RFF", "AAM" | "AWB" | "HWB" | "CN") => RefKind::TrackingNumber,
        ("RFF", "BM" | "MB" | "AAS") => RefKind::BillOfLading,
        ("RFF", "BN") => RefKind::Booking,
        ("RFF", "CU" | "SRN") => RefKind::Shipment,
        ("RFF", "ON") => RefKind::PurchaseOrder,
        ("RFF", "CO" | "VN") => RefKind::Order,
        ("RFF", "EQ") | ("EQD", "CN") => RefKind::Container,
        ("RFF", "CW") => return piece(numbers, value),
        ("GIN", "BJ" | "AW") | ("PCI", "33E") => {
            let all = (2..=6).flat_map(|element| (1..=5).filter_map(move |n| segment.component(element, n)));
            return all.for_each(|mark| piece(numbers, Some(mark)));
        }
        _ => return,
    };
    // the status is about what the equipment segment names, even where a reference before it names something else
    if segment.tag() == "EQD" {
        refs.0.remove(&kind);
    }
    refs.add(kind, value.as_deref());
}

fn piece(numbers: &mut Numbers, mark: Option<Cow<'_, str>>) {
    let Some(mark) = mark.map(|mark| edi::sscc(&mark).to_owned()) else { return };
    if numbers.pieces.len() <= PIECES_MAX && !numbers.pieces.contains(&mark) {
        numbers.pieces.push(mark);
    }
}

/// LOC: a code in a list (C517) and a name; what it belongs to (C519) is its country. UN/LOCODE is meant where the
/// list (139 ports, 162 countries) or the agency (6) is named, or where none is named and it has the form.
fn location(loc: &Segment<'_>) -> Option<Location> {
    let (code, list, agency) = (loc.component(2, 1), loc.component(2, 2), loc.component(2, 3));
    let country = (3..=4).flat_map(|element| [1, 4].map(|n| loc.component(element, n))).flatten();
    let standard = list.as_deref() == Some("139") || agency.as_deref().is_none_or(|agency| agency == "6");
    let is_locode = standard && code.as_deref().is_some_and(has_form_of_locode);
    let (unlocode, facility) = if is_locode { (code, None) } else { (None, code) };
    let name = loc.component(2, 4).map(Cow::into_owned);
    let (city, raw) = if is_locode { (None, name) } else { (name, None) };
    let of_code = unlocode.as_deref().map(|code| code[..2].to_owned());
    Location {
        country: country.filter_map(|c| json::country(&c)).next().or(of_code),
        unlocode: unlocode.map(Cow::into_owned),
        facility: facility.map(Cow::into_owned),
        city,
        raw,
        ..Location::default()
    }
    .non_empty()
}

/// Two letters of a country, three letters or digits 2 to 9 (UNECE Recommendation 16).
fn has_form_of_locode(code: &str) -> bool {
    code.len() == 5
        && code.bytes().take(2).all(|b| b.is_ascii_uppercase())
        && code.bytes().skip(2).all(|b| b.is_ascii_uppercase() || matches!(b, b'2'..=b'9'))
}
