//! From DCSA events of each version to statements, one report for each tracker.

use super::super::{DecodeError, json};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use serde_json::Value;

/// Fields by which a message of another DCSA standard is known.
const OTHER_STANDARDS: &[&str] = &[
    "portCall",
    "terminalCall",
    "portCallServiceID",
    "arrivalNotices",
    "arrivalNoticeNotifications",
    "terminalCallID",
    "portCallID",
];

/// Decodes a list of events, an object around one, or a single event.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let events: Vec<&Value> = match (body, body.get("events")) {
        (Value::Array(list), _) | (_, Some(Value::Array(list))) => list.iter().collect(),
        (Value::Object(_), _) => vec![body],
        _ => {
            return Err(DecodeError::Malformed {
                expected: "DCSA events",
                reason: "it is neither object nor list".into(),
            });
        }
    };
    let mut decoded = Decoded::default();
    let mut others = 0;
    for (n, event) in events.iter().enumerate() {
        let at = format!("/{n}");
        if OTHER_STANDARDS.iter().any(|field| event.get(field).is_some()) {
            others += 1;
            continue;
        }
        match Event::of(event).read(&at) {
            Ok(report) => add(&mut decoded.reports, report),
            Err(problem) => decoded.problems.push(problem),
        }
    }
    if decoded.reports.is_empty() {
        return Err(match decoded.problems.into_iter().next() {
            Some(problem) => DecodeError::Incomplete { at: problem.at, reason: problem.message },
            None if others > 0 => DecodeError::NotTracking("an event of another DCSA standard".into()),
            None => DecodeError::NotTracking("a list without events".into()),
        });
    }
    Ok(decoded)
}

/// Statements about one tracker stand together, in the order of the message.
fn add(reports: &mut Vec<TrackerReport>, report: TrackerReport) {
    let hangs_on = |r: &TrackerReport| {
        let kinds = [RefKind::Container, RefKind::Booking, RefKind::BillOfLading, RefKind::TrackerObject];
        (kinds.iter().find_map(|kind| Some((*kind, r.refs.get(*kind)?.to_owned()))), r.carrier.clone())
    };
    match reports.iter_mut().find(|known| hangs_on(known) == hangs_on(&report)) {
        Some(known) => {
            for (kind, value) in &report.refs.0 {
                known.refs.add(*kind, Some(value));
            }
            known.observations.extend(report.observations);
        }
        None => reports.push(report),
    }
}

/// An event, wherever its version puts what.
struct Event<'a> {
    /// Around it: id, creation, publisher, retraction.
    meta: &'a Value,
    /// What happened.
    body: &'a Value,
    /// 3.0 puts the codes here; before, they are in the body.
    classification: &'a Value,
}

impl<'a> Event<'a> {
    fn of(event: &'a Value) -> Self {
        let meta = event.get("metadata").unwrap_or(event);
        let body = event.get("payload").unwrap_or(event);
        Self { meta, body, classification: body.get("eventClassification").unwrap_or(body) }
    }

    fn read(&self, at: &str) -> Result<TrackerReport, Problem> {
        let problem = |field: &str, message: &str| Problem { at: format!("{at}/{field}"), message: message.into() };
        let id = json::text(self.meta, "eventID");
        let stated_at =
            ["eventUpdatedDateTime", "eventCreatedDateTime"].iter().find_map(|f| json::instant(self.meta, f));
        if let Some(retracted) = json::text(self.meta, "retractedEventID") {
            let statement = Observation { retracts: Some(retracted.clone()), stated_at, ..self.nothing_else() };
            return Ok(self.report(self.references(Some(&retracted)), statement));
        }
        let Some(codes) = self.codes() else {
            return Err(problem("eventType", "there is no event type code: nobody can tell what happened"));
        };
        let Some(classifier) = self.classifier() else {
            return Err(problem("eventClassifierCode", "is neither PLN, EST nor ACT"));
        };
        let time = json::time(self.body, "eventDateTime").unwrap_or_else(|| EventTime::unknown(""));
        if time.sort_key().is_none() || time.sentinel {
            return Err(problem("eventDateTime", "is no time that can be used"));
        }
        let statement = Observation {
            provider_event_id: id,
            stated_at,
            location: self.location(),
            description: json::text(self.body, "changeRemark").or_else(|| json::text(self.body, "reason")),
            ..Observation::new(codes, classifier, time, Origin::Event)
        };
        let refs = self.references(None);
        if refs.0.is_empty() {
            return Err(problem(
                "",
                "names neither equipment, booking nor transport document: nobody can tell what it is about",
            ));
        }
        Ok(self.report(refs, statement))
    }

    fn report(&self, refs: References, statement: Observation) -> TrackerReport {
        TrackerReport { refs, carrier: self.carrier(), feed: Feed::Delta, observations: vec![statement] }
    }

    /// A retraction has no payload: it takes an event back and says nothing else.
    fn nothing_else(&self) -> Observation {
        let codes = Codes { raw: "retraction".into(), status: Vec::new(), reason: None, coarse: None };
        Observation::new(codes, Classifier::Actual, EventTime::unknown(""), Origin::Event)
    }

    fn classifier(&self) -> Option<Classifier> {
        match json::text(self.classification, "eventClassifierCode")?.as_str() {
            "PLN" | "REQ" => Some(Classifier::Planned),
            "EST" => Some(Classifier::Estimated),
            "ACT" => Some(Classifier::Actual),
            _ => None,
        }
    }

    fn codes(&self) -> Option<Codes> {
        let text = |field: &str| json::text(self.classification, field);
        let (list, code, qualifiers) = if let Some(code) = text("equipmentEventTypeCode") {
            ("dcsa.equipment", code, self.equipment_qualifiers())
        } else if let Some(code) = text("transportEventTypeCode") {
            ("dcsa.transport", code, Vec::new())
        } else if let Some(code) = text("shipmentEventTypeCode") {
            ("dcsa.shipment", code, self.document_type().into_iter().collect())
        } else if let Some(code) = text("reeferEventTypeCode") {
            ("dcsa.reefer", code, Vec::new())
        } else {
            ("dcsa.iot", text("iotEventTypeCode")?, Vec::new())
        };
        let mut status: Vec<ProviderCode> = Vec::new();
        // most specific first: DROP/LADEN/CLOC, DROP/LADEN, DROP
        for known in (0..=qualifiers.len()).rev() {
            let qualified = std::iter::once(code.as_str()).chain(qualifiers[..known].iter().map(String::as_str));
            status.push(ProviderCode::new(list, qualified.collect::<Vec<_>>().join("/")));
        }
        let reason = json::text(self.body, "delayReasonCode").map(|r| ProviderCode::new("dcsa.delay", r));
        Some(Codes { raw: code, status, reason, coarse: None })
    }

    /// Laden or empty, and the kind of facility, where both are said.
    fn equipment_qualifiers(&self) -> Vec<String> {
        let empty = self.equipment_field("emptyIndicatorCode");
        let facility = [self.body.get("eventLocation"), Some(self.body), self.transport_call()]
            .into_iter()
            .flatten()
            .find_map(|part| json::text(part, "facilityTypeCode"));
        match (empty, facility) {
            (Some(empty), facility) => std::iter::once(empty).chain(facility).collect(),
            (None, _) => Vec::new(),
        }
    }

    fn document_type(&self) -> Option<String> {
        json::text(self.body, "documentTypeCode")
            .or_else(|| json::text(self.body.pointer("/shipmentDetails/documentReference")?, "typeCode"))
    }

    fn equipment_field(&self, field: &str) -> Option<String> {
        json::text(self.body, field).or_else(|| json::text(self.body.get("equipmentDetails")?, field))
    }

    fn transport_call(&self) -> Option<&'a Value> {
        self.body.get("transportCall").or_else(|| self.body.pointer("/transportDetails/transportCall"))
    }

    fn carrier(&self) -> Option<String> {
        self.meta
            .get("publisher")
            .and_then(|p| json::text(p, "carrierCode"))
            .or_else(|| json::text(self.meta.pointer("/eventRouting/originatingParty")?, "partyCode"))
    }

    /// Equipment by its number; what names no equipment by booking and transport document. A retraction names nothing:
    /// it hangs on the id that it takes back, and holds wherever that was said.
    fn references(&self, retracted: Option<&str>) -> References {
        let mut refs = References::default();
        if let Some(retracted) = retracted {
            refs.add(RefKind::TrackerObject, Some(retracted));
        }
        refs.add(RefKind::Container, self.equipment_field("equipmentReference").as_deref());
        for (kind, value) in self.documents() {
            match kind.as_str() {
                "BKG" | "CBR" => refs.add(RefKind::Booking, Some(&value)),
                "TRD" => refs.add(RefKind::BillOfLading, Some(&value)),
                "PO" => refs.add(RefKind::PurchaseOrder, Some(&value)),
                "EQ" => refs.add(RefKind::Container, Some(&value)),
                _ => {}
            }
        }
        refs
    }

    /// References of every version: type and value.
    fn documents(&self) -> Vec<(String, String)> {
        let lists = ["documentReferences", "relatedDocumentReferences", "references"].map(|f| self.body.get(f));
        let more = self.body.pointer("/shipmentDetails/additionalDocumentReferences");
        let one = self.body.pointer("/shipmentDetails/documentReference").into_iter();
        let listed = lists.into_iter().chain([more]).flatten().filter_map(Value::as_array).flatten();
        let mut found: Vec<(String, String)> = one
            .chain(listed)
            .filter_map(|reference| {
                let field = |names: &[&str]| names.iter().find_map(|name| json::text(reference, name));
                let kind = field(&["documentReferenceType", "referenceType", "typeCode", "type"])?;
                Some((kind, field(&["documentReferenceValue", "referenceValue", "reference", "value"])?))
            })
            .collect();
        // the document of a shipment event is its subject
        let subject = json::text(self.body, "documentID").or_else(|| json::text(self.body, "documentReference"));
        if let (Some(kind), Some(value)) = (json::text(self.body, "documentTypeCode"), subject) {
            found.insert(0, (kind, value));
        }
        found
    }

    fn location(&self) -> Option<Location> {
        let call = self.transport_call();
        let places = [self.body.get("eventLocation"), call.and_then(|c| c.get("location")), call];
        let field = |name: &str| places.into_iter().flatten().find_map(|place| json::text(place, name));
        let address = |name: &str| places.into_iter().flatten().find_map(|p| json::text(p.get("address")?, name));
        let unlocode = field("UNLocationCode");
        Location {
            facility: field("facilityCode"),
            city: address("city"),
            region: address("stateRegion").filter(|region| region != "N/A"),
            postal: address("postCode"),
            country: address("countryCode").or_else(|| address("country")).and_then(|c| json::country(&c)),
            raw: field("locationName").filter(|_| unlocode.is_none()),
            unlocode,
        }
        .non_empty()
    }
}
