//! From Karrio's tracker to statements.

use super::super::DecodeError;
use crate::formats::{documents, json, times};
use domain::{
    Classifier,
    documents::{Document, DocumentKind},
    event_time::{EventTime, Precision},
    observation::{
        Codes, Decoded, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use serde_json::Value;

/// What a person reads where an event has neither code nor status.
const UNCODED: &str = "uncoded";
/// Statuses that are trouble already: a reason refines them.
const TROUBLES: &[&str] = &["on_hold", "delivery_failed", "delivery_delayed", "unknown"];
/// Statuses that say where the goods are going: beside them a reason is the news.
const UNDER_WAY: &[&str] = &["pending", "picked_up", "in_transit", "out_for_delivery", "ready_for_pickup"];
/// Statuses that a summary adds even beside events that have a status of their own.
const TELLING: &[&str] = &["delivered", "cancelled", "return_to_sender"];

/// Decodes a webhook around a tracker, a tracker, bare tracking details, or a list of either.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    if let Value::Array(list) = body {
        return json::each(&list.iter().collect::<Vec<_>>(), "", report);
    }
    let Some(object) = body.as_object() else {
        return Err(DecodeError::Malformed { expected: "a Karrio message", reason: "it is no JSON object".into() });
    };
    if let Some(data) = object.get("data").filter(|data| !data.is_null()) {
        let event = json::text(body, "event").or_else(|| json::text(body, "type")).unwrap_or_default();
        return match data {
            _ if !event.is_empty() && !event.starts_with("tracker") => {
                Err(DecodeError::NotTracking(format!("Karrio event {event}")))
            }
            Value::Array(list) => json::each(&list.iter().collect::<Vec<_>>(), "/data", report),
            tracker => json::each(&[tracker], "/data", report),
        };
    }
    if object.contains_key("tracking_number") {
        return json::each(&[body], "", report);
    }
    for key in ["results", "trackers", "details"] {
        if let Some(list) = object.get(key).and_then(Value::as_array).filter(|list| !list.is_empty()) {
            return json::each(&list.iter().collect::<Vec<_>>(), &format!("/{key}"), report);
        }
    }
    match object.get("tracking") {
        Some(tracker) if tracker.is_object() => json::each(&[tracker], "/tracking", report),
        _ => Err(other(body)),
    }
}

fn other(body: &Value) -> DecodeError {
    let complaints = body.get("errors").or_else(|| body.get("messages")).and_then(Value::as_array);
    let empty = ["results", "trackers", "details"].iter().any(|key| body.get(key).is_some_and(Value::is_array));
    match complaints {
        Some(list) if !list.is_empty() => {
            DecodeError::NotTracking(format!("an error answer of Karrio: {}", json::complaints(list, "code")))
        }
        _ if empty => DecodeError::NotTracking("a list of Karrio without trackers".into()),
        _ => DecodeError::Incomplete {
            at: "/".into(),
            reason: "there is neither data nor tracking_number nor a list of trackers: is this a Karrio message?"
                .into(),
        },
    }
}

fn report(tracker: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let Some(number) = json::number(tracker, "tracking_number", at)? else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/tracking_number"),
            reason: "is missing, so the shipment is unknown".into(),
        });
    };
    let info = tracker.get("info").unwrap_or(&Value::Null);
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    refs.add(RefKind::TrackerObject, json::text(tracker, "id").as_deref());
    refs.add(RefKind::Order, json::text(info, "order_id").as_deref());
    let carrier = json::text(tracker, "carrier_name");
    let word = carrier.as_deref().unwrap_or_default();
    let events = json::items(tracker, "events", at, problems);
    let mut observations: Vec<Observation> = events.iter().map(|(at, e)| event(e, word, at, problems)).collect();
    let stamp = json::instant(tracker, "updated_at");
    observations.extend(summary(tracker, &observations).map(|s| Observation { stated_at: stamp, ..s }));
    observations.extend(json::expected_delivery(tracker, "estimated_delivery", stamp, at, problems));
    if let (Some(name), Some(delivery)) =
        (json::text(info, "signed_by"), observations.iter_mut().find(|o| has_status(o, "delivered")))
    {
        delivery.signatory.get_or_insert(name);
    }
    if let Some(delivery) = observations.iter_mut().find(|o| has_status(o, "delivered")) {
        delivery.documents = proofs(tracker);
    }
    let feed = times::snapshot(stamp, &observations);
    Ok(TrackerReport { refs, carrier, feed, observations, test: false })
}

/// Pictures of the signature and of the place, as files or as links to them.
fn proofs(tracker: &Value) -> Vec<Document> {
    let images = tracker.get("images").unwrap_or(&Value::Null);
    let kinds = [("signature_image", DocumentKind::Signature), ("delivery_image", DocumentKind::Photo)];
    let of = |(name, kind): (&str, DocumentKind)| {
        let file = images.get(name).map(|image| documents::documents(image, Some(kind))).unwrap_or_default();
        match tracker.get(format!("{name}_url")) {
            Some(link) if file.is_empty() => documents::documents(link, Some(kind)),
            _ => file,
        }
    };
    kinds.into_iter().flat_map(of).collect()
}

fn has_status(observation: &Observation, status: &str) -> bool {
    observation.codes.coarse.as_ref().is_some_and(|c| c.value == status)
}

/// The summary is an event of its own only where no other reports it (R17).
fn summary(tracker: &Value, events: &[Observation]) -> Option<Observation> {
    let delivered = tracker.get("delivered").and_then(Value::as_bool).unwrap_or_default();
    let status = json::text(tracker, "status").or_else(|| delivered.then(|| "delivered".to_owned()))?;
    let said = events.iter().any(|e| has_status(e, &status));
    let telling = TELLING.contains(&status.as_str()) || events.iter().all(|e| e.codes.coarse.is_none());
    if said || !telling || status == "unknown" {
        return None;
    }
    let codes = Codes { raw: status.clone(), status: Vec::new(), reason: None, coarse: Some(coded(&status)) };
    Some(Observation::new(codes, Classifier::Actual, EventTime::unknown(""), Origin::Summary))
}

fn event(event: &Value, carrier: &str, at: &str, problems: &mut Vec<Problem>) -> Observation {
    let time = time(event, at, problems);
    let time = json::usable(time.clone(), "timestamp", at, problems).unwrap_or(time);
    Observation {
        location: Location { raw: json::text(event, "location"), ..Location::default() }.non_empty(),
        description: json::text(event, "description"),
        signatory: json::text(event, "signatory"),
        ..Observation::new(codes(event, carrier), Classifier::Actual, time, Origin::Event)
    }
}

fn coded(status: &str) -> ProviderCode {
    ProviderCode::new("karrio.status", status)
}

/// The carrier's code, qualified by the carrier, where somebody's mapping knows it; else Karrio's status and reason. The
/// pair of them may mean something of its own.
fn codes(event: &Value, carrier: &str) -> Codes {
    let code = json::code(event, "code");
    let status = json::text(event, "status").map(|s| s.to_ascii_lowercase());
    let reason = json::text(event, "reason").map(|r| r.to_ascii_lowercase());
    let incident = reason.as_ref().map(|r| ProviderCode::new("karrio.incident", r.clone()));
    let mut candidates = Vec::new();
    candidates.extend(code.as_ref().map(|code| ProviderCode::new("karrio.code", format!("{carrier}/{code}"))));
    if let (Some(status), Some(reason)) = (&status, &reason) {
        candidates.push(coded(&format!("{status}/{reason}")));
    }
    if status.as_deref().is_none_or(|status| UNDER_WAY.contains(&status)) {
        candidates.extend(incident.clone());
    }
    candidates.extend(status.as_deref().map(coded));
    let refines = status.as_deref().is_none_or(|status| TROUBLES.contains(&status));
    Codes {
        raw: code.or_else(|| status.clone()).unwrap_or_else(|| UNCODED.to_owned()),
        status: candidates,
        reason: incident.filter(|_| refines),
        coarse: status.as_deref().map(coded),
    }
}

/// The timestamp, whose `Z` means nothing; else day and time of day.
fn time(event: &Value, at: &str, problems: &mut Vec<Problem>) -> EventTime {
    let stamped = json::text(event, "timestamp").map(|t| times::disregarding_z(&t)).filter(|t| t.local.is_some());
    match stamped {
        Some(stamped) if json::text(event, "time").is_none() => return times::day_if_midnight(stamped),
        Some(stamped) => return stamped,
        None => {}
    }
    let (day, clock) = (json::text(event, "date"), json::text(event, "time"));
    let raw = [day.as_deref(), clock.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let Some(day) = day.map(|day| times::disregarding_z(&day)) else { return EventTime::unknown(raw) };
    match (day.local, clock.as_deref().map(times::time_of_day)) {
        (Some(local), Some(Some((clock, precision)))) if day.precision == Precision::Date => {
            EventTime::floating(raw, local.date().to_datetime(clock), precision)
        }
        (Some(_), Some(None)) if day.precision == Precision::Date => {
            let message = "is no time of day that can be read: only the day counts";
            problems.push(Problem { at: format!("{at}/time"), message: message.into() });
            EventTime { raw, ..day }
        }
        _ => EventTime { raw, ..day },
    }
}
