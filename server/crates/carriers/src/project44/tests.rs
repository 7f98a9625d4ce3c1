//! The standard tests, and project44's own habits.

use super::{super::checks, *};
use domain::{
    Classifier, ExceptionReason, Milestone,
    mapping::Mapping,
    observation::{Observation, Origin, RefKind},
    reading::{Reader, Reading, Resolves},
};
use serde_json::{Value, json};

const BODY: &[u8] = include_bytes!("fixtures/eta_change.json");

fn decoded(body: &Value) -> Decoded {
    Project44.decode(body.to_string().as_bytes()).unwrap()
}

fn said(body: &Value) -> Vec<Observation> {
    decoded(body).reports.remove(0).observations
}

fn read(observation: &Observation) -> Reading {
    Mapping::base().read(observation)
}

/// A load with three stops, listed out of order.
fn load() -> Value {
    json!({"shipment": {"id": 12345678, "carrierIdentifier": {"type": "SCAC", "value": "CMPO"},
        "shipmentIdentifiers": [{"type": "BILL_OF_LADING", "value": "COMPOSEDBOL1"}],
        "shipmentStops": [
            {"stopNumber": 3, "location": {"address": {"city": "Charlotte", "state": "NC", "country": "US"}}},
            {"stopNumber": 1, "location": {"address": {"city": "Columbus", "state": "OH", "country": "US"}}},
            {"stopNumber": 2, "location": {"address": {"city": "Beckley", "state": "WV", "country": "US"}}}]}})
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Project44), 2);
    checks::nothing_is_refused_without_a_reason(&Project44);
}

#[test]
fn numbers_and_carrier_are_found_in_both_shapes() {
    let report = &Project44.decode(BODY).unwrap().reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("COMPOSEDPRO1"));
    assert_eq!(
        (report.refs.get(RefKind::BillOfLading), report.carrier.as_deref()),
        (Some("COMPOSEDBOL1"), Some("CMPO"))
    );
    let mut old = load();
    old["latestStatusUpdate"] = json!({"timestamp": "2026-03-10T09:12:00-0400", "statusCode": "IN_TRANSIT"});
    let report = &decoded(&old).reports[0];
    assert_eq!((report.refs.get(RefKind::TrackerObject), report.carrier.as_deref()), (Some("12345678"), Some("CMPO")));
}

#[test]
fn where_a_stop_stands_decides_what_an_event_there_means() {
    let mut body = load();
    body["events"] = ["ARRIVAL_AT_STOP", "DEPARTURE_FROM_STOP", "DELIVERY"]
        .iter()
        .flat_map(|kind| {
            (1..=3).map(move |n| json!({"type": kind, "stopNumber": n, "dateTime": "2026-03-10T09:12:00-0400"}))
        })
        .collect();
    let milestones: Vec<_> = said(&body).iter().map(|o| read(o).milestone).collect();
    use Milestone as M;
    assert_eq!(
        milestones,
        [
            [M::ArrivedPickup, M::ArrivedFacility, M::ArrivedDelivery],
            [M::DepartedPickup, M::DepartedFacility, M::DepartedDelivery],
            [M::Delivered, M::Discharged, M::Delivered],
        ]
        .concat()
    );
    let last = &said(&body)[2];
    assert_eq!(last.stop.map(|s| s.number), Some(3));
    assert_eq!(last.location.as_ref().and_then(|l| l.city.as_deref()), Some("Charlotte"));
}

#[test]
fn of_several_times_the_selected_one_counts() {
    let mut body = load();
    body["events"] = json!([{"type": "ARRIVAL_AT_STOP", "stopNumber": 3, "dateTime": null, "dateTimes": [
        {"type": "ESTIMATE", "source": "P44", "dateTime": "2026-03-10T11:40:00-0400", "selected": true},
        {"type": "ESTIMATE", "source": "CARRIER", "dateTime": "2026-03-10T10:00:00-0400", "selected": false},
        {"type": "UNKNOWN", "dateTime": "2026-03-10T10:00:00-0400"}]}]);
    let [only] = &said(&body)[..] else { panic!("one statement") };
    assert_eq!(
        (only.classifier, only.time.utc.unwrap().to_string().as_str()),
        (Classifier::Estimated, "2026-03-10T15:40:00Z")
    );
}

#[test]
fn the_older_shape_is_a_status_with_a_reason() {
    let update = |status: &str, reason: &str, stop: Option<u32>| {
        let mut body = load();
        body["statusUpdates"] = json!([{"timestamp": "2026-03-10T09:12:00-0400", "statusCode": status,
            "statusReason": {"code": reason, "description": "words"}, "stopNumber": stop}]);
        body["latestStatusUpdate"] = body["statusUpdates"][0].clone();
        let [only] = &said(&body)[..] else { panic!("the newest is listed too") };
        (read(only).milestone, read(only).exception)
    };
    use Milestone as M;
    assert_eq!(update("COMPLETED", "DEPARTED_FINAL_STOP", None).0, M::DepartedDelivery);
    assert_eq!(update("IN_TRANSIT", "IN_MOTION", None).0, M::InTransit);
    assert_eq!(update("IN_TRANSIT", "DEPARTURE_INFO", None).0, M::InTransit);
    assert_eq!(update("AT_STOP", "", Some(3)).0, M::ArrivedDelivery);
    assert_eq!(update("COMPLETED", "DELIVERED", None).0, M::Delivered);
    assert_eq!(update("INFO", "HELD", None).1, Some(ExceptionReason::HoldCarrier));
}

#[test]
fn stops_say_when_they_are_expected_and_were_reached() {
    let mut body = load();
    body["latestStopStatuses"] = json!([
        {"stopNumber": 1, "statusCode": "DEPARTED", "arrivalDateTime": "2026-03-09T08:00:00-0500", "departureDateTime": "2026-03-09T09:00:00-0500"},
        {"stopNumber": 3, "statusCode": "EN_ROUTE", "arrivalEstimate": {"lastCalculatedDateTime": "2026-03-09T15:00:00+0000",
            "estimatedArrivalWindow": {"startDateTime": "2026-03-10T10:00:00-0400", "endDateTime": "2026-03-10T11:00:00-0400"}}}]);
    let all: Vec<_> = said(&body).iter().map(|o| (read(o).milestone, o.classifier.code())).collect();
    assert_eq!(
        all,
        [(Milestone::ArrivedPickup, "ACT"), (Milestone::DepartedPickup, "ACT"), (Milestone::ArrivedDelivery, "EST")]
    );
}

#[test]
fn a_trouble_that_is_over_closes_its_own_kind() {
    let trouble = |status: &str| {
        let mut body = load();
        body["exceptions"] = json!([{"namespace": "CARRIER_REPORTED", "category": "WEATHER", "status": status,
            "timeline": [{"status": status, "startDateTime": "2026-03-09T15:00:00+0000"}]}]);
        let [only] = &said(&body)[..] else { panic!("one statement") };
        assert!(only.time.utc.is_some() && !read(only).unmapped);
        (only.codes.raw.clone(), read(only).exception, read(only).resolves)
    };
    let weather = ExceptionReason::DelayWeather;
    assert_eq!(trouble("ACTIVE"), ("WEATHER".into(), Some(weather), None));
    assert_eq!(trouble("RESOLVED"), ("WEATHER/RESOLVED".into(), None, Some(Resolves::Reason(weather))));
}

#[test]
fn a_state_speaks_only_where_nothing_has_happened() {
    let mut body = load();
    body["state"] = json!({"status": "IN_TRANSIT", "reason": "IN_MOTION"});
    let [only] = &said(&body)[..] else { panic!("one statement") };
    assert_eq!((only.origin, read(only).milestone), (Origin::Summary, Milestone::InTransit));
    let delivered = Project44.decode(include_bytes!("fixtures/delivery.json")).unwrap();
    assert!(delivered.reports[0].observations.iter().all(|o| o.origin == Origin::Event));
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    for (name, reason) in [("truncated.json", "ends too early"), ("deep_nesting.json", "nested too deeply")] {
        let error = Project44.decode(&checks::hostile(name)).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let mut number = load();
    number["events"] = json!([]);
    number["shipment"]["shipmentIdentifiers"][0]["value"] = json!(42);
    assert!(Project44.decode(number.to_string().as_bytes()).unwrap_err().to_string().contains("as text"));
    number["shipment"]["shipmentIdentifiers"] = json!([]);
    assert!(Project44.decode(number.to_string().as_bytes()).unwrap_err().to_string().contains("is unknown"));
    assert!(matches!(Project44.decode(br#"{"documents":[]}"#), Err(DecodeError::NotTracking(_))));
    let mut timeless = load();
    timeless["events"] = json!([{"type": "DELIVERY"}, {"stopNumber": 1}]);
    assert_eq!(decoded(&timeless).problems.len(), 2);
    assert!(Project44.decode(b"7").is_err() && Project44.decode(b"").is_err());
    checks::corrupt(&Project44, BODY);
}
