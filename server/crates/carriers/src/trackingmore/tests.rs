//! The standard tests, and TrackingMore's own habits.

use super::{super::checks, *};
use domain::{State, mapping::Mapping, observation::Origin, reading::Reader};

const BODY: &[u8] = include_bytes!("fixtures/webhook_v4.json");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Trackingmore), 2);
    checks::nothing_is_refused_without_a_reason(&Trackingmore);
}

#[test]
fn a_sub_status_of_two_meanings_is_not_guessed() {
    let decoded = Trackingmore.decode(BODY).unwrap();
    let reading = Mapping::base().read(&decoded.reports[0].observations[1]);
    assert_eq!((reading.unmapped, reading.floor), (true, Some(State::InTransit)));
}

#[test]
fn version_two_names_its_fields_otherwise() {
    let body = br#"{"meta":{"code":200},"data":{"tracking_number":"UB1","carrier_code":"ems","status":"transit","lastEvent":"x",
        "origin_info":{"trackinfo":[{"Date":"2026-03-04 09:00:00","StatusDescription":"Posted","Details":"Beijing","checkpoint_status":"transit","substatus":"transit 001"}]}}}"#;
    let decoded = Trackingmore.decode(body).unwrap();
    let [event] = &decoded.reports[0].observations[..] else { panic!("one event, which says what the summary says") };
    assert_eq!((event.codes.raw.as_str(), event.description.as_deref()), ("transit001", Some("Posted")));
    assert_eq!(event.time.local.unwrap().to_string(), "2026-03-04T09:00:00");
    let alone = br#"{"data":{"tracking_number":"UB1","carrier_code":"ems","status":"delivered"}}"#;
    assert_eq!(Trackingmore.decode(alone).unwrap().reports[0].observations[0].origin, Origin::Summary);
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &str| Trackingmore.decode(body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("TrackingMore"));
    assert!(refused(r#"{"data":{"tracking_number":"..."}}"#).contains("placeholder"));
    assert!(refused(r#"{"data":{"tracking_number":12}}"#).contains("as text"));
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(Trackingmore.decode(&checks::hostile(name)).is_err(), "{name}");
    }
    checks::corrupt(&Trackingmore, BODY);
}
