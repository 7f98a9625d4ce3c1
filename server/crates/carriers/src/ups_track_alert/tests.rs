//! The standard tests, and UPS's own habits.

use super::{super::checks, *};
use domain::{mapping::Mapping, reading::Reader};

const BODY: &[u8] = include_bytes!("fixtures/upstrackalert_1_out_for_delivery_message.json");

fn alert(kind: &str, code: &str, more: &str) -> String {
    format!(
        r#"{{"trackingNumber":"1Z1","localActivityDate":"20260310","localActivityTime":"095004","gmtActivityDate":"20260310","gmtActivityTime":"135004",
        "activityStatus":{{"type":"{kind}","code":"{code}"}}{more}}}"#
    )
}

fn milestone(alert: &str) -> (&'static str, bool) {
    let decoded = UpsTrackAlert.decode(alert.as_bytes()).unwrap();
    let reading = Mapping::base().read(&decoded.reports[0].observations[0]);
    (reading.milestone.code(), reading.unmapped)
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&UpsTrackAlert), 5);
    checks::nothing_is_refused_without_a_reason(&UpsTrackAlert);
}

#[test]
fn the_type_alone_does_not_mean_delivered() {
    assert_eq!(milestone(&alert("D", "FS", r#","actualDeliveryDate":"20260310""#)), ("DELIVERED", false));
    assert_eq!(milestone(&alert("D", "ZZ", r#","actualDeliveryDate":"20260310""#)), ("DELIVERED", false));
    assert_eq!(milestone(&alert("D", "ZZ", "")), ("OUT_FOR_DELIVERY", false));
    assert_eq!(milestone(&alert("I", "OT", "")), ("OUT_FOR_DELIVERY", false));
    assert_eq!(milestone(&alert("MV", "VP", "")), ("CANCELLED", false));
    assert_eq!(milestone(&alert("I", "Q9", "")), ("INFO", true), "nobody published what it means");
}

#[test]
fn both_clocks_are_kept() {
    let decoded = UpsTrackAlert.decode(BODY).unwrap();
    let [activity, planned] = &decoded.reports[0].observations[..] else { panic!("two statements") };
    assert_eq!(activity.time.utc.unwrap().to_string(), "2024-04-23T13:15:19Z");
    assert_eq!(activity.time.local.unwrap().to_string(), "2024-04-23T09:15:19");
    assert_eq!(activity.time.zone.as_deref(), Some("-04:00"));
    assert_eq!(planned.classifier.code(), "EST");
    let delivered = alert("D", "FS", r#","scheduledDeliveryDate":"20260310","actualDeliveryDate":"20260310""#);
    assert_eq!(UpsTrackAlert.decode(delivered.as_bytes()).unwrap().reports[0].observations.len(), 1);
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let refused = |body: &str| UpsTrackAlert.decode(body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("trackingNumber"));
    assert!(refused(r#"{"trackingNumber":"1Z1"}"#).contains("activityStatus"));
    assert!(refused(r#"{"trackingNumber":12345}"#).contains("as text"));
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(UpsTrackAlert.decode(&checks::hostile(name)).is_err(), "{name}");
    }
    checks::corrupt(&UpsTrackAlert, BODY);
}
