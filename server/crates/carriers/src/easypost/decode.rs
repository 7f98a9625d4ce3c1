//! From EasyPost's Event and Tracker objects to statements.

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

/// Details that add nothing to their status.
const EMPTY_DETAILS: &[&str] = &["unknown", "status_update"];

/// Decodes an Event around a Tracker, a bare Tracker, or a list of trackers.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    if !body.is_object() {
        return Err(DecodeError::Malformed { expected: "an EasyPost message", reason: "it is no JSON object".into() });
    }
    let (at, trackers): (&str, Vec<&Value>) = match (json::text(body, "object").as_deref(), body.get("trackers")) {
        (Some("Event"), _) => ("/result", vec![event_result(body)?]),
        (_, Some(Value::Array(list))) => ("/trackers", list.iter().collect()),
        _ if body.get("tracking_code").is_some() => ("", vec![body]),
        (Some(other), _) => return Err(DecodeError::NotTracking(format!("EasyPost object {other}"))),
        (None, _) if body.get("error").is_some_and(Value::is_object) => {
            let code = json::complaints(&[body["error"].clone()], "code");
            return Err(DecodeError::NotTracking(format!("an error answer of EasyPost: {code}")));
        }
        (None, _) => {
            return Err(DecodeError::Incomplete {
                at: "/".into(),
                reason: "there is neither an Event nor a Tracker: is this an EasyPost message?".into(),
            });
        }
    };
    json::each(&trackers, at, report)
}

fn event_result(event: &Value) -> Result<&Value, DecodeError> {
    let description = json::text(event, "description").unwrap_or_default();
    match event.get("result").filter(|r| !r.is_null()) {
        Some(result) if result.get("tracking_code").is_some() => Ok(result),
        Some(_) => Err(DecodeError::NotTracking(format!("EasyPost event {description}"))),
        None => Err(DecodeError::NotTracking(format!("EasyPost event {description} without its object"))),
    }
}

fn report(tracker: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let Some(number) = json::number(tracker, "tracking_code", at)? else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/tracking_code"),
            reason: "is missing, so the shipment is unknown".into(),
        });
    };
    let stamp = json::instant(tracker, "updated_at");
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    refs.add(RefKind::TrackerObject, json::text(tracker, "id").as_deref());
    refs.add(RefKind::Shipment, json::text(tracker, "shipment_id").as_deref());
    let back = tracker.get("is_return").and_then(Value::as_bool).unwrap_or_default();
    let mut observations: Vec<Observation> = json::items(tracker, "tracking_details", at, problems)
        .iter()
        .filter_map(|(at, event)| detail(event, direction(back), at, problems))
        .collect();
    observations.extend(summary(tracker, &observations, direction(back), stamp));
    observations.extend(estimate(tracker, stamp, at, problems));
    if let (Some(signed_by), Some(last)) =
        (json::text(tracker, "signed_by"), observations.iter_mut().rev().find(|o| is_delivered(o)))
    {
        last.signatory = Some(signed_by);
    }
    let feed = times::snapshot(stamp, &observations);
    Ok(TrackerReport { refs, carrier: json::text(tracker, "carrier"), feed, observations, test: false })
}

/// Where the parcel goes: the tracker of a return is marked as one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Out,
    Back,
}

fn direction(is_return: bool) -> Direction {
    if is_return { Direction::Back } else { Direction::Out }
}

fn is_delivered(observation: &Observation) -> bool {
    observation.codes.coarse.as_ref().is_some_and(|c| c.value == "delivered")
}

fn detail(detail: &Value, direction: Direction, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let Some(codes) = codes(detail, direction) else {
        problems
            .push(Problem { at: at.into(), message: "a detail without status has nothing that can be read".into() });
        return None;
    };
    let time = json::event_time(detail, &["datetime"], at, problems);
    Some(Observation {
        location: detail.get("tracking_location").and_then(location),
        description: json::text(detail, "message").or_else(|| json::text(detail, "description")),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    })
}

/// Status and detail: the pair where it means something of its own, then the detail; the status is the coarse one.
fn codes(value: &Value, direction: Direction) -> Option<Codes> {
    let status = json::text(value, "status")?;
    let detail = json::text(value, "status_detail").filter(|detail| !EMPTY_DETAILS.contains(&detail.as_str()));
    let delivered_back = direction == Direction::Back && status == "delivered";
    let pair = match &detail {
        _ if delivered_back => Some("return/delivered".to_owned()),
        Some(detail) => Some(format!("{status}/{detail}")),
        None => None,
    };
    let mut known: Vec<ProviderCode> = Vec::new();
    if let Some(detail) = &detail {
        known.extend(pair.map(|p| ProviderCode::new("easypost.pair", p)));
        known.push(ProviderCode::new("easypost.status_detail", detail.clone()));
    } else if delivered_back {
        known.extend(pair.map(|p| ProviderCode::new("easypost.pair", p)));
    }
    // a delivery on the way back contradicts nothing: the pair itself is the status
    let coarse = (!delivered_back).then(|| ProviderCode::new("easypost.status", status.clone()));
    Some(Codes { raw: detail.unwrap_or(status), status: known, reason: None, coarse })
}

fn location(value: &Value) -> Option<Location> {
    Location {
        city: json::text(value, "city"),
        region: json::text(value, "state"),
        postal: json::text(value, "zip"),
        country: json::text(value, "country").and_then(|c| json::country(&c)),
        ..Location::default()
    }
    .non_empty()
}

/// The summary is an event of its own only where there is no list, or where it reports an end that the list does not.
fn summary(
    tracker: &Value,
    events: &[Observation],
    direction: Direction,
    stamp: Option<Timestamp>,
) -> Option<Observation> {
    let codes = codes(tracker, direction)?;
    let said = events.iter().any(|e| e.codes.raw == codes.raw || e.codes.coarse == codes.coarse);
    let telling = codes
        .coarse
        .as_ref()
        .is_some_and(|c| matches!(c.value.as_str(), "delivered" | "cancelled" | "return_to_sender"));
    let silent = codes.coarse.as_ref().is_some_and(|c| matches!(c.value.as_str(), "unknown" | "error"));
    if said || silent || !(events.is_empty() || telling) {
        return None;
    }
    Some(Observation {
        stated_at: stamp,
        ..Observation::new(codes, Classifier::Actual, EventTime::unknown(""), Origin::Summary)
    })
}

fn estimate(tracker: &Value, stamp: Option<Timestamp>, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let key = "est_delivery_date";
    let time = json::usable(json::time(tracker, key)?, key, at, problems)?;
    let codes = Codes {
        raw: "est_delivery_date".into(),
        status: vec![ProviderCode::new("milepost.field", "expected_delivery")],
        reason: None,
        coarse: None,
    };
    Some(Observation { stated_at: stamp, ..Observation::new(codes, Classifier::Estimated, time, Origin::Summary) })
}
