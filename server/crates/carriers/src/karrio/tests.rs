//! The standard tests, and Karrio's own habits.

use super::{super::checks, *};
use domain::{
    Milestone, State,
    mapping::Mapping,
    observation::{Feed, Observation, Origin, RefKind},
    reading::{Reader, Reading},
};
use serde_json::json;

const WEBHOOK: &[u8] = include_bytes!("fixtures/tracker_updated_envelope.json");
const TRACKER: &[u8] = include_bytes!("fixtures/tracker_with_reasons.json");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Karrio), 3);
    checks::nothing_is_refused_without_a_reason(&Karrio);
}

#[test]
fn a_tracker_is_a_snapshot_with_its_own_stamp() {
    let decoded = Karrio.decode(TRACKER).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("COMPOSED0000042"));
    assert_eq!(report.refs.get(RefKind::TrackerObject), Some("trk_composed_2"));
    assert_eq!(report.refs.get(RefKind::Order), Some("SO-COMPOSED"));
    assert_eq!(report.carrier.as_deref(), Some("canadapost"));
    assert_eq!(report.feed, Feed::Snapshot { stamp: Some("2026-03-12T20:00:00Z".parse().unwrap()) });
    assert_eq!(report.observations[0].signatory.as_deref(), Some("A. Composed"));
    assert_eq!(report.observations.len(), 5, "the summary is said; the estimate comes last");
}

#[test]
fn without_a_stamp_the_newest_event_is_one() {
    let decoded = Karrio.decode(WEBHOOK).unwrap();
    assert_eq!(decoded.reports[0].feed, Feed::Snapshot { stamp: Some("2026-03-10T08:02:00Z".parse().unwrap()) });
}

fn tracker(events: serde_json::Value, status: serde_json::Value) -> serde_json::Value {
    json!({"tracking_number": "1Z", "carrier_name": "ups", "carrier_id": "mine", "status": status, "delivered": status == "delivered", "events": events})
}

fn statements(body: &serde_json::Value) -> Vec<Observation> {
    Karrio.decode(body.to_string().as_bytes()).unwrap().reports.remove(0).observations
}

fn reading(event: serde_json::Value) -> Reading {
    Mapping::base().read(&statements(&tracker(json!([event]), json!(null)))[0])
}

#[test]
fn status_and_reason_decide_together() {
    let held = reading(json!({"code": "X", "status": "on_hold", "reason": "customs_delay"}));
    assert_eq!(held.exception.map(|e| e.code()), Some("CUSTOMS_DELAY"));
    let delayed = reading(json!({"code": "X", "status": "in_transit", "reason": "weather_delay"}));
    assert_eq!((delayed.exception.map(|e| e.code()), delayed.floor), (Some("DELAY_WEATHER"), Some(State::InTransit)));
    let unknown_reason = reading(json!({"code": "X", "status": "in_transit", "reason": "of_the_future"}));
    assert_eq!((unknown_reason.milestone, unknown_reason.unmapped), (Milestone::InTransit, false));
    let reason_alone = reading(json!({"code": "X", "reason": "carrier_sorting_error"}));
    assert_eq!(reason_alone.exception.map(|e| e.code()), Some("MISROUTED"));
    assert!(reading(json!({"code": "X"})).unmapped, "a carrier's code alone stays a code");
}

#[test]
fn a_summary_that_no_event_says_is_a_statement_of_its_own() {
    let said =
        statements(&tracker(json!([{"code": "DEL", "date": "2026-03-08", "time": "09:14 AM"}]), json!("delivered")));
    assert_eq!((said.len(), said[1].origin, said[1].codes.raw.as_str()), (2, Origin::Summary, "delivered"));
    let flag = json!({"tracking_number": "1Z", "delivered": true, "events": []});
    assert_eq!(statements(&flag)[0].codes.raw, "delivered");
    let under_way = tracker(
        json!([{"code": "DEL", "status": "delivered", "timestamp": "2026-03-08T09:14:00.000Z"}]),
        json!("in_transit"),
    );
    assert_eq!(statements(&under_way).len(), 1, "the newest event wins over a summary");
}

#[test]
fn lists_of_every_kind_are_read() {
    let one = tracker(json!([{"code": "X", "status": "in_transit"}]), json!("in_transit"));
    for body in [
        json!([one, one]),
        json!({"count": 2, "results": [one, one]}),
        json!({"details": [one, one], "messages": []}),
        json!({"event": "tracker_updated", "data": [one, one]}),
    ] {
        assert_eq!(Karrio.decode(body.to_string().as_bytes()).unwrap().reports.len(), 2);
    }
    let answer = json!({"messages": [], "tracking": one});
    assert_eq!(Karrio.decode(answer.to_string().as_bytes()).unwrap().reports.len(), 1);
}

#[test]
fn a_delivery_is_known_by_the_id_of_its_event() {
    assert_eq!(Karrio.delivery_key(br#"{"id":"evt_1","type":"tracker_updated"}"#), DeliveryKey(Some("evt_1".into())));
    assert_eq!(Karrio.delivery_key(TRACKER), DeliveryKey(None), "a tracker's id tells no deliveries apart");
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &[u8]| Karrio.decode(body).unwrap_err();
    let order = br#"{"event":"order_created","data":{"id":"ord_1"}}"#;
    assert!(matches!(refused(order), DecodeError::NotTracking(why) if why.contains("order_created")));
    let error = br#"{"details":[],"messages":[{"carrier_name":"ups","code":"151018","message":"Invalid number"}]}"#;
    assert!(matches!(refused(error), DecodeError::NotTracking(why) if why.contains("151018")));
    assert!(matches!(refused(br#"{"count":0,"results":[]}"#), DecodeError::NotTracking(_)));
    let number = refused(br#"{"event":"tracker_updated","data":{"tracking_number":92055901755477}}"#).to_string();
    assert!(number.contains("/data/tracking_number") && number.contains("as text"), "{number}");
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(matches!(refused(&checks::hostile(name)), DecodeError::Malformed { .. }), "{name}");
    }
    assert!(matches!(refused(b"{}"), DecodeError::Incomplete { .. }));
    assert!(matches!(refused(b"7"), DecodeError::Malformed { .. }));
    checks::corrupt(&Karrio, WEBHOOK);
    checks::corrupt(&Karrio, TRACKER);
}
