//! The standard tests, and what an admin may map, by the example of the documentation.

use super::{
    super::{Configured, Settings, checks, present},
    *,
};
use domain::{
    mapping::{Mapping, Overlay},
    observation::{Feed, Observation, Origin, RefKind},
};
use serde_json::{Value, json};

const MANUAL: &str = include_str!("../../../../../docs/GENERIC_JSON.md");

/// The pieces of JSON in the documentation: a message, the fields, the mapping.
fn manual() -> [&'static str; 3] {
    let blocks = MANUAL.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().try_into().unwrap()
}

fn configured(fields: Value) -> GenericJson {
    let fields: Fields = serde_json::from_value(fields).unwrap();
    assert_eq!(fields.check(), Ok(()));
    GenericJson { fields }
}

fn plain() -> Value {
    json!({"tracking_number": "/no", "event": {"status": "/st", "time": {"at": "/at"}}})
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut fields = plain();
    change(&mut fields);
    fields
}

fn one(carrier: &GenericJson, body: &Value) -> Observation {
    let mut decoded = carrier.decode(body.to_string().as_bytes()).unwrap();
    assert!(decoded.problems.is_empty(), "{:?}", decoded.problems);
    decoded.reports.remove(0).observations.remove(0)
}

#[test]
fn the_example_of_the_documentation_is_read_as_it_says() {
    let [message, fields, mapping] = manual();
    let settings: Settings = serde_json::from_str(&format!("{{\"fields\":{fields}}}")).unwrap();
    let configured = Configured::new(ID, &settings).unwrap();
    let carrier = configured.carrier();
    assert_eq!(carrier.delivery_key(message.as_bytes()), DeliveryKey(Some("d-20260304-17".into())));
    let decoded = carrier.decode(message.as_bytes()).unwrap();
    assert_eq!(decoded.problems, []);
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("BB00017"));
    assert_eq!(report.refs.get(RefKind::Order), Some("S00042"));
    assert_eq!(report.feed, Feed::Snapshot { stamp: Some("2026-03-04T13:05:00Z".parse().unwrap()) });
    assert_eq!(report.observations.last().unwrap().codes.raw, "expected_delivery");

    let overlay: Overlay = serde_json::from_str(mapping).unwrap();
    let shown = present::decoded("", ID, &decoded, &Mapping::with_overlay(1, &overlay).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = shown["events"].as_array().unwrap().iter().map(|event| {
        ["raw_code", "milestone", "exception", "classifier"]
            .map(|key| text(&event[key]))
            .into_iter()
            .chain([text(&event["time"]["utc"])])
            .collect::<Vec<_>>()
    });
    let documented =
        MANUAL.split("That makes:").nth(1).unwrap().lines().filter(|line| line.starts_with('|')).skip(2).take(3);
    let documented =
        documented.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    assert_eq!(events.collect::<Vec<_>>(), documented.collect::<Vec<_>>());
}

#[test]
fn every_field_is_in_the_documentation() {
    let fields = serde_json::to_value(Fields::NONE).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let all = [names(&fields), names(&fields["event"]), names(&fields["summary"]), names(&fields["event"]["time"])];
    for name in all.concat() {
        assert!(MANUAL.contains(&format!("`{name}")) || MANUAL.contains(&format!(".{name}`")), "{name}");
    }
}

#[test]
fn a_single_event_without_a_list_is_read() {
    let carrier = configured(with(|f| f["carrier"] = "/who".into()));
    let body = json!({"no": "A1", "who": "dhl", "st": 5, "at": "2026-03-04T10:00:00+01:00"});
    let decoded = carrier.decode(body.to_string().as_bytes()).unwrap();
    let report = &decoded.reports[0];
    assert_eq!((report.carrier.as_deref(), &report.feed), (Some("dhl"), &Feed::Delta));
    let event = &report.observations[0];
    assert_eq!((event.codes.raw.as_str(), event.codes.status[0].list.as_str()), ("5", "generic.generic"));
    assert_eq!(event.time.utc.map(|t| t.to_string()).as_deref(), Some("2026-03-04T09:00:00Z"));
    assert!(carrier.delivery_key(b"{}").0.is_none());
}

#[test]
fn times_in_every_format() {
    for (time, body, local, utc) in [
        (json!({"at": "/at", "format": "epoch_seconds"}), json!(1_772_618_400), None, Some("2026-03-04T10:00:00Z")),
        (json!({"at": "/at", "format": "epoch_seconds"}), json!("1772618400.25"), None, Some("2026-03-04T10:00:00Z")),
        (
            json!({"at": "/at", "format": "epoch_milliseconds"}),
            json!(1_772_618_400_000_i64),
            None,
            Some("2026-03-04T10:00:00Z"),
        ),
        (
            json!({"at": "/at", "format": "%d/%m/%y %I:%M %p"}),
            json!("04/03/26 11:00 PM"),
            Some("2026-03-04T23:00:00"),
            None,
        ),
        (json!({"at": "/at", "format": "%Y%m%d"}), json!("20260304"), Some("2026-03-04T00:00:00"), None),
        (
            json!({"at": "/at", "format": "%Y%m%dT%H%M%S%z"}),
            json!("20260304T110000+0100"),
            Some("2026-03-04T11:00:00"),
            Some("2026-03-04T10:00:00Z"),
        ),
        (
            json!({"at": "/at", "clock": "/clock", "zone": "/zone"}),
            json!("2026-03-04"),
            Some("2026-03-04T11:00:00"),
            Some("2026-03-04T10:00:00Z"),
        ),
        (json!({"at": "/at"}), json!("2026-03-04T11:00:00"), Some("2026-03-04T11:00:00"), None),
    ] {
        let carrier = configured(with(|f| f["event"]["time"] = time.clone()));
        let event = one(&carrier, &json!({"no": "A1", "st": "X", "at": body, "clock": "11:00", "zone": "+01:00"}));
        assert_eq!(event.time.local.map(|t| t.to_string()).as_deref(), local, "{time}");
        let read = event.time.utc.map(|t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        assert_eq!(read.as_deref(), utc, "{time}");
    }
}

#[test]
fn what_is_planned_is_never_taken_for_a_fact() {
    let carrier = configured(with(|f| {
        f["events"] = "/ev".into();
        f["event"]["classifier"] = json!({"at": "/kind", "values": {"E": "EST", "A": "ACT"}});
    }));
    let body = json!({"no": "A1", "ev": [{"st": "X", "kind": "E", "at": "2026-03-04"}, {"st": "X", "kind": "?", "at": "2026-03-04"}]});
    let decoded = carrier.decode(body.to_string().as_bytes()).unwrap();
    assert_eq!(decoded.reports[0].observations.len(), 1);
    assert_eq!(decoded.problems[0].at, "/ev/1/kind");
}

#[test]
fn a_summary_counts_alone_or_where_it_tells_an_end() {
    let carrier = configured(with(|f| {
        f["events"] = "/ev".into();
        f["summary"] = json!({"status": "/now", "ends": ["DONE"], "time": {"at": "/done"}});
    }));
    let raw = |now: &str, events: Value| {
        let body = json!({"no": "A1", "now": now, "done": "2026-03-04T10:00:00Z", "ev": events}).to_string();
        let mut decoded = carrier.decode(body.as_bytes()).unwrap();
        let all = decoded.reports.remove(0).observations.into_iter();
        all.filter(|o| o.origin == Origin::Summary).map(|o| o.codes.raw).collect::<Vec<_>>()
    };
    let event = |st: &str| json!([{"st": st, "at": "2026-03-04T09:00:00Z"}]);
    assert_eq!(raw("MOVING", json!([])), ["MOVING"]);
    assert_eq!(raw("MOVING", event("SCAN")), [""; 0]);
    assert_eq!(raw("DONE", event("SCAN")), ["DONE"]);
    assert_eq!(raw("DONE", event("DONE")), [""; 0]);
}

#[test]
fn fields_that_cannot_be_used_are_refused_by_name() {
    for (field, reason, fields) in [
        ("tracking_number", "is missing", with(|f| f["tracking_number"] = Value::Null)),
        ("tracking_number", "begins with /", with(|f| f["tracking_number"] = "no".into())),
        ("event.city", "~0", with(|f| f["event"]["city"] = "/a~b".into())),
        ("refs.order", "begins with /", with(|f| f["refs"] = json!({"order": "order"}))),
        ("event.status", "is missing", with(|f| f["event"]["status"] = Value::Null)),
        ("event.time.format", "is no format", with(|f| f["event"]["time"]["format"] = "german".into())),
        ("event.time.format", "whole day", with(|f| f["event"]["time"]["format"] = "%H:%M".into())),
        ("event.time.format", "%Q", with(|f| f["event"]["time"]["format"] = "%Y-%m-%d %Q%!".into())),
        ("summary.time.at", "is missing", with(|f| f["summary"] = json!({"time": {"zone": "/z"}}))),
        ("event.classifier.at", "is missing", with(|f| f["event"]["classifier"] = json!({"values": {"a": "ACT"}}))),
        (
            "stamp",
            "newer",
            with(|f| {
                f["feed"] = "snapshot".into();
                f["events"] = "/e".into()
            }),
        ),
        ("events", "snapshot", with(|f| f["feed"] = "snapshot".into())),
        ("name", "small letters", with(|f| f["name"] = "Blue Bikes".into())),
    ] {
        let fields: Fields = serde_json::from_value(fields).unwrap();
        let bad = fields.check().unwrap_err();
        assert!(bad.field == field && bad.reason.contains(reason), "{field}: {bad}");
        assert!(GenericJson { fields }.decode(b"{}").is_err(), "what cannot be used reads nothing");
    }
    let unknown = serde_json::from_value::<Fields>(json!({"tracking": "/no"})).unwrap_err().to_string();
    assert!(unknown.contains("tracking"), "{unknown}");
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let carrier = configured(with(|f| f["reports"] = "/list".into()));
    for (body, at, reason) in [
        (json!({}), "/list", "fields.reports"),
        (json!({"list": [{"st": "X"}]}), "/list/0/no", "fields.tracking_number"),
        (json!({"list": {"no": 17, "st": "X"}}), "/list/no", "as text"),
    ] {
        let error = carrier.decode(body.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{at}: ")) && error.contains(reason), "{error}");
    }
    let mixed = json!({"list": [{"no": "A1", "st": "X", "at": "never"}, {"st": "X"}, {"no": "A2"}]});
    let decoded = carrier.decode(mixed.to_string().as_bytes()).unwrap();
    assert_eq!((decoded.reports.len(), decoded.reports[0].observations.len()), (2, 1));
    let at: Vec<&str> = decoded.problems.iter().map(|p| p.at.as_str()).collect();
    assert_eq!(at, ["/list/0/at", "/list/1", "/list/2"]);
    let unmapped = GenericJson::UNMAPPED.decode(b"{}").unwrap_err().to_string();
    assert!(unmapped.contains("fields.tracking_number"), "{unmapped}");
    for (name, reason) in [("truncated.json", "ends too early"), ("deep_nesting.json", "nested too deeply")] {
        let error = carrier.decode(&checks::hostile(name)).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let [message, fields, _] = manual();
    checks::corrupt(&configured(serde_json::from_str(fields).unwrap()), message.as_bytes());
}
