//! From AfterShip's tracking object to statements.

use super::super::DecodeError;
use crate::formats::{documents, json, times};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::Timestamp;
use serde_json::Value;

/// Tags that count even beside a list of checkpoints without them: the end of the shipment, and the state of the feed.
const TELLING_TAGS: &[&str] = &["Delivered", "Expired", "Pending"];

/// Decodes a webhook (`msg`), an API answer (`data.tracking`, `data.trackings`, `data`), or a bare tracking.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let Some(object) = body.as_object() else {
        return Err(DecodeError::Malformed { expected: "an AfterShip message", reason: "it is no JSON object".into() });
    };
    let data = object.get("data").unwrap_or(&Value::Null);
    let (at, trackings): (&str, Vec<&Value>) = match (object.get("msg"), data.get("trackings"), data.get("tracking")) {
        (Some(msg), ..) => ("/msg", vec![msg]),
        (_, Some(Value::Array(list)), _) => ("/data/trackings", list.iter().collect()),
        (_, _, Some(tracking)) => ("/data/tracking", vec![tracking]),
        _ if data.get("tracking_number").is_some() => ("/data", vec![data]),
        _ if object.contains_key("tracking_number") => ("", vec![body]),
        _ => return Err(not_tracking(body)),
    };
    let sent = body.get("ts").and_then(Value::as_i64).and_then(|s| Timestamp::from_second(s).ok());
    json::each(&trackings, at, |tracking, at, problems| report(tracking, at, sent, problems))
}

fn not_tracking(body: &Value) -> DecodeError {
    match json::text(body, "event") {
        Some(event) => DecodeError::NotTracking(format!("AfterShip event {event}")),
        None => DecodeError::Incomplete {
            at: "/".into(),
            reason: "there is neither msg nor data nor tracking_number: is this an AfterShip message?".into(),
        },
    }
}

fn report(
    tracking: &Value,
    at: &str,
    sent: Option<Timestamp>,
    problems: &mut Vec<Problem>,
) -> Result<TrackerReport, DecodeError> {
    let Some(number) = json::number(tracking, "tracking_number", at)? else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/tracking_number"),
            reason: "is missing, so the shipment is unknown".into(),
        });
    };
    let stamp = json::instant(tracking, "last_updated_at").or_else(|| json::instant(tracking, "updated_at")).or(sent);
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    refs.add(RefKind::TrackerObject, json::text(tracking, "id").as_deref());
    refs.add(
        RefKind::Order,
        json::text(tracking, "order_id").or_else(|| json::text(tracking, "order_number")).as_deref(),
    );
    let mut observations: Vec<Observation> =
        checkpoints(tracking, at, problems).iter().filter_map(|(at, event)| checkpoint(event, at, problems)).collect();
    observations.extend(summary(tracking, &observations, stamp));
    observations.extend(expected_delivery(tracking, stamp, at, problems));
    if let (Some(signed_by), Some(last)) = (
        json::text(tracking, "signed_by"),
        observations.iter_mut().rev().find(|o| o.codes.raw.starts_with("Delivered")),
    ) {
        last.signatory = Some(signed_by);
    }
    let proofs = tracking.get("proof_of_delivery").map(|proof| documents::documents(proof, None)).unwrap_or_default();
    if let Some(last) = observations.iter_mut().rev().find(|o| o.codes.raw.starts_with("Delivered")) {
        last.documents = proofs;
    }
    let feed = times::snapshot(stamp, &observations);
    Ok(TrackerReport { refs, carrier: json::text(tracking, "slug"), feed, observations, test: false })
}

/// The list, or the single checkpoint of "last checkpoint".
fn checkpoints<'v>(tracking: &'v Value, at: &str, problems: &mut Vec<Problem>) -> Vec<(String, &'v Value)> {
    ["checkpoints", "checkpoint"].into_iter().flat_map(|key| json::items(tracking, key, at, problems)).collect()
}

fn checkpoint(checkpoint: &Value, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let Some(codes) = codes(checkpoint) else {
        problems.push(Problem {
            at: at.into(),
            message: "a checkpoint without tag and subtag has nothing that can be read".into(),
        });
        return None;
    };
    let time = json::event_time(checkpoint, &["checkpoint_time"], at, problems);
    Some(Observation {
        stated_at: json::instant(checkpoint, "created_at"),
        location: location(checkpoint),
        description: json::text(checkpoint, "message"),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    })
}

/// The subtag decides, the tag is the coarse status.
fn codes(value: &Value) -> Option<Codes> {
    let (tag, subtag) = (json::text(value, "tag"), json::text(value, "subtag"));
    let raw = subtag.clone().or_else(|| tag.clone())?;
    Some(Codes {
        raw,
        status: subtag.into_iter().map(|s| ProviderCode::new("aftership.subtag", s)).collect(),
        reason: None,
        coarse: tag.map(|t| ProviderCode::new("aftership.tag", t)),
    })
}

fn location(checkpoint: &Value) -> Option<Location> {
    let country = json::text(checkpoint, "country_iso3")
        .or_else(|| json::text(checkpoint, "country_region"))
        .and_then(|c| json::country(&c));
    let city = json::text(checkpoint, "city");
    let raw = json::text(checkpoint, "location").filter(|l| city.as_ref() != Some(l));
    Location {
        region: json::text(checkpoint, "state"),
        postal: json::text(checkpoint, "zip").or_else(|| json::text(checkpoint, "postal_code")),
        city,
        country,
        raw,
        ..Location::default()
    }
    .non_empty()
}

/// The summary is an event of its own only where no other reports it (R17).
fn summary(tracking: &Value, events: &[Observation], stamp: Option<Timestamp>) -> Option<Observation> {
    let codes = codes(tracking)?;
    let said = events.iter().any(|e| e.codes.raw == codes.raw || e.codes.coarse == codes.coarse);
    let telling =
        events.is_empty() || codes.coarse.as_ref().is_some_and(|tag| TELLING_TAGS.contains(&tag.value.as_str()));
    if said || !telling {
        return None;
    }
    let time = json::time(tracking, "shipment_delivery_date")
        .filter(|_| codes.raw.starts_with("Delivered"))
        .unwrap_or_else(|| EventTime::unknown(""));
    let description = json::text(tracking, "subtag_message");
    Some(Observation {
        stated_at: stamp,
        description,
        ..Observation::new(codes, Classifier::Actual, time, Origin::Summary)
    })
}

fn expected_delivery(
    tracking: &Value,
    stamp: Option<Timestamp>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Observation> {
    let key = "expected_delivery";
    let time = json::usable(json::time(tracking, key)?, key, at, problems)?;
    Some(Observation { stated_at: stamp, ..Observation::new(estimate(), Classifier::Estimated, time, Origin::Summary) })
}

fn estimate() -> Codes {
    Codes {
        raw: "expected_delivery".into(),
        status: vec![ProviderCode::new("milepost.field", "expected_delivery")],
        reason: None,
        coarse: None,
    }
}
