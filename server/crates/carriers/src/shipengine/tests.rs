//! The standard tests, and ShipEngine's own habits.

use super::{super::checks, *};
use domain::{
    Milestone,
    event_time::Precision,
    mapping::{Mapping, Overlay},
    observation::{Feed, Observation, Origin, RefKind},
    reading::Reader,
};
use std::collections::BTreeMap;

const NEWER: &[u8] = include_bytes!("fixtures/api_track.json");
const OLDER: &[u8] = include_bytes!("fixtures/api_track_older.json");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Shipengine), 2);
    checks::nothing_is_refused_without_a_reason(&Shipengine);
}

#[test]
fn a_list_without_a_time_of_its_own_is_stamped_by_its_newest_event() {
    let decoded = Shipengine.decode(NEWER).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("1ZCOMPOSED0000000025"));
    assert_eq!(report.carrier.as_deref(), Some("ups"), "from the address of the resource");
    assert_eq!(report.feed, Feed::Snapshot { stamp: Some("2026-02-04T15:20:00Z".parse().unwrap()) });
    let estimate = report.observations.last().unwrap();
    assert_eq!((estimate.origin, estimate.time.precision), (Origin::Summary, Precision::Date));
    assert_eq!(report.observations.len(), 5, "the summary is said by the newest event");
}

#[test]
fn the_older_shape_has_its_carrier_in_the_path_and_its_status_in_the_summary() {
    let decoded = Shipengine.decode(OLDER).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.carrier.as_deref(), Some("usps"));
    assert_eq!(report.observations.len(), 2, "the delivery is the event at the time of delivery");
    assert_eq!(report.observations[0].signatory.as_deref(), Some("A. Composed"));
}

fn statements(body: serde_json::Value) -> Vec<Observation> {
    Shipengine.decode(body.to_string().as_bytes()).unwrap().reports.remove(0).observations
}

#[test]
fn a_summary_that_no_event_says_is_a_statement_of_its_own() {
    let said = statements(serde_json::json!({"trackingNumber": "1Z", "statusCode": "de", "carrierCode": "ups",
        "actualDeliveryDate": "2026-02-04T10:00:00",
        "events": [{"occurredAt": "2026-02-03T10:00:00Z", "statusCode": "IT"}]}));
    let read = |o: &Observation| Mapping::base().read(o).milestone;
    assert_eq!(said.iter().map(read).collect::<Vec<_>>(), [Milestone::InTransit, Milestone::Delivered]);
    assert_eq!((said[1].origin, said[1].time.local.is_some()), (Origin::Summary, true));
    let alone = Shipengine.decode(br#"{"tracking_number":"1Z","status_code":"NY","events":[]}"#).unwrap();
    assert_eq!(alone.reports[0].feed, Feed::Delta, "without any time it has no place among lists");
    assert_eq!(read(&alone.reports[0].observations[0]), Milestone::NotFound);
}

#[test]
fn the_summary_pairs_the_carriers_code_with_a_status() {
    let event = |code: &str| {
        statements(serde_json::json!({"tracking_number": "1Z", "status_code": "IT", "carrier_status_code": "I",
            "carrier_code": "ups", "events": [{"occurred_at": "2026-02-03T10:00:00Z", "event_code": code}]}))
    };
    let (paired, other) = (event("I"), event("ZZ"));
    assert_eq!(Mapping::base().read(&paired[0]).milestone, Milestone::InTransit);
    assert!(Mapping::base().read(&other[0]).unmapped, "another code stays a code");
    assert_eq!(other[1].origin, Origin::Summary, "and the summary says the status");
    let overlay = Overlay::from([(
        "shipengine.event_code".into(),
        BTreeMap::from([("ups/ZZ".into(), "OUT_FOR_DELIVERY".into())]),
    )]);
    let own = Mapping::with_overlay(1, &overlay).unwrap();
    assert_eq!(own.read(&other[0]).milestone, Milestone::OutForDelivery, "until a mapping knows it");
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &[u8]| Shipengine.decode(body).unwrap_err();
    let pointer = br#"{"resource_url":"https://api.shipengine.com/v1/batches/se-1","resource_type":"API_BATCH"}"#;
    assert!(matches!(refused(pointer), DecodeError::NotTracking(why) if why.contains("API_BATCH")));
    let empty =
        br#"{"resource_url":"https://api.shipengine.com/v1/tracking/usps/1","resource_type":"API_TRACK","data":null}"#;
    assert!(matches!(refused(empty), DecodeError::NotTracking(_)));
    let error = br#"{"request_id":"x","errors":[{"error_code":"unauthorized","message":"The API key is invalid."}]}"#;
    assert!(matches!(refused(error), DecodeError::NotTracking(why) if why.contains("unauthorized")));
    let number = refused(br#"{"data":{"tracking_number":9361269903502070406152}}"#).to_string();
    assert!(number.contains("/data/tracking_number") && number.contains("as text"), "{number}");
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(matches!(refused(&checks::hostile(name)), DecodeError::Malformed { .. }), "{name}");
    }
    assert!(matches!(refused(b"{}"), DecodeError::Incomplete { .. }));
    assert!(matches!(refused(b"[]"), DecodeError::Malformed { .. }));
    checks::corrupt(&Shipengine, NEWER);
    checks::corrupt(&Shipengine, OLDER);
}
