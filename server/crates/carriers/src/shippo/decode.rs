//! From Shippo's track object to statements.

use super::super::DecodeError;
use crate::formats::{json, times};
use domain::{
    Classifier,
    observation::{
        Codes, Decoded, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::Timestamp;
use serde_json::Value;

/// Decodes a webhook around a track, a bare track, or a list of tracks.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let Some(object) = body.as_object() else {
        return Err(DecodeError::Malformed { expected: "a Shippo message", reason: "it is no JSON object".into() });
    };
    if let Some(event) = json::text(body, "event").filter(|event| event != "track_updated") {
        return Err(DecodeError::NotTracking(format!("Shippo event {event}")));
    }
    match (object.get("data"), object.get("results")) {
        (Some(track), _) if track.is_object() => json::each(&[track], "/data", report),
        (_, Some(Value::Array(list))) => json::each(&list.iter().collect::<Vec<_>>(), "/results", report),
        _ if object.contains_key("tracking_number") && !is_error(body) => json::each(&[body], "", report),
        _ if is_error(body) => Err(DecodeError::NotTracking(format!(
            "an error answer of Shippo ({}): it has no track for this carrier and number",
            object.keys().cloned().collect::<Vec<_>>().join(", ")
        ))),
        _ => Err(DecodeError::Incomplete {
            at: "/".into(),
            reason: "there is neither data nor tracking_number: is this a Shippo message?".into(),
        }),
    }
}

/// Errors are `detail`, or lists of complaints by field.
fn is_error(body: &Value) -> bool {
    let complaints = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    let fields = body.as_object().into_iter().flatten();
    json::text(body, "detail").is_some() || fields.clone().count() > 0 && fields.map(|(_, v)| v).all(complaints)
}

fn report(track: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let Some(number) = json::number(track, "tracking_number", at)? else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/tracking_number"),
            reason: "is missing, so the shipment is unknown".into(),
        });
    };
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    refs.add(RefKind::TrackerObject, json::text(track, "object_id").as_deref());
    refs.add(RefKind::Shipment, json::text(track, "transaction").as_deref());
    let history = json::items(track, "tracking_history", at, problems);
    let newest = track.get("tracking_status").filter(|status| status.is_object());
    let stamp = history.iter().map(|(_, event)| *event).chain(newest).filter_map(written_down).max();
    let mut observations: Vec<Observation> = history
        .iter()
        .filter_map(|(at, event)| {
            let observation = event_of(event, Origin::Event, at, problems)?;
            Some(Observation { provider_event_id: json::text(event, "object_id"), ..observation })
        })
        .collect();
    let summary = newest.and_then(|s| event_of(s, Origin::Summary, &format!("{at}/tracking_status"), problems));
    observations.extend(summary.filter(|summary| !is_said(summary, &observations)));
    observations.extend(json::expected_delivery(track, "eta", stamp, at, problems));
    let feed = times::snapshot(stamp, &observations);
    Ok(TrackerReport { refs, carrier: json::text(track, "carrier"), feed, observations, test: false })
}

/// The summary is a copy of the newest event, under an id of its own.
fn is_said(summary: &Observation, events: &[Observation]) -> bool {
    events.iter().any(|event| event.codes == summary.codes && event.time == summary.time)
}

/// When Shippo last wrote the event down.
fn written_down(event: &Value) -> Option<Timestamp> {
    json::instant(event, "object_updated").max(json::instant(event, "object_created"))
}

fn event_of(event: &Value, origin: Origin, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let Some(codes) = codes(event) else {
        problems
            .push(Problem { at: at.into(), message: "an event without status has nothing that can be read".into() });
        return None;
    };
    let time = json::event_time(event, &["status_date"], at, problems);
    Some(Observation {
        stated_at: json::instant(event, "object_created"),
        location: event.get("location").and_then(location),
        description: json::text(event, "status_details"),
        ..Observation::new(codes, Classifier::Actual, time, origin)
    })
}

/// The substatus decides, the status judges. Older answers have no substatus.
fn codes(event: &Value) -> Option<Codes> {
    let status = json::text(event, "status").map(|s| s.to_ascii_uppercase());
    let substatus =
        event.get("substatus").and_then(|s| json::text(s, "code")).or_else(|| json::text(event, "substatus"));
    let substatus = substatus.map(|s| s.to_ascii_lowercase());
    let raw = substatus.clone().or_else(|| status.clone())?;
    Some(Codes {
        raw,
        status: substatus.into_iter().map(|s| ProviderCode::new("shippo.substatus", s)).collect(),
        reason: None,
        coarse: status.map(|s| ProviderCode::new("shippo.status", s)),
    })
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
