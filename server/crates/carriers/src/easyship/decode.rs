//! From Easyship's tracking status, tracking and shipment objects to statements.

use super::super::DecodeError;
use crate::formats::{json, times};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::Timestamp;
use serde_json::Value;

/// What a person reads where a checkpoint has no status.
const UNCODED: &str = "uncoded";
/// Statuses of a shipment that has not begun; its labels and pick-ups are not tracking.
const NOT_BEGUN: &[&str] = &["not_created", "none"];
/// Statuses of the shipment that checkpoints may leave unsaid.
const TELLING: &[&str] = &[
    "delivered",
    "cancelled",
    "cancelled_pending_refund",
    "cancelled_and_refunded",
    "delivery_expected_end_of_updates",
    "exception",
    "lost_by_courier",
    "no_recent_tracking_updates",
    "to_be_returned",
];

/// Decodes a webhook, or an answer of the API with one or several trackings or shipments.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let Some(object) = body.as_object() else {
        return Err(DecodeError::Malformed { expected: "an Easyship message", reason: "it is no JSON object".into() });
    };
    if let Some(event) = json::text(body, "event_type").or_else(|| json::text(body, "event")) {
        return webhook(body, &event);
    }
    if let Some(error) = object.get("error").or_else(|| object.get("errors")).filter(|e| !e.is_null()) {
        let code = json::code(error, "code").unwrap_or_else(|| "it gives no code".into());
        return Err(DecodeError::NotTracking(format!("an error answer of Easyship: {code}")));
    }
    for (one, many) in [("shipment", "shipments"), ("tracking", "trackings")] {
        if let Some(single) = object.get(one).filter(|v| v.is_object()) {
            return together(&[single], &format!("/{one}"), Clocks::Utc);
        }
        if let Some(list) = object.get(many).and_then(Value::as_array).filter(|_| !is_tracked(body)) {
            return together(&list.iter().collect::<Vec<_>>(), &format!("/{many}"), Clocks::Utc);
        }
    }
    if is_tracked(body) {
        return together(&[body], "", Clocks::Local);
    }
    Err(DecodeError::Incomplete {
        at: "/".into(),
        reason: "there is neither event_type nor a tracking nor a shipment: is this an Easyship message?".into(),
    })
}

fn is_tracked(value: &Value) -> bool {
    value.get("tracking_number").is_some() || value.get("easyship_shipment_id").is_some()
}

/// The subject is under `data` (2024-09), else under a name of its own.
fn webhook(body: &Value, event: &str) -> Result<Decoded, DecodeError> {
    if !event.starts_with("shipment.tracking") && event != "shipment.cancelled" {
        return Err(DecodeError::NotTracking(format!("Easyship event {event}")));
    }
    let subject = ["data", "tracking_status", "tracking_checkpoints", "tracking", "shipment"]
        .into_iter()
        .find_map(|key| Some((key, body.get(key).filter(|v| v.is_object())?)));
    let Some((key, subject)) = subject else {
        return Err(DecodeError::Incomplete {
            at: "/".into(),
            reason: format!("the event {event} has no object that it is about"),
        });
    };
    let clocks = if key == "data" { Clocks::Utc } else { Clocks::Local };
    json::each(&[subject], &format!("/{key}"), |subject, at, problems| report(subject, clocks, at, problems))
}

/// Every leg of every shipment, and every tracking.
fn together(subjects: &[&Value], at: &str, clocks: Clocks) -> Result<Decoded, DecodeError> {
    let mut all = Decoded::default();
    for (n, subject) in subjects.iter().enumerate() {
        let at = if subjects.len() > 1 { format!("{at}/{n}") } else { at.to_owned() };
        let legs: Vec<&Value> = subject.get("trackings").and_then(Value::as_array).into_iter().flatten().collect();
        let decoded = if legs.is_empty() {
            json::each(&[subject], &at, |s, at, problems| report(s, clocks, at, problems))
        } else {
            let last = legs.iter().filter_map(|l| leg_number(l)).max();
            json::each(&legs, &format!("{at}/trackings"), |leg, at, problems| {
                leg_report(subject, leg, last, at, problems)
            })
        };
        match decoded {
            Ok(decoded) => {
                all.reports.extend(decoded.reports);
                all.problems.extend(decoded.problems);
            }
            Err(error) if subjects.len() == 1 => return Err(error),
            Err(error) => all.problems.push(Problem { at, message: error.to_string() }),
        }
    }
    Ok(all)
}

/// What the times of checkpoints are: bare answers and subjects under a name of their own are of 1.0.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clocks {
    Utc,
    Local,
}

fn report(
    subject: &Value,
    clocks: Clocks,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Result<TrackerReport, DecodeError> {
    let refs = refs(subject, json::further_number(subject, "tracking_number", at, problems), at)?;
    let checkpoints = checkpoints(subject, at, problems);
    let carrier = courier(subject).or_else(|| only_handler(&checkpoints));
    let mut observations: Vec<Observation> =
        checkpoints.iter().map(|(at, c)| checkpoint(c, clocks, at, problems)).collect();
    let stamp = json::instant(subject, "updated_at");
    observations.extend(summary(subject, &observations, stamp));
    observations.extend(json::expected_delivery(subject, "eta_date", stamp, at, problems));
    let feed = if checkpoints.is_empty() { Feed::Delta } else { times::snapshot(stamp, &observations) };
    Ok(TrackerReport { refs, carrier, feed, observations, test: false })
}

fn refs(subject: &Value, number: Option<String>, at: &str) -> Result<References, DecodeError> {
    let shipment = json::text(subject, "easyship_shipment_id");
    if number.is_none() && shipment.is_none() {
        json::number(subject, "tracking_number", at)?;
        return Err(DecodeError::Incomplete {
            at: format!("{at}/tracking_number"),
            reason: "is missing, and so is easyship_shipment_id, so the shipment is unknown".into(),
        });
    }
    let order = json::text(subject, "platform_order_number")
        .or_else(|| subject.get("order_data").and_then(|data| json::text(data, "platform_order_number")));
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, number.as_deref());
    refs.add(RefKind::Shipment, shipment.as_deref());
    refs.add(RefKind::Order, order.as_deref());
    Ok(refs)
}

fn courier(subject: &Value) -> Option<String> {
    let courier = subject.get("courier").unwrap_or(&Value::Null);
    let named = json::text(courier, "umbrella_name").or_else(|| json::text(courier, "name"));
    named.or_else(|| json::text(subject, "courier_name")).or_else(|| json::text(subject, "courier_umbrella_name"))
}

/// Who handled every checkpoint; none where several did.
fn only_handler(checkpoints: &[(String, &Value)]) -> Option<String> {
    let first = json::text(checkpoints.first()?.1, "handler")?;
    checkpoints.iter().all(|(_, c)| json::text(c, "handler").is_none_or(|h| h == first)).then_some(first)
}

/// A list, or an object: of checkpoints by name, or a single one.
fn checkpoints<'v>(subject: &'v Value, at: &str, problems: &mut Vec<Problem>) -> Vec<(String, &'v Value)> {
    match subject.get("checkpoints") {
        Some(Value::Object(fields))
            if !fields.contains_key("checkpoint_time") && fields.values().all(Value::is_object) =>
        {
            fields.iter().map(|(key, value)| (format!("{at}/checkpoints/{key}"), value)).collect()
        }
        _ => json::items(subject, "checkpoints", at, problems),
    }
}

fn checkpoint(checkpoint: &Value, clocks: Clocks, at: &str, problems: &mut Vec<Problem>) -> Observation {
    let time = match (json::text(checkpoint, "checkpoint_time"), clocks) {
        (Some(raw), Clocks::Utc) => times::iso(&raw),
        (Some(raw), Clocks::Local) => times::disregarding_z(&raw),
        (None, _) => EventTime::unknown(""),
    };
    if time.sentinel || time.sort_key().is_none() {
        problems.push(Problem { at: format!("{at}/checkpoint_time"), message: "is no time that can be used".into() });
    }
    let status = json::text(checkpoint, "primary_status").or_else(|| json::text(checkpoint, "status"));
    let codes = match status {
        Some(status) => codes(&status),
        None => Codes { raw: UNCODED.into(), status: Vec::new(), reason: None, coarse: None },
    };
    Observation {
        location: location(checkpoint),
        description: json::text(checkpoint, "message"),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    }
}

fn location(checkpoint: &Value) -> Option<Location> {
    let country =
        ["country_iso3", "country_alpha3", "country_alpha2"].iter().find_map(|key| json::text(checkpoint, key));
    let city = json::text(checkpoint, "city");
    Location {
        raw: json::text(checkpoint, "location").filter(|_| city.is_none()),
        region: json::text(checkpoint, "state"),
        postal: json::text(checkpoint, "postal_code"),
        country: country.and_then(|c| json::country(&c)),
        city,
        ..Location::default()
    }
    .non_empty()
}

fn codes(status: &str) -> Codes {
    let code = ProviderCode::new("easyship.status", folded(status));
    Codes { raw: status.to_owned(), status: vec![code], reason: None, coarse: None }
}

/// `Delivery Expected (End of Updates)` and `delivery_expected_end_of_updates` are one status.
fn folded(status: &str) -> String {
    let words = status.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

/// The status of the shipment is an event of its own only where no checkpoint reports it (R17).
fn summary(subject: &Value, events: &[Observation], stamp: Option<Timestamp>) -> Option<Observation> {
    let status = ["status", "tracking_status", "delivery_state"].iter().find_map(|key| json::text(subject, key))?;
    let folded = folded(&status);
    let codes = codes(&status);
    let said = events.iter().any(|e| e.codes.status == codes.status);
    let telling = events.is_empty() || TELLING.contains(&folded.as_str());
    (!said && telling && !NOT_BEGUN.contains(&folded.as_str())).then(|| stated(codes, stamp))
}

fn stated(codes: Codes, stated_at: Option<Timestamp>) -> Observation {
    let time = EventTime::unknown("");
    Observation { stated_at, ..Observation::new(codes, Classifier::Actual, time, Origin::Summary) }
}

fn leg_number(leg: &Value) -> Option<i64> {
    leg.get("leg_number").and_then(Value::as_i64)
}

/// A leg of a shipment: its state alone, under its own number. The delivery of a leg before the last is a handover.
fn leg_report(
    shipment: &Value,
    leg: &Value,
    last: Option<i64>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Result<TrackerReport, DecodeError> {
    let mut refs = refs(leg, json::further_number(leg, "tracking_number", at, problems), at)?;
    let of_shipment = self::refs(shipment, None, at).unwrap_or_default();
    for (kind, number) in &of_shipment.0 {
        refs.add(*kind, Some(number));
    }
    let stamp = json::instant(shipment, "updated_at");
    let state = json::text(leg, "tracking_state").filter(|state| !NOT_BEGUN.contains(&folded(state).as_str()));
    let statement = state.map(|state| {
        let mut codes = codes(&state);
        if leg_number(leg) < last {
            codes.status.insert(0, ProviderCode::new("easyship.status", format!("leg/{}", folded(&state))));
        }
        stated(codes, stamp)
    });
    let observations: Vec<Observation> = statement.into_iter().collect();
    Ok(TrackerReport {
        refs,
        carrier: courier(shipment),
        feed: times::snapshot(stamp, &observations),
        observations,
        test: false,
    })
}
