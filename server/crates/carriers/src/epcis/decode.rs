//! From events to statements, one report for each logistic unit.

use super::{
    super::DecodeError,
    event::{Event, Whereabouts},
    from_json, from_xml,
    gs1::{self, Word},
};
use crate::formats::{
    json::{self, Keys},
    xml,
};
use domain::{
    Classifier,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use std::collections::HashMap;

/// Steps that take something apart or out of use: with them action DELETE says what happened (CBV 2.0, section 7.1).
/// With any other step it says that something did not.
const DISSOLVING: &[&str] = &[
    "decommissioning",
    "destroying",
    "disassembling",
    "dispensing",
    "killing",
    "removing",
    "repackaging",
    "replacing",
    "retail_selling",
    "sampling",
    "unloading",
    "unpacking",
    "void_shipping",
];

/// Dispositions that report trouble, and so come before any other.
const TROUBLE: &[&str] =
    &["damaged", "stolen", "destroyed", "disposed", "mismatch_quantity", "mismatch_class", "mismatch_instance"];

/// Decodes a document of either format.
pub(super) fn decode(raw: &[u8]) -> Result<Decoded, DecodeError> {
    let mut problems = Vec::new();
    let events = match raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw).trim_ascii_start() {
        [b'<', ..] => of_xml(raw, &mut problems)?,
        _ => of_json(raw, &mut problems)?,
    };
    let mut decoded = reports(&events);
    decoded.problems.splice(0..0, problems);
    Ok(decoded)
}

fn of_json(raw: &[u8], problems: &mut Vec<Problem>) -> Result<Vec<Event>, DecodeError> {
    let (body, mended) = json::parse(raw, Keys::AsWritten)?;
    problems.extend(mended);
    let mut events = Vec::new();
    from_json::events(&body, "", &mut events);
    match from_json::kind(&body) {
        _ if !events.is_empty() => Ok(events),
        Some(kind) if kind.starts_with("EPCIS") => Err(DecodeError::NotTracking(format!("{kind} without an event"))),
        _ => Err(DecodeError::Incomplete {
            at: "/type".into(),
            reason: "is neither an EPCIS document nor an event: is this an EPCIS message?".into(),
        }),
    }
}

fn of_xml(raw: &[u8], problems: &mut Vec<Problem>) -> Result<Vec<Event>, DecodeError> {
    let text = xml::read(raw, problems)?;
    let document = xml::parse(&text)?;
    let events = from_xml::events(&document);
    let root = document.root_element().tag_name().name();
    match root {
        _ if !events.is_empty() => Ok(events),
        _ if root.starts_with("EPCIS") => Err(DecodeError::NotTracking(format!("{root} without an event"))),
        _ => Err(DecodeError::Malformed {
            expected: "an EPCIS document",
            reason: "no element of it is an EPCIS event".into(),
        }),
    }
}

fn reports(events: &[Event]) -> Decoded {
    let mut decoded = Decoded::default();
    let mut places: HashMap<(RefKind, String), usize> = HashMap::new();
    let (mut nameless, mut first_nameless) = (0_usize, None);
    for event in events {
        let subjects = subjects(event, &mut decoded.problems);
        if subjects.is_empty() {
            nameless += 1;
            first_nameless = first_nameless.or(Some(&event.at));
            continue;
        }
        let observation = said(event, &mut decoded.problems);
        let known = references(event);
        for (kind, number) in subjects {
            let place = *places.entry((kind, number.clone())).or_insert_with(|| {
                decoded.reports.push(report(kind, &number));
                decoded.reports.len() - 1
            });
            let report = &mut decoded.reports[place];
            known.iter().for_each(|(kind, number)| report.refs.add(*kind, Some(number)));
            report.observations.extend(named(event, &number, &observation));
        }
    }
    decoded.problems.extend(first_nameless.map(|at| Problem {
        at: at.clone(),
        message: format!(
            "{nameless} event(s), this one first, name neither an SSCC nor a container, shipment, consignment, despatch advice, \
             bill of lading or purchase order, so the shipment is unknown"
        ),
    }));
    decoded
}

fn report(kind: RefKind, number: &str) -> TrackerReport {
    let mut refs = References::default();
    refs.add(kind, Some(number));
    TrackerReport { refs, carrier: None, feed: Feed::Delta, observations: Vec::new(), test: false }
}

/// What an event is about: its logistic units; without any, what names the shipment as a whole, the closest first.
fn subjects(event: &Event, problems: &mut Vec<Problem>) -> Vec<(RefKind, String)> {
    let containers = event.epcs.iter().filter_map(|epc| Some((RefKind::Container, gs1::container(epc)?)));
    let units = event.epcs.iter().filter_map(|epc| Some((RefKind::Sscc, gs1::sscc(epc)?)));
    let units = once_each(units.chain(containers));
    for (_, unit) in units.iter().filter(|(kind, unit)| *kind == RefKind::Sscc && !gs1::is_checked(unit)) {
        let message = format!("SSCC {unit} has a wrong check digit; taken as it is written");
        problems.push(Problem { at: event.at.clone(), message });
    }
    if !units.is_empty() {
        return units;
    }
    let named = once_each(consignments(event).chain(references(event)));
    let kinds = [RefKind::TrackingNumber, RefKind::Shipment, RefKind::BillOfLading, RefKind::PurchaseOrder];
    let closest = kinds.into_iter().find(|kind| named.iter().any(|(k, _)| k == kind));
    named.into_iter().filter(|(kind, _)| Some(*kind) == closest).collect()
}

fn once_each(named: impl Iterator<Item = (RefKind, String)>) -> Vec<(RefKind, String)> {
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    named.dedup();
    named
}

fn consignments(event: &Event) -> impl Iterator<Item = (RefKind, String)> {
    event.epcs.iter().filter_map(|epc| Some((RefKind::TrackingNumber, gs1::ginc(epc)?)))
}

/// The numbers beside the units, in the order of the event.
fn references(event: &Event) -> Vec<(RefKind, String)> {
    let shipments = event.epcs.iter().filter_map(|epc| Some((RefKind::Shipment, gs1::gsin(epc)?)));
    let documents = event.transactions.iter().filter_map(|(kind, number)| {
        let kind = match kind.as_ref()?.as_str() {
            "bol" => RefKind::BillOfLading,
            "po" => RefKind::PurchaseOrder,
            "desadv" => RefKind::Shipment,
            _ => return None,
        };
        Some((kind, gs1::transaction(number).to_owned()))
    });
    shipments.chain(documents).collect()
}

/// The statement under its name, which is that of the event about this unit. What takes back takes back whatever the event
/// may be named by.
fn named(event: &Event, number: &str, said: &Observation) -> Vec<Observation> {
    let names = event.names().into_iter().map(|name| format!("{name}/{number}"));
    if event.error.is_some() || undoes(event) {
        return names.map(|name| Observation { retracts: Some(name), ..said.clone() }).collect();
    }
    names.take(1).map(|name| Observation { provider_event_id: Some(name), ..said.clone() }).collect()
}

fn said(event: &Event, problems: &mut Vec<Problem>) -> Observation {
    let time = event.event_time();
    if time.sentinel || time.sort_key().is_none() {
        problems.push(Problem { at: event.at.clone(), message: "eventTime is no time that can be used".into() });
    }
    let said = Observation {
        stated_at: event.stated_at(),
        location: location(event),
        ..Observation::new(codes(event), Classifier::Actual, time, Origin::Event)
    };
    match &event.error {
        Some(error) => Observation {
            time: error.declared.as_deref().map_or_else(|| said.time.clone(), crate::formats::times::iso),
            description: error.reason.as_ref().map(|reason| format!("Declared an error: {reason}")),
            ..said
        },
        None => said,
    }
}

fn undoes(event: &Event) -> bool {
    let deletes = event.action.as_deref().is_some_and(|action| action.eq_ignore_ascii_case("DELETE"));
    deletes && event.step.as_ref().is_some_and(|step| !DISSOLVING.contains(&step.as_str()))
}

/// The step, before it with what the event says about it; the disposition refines. A step of somebody's own vocabulary
/// leaves the disposition as the floor.
fn codes(event: &Event) -> Codes {
    let disposition = event
        .lasting
        .iter()
        .chain(&event.disposition)
        .find(|word| TROUBLE.contains(&word.as_str()))
        .or(event.disposition.as_ref())
        .or(event.lasting.first());
    let disposition_code = disposition.map(|word| ProviderCode::new("epcis.disposition", word.as_str()));
    let Some(step) = &event.step else {
        let action = event.action.as_deref().unwrap_or("OBSERVE");
        let raw = disposition.map_or_else(|| format!("{}/{action}", event.kind), ToString::to_string);
        return Codes { raw, status: disposition_code.into_iter().collect(), reason: None, coarse: None };
    };
    let pair = event.disposition.as_ref().map(|word| format!("{step}/{word}"));
    let place = (step.as_str() == "receiving").then(|| format!("{step}/{}", whereabouts(event)));
    let candidates = [pair, place, Some(step.to_string())].into_iter().flatten();
    Codes {
        raw: step.to_string(),
        status: candidates.map(|code| ProviderCode::new("epcis.bizStep", code)).collect(),
        coarse: disposition_code.clone().filter(|_| matches!(step, Word::Own(_))),
        reason: disposition_code,
    }
}

/// Goods are received all along the way; only at the destination they are delivered.
fn whereabouts(event: &Event) -> &'static str {
    match event.whereabouts() {
        Whereabouts::Destination => "destination",
        Whereabouts::Elsewhere => "elsewhere",
        Whereabouts::Unsaid => "unsaid",
    }
}

fn location(event: &Event) -> Option<Location> {
    let places = [&event.read_point, &event.location];
    let facility = places.into_iter().flatten().find_map(|uri| gs1::gln(uri));
    let raw = places.into_iter().flatten().next().filter(|_| facility.is_none()).cloned();
    Location { facility, raw, ..Location::default() }.non_empty()
}
