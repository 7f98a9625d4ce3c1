//! From DCSA Track & Trace's messages to statements.

use super::{super::DecodeError, refs::Named, words::code};
use crate::formats::json;
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, References, TrackerReport,
    },
};
use serde_json::{Map, Value};

/// The objects over which 3.0 spreads what 2.2 has in one.
const PARTS: &[&str] = &[
    "metadata",
    "payload",
    "event_classification",
    "shipment_details",
    "transport_details",
    "equipment_details",
    "iot_details",
];

/// Fields by which messages of other DCSA standards are known. Source: the standards' schemas in Conformance-Gateway.
const OTHER_STANDARDS: &[(&str, &str)] = &[
    ("port_call", "port call"),
    ("port_call_service", "port call service"),
    ("port_call_service_id", "port call service"),
    ("terminal_call_id", "terminal call"),
    ("port_call_id", "port call"),
    ("timestamp_id", "port call timestamp"),
    ("operations_event_type_code", "port call operation"),
    ("arrival_notices", "arrival notice"),
    ("arrival_notice_notifications", "arrival notice"),
    ("point_to_point_routings", "schedule"),
    ("vessel_schedules", "schedule"),
    ("booking_status", "booking"),
    ("shipping_instructions_status", "shipping instructions"),
    ("transport_document_status", "transport document"),
    ("callback_url", "subscription"),
    ("specversion", "notification of a document"),
    ("feedback_elements", "feedback"),
];

/// The kinds of event: what they are called, the code list, and the place of the code.
const KINDS: &[(&str, &str, [&str; 2])] = &[
    ("EQUIPMENT", "dcsa.equipment", ["equipment_event_type_code", "equipment_event_type"]),
    ("TRANSPORT", "dcsa.transport", ["transport_event_type_code", "transport_event_type"]),
    ("SHIPMENT", "dcsa.shipment", ["shipment_event_type_code", "shipment_event_type"]),
    ("IOT", "dcsa.iot", ["iot_event_type_code", "iot_event_type"]),
    ("REEFER", "dcsa.reefer", ["reefer_event_type_code", "reefer_event_type"]),
];

/// Documents of the carriage itself: what happens to them happens to the shipment.
const BOOKINGS: &[&str] = &["BKG", "CBR"];

/// Decodes an event, a list of events, or an answer with `events`.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let (at, events) = events(body)?;
    let mut reading = Reading::default();
    for (n, event) in events.iter().enumerate() {
        reading.event(&flat(event), &format!("{at}/{n}"));
    }
    if reading.decoded.reports.is_empty() && reading.decoded.problems.is_empty() {
        let what = reading.others.unwrap_or("an empty list of events");
        return Err(DecodeError::NotTracking(format!("DCSA {what}")));
    }
    Ok(reading.decoded)
}

/// The id of the event, where the message has only one.
pub(super) fn only_event_id(body: &Value) -> Option<String> {
    match events(body).ok()?.1[..] {
        [event] => json::text(&flat(event), "event_id"),
        _ => None,
    }
}

fn events(body: &Value) -> Result<(&'static str, Vec<&Value>), DecodeError> {
    match (body, body.get("events")) {
        (Value::Array(list), _) => Ok(("", list.iter().flat_map(of_answer).collect())),
        (_, Some(Value::Array(list))) => Ok(("/events", list.iter().collect())),
        (Value::Object(_), _) if kind(&flat(body)).is_some() || is_retraction(&flat(body)) => Ok(("", vec![body])),
        (Value::Object(_), _) => Err(match other_standard(body) {
            Some(what) => DecodeError::NotTracking(format!("DCSA {what}")),
            None => DecodeError::Incomplete {
                at: "/".into(),
                reason: "there is neither an event with an eventType nor a list of events: is this a DCSA message?"
                    .into(),
            },
        }),
        _ => Err(DecodeError::Malformed {
            expected: "a DCSA message",
            reason: "it is neither a JSON object nor a list".into(),
        }),
    }
}

/// The events of a response: a list, or a single event.
fn of_answer(item: &Value) -> Vec<&Value> {
    item.get("events").and_then(Value::as_array).map_or_else(|| vec![item], |events| events.iter().collect())
}

fn other_standard(message: &Value) -> Option<&'static str> {
    OTHER_STANDARDS.iter().find(|(field, _)| message.get(field).is_some()).map(|(_, what)| *what)
}

/// The event as one object, in any dialect.
fn flat(event: &Value) -> Value {
    let mut all = Map::new();
    let parts = PARTS.iter().filter_map(|part| event.get(part));
    for (key, value) in std::iter::once(event).chain(parts).filter_map(Value::as_object).flatten() {
        all.entry(key.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(all)
}

type Kind = (&'static str, &'static str, String);

/// The kind of an event with its list and code. Version 2.0 had the code of every kind in `eventTypeCode`.
fn kind(event: &Value) -> Option<Kind> {
    let of = |name: &str| KINDS.iter().find(|(kind, ..)| *kind == name);
    let named = ["event_type", "event_type_code"].iter().find_map(|key| of(&json::text(event, key)?));
    let (name, list, keys) = named.or_else(|| KINDS.iter().find(|(.., keys)| json::first(event, keys).is_some()))?;
    let word =
        json::first(event, keys).or_else(|| json::text(event, "event_type_code").filter(|word| of(word).is_none()))?;
    Some((name, list, word))
}

fn is_retraction(event: &Value) -> bool {
    retracted(event).is_some()
}

/// The event that is taken back: another one (3.0 Beta), or an earlier content of this one (3.0.0).
fn retracted(event: &Value) -> Option<String> {
    let itself = || event.get("is_retracted").is_some_and(|flag| flag == true);
    json::text(event, "retracted_event_id").or_else(|| json::text(event, "event_id").filter(|_| itself()))
}

#[derive(Default)]
struct Reading {
    decoded: Decoded,
    /// What else was in the message.
    others: Option<&'static str>,
}

impl Reading {
    fn event(&mut self, event: &Value, at: &str) {
        let retraction = retracted(event).map(|id| retraction(event, id));
        let discarded = event.get("is_retracted").is_some_and(|flag| flag == true);
        let statement = if discarded { None } else { self.statement(event, at, retraction.is_some()) };
        if retraction.is_none() && statement.is_none() {
            return;
        }
        let problems = &mut self.decoded.problems;
        let trackers = Named::of(event, at, problems).trackers();
        if statement.is_some() && trackers.iter().any(|refs| refs.tracker().is_none()) {
            let message =
                "names neither a container nor a booking nor a transport document, so the shipment is unknown";
            problems.push(Problem { at: at.to_owned(), message: message.into() });
        }
        for refs in trackers {
            let said: Vec<Observation> = retraction.iter().chain(&statement).cloned().collect();
            // a retraction names its event, and needs no tracker for that
            let said = if refs.tracker().is_some() { said } else { retraction.iter().cloned().collect() };
            if !said.is_empty() {
                self.report(refs, carrier(event), said);
            }
        }
    }

    /// The content of the event; none, with a problem, where that is unknown.
    fn statement(&mut self, event: &Value, at: &str, retracts: bool) -> Option<Observation> {
        let Some((name, list, word)) = kind(event) else {
            match other_standard(event) {
                Some(other) => self.others = Some(other),
                None if retracts => {}
                None => self.problem(at, "is no event of a known kind, or has no code"),
            }
            return None;
        };
        let Some(classifier) = classifier(event) else {
            self.problem(
                at,
                "has no eventClassifierCode of PLN, EST and ACT, so it is unknown whether it has happened",
            );
            return None;
        };
        let problems = &mut self.decoded.problems;
        let time = json::event_time(event, &["event_date_time"], at, problems);
        let location = location(event, at, problems);
        let stated_at = ["event_updated_date_time", "event_created_date_time"];
        Some(Observation {
            provider_event_id: json::text(event, "event_id"),
            stated_at: stated_at.iter().find_map(|key| json::instant(event, key)),
            location,
            description: json::first(event, &["change_remark", "reason"]),
            ..Observation::new(codes(event, name, list, word), classifier, time, Origin::Event)
        })
    }

    fn problem(&mut self, at: &str, message: &str) {
        self.decoded.problems.push(Problem { at: at.to_owned(), message: message.to_owned() });
    }

    /// One report for each tracker, its statements in the order of the message.
    fn report(&mut self, refs: References, carrier: Option<String>, said: Vec<Observation>) {
        let same = |r: &&mut TrackerReport| r.refs.tracker() == refs.tracker() && r.carrier == carrier;
        match self.decoded.reports.iter_mut().find(same) {
            Some(report) => {
                for (kind, number) in &refs.0 {
                    report.refs.add(*kind, Some(number));
                }
                report.observations.extend(said);
            }
            None => self.decoded.reports.push(TrackerReport {
                refs,
                carrier,
                feed: Feed::Delta,
                observations: said,
                test: false,
            }),
        }
    }
}

fn retraction(event: &Value, id: String) -> Observation {
    let codes = Codes { raw: "retraction".into(), status: Vec::new(), reason: None, coarse: None };
    let stated_at = ["event_updated_date_time", "event_created_date_time"];
    Observation {
        provider_event_id: json::text(event, "event_id"),
        retracts: Some(id),
        stated_at: stated_at.iter().find_map(|key| json::instant(event, key)),
        ..Observation::new(codes, Classifier::Actual, EventTime::unknown(""), Origin::Event)
    }
}

fn classifier(event: &Value) -> Option<Classifier> {
    match code(&json::first(event, &["event_classifier_code", "event_classifier"])?) {
        "PLN" => Some(Classifier::Planned),
        "EST" => Some(Classifier::Estimated),
        "ACT" => Some(Classifier::Actual),
        _ => None,
    }
}

/// The code, before it the code with what decides its meaning.
fn codes(event: &Value, name: &str, list: &str, word: String) -> Codes {
    let bare = code(&word);
    let qualified = match name {
        "EQUIPMENT" => of_equipment(event, bare),
        "SHIPMENT" => of_document(event, bare),
        _ => Vec::new(),
    };
    let status = qualified.into_iter().chain([bare.to_owned()]).map(|value| ProviderCode::new(list, value)).collect();
    let delay =
        json::text(event, "delay_reason_code").or_else(|| json::plain(event.get("delay_reason_codes")?.get(0)?));
    let reason = delay.map(|delay| ProviderCode::new("dcsa.delay_reason", delay));
    Codes { raw: word, status, reason, coarse: None }
}

/// `DROP/LADEN/CLOC`, `GTIN/LADEN/IMPORT`, `DROP/LADEN`, `DROP/CLOC`: what is in it, where, in which phase.
fn of_equipment(event: &Value, bare: &str) -> Vec<String> {
    let load = json::first(event, &["empty_indicator_code", "empty_indicator"]);
    let phase = json::first(event, &["movement_type", "transport_phase"]).or_else(|| {
        let transshipped = event.get("is_transshipment_move").is_some_and(|flag| flag == true);
        transshipped.then(|| "TRANSSHIPMENT".to_owned())
    });
    let facility = places(event)
        .find_map(|place| json::first(place, &["facility_type_code", "facility_type"]))
        .map(|word| code(&word).to_owned());
    let mut all = Vec::new();
    if let Some(load) = &load {
        all.extend(phase.iter().chain(&facility).map(|what| format!("{bare}/{load}/{what}")));
        all.push(format!("{bare}/{load}"));
    }
    all.extend(facility.iter().map(|facility| format!("{bare}/{facility}")));
    all
}

/// `CONF/BKG`; for a document that is not the booking also `CONF/*`: what happens to a paper does not happen to the
/// goods.
fn of_document(event: &Value, bare: &str) -> Vec<String> {
    let of_reference = || json::first(event.get("document_reference")?, &["type_code", "type"]);
    let document = json::first(event, &["document_type_code", "document_type"]).or_else(of_reference);
    let Some(document) = document else { return Vec::new() };
    let document = code(&document);
    let mut all = vec![format!("{bare}/{document}")];
    if !BOOKINGS.contains(&document) {
        all.push(format!("{bare}/*"));
    }
    all
}

/// Where places are described, the event's own first.
fn places(event: &Value) -> impl Iterator<Item = &Value> {
    let call = event.get("transport_call");
    [event.get("event_location"), Some(event), call.and_then(|call| call.get("location")), call].into_iter().flatten()
}

fn location(event: &Value, at: &str, problems: &mut Vec<Problem>) -> Option<Location> {
    let written = places(event).find_map(|place| json::text(place, "unlocation_code"));
    let unlocode = written.clone().filter(|code| is_unlocode(code));
    if written.is_some() && unlocode.is_none() {
        problems.push(Problem { at: format!("{at}/UNLocationCode"), message: "is no UN/LOCODE".into() });
    }
    let address = places(event).find_map(|place| place.get("address"));
    let of_address = |keys: &[&str]| json::first(address?, keys).filter(|text| text != "N/A");
    let facility = places(event).find_map(|place| {
        json::text(place, "facility_code").or_else(|| json::text(place.get("facility")?, "facility_code"))
    });
    let named = places(event).find_map(|place| json::text(place, "location_name"));
    Location {
        city: of_address(&["city", "city_name"]),
        region: of_address(&["state_region"]),
        country: of_address(&["country_code", "country"]).and_then(|c| json::country(&c)),
        facility,
        raw: if unlocode.is_none() { named.or(written) } else { named },
        unlocode,
        ..Location::default()
    }
    .non_empty()
}

/// Two letters for the country, three letters or digits of 2 to 9 for the place (UN/ECE recommendation 16).
fn is_unlocode(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.len() == 5
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..].iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'2'..=b'9'))
}

/// The carrier that published the event.
fn carrier(event: &Value) -> Option<String> {
    let publisher = event.get("publisher");
    let of_publisher = || {
        let role = json::text(event, "publisher_role");
        let is_carrier = role.as_deref().is_none_or(|role| role == "CA");
        json::text(publisher?, "carrier_code").or_else(|| json::text(publisher?, "party_name").filter(|_| is_carrier))
    };
    let of_routing = || {
        let routing = event.get("event_routing")?;
        let several = routing.get("originating_parties").and_then(Value::as_array).into_iter().flatten();
        let mut parties = routing.get("originating_party").into_iter().chain(several);
        let carrier = parties.find(|party| json::text(party, "party_function").as_deref() == Some("CA"))?;
        json::text(carrier, "party_code")
    };
    of_publisher().or_else(of_routing)
}
