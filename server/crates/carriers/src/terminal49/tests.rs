//! The standard tests, and Terminal49's own habits.

use super::{super::checks, *};
use domain::{Milestone, mapping::Mapping, observation::RefKind, reading::Reader};
use serde_json::{Value, json};

const BODY: &[u8] = include_bytes!("fixtures/vessel_discharged.json");
const ESTIMATE: &[u8] = include_bytes!("fixtures/estimated_arrival.json");

fn body() -> Value {
    serde_json::from_slice(BODY).unwrap()
}

fn decoded(body: &Value) -> Decoded {
    Terminal49.decode(body.to_string().as_bytes()).unwrap()
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Terminal49), 4);
    checks::nothing_is_refused_without_a_reason(&Terminal49);
}

#[test]
fn the_delivery_is_told_apart_by_the_notifications_id() {
    assert_eq!(Terminal49.delivery_key(BODY), DeliveryKey(Some("00000000-0000-4000-8000-0000000000f1".into())));
    assert_eq!(Terminal49.delivery_key(b"{"), DeliveryKey(None));
}

#[test]
fn the_records_beside_it_say_what_where_and_for_whom() {
    let decoded = Terminal49.decode(BODY).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::Container), Some("CSQU3054383"));
    assert_eq!(report.refs.get(RefKind::BillOfLading), Some("COMPOSEDBL1"));
    assert_eq!(report.refs.get(RefKind::Order), Some("SO-COMPOSED-1"));
    assert_eq!(report.carrier.as_deref(), Some("ONEY"));
    let said = &report.observations[0];
    let place = said.location.clone().unwrap();
    assert_eq!((place.unlocode.as_deref(), place.facility.as_deref()), (Some("USNYC"), Some("E000")));
    assert_eq!(said.provider_event_id.as_deref(), Some("e1"));
    assert_eq!(said.time.zone.as_deref(), Some("America/New_York"));
}

#[test]
fn what_concerns_the_shipment_hangs_on_each_container_it_brings_else_on_its_bill() {
    let alone = Terminal49.decode(ESTIMATE).unwrap();
    assert_eq!(alone.reports[0].refs.get(RefKind::BillOfLading), Some("COMPOSEDBL1"));
    let mut body: Value = serde_json::from_slice(ESTIMATE).unwrap();
    for (id, number) in [("c1", "CSQU3054383"), ("c2", "APZU4812090")] {
        let container = json!({"id": id, "type": "container", "attributes": {"number": number}});
        body["included"].as_array_mut().unwrap().push(container);
    }
    let numbers: Vec<_> =
        decoded(&body).reports.iter().map(|r| r.refs.get(RefKind::Container).unwrap().to_owned()).collect();
    assert_eq!(numbers, ["CSQU3054383", "APZU4812090"]);
}

#[test]
fn an_estimate_says_what_it_is_about() {
    let said = &Terminal49.decode(ESTIMATE).unwrap().reports[0].observations[0];
    assert_eq!(Mapping::base().read(said).schedules, Some(Milestone::TransportArrived));
}

#[test]
fn a_changed_date_is_no_event_at_that_date() {
    let decoded = Terminal49.decode(include_bytes!("fixtures/last_free_day_changed.json")).unwrap();
    let said = &decoded.reports[0].observations[0];
    assert_eq!(said.description.as_deref(), Some("last free day 2026-03-16T04:00:00Z"));
    assert_eq!(said.time.utc.unwrap().to_string(), "2026-03-10T16:04:00Z");
    let failed = Terminal49.decode(include_bytes!("fixtures/tracking_request_failed.json")).unwrap();
    assert_eq!(failed.reports[0].refs.get(RefKind::Booking), Some("COMPOSEDBK1"), "what was asked for");
    assert_eq!(failed.reports[0].observations[0].description.as_deref(), Some("not_found"));
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    for (name, reason) in [("truncated.json", "ends too early"), ("deep_nesting.json", "nested too deeply")] {
        let error = Terminal49.decode(&checks::hostile(name)).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let mut alone = body();
    alone["included"] = json!([]);
    let error = Terminal49.decode(alone.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("/included") && error.contains("is unknown"), "{error}");
    let mut number = body();
    number["included"][1]["attributes"]["number"] = json!(3054383);
    assert!(Terminal49.decode(number.to_string().as_bytes()).unwrap_err().to_string().contains("as text"));
    let mut document = body();
    document["data"]["attributes"]["event"] = "document.extracted".into();
    for other in
        [document, json!({"data": []}), json!({"data": {"type": "shipment", "attributes": {}}}), json!({"errors": []})]
    {
        assert!(matches!(Terminal49.decode(other.to_string().as_bytes()), Err(DecodeError::NotTracking(_))));
    }
    assert!(Terminal49.decode(b"[]").is_err() && Terminal49.decode(b"").is_err());
    checks::corrupt(&Terminal49, BODY);
}
