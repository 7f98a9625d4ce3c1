//! From a notification and the records around it to statements.

use super::super::{DecodeError, json};
use domain::{
    Classifier,
    event_time::{EventTime, Precision, ZoneSource},
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

/// Decodes a notification.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let data = body.get("data").unwrap_or(&Value::Null);
    let Some(event) = data.get("attributes").and_then(|a| json::text(a, "event")) else {
        return Err(DecodeError::Incomplete {
            at: "/data/attributes/event".into(),
            reason: "is missing: is this a Terminal49 notification?".into(),
        });
    };
    let records = Records { body, data };
    let mut problems = Vec::new();
    let refs: Vec<References> = records.references();
    if refs.is_empty() {
        return Err(DecodeError::Incomplete {
            at: "/included".into(),
            reason: format!(
                "{event} comes without its container or shipment: nobody can tell what it is about; have the records included"
            ),
        });
    }
    let observation = records.observation(&event, &mut problems);
    let carrier = records.carrier();
    let reports = refs.into_iter().map(|refs| TrackerReport {
        refs,
        carrier: carrier.clone(),
        feed: Feed::Delta,
        observations: vec![observation.clone()],
    });
    Ok(Decoded { reports: reports.collect(), problems })
}

struct Records<'a> {
    body: &'a Value,
    data: &'a Value,
}

impl<'a> Records<'a> {
    fn all(&self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let included = self.body.get("included").and_then(Value::as_array).into_iter().flatten();
        included.filter(move |record| record["type"] == kind)
    }

    fn attributes(&self, kind: &'a str) -> Option<&'a Value> {
        self.all(kind).next()?.get("attributes")
    }

    /// What the notification is about: the event's own record.
    fn subject(&self) -> Option<&'a Value> {
        let id = self.data.pointer("/relationships/reference_object/data/id")?;
        let included = self.body.get("included").and_then(Value::as_array).into_iter().flatten();
        included.into_iter().find(|record| record.get("id") == Some(id))
    }

    /// A container each, with the shipment's numbers; a shipment alone where no container is named.
    fn references(&self) -> Vec<References> {
        let mut common = References::default();
        if let Some(shipment) = self.attributes("shipment") {
            common.add(RefKind::BillOfLading, json::text(shipment, "bill_of_lading_number").as_deref());
        }
        if let Some(request) = self.attributes("tracking_request") {
            match json::text(request, "request_type").as_deref() {
                Some("booking_number") => {
                    common.add(RefKind::Booking, json::text(request, "request_number").as_deref())
                }
                Some("container") => common.add(RefKind::Container, json::text(request, "request_number").as_deref()),
                _ => common.add(RefKind::BillOfLading, json::text(request, "request_number").as_deref()),
            }
        }
        let containers: Vec<References> = self
            .all("container")
            .filter_map(|record| json::text(record.get("attributes")?, "number"))
            .map(|number| {
                let mut refs = common.clone();
                refs.add(RefKind::Container, Some(&number));
                refs
            })
            .collect();
        match containers.is_empty() {
            true if common.0.is_empty() => Vec::new(),
            true => vec![common],
            false => containers,
        }
    }

    fn carrier(&self) -> Option<String> {
        let of_shipment = self.attributes("shipment").and_then(|s| json::text(s, "shipping_line_scac"));
        of_shipment.or_else(|| json::text(self.attributes("tracking_request")?, "scac"))
    }

    fn observation(&self, event: &str, problems: &mut Vec<Problem>) -> Observation {
        let subject = self.subject().or_else(|| self.all("transport_event").next());
        let happening =
            subject.filter(|s| ["transport_event", "estimated_event"].iter().any(|kind| s["type"] == *kind));
        let attributes = happening.and_then(|s| s.get("attributes"));
        let created = self.data.get("attributes").and_then(|a| json::instant(a, "created_at"));
        let zone = attributes.and_then(|a| json::text(a, "timezone"));
        // what is no happening at a place is known when it is told
        let time = attributes
            .and_then(|a| ["timestamp", "estimated_timestamp"].iter().find_map(|f| json::text(a, f)))
            .or_else(|| json::text(self.data.get("attributes")?, "created_at"));
        let time = time.map_or_else(|| EventTime::unknown(""), |raw| at(&raw, zone.as_deref()));
        if time.sort_key().is_none() || time.sentinel {
            problems.push(Problem { at: "/included/timestamp".into(), message: "is no time that can be used".into() });
        }
        let classifier = if event.contains("estimated") { Classifier::Estimated } else { Classifier::Actual };
        let codes = Codes {
            raw: event.to_owned(),
            status: vec![ProviderCode::new("terminal49.event", event)],
            reason: None,
            coarse: None,
        };
        Observation {
            provider_event_id: happening.and_then(|s| json::text(s, "id")),
            stated_at: attributes.and_then(|a| json::instant(a, "created_at")).or(created),
            location: self.location(attributes),
            ..Observation::new(codes, classifier, time, Origin::Event)
        }
    }

    fn location(&self, attributes: Option<&Value>) -> Option<Location> {
        let port = self.attributes("port").or_else(|| self.attributes("metro_area"));
        let unlocode = attributes.and_then(|a| json::text(a, "location_locode"));
        let here = port.filter(|p| unlocode.is_none() || json::text(p, "code") == unlocode);
        let field = |name: &str| here.and_then(|port| json::text(port, name));
        Location {
            unlocode: unlocode.clone().or_else(|| field("code")).filter(|_| attributes.is_some()),
            city: field("city").filter(|_| attributes.is_some()),
            region: field("state_abbr").filter(|_| attributes.is_some()),
            country: field("country_code").filter(|_| attributes.is_some()),
            facility: self
                .attributes("terminal")
                .and_then(|t| json::text(t, "firms_code"))
                .filter(|_| attributes.is_some()),
            ..Location::default()
        }
        .non_empty()
    }
}

/// An instant, and the wall clock of the place where its zone is named.
fn at(raw: &str, zone: Option<&str>) -> EventTime {
    let Ok(instant) = raw.parse::<Timestamp>() else { return super::super::times::iso(raw) };
    let mut time = EventTime::instant(raw, instant, Precision::Second);
    if let Some((name, zone)) = zone.and_then(|name| Some((name, TimeZone::get(name).ok()?))) {
        time.local = Some(zone.to_datetime(instant));
        (time.zone, time.zone_source) = (Some(name.to_owned()), Some(ZoneSource::Payload));
    }
    time
}
