//! The standard tests, and Shippo's own habits.

use super::{super::checks, *};
use domain::{
    Milestone, State,
    event_time::Precision,
    mapping::Mapping,
    observation::{Feed, Origin, RefKind},
    reading::{Reader, Reading},
};

const WEBHOOK: &[u8] = include_bytes!("fixtures/track_updated.json");
const RECORDED: &[u8] = include_bytes!("fixtures/vcr_test_create_0.json");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Shippo), 1);
    checks::nothing_is_refused_without_a_reason(&Shippo);
}

#[test]
fn a_history_is_a_snapshot_stamped_by_its_newest_entry() {
    let decoded = Shippo.decode(WEBHOOK).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("1ZCOMPOSED0000000017"));
    assert_eq!(report.carrier.as_deref(), Some("ups"));
    assert_eq!(report.feed, Feed::Snapshot { stamp: Some("2026-03-05T18:31:00.12Z".parse().unwrap()) });
    let origins: Vec<Origin> = report.observations.iter().map(|o| o.origin).collect();
    assert_eq!(origins, [Origin::Event, Origin::Event, Origin::Event, Origin::Event, Origin::Summary]);
    assert_eq!(report.observations[3].provider_event_id.as_deref(), Some("composed-4"));
    assert_eq!(report.observations[4].codes.raw, "eta", "the newest status is said by the history");
    assert_eq!(report.observations[4].time.precision, Precision::Date, "an estimate of midnight is a day");
}

#[test]
fn the_recorded_history_is_read_to_its_end() {
    let decoded = Shippo.decode(RECORDED).unwrap();
    let milestones: Vec<Milestone> =
        decoded.reports[0].observations.iter().map(|o| Mapping::base().read(o).milestone).collect();
    assert_eq!(milestones.len(), 12, "eleven events and the estimate");
    assert_eq!((milestones[2], milestones[10]), (Milestone::InTransit, Milestone::Delivered));
    assert!(decoded.problems.is_empty());
}

fn reading(status: &str, substatus: &str) -> Reading {
    let track = serde_json::json!({"tracking_number": "1Z", "tracking_history": [
        {"status": status, "substatus": {"code": substatus}, "status_date": "2026-03-04T15:00:00Z"}]});
    let decoded = Shippo.decode(track.to_string().as_bytes()).unwrap();
    Mapping::base().read(&decoded.reports[0].observations[0])
}

#[test]
fn status_and_substatus_decide_together() {
    let contradiction = reading("DELIVERED", "information_received");
    assert_eq!((contradiction.milestone, contradiction.doubt.is_some()), (Milestone::Delivered, true));
    assert_eq!(reading("RETURNED", "return_to_sender").milestone, Milestone::ReturnInTransit);
    let lost = reading("FAILURE", "package_lost");
    assert_eq!((lost.milestone, lost.doubt), (Milestone::Lost, None));
    let unknown = reading("TRANSIT", "package_teleported");
    assert_eq!((unknown.unmapped, unknown.floor), (true, Some(State::InTransit)));
}

#[test]
fn a_newest_status_that_no_history_has_is_a_summary() {
    let track = br#"{"carrier":"shippo","trackingNumber":"SHIPPO_DELIVERED","trackingStatus":{"status":"DELIVERED","statusDate":"2026-03-04T15:00:00Z"},"trackingHistory":[]}"#;
    let decoded = Shippo.decode(track).unwrap();
    let [only] = &decoded.reports[0].observations[..] else { panic!("one statement") };
    assert_eq!((only.origin, only.codes.raw.as_str()), (Origin::Summary, "DELIVERED"));
    assert!(only.time.utc.is_some());
    let nothing_yet = br#"{"carrier":"usps","tracking_number":"92055","tracking_status":null,"tracking_history":[]}"#;
    assert!(Shippo.decode(nothing_yet).unwrap().reports[0].observations.is_empty());
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &[u8]| Shippo.decode(body).unwrap_err();
    for error in [&include_bytes!("fixtures/vcr_test_invalid_create_0.json")[..], br#"{"detail":"Not found."}"#] {
        assert!(matches!(refused(error), DecodeError::NotTracking(why) if why.contains("error answer of Shippo")));
    }
    let complaint = br#"{"tracking_number":["This field is required."]}"#;
    assert!(matches!(refused(complaint), DecodeError::NotTracking(why) if why.contains("tracking_number")));
    assert!(matches!(refused(br#"{"event":"transaction_created","data":{}}"#), DecodeError::NotTracking(_)));
    let number = refused(br#"{"event":"track_updated","data":{"tracking_number":9205590164917337534322}}"#).to_string();
    assert!(number.contains("/data/tracking_number") && number.contains("as text"), "{number}");
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(matches!(refused(&checks::hostile(name)), DecodeError::Malformed { .. }), "{name}");
    }
    assert!(matches!(refused(b"{}"), DecodeError::Incomplete { .. }));
    assert!(matches!(refused(b"[]"), DecodeError::Malformed { .. }));
    checks::corrupt(&Shippo, WEBHOOK);
}
