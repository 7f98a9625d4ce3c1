//! From ShipEngine's tracking information to statements.

use super::super::DecodeError;
use super::when;
use crate::formats::{json, times};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use serde_json::Value;

/// What a person reads where an event has no code at all; its description may hold personal data and is no code.
const UNCODED: &str = "uncoded";
/// Statuses that a summary adds even beside events that have a status of their own.
const TELLING: &[&str] = &["DE", "EX"];

/// Decodes a webhook around tracking information, or the bare information of an API answer.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let Some(object) = body.as_object() else {
        return Err(DecodeError::Malformed { expected: "a ShipEngine message", reason: "it is no JSON object".into() });
    };
    let address = json::text(body, "resource_url").unwrap_or_default();
    match object.get("data") {
        Some(data) if data.get("tracking_number").is_some() => {
            json::each(&[data], "/data", |t, at, problems| report(t, &address, at, problems))
        }
        Some(Value::Array(list)) if !list.is_empty() => {
            let list: Vec<&Value> = list.iter().collect();
            json::each(&list, "/data", |t, at, problems| report(t, &address, at, problems))
        }
        _ if object.contains_key("tracking_number") => {
            json::each(&[body], "", |t, at, problems| report(t, &address, at, problems))
        }
        _ => Err(other(body)),
    }
}

/// A pointer to data that the message itself does not have, an error answer, or something else.
fn other(body: &Value) -> DecodeError {
    if let Some(kind) = json::text(body, "resource_type") {
        return DecodeError::NotTracking(format!("ShipEngine {kind} that holds no tracking, only where to find it"));
    }
    if let Some(errors) = body.get("errors").and_then(Value::as_array) {
        let codes = json::complaints(errors, "error_code");
        return DecodeError::NotTracking(format!("an error answer of ShipEngine: {codes}"));
    }
    DecodeError::Incomplete {
        at: "/".into(),
        reason: "there is neither data nor tracking_number: is this a ShipEngine message?".into(),
    }
}

fn report(
    tracking: &Value,
    address: &str,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Result<TrackerReport, DecodeError> {
    let Some(number) = json::number(tracking, "tracking_number", at)? else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/tracking_number"),
            reason: "is missing, so the shipment is unknown".into(),
        });
    };
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    let summary = Summary {
        carrier: json::text(tracking, "carrier_code").or_else(|| carrier_of(address)),
        status: json::code(tracking, "status_code").map(|s| s.to_ascii_uppercase()),
        carrier_status: json::code(tracking, "carrier_status_code"),
        delivered: json::time(tracking, "actual_delivery_date").filter(|t| t.sort_key().is_some() && !t.sentinel),
    };
    let events = json::items(tracking, "events", at, problems);
    // as ShipEngine orders its events itself, whether the place confirms the instant or not
    let stamp = events.iter().filter_map(|(_, event)| when::converted(event)).max();
    let mut observations: Vec<Observation> = events.iter().map(|(at, e)| event(e, &summary, at, problems)).collect();
    observations.extend(summary.statement(tracking, &observations));
    observations.extend(json::expected_delivery(tracking, "estimated_delivery_date", None, at, problems));
    let feed = times::snapshot(stamp, &observations);
    Ok(TrackerReport { refs, carrier: summary.carrier, feed, observations, test: false })
}

/// The carrier in a resource's address: `…/tracking/usps/936…` or `…/tracking?carrier_code=usps&…`.
fn carrier_of(address: &str) -> Option<String> {
    let word = match address.split_once("carrier_code=") {
        Some((_, rest)) => rest.split('&').next()?,
        None => {
            let mut parts = address.split_once("/tracking/")?.1.split('/');
            let word = parts.next()?;
            parts.next().map(|_number| word)?
        }
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!word.is_empty() && word.chars().all(plain)).then(|| word.to_owned())
}

/// What the message says about the tracking as a whole.
struct Summary {
    carrier: Option<String>,
    status: Option<String>,
    /// The carrier's own code behind the status.
    carrier_status: Option<String>,
    delivered: Option<EventTime>,
}

impl Summary {
    /// The status of an event that has none of its own: ShipEngine's, where the summary speaks of this very event. That
    /// is the one at the time of delivery, and any with the code that the summary pairs with its status.
    fn speaks_of(&self, event: &Value, time: &EventTime) -> Option<&str> {
        let status = self.status.as_deref()?;
        let is_delivery = status == "DE" && self.delivered.as_ref().is_some_and(|d| same_moment(d, time));
        let paired = json::code(event, "event_code")
            .is_some_and(|code| code == status || Some(code.as_str()) == self.carrier_status.as_deref());
        (is_delivery || paired).then_some(status)
    }

    /// A statement of its own only where no event says it (R17).
    fn statement(&self, tracking: &Value, events: &[Observation]) -> Option<Observation> {
        let status = self.status.as_deref()?;
        let codes = codes(tracking, Some(status), self.carrier.as_deref());
        let detail = json::code(tracking, "status_detail_code").and(codes.status.first());
        let said =
            events.iter().any(|e| e.codes.coarse == codes.coarse && detail.is_none_or(|d| e.codes.status.contains(d)));
        let telling = TELLING.contains(&status) || events.iter().all(|e| e.codes.coarse.is_none());
        if said || !telling {
            return None;
        }
        let time = self.delivered.clone().filter(|_| status == "DE").unwrap_or_else(|| EventTime::unknown(""));
        let description = json::text(tracking, "exception_description")
            .or_else(|| json::text(tracking, "carrier_status_description"));
        Some(Observation { description, ..Observation::new(codes, Classifier::Actual, time, Origin::Summary) })
    }
}

/// The summary's time may be an instant where the event's is a wall clock: each is compared with its like.
fn same_moment(one: &EventTime, other: &EventTime) -> bool {
    let same_instant = one.utc.is_some() && one.utc == other.utc;
    let same_clock = one.utc.is_none() && one.local.is_some() && one.local == other.local;
    same_instant || same_clock
}

fn event(event: &Value, summary: &Summary, at: &str, problems: &mut Vec<Problem>) -> Observation {
    let time = when::happened(event).unwrap_or_else(|| EventTime::unknown(""));
    if time.sentinel || time.sort_key().is_none() {
        problems.push(Problem { at: format!("{at}/occurred_at"), message: "is no time that can be used".into() });
    }
    let own = json::code(event, "status_code").map(|s| s.to_ascii_uppercase());
    let status = own.as_deref().or_else(|| summary.speaks_of(event, &time));
    Observation {
        location: location(event),
        description: json::text(event, "description").or_else(|| json::text(event, "event_description")),
        signatory: json::text(event, "signer"),
        ..Observation::new(codes(event, status, summary.carrier.as_deref()), Classifier::Actual, time, Origin::Event)
    }
}

/// The detail decides. Without one the carrier's own codes may be known to somebody's mapping, qualified by the carrier,
/// and the status says the rest.
fn codes(value: &Value, status: Option<&str>, carrier: Option<&str>) -> Codes {
    let detail = json::code(value, "status_detail_code").map(|d| d.to_ascii_uppercase());
    let coarse = status.map(|s| ProviderCode::new("shipengine.status_code", s));
    let qualified =
        |code: String| ProviderCode::new("shipengine.event_code", format!("{}/{code}", carrier.unwrap_or_default()));
    let carriers = ["carrier_detail_code", "event_code", "carrier_status_code"];
    let candidates = match &detail {
        Some(detail) => vec![ProviderCode::new("shipengine.status_detail_code", detail.clone())],
        None => carriers.iter().filter_map(|key| json::code(value, key)).map(qualified).chain(coarse.clone()).collect(),
    };
    let raw = json::code(value, "event_code").or(detail).or_else(|| status.map(str::to_owned));
    Codes { raw: raw.unwrap_or_else(|| UNCODED.to_owned()), status: candidates, reason: None, coarse }
}

fn location(event: &Value) -> Option<Location> {
    Location {
        city: json::text(event, "city_locality"),
        region: json::text(event, "state_province"),
        postal: json::text(event, "postal_code"),
        country: json::text(event, "country_code").and_then(|c| json::country(&c)),
        ..Location::default()
    }
    .non_empty()
}
