//! From Terminal49's notifications to statements.

use super::{
    super::DecodeError,
    included::{Included, attributes},
};
use crate::formats::json;
use domain::{
    Classifier,
    event_time::{EventTime, ZoneSource},
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::tz::TimeZone;
use serde_json::Value;

/// The types of record that a notification is about.
const EVENTS: &[&str] = &["transport_event", "estimated_event", "container_created_event", "container_updated_event"];

/// Decodes a notification, or an answer that lists several.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let included = Included::of(body);
    let (at, notifications): (&str, Vec<&Value>) = match body.get("data") {
        Some(Value::Array(list)) => ("/data", list.iter().collect()),
        Some(data @ Value::Object(_)) => ("/data", vec![data]),
        _ if body.get("errors").is_some() => {
            return Err(DecodeError::NotTracking("an error answer of Terminal49".into()));
        }
        _ => {
            return Err(DecodeError::Incomplete {
                at: "/data".into(),
                reason: "is missing: is this a Terminal49 notification?".into(),
            });
        }
    };
    if notifications.is_empty() {
        return Err(DecodeError::NotTracking("an empty list of Terminal49".into()));
    }
    let mut decoded = Decoded::default();
    for (n, notification) in notifications.iter().enumerate() {
        let at = if notifications.len() > 1 { format!("{at}/{n}") } else { at.to_owned() };
        match reports(notification, included, &at, &mut decoded.problems) {
            Ok(reports) => decoded.reports.extend(reports),
            Err(error) if notifications.len() == 1 => return Err(error),
            Err(error) => decoded.problems.push(Problem { at, message: error.to_string() }),
        }
    }
    Ok(decoded)
}

fn reports(
    notification: &Value,
    included: Included<'_>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Result<Vec<TrackerReport>, DecodeError> {
    let Some(name) = json::text(attributes(notification), "event") else {
        return Err(DecodeError::NotTracking(match json::text(notification, "type") {
            Some(kind) => format!("a Terminal49 {kind} is no notification of an event"),
            None => "Terminal49 without an event".into(),
        }));
    };
    if name.starts_with("document.") {
        return Err(DecodeError::NotTracking(format!("Terminal49 event {name}")));
    }
    let about = About::of(notification, included);
    let trackers = about.trackers(at, problems)?;
    let observation = about.statement(&name, at, problems);
    let carrier = about.carrier();
    let report = |refs| TrackerReport {
        refs,
        carrier: carrier.clone(),
        feed: Feed::Delta,
        observations: vec![observation.clone()],
        test: false,
    };
    Ok(trackers.into_iter().map(report).collect())
}

/// What a notification is about.
struct About<'a> {
    notification: &'a Value,
    /// The record of the event; the notification itself where it brings none.
    event: &'a Value,
    request: Option<&'a Value>,
    containers: Vec<&'a Value>,
    shipment: Option<&'a Value>,
    place: Option<&'a Value>,
    terminal: Option<&'a Value>,
}

impl<'a> About<'a> {
    fn of(notification: &'a Value, included: Included<'a>) -> Self {
        let only = || EVENTS.iter().find_map(|kind| included.only(kind));
        let referred = included.related(notification, "reference_object");
        let event = referred.or_else(only).unwrap_or(notification);
        let request = Some(event).filter(|record| is(record, "tracking_request"));
        let own = included.related(event, "container").or_else(|| Some(event).filter(|record| is(record, "container")));
        let shipment = included
            .related(event, "shipment")
            .or_else(|| included.related(own?, "shipment"))
            .or_else(|| included.only("shipment"));
        let place = ["location", "port", "metro_area"].iter().find_map(|name| included.related(event, name));
        Self {
            notification,
            event,
            request: request.or_else(|| included.only("tracking_request")),
            containers: own.map_or_else(|| included.all("container").collect(), |own| vec![own]),
            shipment,
            place,
            terminal: included.related(event, "terminal"),
        }
    }

    /// A request belongs to the number that it is for; everything else to its containers, else to the shipment.
    fn trackers(&self, at: &str, problems: &mut Vec<Problem>) -> Result<Vec<References>, DecodeError> {
        let mut shared = References::default();
        if let Some(request) = self.request.map(attributes) {
            let number = json::further_number(request, "request_number", &format!("{at}/tracking_request"), problems);
            shared.add(requested(request), number.as_deref());
        }
        let of_request = is(self.event, "tracking_request") && !shared.0.is_empty();
        if let Some(shipment) = self.shipment.map(attributes) {
            let number = json::further_number(shipment, "bill_of_lading_number", &format!("{at}/shipment"), problems);
            shared.add(RefKind::BillOfLading, number.as_deref());
            shared.add(RefKind::Order, first_reference(shipment).as_deref());
        }
        let mut trackers = Vec::new();
        for container in self.containers.iter().filter(|_| !of_request) {
            // a statement about one container is none about its whole bill of lading
            let Some(number) = json::number(attributes(container), "number", &format!("{at}/container"))? else {
                continue;
            };
            let mut refs = References::default();
            refs.add(RefKind::Container, Some(&number));
            refs.add(RefKind::TrackerObject, json::text(container, "id").as_deref());
            for (kind, number) in &shared.0 {
                refs.add(*kind, Some(number));
            }
            refs.add(RefKind::Order, first_reference(attributes(container)).as_deref());
            trackers.push(refs);
        }
        if trackers.is_empty() && !shared.0.is_empty() {
            trackers.push(shared);
        }
        if trackers.is_empty() {
            return Err(DecodeError::Incomplete {
                at: "/included".into(),
                reason: "has neither container nor shipment nor tracking request, so the shipment is unknown".into(),
            });
        }
        Ok(trackers)
    }

    /// The shipping line's SCAC.
    fn carrier(&self) -> Option<String> {
        let of_shipment = self.shipment.and_then(|shipment| json::text(attributes(shipment), "shipping_line_scac"));
        of_shipment.or_else(|| json::text(attributes(self.request?), "scac"))
    }

    fn statement(&self, name: &str, at: &str, problems: &mut Vec<Problem>) -> Observation {
        let classifier = if name.contains(".estimated.") { Classifier::Estimated } else { Classifier::Actual };
        let codes = Codes {
            raw: name.to_owned(),
            status: vec![ProviderCode::new("terminal49.event", name)],
            reason: None,
            coarse: None,
        };
        let time = self.time(name, at, problems);
        Observation {
            provider_event_id: json::text(self.event, "id").filter(|_| EVENTS.iter().any(|kind| is(self.event, kind))),
            stated_at: [self.event, self.notification].iter().find_map(|r| json::instant(attributes(r), "created_at")),
            location: self.location(),
            description: self.description(name),
            ..Observation::new(codes, classifier, time, Origin::Event)
        }
    }

    /// When it happened or is to happen. A date or a request that changed is no event at that date: it changed when that
    /// was noticed.
    fn time(&self, name: &str, at: &str, problems: &mut Vec<Problem>) -> EventTime {
        let (event, noticed) = (attributes(self.event), attributes(self.notification));
        let keys: &[&str] = match name {
            _ if name.starts_with("tracking_request.") => &[],
            _ if name.ends_with("changed") || name == "container.updated" => &["created_at"],
            _ => &["timestamp", "estimated_timestamp"],
        };
        let time = keys.iter().find_map(|key| json::time(event, key)).or_else(|| json::time(noticed, "created_at"));
        let time = time.unwrap_or_else(|| EventTime::unknown(""));
        if time.sentinel || time.sort_key().is_none() {
            problems.push(Problem { at: format!("{at}/timestamp"), message: "is no time that can be used".into() });
        }
        let zone = json::text(event, "timezone").or_else(|| json::text(attributes(self.place?), "time_zone"));
        match zone {
            Some(zone) => at_place(time, &zone),
            None => time,
        }
    }

    fn location(&self) -> Option<Location> {
        let place = self.place.map_or(&Value::Null, attributes);
        let terminal = self.terminal.map_or(&Value::Null, attributes);
        Location {
            city: json::first(place, &["city", "name"]),
            region: json::text(place, "state_abbr"),
            country: json::text(place, "country_code").and_then(|c| json::country(&c)),
            unlocode: json::text(attributes(self.event), "location_locode").or_else(|| json::text(place, "code")),
            facility: json::first(terminal, &["smdg_code", "bic_facility_code", "firms_code"]),
            raw: json::text(terminal, "name"),
            ..Location::default()
        }
        .non_empty()
    }

    /// What the code alone does not show: the date that changed, why a request failed.
    fn description(&self, name: &str) -> Option<String> {
        let event = attributes(self.event);
        if let Some(changed) = event.get("changeset").and_then(Value::as_object) {
            return Some(format!("changed: {}", changed.keys().cloned().collect::<Vec<_>>().join(", ")));
        }
        let of_container =
            |field| json::text(attributes(self.containers.first().filter(|_| self.containers.len() == 1)?), field);
        if name.contains("pickup_lfd") {
            let day = json::text(event, "value").or_else(|| of_container("pickup_lfd"))?;
            return Some(format!("last free day {day}"));
        }
        if name.contains("pickup_appointment") {
            let when = json::text(event, "value").or_else(|| of_container("pickup_appointment_at"))?;
            return Some(format!("pick-up appointment {when}"));
        }
        json::text(event, "failed_reason")
    }
}

fn is(record: &Value, kind: &str) -> bool {
    json::text(record, "type").as_deref() == Some(kind)
}

/// What kind of number a tracking request asks for.
fn requested(request: &Value) -> RefKind {
    match json::text(request, "request_type").as_deref() {
        Some("container") => RefKind::Container,
        Some("booking_number") => RefKind::Booking,
        _ => RefKind::BillOfLading,
    }
}

/// The customer's own reference.
fn first_reference(attributes: &Value) -> Option<String> {
    json::plain(attributes.get("ref_numbers")?.get(0)?)
}

/// An instant, with the wall clock of the place whose zone is named beside it.
fn at_place(time: EventTime, name: &str) -> EventTime {
    match (time.utc, TimeZone::get(name)) {
        (Some(utc), Ok(zone)) if time.local.is_none() && zone != TimeZone::UTC && name != "Etc/UTC" => EventTime {
            local: Some(zone.to_datetime(utc)),
            zone: Some(name.to_owned()),
            zone_source: Some(ZoneSource::Payload),
            ..time
        },
        _ => time,
    }
}
