//! From FourKites' callbacks to statements.

use super::super::DecodeError;
use crate::formats::{json, times};
use domain::{
    Classifier,
    event_time::{EventTime, Precision, ZoneSource},
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, Stop,
        TrackerReport,
    },
};
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

/// Callbacks about the load as a record, not about the goods.
const ABOUT_THE_RECORD: &[&str] = &[
    "LOAD_CREATION",
    "LOAD_CREATED",
    "LOAD_UPDATE",
    "LOAD_UPDATED",
    "LOAD_DELETION",
    "LOAD_DELETED",
    "LOAD_ASSIGNMENT",
];

/// X12 status codes whose time is an estimate (1650: estimated delivery, arrival, departure, pick-up).
const ESTIMATES: &[&str] = &["AG", "X2", "B6", "C1", "AA"];

/// Decodes a callback, or a list of them.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let list: Vec<&Value> = body.as_array().map_or_else(|| vec![body], |list| list.iter().collect());
    json::each(&list, "", report)
}

fn report(callback: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let Some(kind) = json::text(callback, "message_type").map(|k| k.to_uppercase().replace([' ', '-'], "_")) else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/MessageType"),
            reason: "is missing: is this a FourKites callback?".into(),
        });
    };
    if ABOUT_THE_RECORD.contains(&kind.as_str()) {
        return Err(DecodeError::NotTracking(format!("FourKites callback {kind}")));
    }
    if ["success", "is_success"].iter().any(|field| callback.get(field).is_some_and(|flag| flag == false)) {
        let complaints = callback.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let why = json::complaints(complaints, "code");
        return Err(DecodeError::NotTracking(format!("FourKites could not process {kind}: {why}")));
    }
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, json::further_number(callback, "pro_number", at, problems).as_deref());
    refs.add(RefKind::Shipment, json::further_number(callback, "load_number", at, problems).as_deref());
    refs.add(RefKind::BillOfLading, json::text(callback, "bill_of_lading").as_deref());
    refs.add(RefKind::Booking, json::text(callback, "booking_number").as_deref());
    if refs.0.is_empty() {
        json::number(callback, "pro_number", at)?;
        json::number(callback, "load_number", at)?;
        return Err(DecodeError::Incomplete {
            at: format!("{at}/LoadNumber"),
            reason: "is missing, as is ProNumber, so the shipment is unknown".into(),
        });
    }
    refs.add(RefKind::TrackerObject, json::code(callback, "four_kites_load_id").as_deref());
    let time = happened(callback);
    let time = json::usable(time.clone(), "Timestamp", at, problems).unwrap_or(time);
    let codes = codes(callback, &kind);
    let expected = kind.contains("ETA") || ESTIMATES.contains(&codes.raw.as_str());
    let classifier = if expected { Classifier::Estimated } else { Classifier::Actual };
    let stop = json::code(callback, "stop_sequence").and_then(|number| number.parse().ok());
    let observation = Observation {
        location: location(callback),
        stop: stop.filter(|n: &u32| *n > 0).map(|number| Stop { number }),
        description: json::text(callback, "message"),
        ..Observation::new(codes, classifier, time, Origin::Event)
    };
    Ok(TrackerReport {
        refs,
        carrier: json::text(callback, "scac"),
        feed: Feed::Delta,
        observations: vec![observation],
        test: false,
    })
}

/// The X12 status where there is one that is known; else the kind of callback, qualified by the kind of stop.
fn codes(callback: &Value, kind: &str) -> Codes {
    let stop = json::text(callback, "stop_type").map(|s| s.to_uppercase());
    let qualified = stop.map(|stop| format!("{kind}/{stop}"));
    let own = qualified.iter().map(String::as_str).chain([kind]);
    let own = own.map(|code| ProviderCode::new("fourkites.message", code));
    match json::text(callback, "status_code") {
        Some(code) if !kind.contains("ETA") => {
            let status = std::iter::once(ProviderCode::new("x12.1650", &code)).chain(own).collect();
            Codes { status, raw: code, reason: None, coarse: None }
        }
        _ => Codes {
            raw: qualified.clone().unwrap_or_else(|| kind.to_owned()),
            status: own.collect(),
            reason: None,
            coarse: None,
        },
    }
}

/// The local time in the zone beside it: by name, else by its offset in seconds.
fn happened(callback: &Value) -> EventTime {
    let Some(time) = json::time(callback, "timestamp") else { return EventTime::unknown("") };
    let (Some(local), None, true) = (time.local, time.utc, time.precision > Precision::Date) else { return time };
    if let Some((name, zone)) =
        json::text(callback, "timezone").and_then(|name| Some((name.clone(), TimeZone::get(&name).ok()?)))
    {
        return EventTime::zoned(time.raw, local, &zone, name, time.precision, ZoneSource::Payload);
    }
    let seconds = json::code(callback, "timezone_offset").and_then(|s| s.parse::<i32>().ok());
    match seconds.and_then(|s| Offset::from_seconds(s).ok()) {
        Some(offset) => {
            let zone = TimeZone::fixed(offset);
            EventTime::zoned(time.raw, local, &zone, times::offset_text(offset), time.precision, ZoneSource::Payload)
        }
        None => time,
    }
}

fn location(callback: &Value) -> Option<Location> {
    let country = ["country", "contry"].iter().find_map(|field| json::text(callback, field));
    Location {
        city: json::text(callback, "city"),
        region: json::text(callback, "state"),
        country: country.and_then(|c| json::country(&c)),
        unlocode: json::text(callback, "stop_unlocode"),
        facility: json::text(callback, "stop_reference_id"),
        ..Location::default()
    }
    .non_empty()
}
