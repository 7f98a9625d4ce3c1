//! The standard tests, and project44's own habits.

use super::{super::checks, *};
use domain::{mapping::Mapping, observation::RefKind, reading::Reader};

const BODY: &[u8] = include_bytes!("fixtures/delivery.json");

fn read(body: &str) -> Vec<(&'static str, &'static str, Option<&'static str>)> {
    let decoded = Project44.decode(body.as_bytes()).unwrap();
    let observations = decoded.reports.into_iter().flat_map(|r| r.observations);
    observations
        .map(|o| {
            let reading = Mapping::base().read(&o);
            (reading.milestone.code(), o.classifier.code(), reading.exception.map(|e| e.code()))
        })
        .collect()
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Project44), 2);
    checks::nothing_is_refused_without_a_reason(&Project44);
}

#[test]
fn numbers_and_the_carrier_are_found() {
    let decoded = Project44.decode(BODY).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("COMPOSEDPRO1"));
    assert_eq!(report.refs.get(RefKind::BillOfLading), Some("COMPOSEDBOL1"));
    assert_eq!(report.carrier.as_deref(), Some("CMPO"));
    assert_eq!(report.observations[1].stop.map(|s| s.number), Some(2));
    assert_eq!(report.observations[1].location.as_ref().unwrap().city.as_deref(), Some("Charlotte"));
}

#[test]
fn arriving_means_what_the_stop_is() {
    let of = |stop: &str| {
        let body = format!(
            r#"{{"shipment":{{"identifiers":[{{"type":"PRO","value":"P1"}}],"shipmentStops":[{{"id":"a"}},{{"id":"b"}},{{"id":"c"}}]}},
            "events":[{{"type":"ARRIVAL_AT_STOP","stopId":"{stop}","dateTime":"2026-03-10T09:12:00-0400"}}]}}"#
        );
        read(&body)[0].0
    };
    assert_eq!((of("a"), of("b"), of("c")), ("ARRIVED_PICKUP", "ARRIVED_FACILITY", "ARRIVED_DELIVERY"));
}

#[test]
fn status_updates_exceptions_and_a_failed_feed_are_read() {
    let body = r#"{"shipmentIdentifiers":[{"type":"PRO","value":"P1"}],
        "statusUpdates":[{"timestamp":"2026-03-09T08:00:00-0400","statusCode":"IN_TRANSIT","statusReason":{"code":"PICKED_UP","description":"x"}},
            {"timestamp":"2026-03-10T08:00:00-0400","statusCode":"IN_TRANSIT","statusReason":{"code":"DELAYED"}}],
        "exceptions":[{"type":"HELD","status":"ACTIVE","startDateTime":"2026-03-10T09:00:00-0400"}],
        "state":{"status":"TRACKING_FAILED"}}"#;
    assert_eq!(
        read(body),
        [
            ("PICKED_UP", "ACT", None),
            ("INFO", "ACT", Some("DELAY_UNSPECIFIED")),
            ("INFO", "ACT", Some("HOLD_CARRIER")),
            ("NOT_FOUND", "ACT", None)
        ]
    );
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &str| Project44.decode(body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("neither events"));
    assert!(
        refused(r#"{"events":[{"type":"DELIVERY","dateTime":"2026-03-10T09:12:00-0400"}]}"#).contains("identifiers")
    );
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(Project44.decode(&checks::hostile(name)).is_err(), "{name}");
    }
    checks::mutilate(&Project44, BODY);
}
