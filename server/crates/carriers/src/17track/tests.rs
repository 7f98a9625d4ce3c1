//! The standard tests, and 17TRACK's own habits.

use super::{super::checks, *};
use domain::{
    mapping::Mapping,
    observation::{Feed, Origin},
    reading::Reader,
};

const BODY: &[u8] = include_bytes!("fixtures/exception_lost.json");
const ANSWER: &[u8] = include_bytes!("fixtures/gettrackinfo_v2_2_doc_abridged.json");

fn milestones(decoded: &Decoded) -> Vec<&'static str> {
    decoded.reports[0].observations.iter().map(|o| Mapping::base().read(o).milestone.code()).collect()
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&SeventeenTrack), 3);
    checks::nothing_is_refused_without_a_reason(&SeventeenTrack);
}

#[test]
fn an_answer_has_its_events_and_its_estimate() {
    let decoded = SeventeenTrack.decode(ANSWER).unwrap();
    assert_eq!(milestones(&decoded), ["INFO_RECEIVED", "PICKED_UP", "DELIVERED", "ETA_CHANGED"]);
    let report = &decoded.reports[0];
    assert_eq!(report.carrier.as_deref(), Some("3011"));
    let Feed::Snapshot { stamp: Some(stamp) } = report.feed else { panic!("a list with a stamp") };
    assert_eq!(stamp.to_string(), "2022-05-02T18:34:00Z");
}

#[test]
fn stages_come_from_the_moments_that_the_message_names() {
    let body = br#"{"event":"TRACKING_UPDATED","data":{"number":"N1","carrier":100002,"track_info":{
        "latest_status":{"status":"Delivered","sub_status":"Delivered_Other"},
        "latest_event":{"time_iso":"2022-04-04T16:35:22-07:00","description":"DELIVERED"},
        "milestone":[{"key_stage":"OutForDelivery","time_iso":"2022-04-04T08:46:06-07:00"}],
        "tracking":{"providers":[{"events":[{"time_iso":"2022-04-04T16:35:22-07:00","description":"DELIVERED","stage":null},
            {"time_iso":"2022-04-04T08:46:06-07:00","description":"On its way","stage":null},
            {"time_iso":"2022-04-03T08:46:06-07:00","description":"Some words","stage":null}]}]}}}}"#;
    let decoded = SeventeenTrack.decode(body).unwrap();
    assert_eq!(milestones(&decoded), ["INFO", "OUT_FOR_DELIVERY", "INFO", "DELIVERED"]);
    assert_eq!(decoded.reports[0].observations[3].origin, Origin::Summary);
    assert!(decoded.reports[0].observations.iter().all(|o| !Mapping::base().read(o).unmapped));
}

#[test]
fn a_stopped_feed_says_nothing_about_the_goods() {
    let body = br#"{"event":"TRACKING_STOPPED","data":{"number":"1234567890","carrier":1001,"param":null,"tag":null}}"#;
    let decoded = SeventeenTrack.decode(body).unwrap();
    assert_eq!(milestones(&decoded), ["TRACKING_STOPPED"]);
    assert_eq!(decoded.reports[0].feed, Feed::Delta);
}

#[test]
fn the_first_version_is_read() {
    let body = br#"{"event":"TRACKING_UPDATED","data":{"number":"RR1","track":{"b":301,"c":2105,"e":40,"z0":{"a":"2018-05-04 20:22","c":"Paris","d":"","z":"Delivered"},
        "z1":[{"a":"2018-04-23 12:02","c":"Shenzhen","d":"","z":"Posted"}],"z2":[{"a":"2018-05-04 20:22","c":"Paris","d":"","z":"Delivered"}]}}}"#;
    let decoded = SeventeenTrack.decode(body).unwrap();
    assert_eq!(milestones(&decoded), ["DELIVERED", "INFO"]);
    assert_eq!(decoded.reports[0].observations[0].time.utc, None, "nobody says in which zone");
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &str| SeventeenTrack.decode(body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("17TRACK"));
    assert!(refused(r#"{"event":"TRACKING_UPDATED","data":{"number":"N1"}}"#).contains("track_info"));
    assert!(refused(r#"{"event":"TRACKING_UPDATED","data":{"number":12}}"#).contains("as text"));
    assert!(matches!(SeventeenTrack.decode(br#"{"event":"X"}"#), Err(DecodeError::NotTracking(_))));
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(SeventeenTrack.decode(&checks::hostile(name)).is_err(), "{name}");
    }
    checks::corrupt(&SeventeenTrack, BODY);
}
