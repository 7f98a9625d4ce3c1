//! The standard tests, and Terminal49's own habits.

use super::{super::checks, *};
use domain::{mapping::Mapping, observation::RefKind, reading::Reader};

const BODY: &[u8] = include_bytes!("fixtures/vessel_discharged.json");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Terminal49), 1);
    checks::nothing_is_refused_without_a_reason(&Terminal49);
}

#[test]
fn it_hangs_on_the_container_with_the_numbers_of_the_shipment() {
    let decoded = Terminal49.decode(BODY).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::Container), Some("CSQU3054383"));
    assert_eq!(report.refs.get(RefKind::BillOfLading), Some("CMPOBL0001"));
    assert_eq!(report.carrier.as_deref(), Some("CMPO"));
    assert_eq!(report.observations[0].location.as_ref().unwrap().unlocode.as_deref(), Some("USNYC"));
    assert_eq!(report.observations[0].provider_event_id.as_deref(), Some("t-1"));
    assert_eq!(Terminal49.delivery_key(BODY), DeliveryKey(Some("n-1".into())));
}

#[test]
fn estimates_and_a_stopped_feed_are_what_they_are() {
    let decoded = Terminal49.decode(include_bytes!("fixtures/estimated_arrival.json")).unwrap();
    let estimate = &decoded.reports[0].observations[0];
    assert_eq!(estimate.classifier.code(), "EST");
    assert_eq!(estimate.time.utc.unwrap().to_string(), "2026-03-12T06:00:00Z");
    let stopped = br#"{"data":{"id":"n","attributes":{"event":"tracking_request.tracking_stopped","created_at":"2026-03-05T08:00:00Z"}},
        "included":[{"id":"r","type":"tracking_request","attributes":{"request_type":"bill_of_lading","request_number":"BL1","scac":"CMPO"}}]}"#;
    let decoded = Terminal49.decode(stopped).unwrap();
    let reading = Mapping::base().read(&decoded.reports[0].observations[0]);
    assert_eq!(reading.milestone.code(), "TRACKING_STOPPED");
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &str| Terminal49.decode(body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("Terminal49"));
    assert!(refused(r#"{"data":{"attributes":{"event":"container.transport.available"}}}"#).contains("container"));
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(Terminal49.decode(&checks::hostile(name)).is_err(), "{name}");
    }
    checks::mutilate(&Terminal49, BODY);
}
