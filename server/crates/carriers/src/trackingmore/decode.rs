//! From TrackingMore's tracking object, of whichever version, to statements.

use super::super::DecodeError;
use crate::formats::{json, times};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::Timestamp;
use serde_json::Value;

/// Decodes a webhook or an answer: one tracking in `data`, a list of them, or `data.items`.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let data = body.get("data").unwrap_or(body);
    let items = data.get("items").or_else(|| data.get("success")).unwrap_or(data);
    match items {
        Value::Array(list) => json::each(&list.iter().collect::<Vec<_>>(), "/data", report),
        Value::Object(fields) if !fields.is_empty() => json::each(&[items], "/data", report),
        _ => Err(match json::text(body.get("meta").unwrap_or(&Value::Null), "message") {
            Some(message) => DecodeError::NotTracking(format!("an answer of TrackingMore without data: {message}")),
            None => DecodeError::Incomplete {
                at: "/data".into(),
                reason: "is missing: is this a TrackingMore message?".into(),
            },
        }),
    }
}

fn report(tracking: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let number = json::number(tracking, "tracking_number", at)?.filter(|n| n.chars().any(char::is_alphanumeric));
    let Some(number) = number else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/tracking_number"),
            reason: "is missing or a placeholder, so the shipment is unknown".into(),
        });
    };
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    refs.add(RefKind::TrackerObject, json::code(tracking, "id").as_deref());
    refs.add(
        RefKind::Order,
        json::text(tracking, "order_number").or_else(|| json::text(tracking, "order_id")).as_deref(),
    );
    let stamp = ["update_at", "updated_at", "lastest_checkpoint_time"].iter().find_map(|f| json::instant(tracking, f));
    let mut observations: Vec<Observation> = ["destination_info", "origin_info"]
        .iter()
        .filter_map(|side| Some((format!("{at}/{side}"), tracking.get(side)?)))
        .flat_map(|(at, side)| json::items(side, "trackinfo", &at, problems))
        .collect::<Vec<_>>()
        .iter()
        .map(|(at, event)| event_of(event, at, problems))
        .collect();
    observations.extend(summary(tracking, &observations, stamp));
    observations.extend(json::expected_delivery(tracking, "scheduled_delivery_date", stamp, at, problems));
    let carrier = json::text(tracking, "courier_code").or_else(|| json::text(tracking, "carrier_code"));
    Ok(TrackerReport { refs, carrier, feed: times::snapshot(stamp, &observations), observations, test: false })
}

/// Versions name the fields of an event each in their own way.
fn event_of(event: &Value, at: &str, problems: &mut Vec<Problem>) -> Observation {
    let first = |names: &[&str]| names.iter().find_map(|name| json::text(event, name));
    let time = json::event_time(event, &["checkpoint_date", "date"], at, problems);
    let codes = codes(
        first(&["checkpoint_delivery_status", "checkpoint_status"]),
        first(&["checkpoint_delivery_substatus", "substatus"]),
    );
    Observation {
        location: location(event),
        description: first(&["tracking_detail", "status_description"]),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    }
}

/// The sub status refines the status. An event with neither has words only.
fn codes(status: Option<String>, sub_status: Option<String>) -> Codes {
    let status = status.map(|s| s.to_lowercase());
    let sub_status = sub_status.map(|s| s.to_lowercase().replace(' ', ""));
    Codes {
        raw: sub_status.clone().or_else(|| status.clone()).unwrap_or_default(),
        status: sub_status.iter().map(|s| ProviderCode::new("trackingmore.substatus", s)).collect(),
        reason: None,
        coarse: status.map(|s| ProviderCode::new("trackingmore.status", s)),
    }
}

/// The status of the whole is an event of its own only where no other reports it (R17).
fn summary(tracking: &Value, events: &[Observation], stamp: Option<Timestamp>) -> Option<Observation> {
    let first = |names: &[&str]| names.iter().find_map(|name| json::text(tracking, name));
    let codes = codes(first(&["delivery_status", "status"]), first(&["substatus", "sub_status"]));
    if codes.raw.is_empty() || events.iter().any(|e| e.codes.raw == codes.raw || e.codes.coarse == codes.coarse) {
        return None;
    }
    let time = first(&["latest_checkpoint_time", "lastest_checkpoint_time", "last_update_time"]);
    let time = time.map_or_else(|| EventTime::unknown(""), |raw| times::iso(&raw));
    Some(Observation {
        stated_at: stamp,
        description: first(&["latest_event", "last_event"]),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Summary)
    })
}

fn location(event: &Value) -> Option<Location> {
    let city = json::text(event, "city");
    Location {
        region: json::text(event, "state"),
        postal: json::text(event, "zip"),
        country: ["country_iso2", "country_iso3"].iter().find_map(|f| json::country(&json::text(event, f)?)),
        raw: ["location", "details"].iter().find_map(|f| json::text(event, f)).filter(|l| city.as_ref() != Some(l)),
        city,
        ..Location::default()
    }
    .non_empty()
}
