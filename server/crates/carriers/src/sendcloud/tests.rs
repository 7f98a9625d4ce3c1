//! The standard tests, and Sendcloud's own habits.

use super::{super::checks, *};
use domain::{
    mapping::Mapping,
    observation::{Feed, RefKind},
    reading::Reader,
};

const BODY: &[u8] = include_bytes!("fixtures/parcel_status_changed.json");

fn milestones(body: &[u8]) -> Vec<(&'static str, bool)> {
    let decoded = Sendcloud.decode(body).unwrap();
    let readings = decoded.reports[0].observations.iter().map(|o| Mapping::base().read(o));
    readings.map(|r| (r.milestone.code(), r.unmapped)).collect()
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Sendcloud), 2);
    checks::nothing_is_refused_without_a_reason(&Sendcloud);
}

#[test]
fn a_status_is_known_by_its_name_where_its_number_is_not() {
    let of = |id: u32, name: &str| {
        let body = format!(
            r#"{{"action":"parcel_status_changed","timestamp":1773132000000,"parcel":{{"tracking_number":"3S1","status":{{"id":{id},"message":"{name}"}}}}}}"#
        );
        milestones(body.as_bytes())[0]
    };
    assert_eq!(of(123_456, "Ready to send"), ("INFO_RECEIVED", false));
    assert_eq!(of(123_456, "Delivery attempt failed"), ("DELIVERY_ATTEMPTED", false));
    assert_eq!(of(123_456, "Something else"), ("INFO", true));
}

#[test]
fn a_tracking_answer_is_a_list() {
    let body = br#"{"parcel_id":"629","carrier_code":"postnl","sendcloud_tracking_url":"https://x.test/tracking/?country=nl&tracking_number=3S1&postal_code=1",
        "expected_delivery_date":"2026-03-10","statuses":[{"carrier_update_timestamp":"2026-03-09 14:43:13.615997+00:00","parent_status":"shipment-on-route"},
        {"carrier_update_timestamp":"2026-03-09 14:42:06.318296+00:00","parent_status":"ready-to-send"}]}"#;
    assert_eq!(milestones(body), [("IN_TRANSIT", false), ("INFO_RECEIVED", false), ("ETA_CHANGED", false)]);
    let decoded = Sendcloud.decode(body).unwrap();
    assert_eq!(decoded.reports[0].refs.get(RefKind::TrackingNumber), Some("3S1"));
    assert!(matches!(decoded.reports[0].feed, Feed::Snapshot { .. }));
    assert_eq!(decoded.reports[0].observations[0].time.utc.unwrap().as_second(), 1_773_067_393);
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &str| Sendcloud.decode(body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("Sendcloud"));
    assert!(refused(r#"{"action":"parcel_status_changed","parcel":{"tracking_number":"3S1"}}"#).contains("status"));
    assert!(matches!(Sendcloud.decode(br#"{"action":"integration_connected"}"#), Err(DecodeError::NotTracking(_))));
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(Sendcloud.decode(&checks::hostile(name)).is_err(), "{name}");
    }
    checks::corrupt(&Sendcloud, BODY);
}
