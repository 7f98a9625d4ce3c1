//! From project44's shipments to statements.

use super::{
    super::DecodeError,
    stops::{self, Stops},
};
use crate::formats::json;
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::Timestamp;
use serde_json::Value;

/// The fields by which a message about a shipment is known.
const TELLING: &[&str] = &[
    "events",
    "exceptions",
    "state",
    "latest_status_update",
    "status_updates",
    "status_update_history",
    "latest_stop_statuses",
];

/// A list of updates under its name in this version or that.
const UPDATES: &[&str] = &["status_updates", "status_update_history"];

/// What each kind of time is called: as `type` in `dateTimes`, and as a field of the event.
const TIMES: [(&[&str], &str, Classifier); 3] = [
    (&["PLANNED"], "planned_date_time", Classifier::Planned),
    (&["ESTIMATE", "ESTIMATED"], "estimate_date_time", Classifier::Estimated),
    (&["ACTUAL"], "date_time", Classifier::Actual),
];

/// Decodes a message about one shipment, or an answer with several.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let list = body.as_array().or_else(|| ["shipments", "results"].iter().find_map(|key| body.get(key)?.as_array()));
    if let Some(list) = list.filter(|list| !list.is_empty()) {
        return json::each(&list.iter().collect::<Vec<_>>(), "", report);
    }
    if !body.is_object() {
        return Err(DecodeError::Malformed { expected: "a project44 message", reason: "it is no JSON object".into() });
    }
    if TELLING.iter().all(|field| body.get(field).is_none()) {
        return Err(DecodeError::NotTracking(format!(
            "a project44 message with neither events nor status updates: {}",
            body.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).take(5).collect::<Vec<_>>().join(", ")
        )));
    }
    json::each(&[body], "", report)
}

fn report(message: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let shipment = message.get("shipment").unwrap_or(message);
    let (refs, carrier) = (refs(shipment, at, problems)?, carrier(shipment));
    let stops = Stops::of(shipment);
    let mut observations = Vec::new();
    for (at, event) in json::items(message, "events", at, problems) {
        observations.extend(event_times(event, &stops, &at, problems));
    }
    for key in UPDATES.iter().copied().chain(["latest_status_update"]) {
        for (at, update) in json::items(message, key, at, problems) {
            let said = status_update(update, &stops, &at, problems);
            observations.extend(said.filter(|said| !observations.contains(said)).into_iter().collect::<Vec<_>>());
        }
    }
    for (at, status) in json::items(message, "latest_stop_statuses", at, problems) {
        observations.extend(stop_status(status, &stops, &at, problems));
    }
    for (at, exception) in json::items(message, "exceptions", at, problems) {
        observations.extend(trouble(exception, &at, problems));
    }
    observations.extend(message.get("state").and_then(|state| summary(state, &observations, at, problems)));
    Ok(TrackerReport { refs, carrier, feed: Feed::Delta, observations, test: false })
}

/// Identifiers by type. PRO numbers, waybills and tracking numbers are the carrier's own.
fn refs(shipment: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<References, DecodeError> {
    let mut refs = References::default();
    for (kind, value) in identifiers(shipment, at, problems) {
        let kind = match kind.as_str() {
            "PRO" | "TRACKING_NUMBER" | "AIR_WAYBILL" | "RAIL_WAYBILL" => RefKind::TrackingNumber,
            "BILL_OF_LADING" => RefKind::BillOfLading,
            "BOOKING_NUMBER" => RefKind::Booking,
            "CONTAINER_ID" | "CONTAINER_NUMBER" => RefKind::Container,
            "PURCHASE_ORDER" | "PURCHASE_ORDER_NUMBER" => RefKind::PurchaseOrder,
            "ORDER" | "ORDER_NUMBER" | "SALES_ORDER" | "CUSTOMER_REFERENCE" => RefKind::Order,
            "LOAD_ID" | "SHIPMENT_ID" | "ORDER_ID" | "DELIVERY_NUMBER" => RefKind::Shipment,
            "SSCC" => RefKind::Sscc,
            _ => continue,
        };
        refs.add(kind, Some(&value));
    }
    if refs.0.is_empty() {
        for list in ["identifiers", "shipment_identifiers"] {
            for (at, item) in json::items(shipment, list, &format!("{at}/shipment"), &mut Vec::new()) {
                json::number(item, "value", &at)?;
            }
        }
        return Err(DecodeError::Incomplete {
            at: format!("{at}/shipment/identifiers"),
            reason: "has no number of a known type, so the shipment is unknown".into(),
        });
    }
    refs.add(RefKind::TrackerObject, json::code(shipment, "id").as_deref());
    Ok(refs)
}

fn identifiers(shipment: &Value, at: &str, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for list in ["identifiers", "shipment_identifiers"] {
        for (at, item) in json::items(shipment, list, &format!("{at}/shipment"), problems) {
            let value = json::further_number(item, "value", &at, problems);
            all.extend(json::text(item, "type").zip(value));
        }
    }
    all
}

/// The carrier's SCAC, else its name.
fn carrier(shipment: &Value) -> Option<String> {
    let provider = shipment.get("capacity_provider").unwrap_or(&Value::Null);
    let identified = provider.get("identifiers").and_then(Value::as_array).into_iter().flatten();
    let mut all = shipment.get("carrier_identifier").into_iter().chain(identified);
    let scac = |item: &&Value| json::text(item, "type").is_some_and(|kind| kind.ends_with("SCAC"));
    all.find(scac).and_then(|item| json::text(item, "value")).or_else(|| json::text(provider, "name"))
}

/// An event has up to three times: when it was planned, when it is expected, when it happened.
fn event_times(event: &Value, stops: &Stops<'_>, at: &str, problems: &mut Vec<Problem>) -> Vec<Observation> {
    let Some(kind) = json::text(event, "type") else {
        problems.push(Problem { at: at.to_owned(), message: "an event without a type has no content".into() });
        return Vec::new();
    };
    let received = json::instant(event, "received_date_time");
    let mut said = Vec::new();
    for (types, field, classifier) in TIMES {
        let Some((source, field)) = stated(event, types, field) else { continue };
        let time = json::event_time(source, &[field], at, problems);
        let written = ["last_modified_date_time", "estimate_last_calculated_date_time"];
        let written = written.iter().find_map(|key| json::instant(source, key));
        said.push(statement("project44.event", &kind, &[], event, stops, classifier, time, written.or(received)));
    }
    if said.is_empty() {
        problems.push(Problem {
            at: at.to_owned(),
            message: "has no time, neither planned nor estimated nor actual".into(),
        });
    }
    said
}

/// The place of the time of a kind: the event's own field, else of the `dateTimes` of that type the selected one, else
/// the newest.
fn stated<'a>(event: &'a Value, types: &[&str], field: &'static str) -> Option<(&'a Value, &'static str)> {
    if json::text(event, field).is_some() {
        return Some((event, field));
    }
    let times = event.get("date_times").and_then(Value::as_array)?.iter();
    let of_type = times.filter(|time| json::text(time, "type").is_some_and(|kind| types.contains(&kind.as_str())));
    let selected = |time: &Value| time.get("selected").is_some_and(|flag| flag == true);
    let best = of_type.max_by_key(|time| (selected(time), json::instant(time, "last_modified_date_time")))?;
    Some((best, "date_time"))
}

/// A code that the stop's position qualifies, before it what else qualifies it.
#[expect(clippy::too_many_arguments, reason = "what every statement has, once")]
fn statement(
    list: &str,
    code: &str,
    before: &[ProviderCode],
    event: &Value,
    stops: &Stops<'_>,
    classifier: Classifier,
    time: EventTime,
    stated_at: Option<Timestamp>,
) -> Observation {
    let found = stops.named_by(event);
    let position = found.as_ref().and_then(|found| found.position);
    let qualified = position.map(|position| format!("{code}/{}", position.word()));
    let own = qualified.into_iter().chain([code.to_owned()]).map(|value| ProviderCode::new(list, value));
    let codes =
        Codes { raw: code.to_owned(), status: before.iter().cloned().chain(own).collect(), reason: None, coarse: None };
    Observation {
        stated_at,
        location: stops::place(event).or_else(|| found.as_ref()?.location()),
        stop: found.map(|found| found.stop),
        description: json::text(event, "description"),
        ..Observation::new(codes, classifier, time, Origin::Event)
    }
}

/// The older shape: a status with a reason. `COMPLETED/DEPARTED_FINAL_STOP`, `PICKED_UP`, `AT_STOP/LAST`, `AT_STOP`.
fn status_update(update: &Value, stops: &Stops<'_>, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let status = json::first(update, &["status_code", "code", "status"]);
    let reason = reason(update);
    let Some(code) = status.or_else(|| reason.clone()) else {
        problems.push(Problem { at: at.to_owned(), message: "an update without a code has no content".into() });
        return None;
    };
    let time = json::event_time(update, &["timestamp", "date_time"], at, problems);
    let before = pair(&code, reason.as_deref());
    let said = statement("project44.status", &code, &before, update, stops, Classifier::Actual, time, None);
    let words = update.get("status_reason").and_then(|reason| json::text(reason, "description"));
    Some(with_reason(Observation { description: words.or(said.description.clone()), ..said }, reason))
}

fn reason(update: &Value) -> Option<String> {
    let of_object = || json::text(update.get("status_reason")?, "code");
    json::first(update, &["status_reason", "reason"]).or_else(of_object)
}

/// A status with its reason, then the reason, which for LTL is more specific. One that is mere information leaves it to the
/// status.
fn pair(code: &str, reason: Option<&str>) -> Vec<ProviderCode> {
    let telling = reason.filter(|reason| !reason.ends_with("_INFO"));
    let both = reason.map(|reason| ProviderCode::new("project44.status", format!("{code}/{reason}")));
    both.into_iter().chain(telling.map(|reason| ProviderCode::new("project44.reason", reason))).collect()
}

fn with_reason(mut said: Observation, reason: Option<String>) -> Observation {
    if let Some(reason) = reason.filter(|reason| *reason != said.codes.raw) {
        said.codes.raw = format!("{}/{reason}", said.codes.raw);
    }
    said
}

/// Where the vehicle is relative to a stop: expected, arrived, gone.
fn stop_status(status: &Value, stops: &Stops<'_>, at: &str, problems: &mut Vec<Problem>) -> Vec<Observation> {
    let estimate = status.get("arrival_estimate").unwrap_or(&Value::Null);
    let window = estimate.get("estimated_arrival_window").unwrap_or(estimate);
    let expected = ["end_date_time", "start_date_time"].iter().find_map(|key| json::time(window, key));
    let calculated = json::instant(estimate, "last_calculated_date_time");
    let arrived = json::time(status, "arrival_date_time");
    let departed = json::time(status, "departure_date_time");
    [
        ("ARRIVED", Classifier::Estimated, expected, calculated),
        ("ARRIVED", Classifier::Actual, arrived, None),
        ("DEPARTED", Classifier::Actual, departed, None),
    ]
    .into_iter()
    .filter_map(|(code, classifier, time, stated_at)| {
        let time = json::usable(time?, &format!("{code} ({})", classifier.code()), at, problems)?;
        Some(statement("project44.stop_status", code, &[], status, stops, classifier, time, stated_at))
    })
    .collect()
}

/// An exception that is open (ACTIVE) or over (RESOLVED): the reason is the most specific, the category its kind.
fn trouble(exception: &Value, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let words: Vec<String> =
        ["reason", "category", "type", "code"].iter().filter_map(|key| json::text(exception, key)).collect();
    let Some(raw) = words.first().cloned() else {
        problems.push(Problem {
            at: at.to_owned(),
            message: "an exception without a reason or kind has no content".into(),
        });
        return None;
    };
    let status = json::text(exception, "status").unwrap_or_else(|| "ACTIVE".to_owned());
    let over = status == "RESOLVED";
    let status_codes = words.into_iter().map(|word| if over { format!("{word}/RESOLVED") } else { word });
    let status_codes = status_codes.chain(over.then(|| "RESOLVED".to_owned()));
    let codes = Codes {
        raw: if over { format!("{raw}/RESOLVED") } else { raw },
        status: status_codes.map(|value| ProviderCode::new("project44.exception", value)).collect(),
        reason: None,
        coarse: None,
    };
    let timeline = exception.get("timeline").and_then(Value::as_array).into_iter().flatten();
    let turned = timeline.rev().find(|entry| json::text(entry, "status").is_none_or(|s| s == status));
    let fields: &[&str] = if over {
        &["end_date_time", "resolved_date_time", "last_modified_date_time", "date_time", "timestamp", "start_date_time"]
    } else {
        &["start_date_time", "date_time", "timestamp", "created_date_time", "received_date_time"]
    };
    let time = turned.into_iter().chain([exception]).find_map(|at| fields.iter().find_map(|key| json::time(at, key)));
    let description = json::first(exception, &["description", "title"]);
    let time = time.unwrap_or_else(|| EventTime::unknown(""));
    let time = json::usable(time.clone(), "timeline", at, problems).unwrap_or(time);
    Some(Observation { description, ..Observation::new(codes, Classifier::Actual, time, Origin::Event) })
}

/// The state is an event of its own only where no event reports it (R17).
fn summary(state: &Value, said: &[Observation], at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let status = json::first(state, &["status", "status_code", "type"])?;
    let reason = reason(state);
    if said.iter().any(|o| o.classifier == Classifier::Actual) {
        return None;
    }
    let codes = Codes {
        raw: status.clone(),
        status: pair(&status, reason.as_deref())
            .into_iter()
            .chain([ProviderCode::new("project44.status", status)])
            .collect(),
        reason: None,
        coarse: None,
    };
    let keys = ["timestamp", "start_date_time"];
    let stated = keys.iter().any(|key| json::text(state, key).is_some());
    let time =
        if stated { json::event_time(state, &keys, &format!("{at}/state"), problems) } else { EventTime::unknown("") };
    Some(with_reason(Observation::new(codes, Classifier::Actual, time, Origin::Summary), reason))
}
