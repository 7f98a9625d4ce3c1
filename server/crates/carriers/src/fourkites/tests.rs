//! The standard tests, and FourKites' own habits.

use super::{super::checks, *};
use domain::{mapping::Mapping, observation::RefKind, reading::Reader};

const BODY: &[u8] = include_bytes!("fixtures/stop_arrival_pickup.json");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Fourkites), 2);
    checks::nothing_is_refused_without_a_reason(&Fourkites);
}

#[test]
fn spelling_and_zones_drift() {
    let body =
        br#"{"messageType":"STOP_ARRIVAL","loadNumber":"L1","scac":"CMPO","stopType":"Delivery","stopSequence":2,
        "timestamp":"2026-03-09T08:02:00","timezoneOffset":"-14400","city":"Columbus"}"#;
    let decoded = Fourkites.decode(body).unwrap();
    let observation = &decoded.reports[0].observations[0];
    assert_eq!(decoded.reports[0].refs.get(RefKind::Shipment), Some("L1"));
    assert_eq!(observation.time.utc.unwrap().to_string(), "2026-03-09T12:02:00Z");
    assert_eq!(observation.time.zone.as_deref(), Some("-04:00"));
    assert_eq!(Mapping::base().read(observation).milestone.code(), "ARRIVED_DELIVERY");
}

#[test]
fn an_expected_arrival_is_an_estimate() {
    let body = br#"{"MessageType":"STOP_ETA_UPDATE","LoadNumber":"L1","StopType":"Delivery","Timestamp":"2026-03-09T08:02:00","StatusCode":"X6"}"#;
    let decoded = Fourkites.decode(body).unwrap();
    let observation = &decoded.reports[0].observations[0];
    assert_eq!(observation.classifier.code(), "EST");
    assert_eq!(observation.time.utc, None);
    assert!(!Mapping::base().read(observation).unmapped);
}

#[test]
fn what_the_callbacks_words_add_to_the_status() {
    let read = |rest: &str| {
        let body = format!(r#"{{"LoadNumber":"L1","Timestamp":"2026-03-09T08:02:00",{rest}}}"#);
        let said = Fourkites.decode(body.as_bytes()).unwrap().reports.remove(0).observations.remove(0);
        (Mapping::base().read(&said).milestone.code(), said.classifier.code(), said.stop.map(|s| s.number))
    };
    assert_eq!(read(r#""MessageType":"STOP_ETA_UPDATED","StopType":"Delivery""#), ("ETA_CHANGED", "EST", None));
    assert_eq!(
        read(r#""MessageType":"STATUS_UPDATE","StatusCode":"AG","StopSequence":"2""#),
        ("ETA_CHANGED", "EST", Some(2))
    );
    assert_eq!(
        read(r#""MessageType":"STOP_ARRIVAL","StopType":"Pickup","StatusCode":"QQ""#),
        ("ARRIVED_PICKUP", "ACT", None)
    );
}

#[test]
fn a_callback_about_a_failure_is_no_status() {
    let body =
        br#"{"messageType":"STATUS_UPDATE","loadNumber":"L1","isSuccess":false,"errors":[{"code":"INVALID_STATUS"}]}"#;
    let error = Fourkites.decode(body).unwrap_err();
    assert_eq!(error, DecodeError::NotTracking("FourKites could not process STATUS_UPDATE: INVALID_STATUS".into()));
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &str| Fourkites.decode(body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("MessageType"));
    assert!(refused(r#"{"MessageType":"STOP_ARRIVAL"}"#).contains("LoadNumber"));
    assert!(refused(r#"{"MessageType":"STOP_ARRIVAL","LoadNumber":123}"#).contains("as text"));
    assert!(matches!(
        Fourkites.decode(br#"{"messageType":"LOAD_CREATION","loadNumber":"L1","success":true}"#),
        Err(DecodeError::NotTracking(_))
    ));
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(Fourkites.decode(&checks::hostile(name)).is_err(), "{name}");
    }
    checks::corrupt(&Fourkites, BODY);
}
