//! What `milepost decode` prints: a message as canonical events.

use super::DecodeError;
use crate::formats::times::names_offset;
use domain::{
    event_time::{EventTime, Precision},
    observation::{Decoded, Observation, Origin, RefKind, TrackerReport},
    reading::Reader,
};
use serde_json::{Map, Value, json};

/// The events of a decoded file, in the order of the message.
pub fn decoded(file: &str, connector: &str, decoded: &Decoded, reader: &dyn Reader) -> Value {
    let several = decoded.reports.len() > 1;
    let events: Vec<Value> = decoded.reports.iter().flat_map(|report| events(report, several, reader)).collect();
    let problems: Vec<Value> = decoded.problems.iter().map(|p| json!({"at": p.at, "message": p.message})).collect();
    json!({"file": file, "connector": connector, "refs": refs(decoded), "events": events, "problems": problems})
}

/// A file that cannot be decoded: no events, and why.
pub fn undecodable(file: &str, connector: &str, error: &DecodeError) -> Value {
    json!({"file": file, "connector": connector, "refs": {}, "events": [], "problems": [{"at": "", "message": error.to_string()}]})
}

/// The numbers of the first report; those of all, where there are several.
fn refs(decoded: &Decoded) -> Value {
    let mut all = Map::new();
    if let Some(first) = decoded.reports.first() {
        for (kind, value) in &first.refs.0 {
            let name = serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
            all.insert(name, value.clone().into());
        }
        all.extend(first.carrier.clone().map(|carrier| ("carrier".to_owned(), Value::from(carrier))));
    }
    if decoded.reports.len() > 1 {
        let numbers: Vec<_> = decoded.reports.iter().filter_map(|r| r.refs.get(RefKind::TrackingNumber)).collect();
        all.insert("tracking_numbers".into(), numbers.into());
    }
    all.into()
}

/// Events of the list; the summary only where there is no list.
fn events(report: &TrackerReport, several: bool, reader: &dyn Reader) -> Vec<Value> {
    let origin =
        if report.observations.iter().any(|o| o.origin == Origin::Event) { Origin::Event } else { Origin::Summary };
    let of_field = |o: &Observation| o.codes.status.first().is_some_and(|c| c.list == "milepost.field");
    let shown = report.observations.iter().filter(|o| o.origin == origin && o.retracts.is_none() && !of_field(o));
    shown
        .map(|observation| {
            let mut event = event(observation, reader);
            if let Some(number) = report.refs.get(RefKind::TrackingNumber).filter(|_| several) {
                event["tracking_number"] = number.into();
            }
            if report.test {
                event["test"] = true.into();
            }
            event
        })
        .collect()
}

fn event(observation: &Observation, reader: &dyn Reader) -> Value {
    let reading = reader.read(observation);
    let mut event = json!({
        "milestone": reading.milestone.code(),
        "exception": reading.exception.map(|e| e.code()),
        "classifier": observation.classifier.code(),
        "time": time(&observation.time),
        "location": observation.location.as_ref().and_then(|l| serde_json::to_value(l).ok()),
        "raw_code": observation.codes.raw,
        "description": observation.description,
    });
    if let Some(also) = reading.also {
        event["also"] = also.code().into();
    }
    if reading.unmapped {
        event["unmapped"] = true.into();
    }
    if let Some(stop) = observation.stop {
        event["stop"] = stop.number.into();
    }
    event
}

fn time(time: &EventTime) -> Value {
    let precision = match time.precision {
        Precision::None => "none",
        Precision::Date => "date",
        Precision::Minute => "minute",
        Precision::Second => "second",
    };
    // a text with an offset of its own says both; only what it does not show is added
    let wall_clock = time.local.filter(|_| !names_offset(&time.raw));
    let local = wall_clock.map(|local| match time.precision {
        Precision::Date => local.date().to_string(),
        Precision::Minute => local.strftime("%Y-%m-%dT%H:%M").to_string(),
        _ => local.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    });
    let utc = time.utc.map(|utc| utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let mut value = json!({"raw": time.raw, "local": local, "utc": utc, "precision": precision});
    if time.sentinel {
        value["sentinel"] = true.into();
    }
    if let Some(zone) = &time.zone {
        value["zone"] = zone.as_str().into();
        value["zone_source"] = serde_json::to_value(time.zone_source).unwrap_or_default();
    }
    value
}
