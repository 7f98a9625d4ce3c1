//! The standard tests, and Easyship's own habits.

use super::{super::checks, *};
use domain::{
    mapping::Mapping,
    observation::{Feed, Origin, RefKind},
    reading::Reader,
};

const CHECKPOINTS: &[u8] = include_bytes!("fixtures/checkpoints_created.json");
const OLDER: &[u8] = include_bytes!("fixtures/checkpoints_created_1_0.json");
const STATUS: &[u8] = include_bytes!("fixtures/status_changed.json");
const SHIPMENT: &[u8] = include_bytes!("fixtures/shipment_of_two_legs.json");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Easyship), 4);
    checks::nothing_is_refused_without_a_reason(&Easyship);
}

#[test]
fn checkpoints_are_a_snapshot_stamped_by_the_newest_one() {
    let decoded = Easyship.decode(CHECKPOINTS).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("COMPOSED00000051"));
    assert_eq!(report.refs.get(RefKind::Shipment), Some("ESCOMPOSED00051"));
    assert_eq!(report.refs.get(RefKind::Order), Some("#C-1051"));
    assert_eq!(report.carrier.as_deref(), Some("Usps"), "who handled every checkpoint");
    assert_eq!(report.feed, Feed::Snapshot { stamp: Some("2026-01-05T10:00:00Z".parse().unwrap()) });
    let place = report.observations[0].location.as_ref().unwrap();
    assert_eq!((place.city.as_deref(), place.country.as_deref()), (Some("RENO"), Some("US")));
    let end = &report.observations[3];
    assert_eq!((end.origin, end.codes.raw.as_str()), (Origin::Summary, "Lost by Courier"));
    assert!(Mapping::base().read(&report.observations[2]).unmapped, "nobody published what it means");
}

#[test]
fn a_status_alone_has_no_time_and_adds() {
    let report = &Easyship.decode(STATUS).unwrap().reports[0];
    assert_eq!((&report.feed, report.observations.len()), (&Feed::Delta, 1));
}

#[test]
fn every_published_status_is_known_in_any_spelling() {
    let statuses = "Arrived at Consolidation Center;Delivered;Delivery Expected (End of Updates);Exception;\
        Failed Delivery Attempt;In Transit to Consolidation Center;In Transit to Customer;Lost by Courier;\
        No Recent Tracking Updates;Out for Delivery;Processing at Consolidation Center;Shipped (No Tracking Provided);\
        Shipped;To be returned;Uncancelled;Pending Tracking Event;Tracking Information Received;In Transit To Customer;\
        Out For Delivery;Cancelled, Pending Refund;Cancelled and Refunded;in_transit";
    for status in statuses.split(';') {
        let message = serde_json::json!({"event_type": "shipment.tracking.status.changed",
            "data": {"tracking_number": "1", "status": status}});
        let decoded = Easyship.decode(message.to_string().as_bytes()).unwrap();
        assert!(!Mapping::base().read(&decoded.reports[0].observations[0]).unmapped, "{status}");
    }
}

#[test]
fn answers_of_the_api_are_read() {
    let tracking = br##"{"tracking":{"courier":{"id":"c","umbrella_name":"UPS"},"easyship_shipment_id":"ES1","eta_date":"2026-01-09","status":"Delivered","tracking_number":"1Z","platform_order_number":"#1"},"meta":{}}"##;
    let decoded = Easyship.decode(tracking).unwrap();
    assert_eq!((decoded.reports[0].carrier.as_deref(), decoded.reports[0].observations.len()), (Some("UPS"), 2));
    let list = br#"{"trackings":[{"tracking_number":"1","status":"Shipped"},{"status":"Shipped"}]}"#;
    let decoded = Easyship.decode(list).unwrap();
    assert_eq!((decoded.reports.len(), decoded.problems.len()), (1, 1), "one bad one does not lose the others");
    let not_begun = br#"{"shipment":{"easyship_shipment_id":"ES2","delivery_state":"not_created","trackings":[]}}"#;
    assert!(Easyship.decode(not_begun).unwrap().reports[0].observations.is_empty());
}

#[test]
fn a_cancelled_shipment_is_known_by_its_own_id() {
    let cancelled = br##"{"event_type":"shipment.cancelled","resource_type":"shipment","resource_id":"ES3","shipment":{"easyship_shipment_id":"ES3","platform_order_number":"#3","status":"cancelled"}}"##;
    let report = &Easyship.decode(cancelled).unwrap().reports[0];
    assert_eq!(report.refs.get(RefKind::Shipment), Some("ES3"));
    assert_eq!(Mapping::base().read(&report.observations[0]).milestone, domain::Milestone::Cancelled);
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &[u8]| Easyship.decode(body).unwrap_err();
    let label = br#"{"event_type":"shipment.label.created","resource_id":"ES1","label":{"status":"generated"}}"#;
    assert!(matches!(refused(label), DecodeError::NotTracking(why) if why.contains("shipment.label.created")));
    let error = br#"{"error":{"code":"over_limit","message":"composed","type":"invalid_request_error"}}"#;
    assert!(matches!(refused(error), DecodeError::NotTracking(why) if why.contains("over_limit")));
    let number = refused(br#"{"event_type":"shipment.tracking.status.changed","data":{"tracking_number":12345}}"#);
    assert!(number.to_string().contains("/data/tracking_number") && number.to_string().contains("as text"), "{number}");
    let nothing = refused(br#"{"event_type":"shipment.tracking.status.changed","resource_id":"ES1"}"#);
    assert!(matches!(nothing, DecodeError::Incomplete { .. }));
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(matches!(refused(&checks::hostile(name)), DecodeError::Malformed { .. }), "{name}");
    }
    assert!(matches!(refused(b"{}"), DecodeError::Incomplete { .. }));
    assert!(matches!(refused(b"[]"), DecodeError::Malformed { .. }));
    for good in [CHECKPOINTS, OLDER, STATUS, SHIPMENT] {
        checks::corrupt(&Easyship, good);
    }
}
