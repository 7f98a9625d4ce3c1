//! From mapped fields to statements.

use super::{
    super::DecodeError,
    fields::{ClassifierField, FeedKind, Fields, TimeField},
    when, word,
};
use crate::formats::{documents, json, times};
use domain::{
    Classifier,
    documents::Document,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, Stop,
        TrackerReport,
    },
};
use jiff::Timestamp;
use serde_json::Value;

/// Decodes a message. Of several shipments, one that cannot be read does not hold up the others.
pub(super) fn decode(fields: &Fields, body: &Value) -> Result<Decoded, DecodeError> {
    let reports = match &fields.reports {
        None => vec![(String::new(), body)],
        Some(pointer) => match body.pointer(pointer) {
            Some(Value::Array(list)) => (0..).zip(list).map(|(n, r)| (format!("{pointer}/{n}"), r)).collect(),
            Some(report @ Value::Object(_)) => vec![(pointer.clone(), report)],
            _ => return Err(nothing_at(pointer, "reports", "neither a shipment nor a list of them")),
        },
    };
    let mut decoded = Decoded::default();
    let mut refused: Option<DecodeError> = None;
    for (at, value) in reports {
        match (Shipment { fields, at: &at, problems: &mut decoded.problems }).report(value) {
            Ok(report) => decoded.reports.push(report),
            Err(error) => {
                decoded.problems.push(Problem { at, message: error.to_string() });
                refused = refused.or(Some(error));
            }
        }
    }
    match refused {
        Some(error) if decoded.reports.is_empty() => Err(error),
        _ => Ok(decoded),
    }
}

fn nothing_at(at: &str, field: &str, what: &str) -> DecodeError {
    DecodeError::Incomplete { at: at.to_owned(), reason: format!("fields.{field} points here, and finds {what}") }
}

/// One shipment that is read.
struct Shipment<'a> {
    fields: &'a Fields,
    at: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Shipment<'_> {
    fn report(&mut self, report: &Value) -> Result<TrackerReport, DecodeError> {
        let refs = self.references(report)?;
        let stamp = self.fields.stamp.as_deref().and_then(|p| self.instant(report, p, "stamp"));
        let mut observations = self.events(report)?;
        observations.extend(self.summary(report, &observations, stamp));
        let forecasts = [
            (&self.fields.summary.expected_delivery, "expected_delivery", Classifier::Estimated),
            (&self.fields.summary.promised_delivery, "promised_delivery", Classifier::Planned),
        ];
        for (field, name, kind) in forecasts {
            let (at, problems) = (self.at, &mut *self.problems);
            observations.extend(forecast(field, report, name, kind, stamp, at, problems));
        }
        let feed = match self.fields.feed {
            FeedKind::Delta => Feed::Delta,
            FeedKind::Snapshot => Feed::Snapshot { stamp },
        };
        Ok(TrackerReport { refs, carrier: text(report, &self.fields.carrier), feed, observations, test: false })
    }

    fn references(&mut self, report: &Value) -> Result<References, DecodeError> {
        let pointer = self.fields.tracking_number.as_deref().unwrap_or_default();
        let mut refs = References::default();
        refs.add(RefKind::TrackingNumber, self.number(report, pointer)?.as_deref());
        if refs.get(RefKind::TrackingNumber).is_none() {
            return Err(nothing_at(&format!("{}{pointer}", self.at), "tracking_number", "no text"));
        }
        for (kind, pointer) in &self.fields.refs {
            let number = self.number(report, pointer).unwrap_or_else(|error| {
                self.problem(format!("{}{pointer}", self.at), error.to_string());
                None
            });
            refs.add(*kind, number.as_deref());
        }
        Ok(refs)
    }

    /// A number that names something: as a JSON number it may have lost digits.
    fn number(&self, report: &Value, pointer: &str) -> Result<Option<String>, DecodeError> {
        match report.pointer(pointer) {
            Some(Value::Number(_)) => Err(DecodeError::Incomplete {
                at: format!("{}{pointer}", self.at),
                reason: "is a JSON number, which may have lost digits or leading zeros; it has to be sent as text"
                    .into(),
            }),
            other => Ok(other.and_then(json::plain)),
        }
    }

    fn problem(&mut self, at: String, message: String) {
        self.problems.push(Problem { at, message });
    }

    fn instant(&mut self, value: &Value, pointer: &str, field: &str) -> Option<Timestamp> {
        let read = value.pointer(pointer).and_then(word).map(|raw| instant(&raw));
        if read != Some(None) {
            return read?;
        }
        let message = format!("fields.{field} points here, and finds no instant: it needs an offset");
        self.problem(format!("{}{pointer}", self.at), message);
        None
    }

    fn events(&mut self, report: &Value) -> Result<Vec<Observation>, DecodeError> {
        let Some(pointer) = &self.fields.events else {
            return Ok(self.event(report, self.at).into_iter().collect());
        };
        let at = format!("{}{pointer}", self.at);
        match report.pointer(pointer) {
            Some(Value::Array(list)) => {
                let events = list.iter().enumerate();
                Ok(events.filter_map(|(n, event)| self.event(event, &format!("{at}/{n}"))).collect())
            }
            Some(event @ Value::Object(_)) => Ok(self.event(event, &at).into_iter().collect()),
            // some sources leave an empty list out; the summary may still have something
            None | Some(Value::Null) => {
                self.problem(at, "fields.events points here, and finds nothing".into());
                Ok(Vec::new())
            }
            Some(_) => {
                self.problem(at, "fields.events points here, and finds neither an event nor a list of them".into());
                Ok(Vec::new())
            }
        }
    }

    fn event(&mut self, event: &Value, at: &str) -> Option<Observation> {
        let fields = &self.fields.event;
        let Some(codes) = self.codes(event) else {
            let pointers = [&fields.status, &fields.reason].into_iter().flatten().cloned().collect::<Vec<_>>();
            let message = format!("has neither a status nor a reason at {}", pointers.join(" or "));
            self.problem(at.to_owned(), message);
            return None;
        };
        let Some(classifier) = classifier(&fields.classifier, event) else {
            let message = "is a word that fields.event.classifier.values lacks; the event is left out";
            self.problem(format!("{at}{}", fields.classifier.at.as_deref().unwrap_or_default()), message.into());
            return None;
        };
        let time = when::read(&fields.time, event).unwrap_or_else(|| EventTime::unknown(""));
        if fields.time.at.is_some() && (time.sentinel || time.sort_key().is_none()) {
            let pointer = fields.time.at.as_deref().unwrap_or_default();
            self.problem(format!("{at}{pointer}"), "is no time that can be used".into());
        }
        let stated_at = fields.stated_at.as_deref().and_then(|p| instant(&word(event.pointer(p)?)?));
        Some(Observation {
            provider_event_id: text(event, &fields.id),
            stated_at,
            location: self.location(event),
            piece: text(event, &fields.piece),
            stop: stop(event, &fields.stop),
            description: text(event, &fields.description),
            signatory: text(event, &fields.signatory),
            documents: fields.documents.as_deref().and_then(|at| event.pointer(at)).map(proofs).unwrap_or_default(),
            ..Observation::new(codes, classifier, time, Origin::Event)
        })
    }

    fn codes(&self, event: &Value) -> Option<Codes> {
        let (fields, list) = (&self.fields.event, self.fields.list());
        let [status, reason, coarse] =
            [&fields.status, &fields.reason, &fields.coarse].map(|pointer| text(event, pointer));
        let raw = match (&status, &reason) {
            (Some(status), Some(reason)) => format!("{status}/{reason}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => return None,
        };
        let code = |value: String| ProviderCode::new(&list, value);
        // the pair, where an admin has given it a meaning of its own
        let pair = (status.is_some() && reason.is_some()).then(|| raw.clone());
        let alone = status.is_none().then(|| reason.clone()).flatten();
        let status = pair.into_iter().chain(status).chain(alone).map(code).collect();
        Some(Codes { raw, status, reason: reason.map(code), coarse: coarse.map(code) })
    }

    fn location(&self, event: &Value) -> Option<Location> {
        let fields = &self.fields.event;
        Location {
            city: text(event, &fields.city),
            region: text(event, &fields.region),
            postal: text(event, &fields.postal),
            country: text(event, &fields.country).and_then(|code| json::country(&code)),
            unlocode: text(event, &fields.unlocode),
            facility: text(event, &fields.facility),
            raw: text(event, &fields.place),
        }
        .non_empty()
    }

    /// The summary is an event of its own only where there is no other, or where it reports an end that none reports.
    fn summary(&self, report: &Value, events: &[Observation], stamp: Option<Timestamp>) -> Option<Observation> {
        let summary = &self.fields.summary;
        let status = text(report, &summary.status)?;
        let code = ProviderCode::new(&self.fields.list(), status.clone());
        let said = events.iter().any(|e| e.codes.status.contains(&code) || e.codes.coarse.as_ref() == Some(&code));
        if said || !(events.is_empty() || summary.ends.contains(&status)) {
            return None;
        }
        let codes = Codes { raw: status, status: vec![code], reason: None, coarse: None };
        let time = when::read(&summary.time, report).unwrap_or_else(|| EventTime::unknown(""));
        Some(Observation { stated_at: stamp, ..Observation::new(codes, Classifier::Actual, time, Origin::Summary) })
    }
}

fn text(value: &Value, pointer: &Option<String>) -> Option<String> {
    word(value.pointer(pointer.as_deref()?)?)
}

/// An instant, in ISO 8601 with an offset or in seconds or milliseconds since 1970.
fn instant(raw: &str) -> Option<Timestamp> {
    /// Seconds of the year 5138; what is larger counts milliseconds.
    const SECONDS_MAX: i64 = 100_000_000_000;
    match raw.parse::<i64>() {
        Ok(n) if n.abs() < SECONDS_MAX => Timestamp::from_second(n).ok(),
        Ok(n) => Timestamp::from_millisecond(n).ok(),
        Err(_) => Some(times::iso(raw)).filter(|t| !t.sentinel)?.utc,
    }
}

fn proofs(value: &Value) -> Vec<Document> {
    documents::documents(value, None)
}

fn classifier(field: &ClassifierField, event: &Value) -> Option<Classifier> {
    match text(event, &field.at) {
        Some(word) => field.values.get(&word).copied().or(field.otherwise),
        None => Some(field.otherwise.unwrap_or(Classifier::Actual)),
    }
}

fn stop(event: &Value, pointer: &Option<String>) -> Option<Stop> {
    let number = text(event, pointer)?.parse().ok().filter(|number| *number > 0)?;
    Some(Stop { number })
}

fn forecast(
    field: &TimeField,
    report: &Value,
    name: &str,
    classifier: Classifier,
    stamp: Option<Timestamp>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Observation> {
    let time = json::usable(when::read(field, report)?, name, at, problems)?;
    let codes = Codes {
        raw: name.to_owned(),
        status: vec![ProviderCode::new("milepost.field", name)],
        reason: None,
        coarse: None,
    };
    Some(Observation { stated_at: stamp, ..Observation::new(codes, classifier, time, Origin::Summary) })
}
