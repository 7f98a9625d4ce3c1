//! From Sendcloud's parcels, events and status lists to statements.

use super::super::DecodeError;
use crate::formats::{json, times};
use domain::{
    Classifier,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use serde_json::Value;

/// Decodes a webhook, an event of a subscription, or a tracking answer.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    if let Some(action) = json::text(body, "action") {
        return match (action.as_str(), body.get("parcel")) {
            ("parcel_status_changed", Some(_)) => json::each(&[body], "", status_changed),
            _ => Err(DecodeError::NotTracking(format!("Sendcloud action {action}"))),
        };
    }
    if let Some(kind) = json::text(body, "event_type") {
        let data = body.get("data").unwrap_or(&Value::Null);
        return if data.get("event").is_some() {
            json::each(&[data], "/data", subscribed_event)
        } else {
            Err(DecodeError::NotTracking(format!("Sendcloud event {kind}")))
        };
    }
    let answer = body.get("data").unwrap_or(body);
    if ["statuses", "events"].iter().any(|list| answer.get(list).is_some_and(Value::is_array)) {
        return json::each(&[answer], "", tracking_answer);
    }
    if answer.get("tracking_numbers").is_some() || answer.get("parcel_id").is_some() {
        return Err(DecodeError::NotTracking(
            "an answer of Sendcloud without statuses: nothing has happened yet".into(),
        ));
    }
    Err(DecodeError::Incomplete {
        at: "/".into(),
        reason: "there is neither action nor event_type nor a list of statuses: is this a Sendcloud message?".into(),
    })
}

/// The number of a parcel; a tracking answer of v2 names it only in its own addresses.
fn references(parcel: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<References, DecodeError> {
    let listed = parcel.pointer("/tracking_numbers/0").unwrap_or(&Value::Null);
    let number = json::further_number(parcel, "tracking_number", at, problems)
        .or_else(|| json::further_number(listed, "tracking_number", at, problems));
    let number = number.or_else(|| in_address(&json::text(parcel, "sendcloud_tracking_url")?));
    let number = number.or_else(|| in_address(&json::text(parcel, "carrier_tracking_url")?));
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, number.as_deref());
    refs.add(RefKind::TrackerObject, ["parcel_id", "id"].iter().find_map(|f| json::code(parcel, f)).as_deref());
    refs.add(
        RefKind::Order,
        ["order_number", "external_order_id"].iter().find_map(|f| json::text(parcel, f)).as_deref(),
    );
    let blank = |value: &Value| value.get("tracking_number").is_none_or(|n| n.is_null() || n == "");
    if refs.get(RefKind::TrackingNumber).is_none() && blank(parcel) && blank(listed) {
        let what = "a Sendcloud parcel without a tracking number: it has no label, or its announcement failed";
        return Err(DecodeError::NotTracking(what.into()));
    }
    if refs.get(RefKind::TrackingNumber).is_none() {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/tracking_number"),
            reason: "is missing, so the shipment is unknown".into(),
        });
    }
    Ok(refs)
}

fn in_address(address: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    let value =
        query.split('&').find_map(|pair| pair.strip_prefix("tracking_number=").or_else(|| pair.strip_prefix("code=")));
    value.filter(|v| v.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')).map(str::to_owned)
}

fn status_changed(webhook: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let parcel = webhook.get("parcel").unwrap_or(&Value::Null);
    let status = parcel.get("status").unwrap_or(&Value::Null);
    let (id, name) = (json::code(status, "id"), json::text(status, "message"));
    let refs = references(parcel, &format!("{at}/parcel"), problems)?;
    let Some(raw) = id.clone().or_else(|| name.clone()) else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/parcel/status"),
            reason: "has neither id nor message, so the event is unknown".into(),
        });
    };
    let mut candidates: Vec<ProviderCode> = id.iter().map(|id| ProviderCode::new("sendcloud.v2", id)).collect();
    candidates.extend(name.iter().map(|name| ProviderCode::new("sendcloud.status", word(name))));
    let time = json::event_time(webhook, &["carrier_status_change_timestamp", "timestamp"], at, problems);
    let stated_at = json::instant(webhook, "timestamp");
    let codes = Codes { raw, status: candidates, reason: None, coarse: None };
    let observation = Observation {
        stated_at,
        description: name,
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    };
    let carrier = parcel.get("carrier").and_then(|c| json::text(c, "code"));
    Ok(TrackerReport { refs, carrier, feed: Feed::Delta, observations: vec![observation], test: false })
}

/// A status by its name: `Ready to send` is `ready-to-send`.
fn word(name: &str) -> String {
    let words = name.to_lowercase();
    words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join("-")
}

/// An event has a phase, and what went wrong in it.
fn subscribed_event(data: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let parcel = data.get("parcel").unwrap_or(&Value::Null);
    let event = data.get("event").unwrap_or(&Value::Null);
    let refs = references(parcel, &format!("{at}/parcel"), problems)?;
    let carrier = json::text(parcel, "carrier_code");
    let observation = of_event(event, &format!("{at}/event"), problems);
    Ok(TrackerReport { refs, carrier, feed: Feed::Delta, observations: observation.into_iter().collect(), test: false })
}

fn of_event(event: &Value, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let said = |field: &str| json::text(event, field).filter(|v| v != "none");
    let (phase, exception, detail) = (said("phase"), said("exception"), said("sub_status"));
    let Some(raw) = phase.clone().or_else(|| json::text(event, "parent_status")) else {
        problems
            .push(Problem { at: at.to_owned(), message: "an event without phase has nothing that can be read".into() });
        return None;
    };
    let mut status = Vec::new();
    if let (Some(phase), Some(detail)) = (&phase, &detail) {
        status.push(ProviderCode::new("sendcloud.phase", format!("{phase}/{detail}")));
    }
    if event.get("is_returned") == Some(&Value::Bool(true)) {
        status.push(ProviderCode::new("sendcloud.phase", format!("{raw}/returned")));
    }
    status.extend(phase.iter().map(|phase| ProviderCode::new("sendcloud.phase", phase)));
    status.extend(json::text(event, "parent_status").map(|s| ProviderCode::new("sendcloud.status", word(&s))));
    let reason = exception.as_ref().map(|e| ProviderCode::new("sendcloud.exception", e));
    let raw = [Some(raw), exception].into_iter().flatten().collect::<Vec<_>>().join("/");
    let time = json::event_time(event, &["timestamp", "carrier_update_timestamp", "created_at"], at, problems);
    Some(Observation {
        location: event.get("location_details").or_else(|| event.get("location")).and_then(location),
        description: json::text(event, "description"),
        ..Observation::new(Codes { raw, status, reason, coarse: None }, Classifier::Actual, time, Origin::Event)
    })
}

/// The whole list: `statuses` in version 2, `events` in version 3.
fn tracking_answer(parcel: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let refs = references(parcel, at, problems)?;
    let statuses = json::items(parcel, "statuses", at, problems);
    let events = json::items(parcel, "events", at, problems);
    let mut observations: Vec<Observation> = statuses.iter().filter_map(|(at, s)| status(s, at, problems)).collect();
    observations.extend(events.iter().filter_map(|(at, event)| of_event(event, at, problems)));
    let stamp = json::instant(parcel, "updated_at");
    let details = parcel.get("details").unwrap_or(parcel);
    observations.extend(json::expected_delivery(details, "expected_delivery_date", stamp, at, problems));
    let carrier = json::text(parcel, "carrier_code")
        .or_else(|| json::text(parcel.pointer("/tracking_numbers/0")?, "carrier_code"));
    Ok(TrackerReport { refs, carrier, feed: times::snapshot(stamp, &observations), observations, test: false })
}

fn status(status: &Value, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let Some(name) = json::text(status, "parent_status") else {
        problems.push(Problem { at: at.to_owned(), message: "a status without parent_status has no content".into() });
        return None;
    };
    let time = json::event_time(status, &["carrier_update_timestamp"], at, problems);
    let codes = Codes {
        status: vec![ProviderCode::new("sendcloud.status", word(&name))],
        raw: name,
        reason: None,
        coarse: None,
    };
    Some(Observation {
        description: json::text(status, "carrier_message"),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    })
}

fn location(place: &Value) -> Option<Location> {
    Location {
        city: json::text(place, "city"),
        postal: json::text(place, "postal_code"),
        country: json::text(place, "country").and_then(|c| json::country(&c)),
        facility: json::text(place, "depot").or_else(|| json::code(place, "service_point_id")),
        ..Location::default()
    }
    .non_empty()
}
