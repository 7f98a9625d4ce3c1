//! The four standard tests, and AfterShip's own habits.

use super::{
    super::{RawRequest, Rejected, Secrets, checks},
    *,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::observation::{Feed, Origin, RefKind};
use http::{HeaderMap, HeaderValue};
use ring::hmac;

const BODY: &[u8] = include_bytes!("fixtures/business_closed.json");

fn signed(secret: &str) -> HeaderMap {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), BODY);
    let mut headers = HeaderMap::new();
    headers.insert("aftership-hmac-sha256", HeaderValue::from_str(&STANDARD.encode(tag.as_ref())).unwrap());
    headers
}

#[test]
fn a_signed_request_is_verified_and_any_other_refused() {
    let secrets = Secrets::new(Scheme::HmacBase64, vec!["s".to_owned().into()]);
    let now = "2026-03-04T13:00:00Z".parse().unwrap();
    let verify = |headers: &HeaderMap, body: &[u8]| {
        Aftership
            .verify(&secrets, &RawRequest { method: "POST", path: "/", query: "", peer: None, headers, body }, now)
            .map(|verified| verified.key)
    };
    assert_eq!(verify(&signed("s"), BODY), Ok(DeliveryKey(Some("00000000-0000-4000-8000-f64b98f3faa3".into()))));
    assert_eq!(verify(&signed("t"), BODY), Err(Rejected::Mismatch("signature")));
    assert!(verify(&signed("s"), &[BODY, b" "].concat()).is_err(), "every byte counts");
    assert!(verify(&HeaderMap::new(), BODY).is_err());
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Aftership), 7);
    checks::nothing_is_refused_without_a_reason(&Aftership);
}

#[test]
fn a_list_is_a_snapshot_with_the_trackings_own_stamp() {
    let decoded = Aftership.decode(BODY).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("00340434000000000017"));
    assert_eq!(report.feed, Feed::Snapshot { stamp: Some("2026-03-04T13:00:00Z".parse().unwrap()) });
    assert_eq!(report.observations.len(), 3, "the summary is said by the last checkpoint");
    assert_eq!(report.observations[0].location.as_ref().and_then(|l| l.country.as_deref()), Some("DE"));
}

#[test]
fn a_summary_without_a_list_is_a_statement_of_its_own() {
    let decoded = Aftership.decode(include_bytes!("fixtures/webhook_delivered_oneline_readme.json")).unwrap();
    let [only] = &decoded.reports[0].observations[..] else { panic!("one statement") };
    assert_eq!((only.codes.raw.as_str(), only.origin), ("Delivered_001", Origin::Summary));
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    for (name, reason) in [("truncated.json", "ends too early"), ("deep_nesting.json", "nested too deeply")] {
        let error = Aftership.decode(&checks::hostile(name)).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let number = Aftership
        .decode(br#"{"msg":{"tracking_number":92055901755477000271990251,"tag":"InTransit"}}"#)
        .unwrap_err()
        .to_string();
    assert!(number.contains("/msg/tracking_number") && number.contains("as text"), "{number}");
    assert!(matches!(Aftership.decode(br#"{"event":"edd_revise"}"#), Err(DecodeError::NotTracking(_))));
    assert!(Aftership.decode(b"[]").is_err() && Aftership.decode(b"").is_err());
    checks::corrupt(&Aftership, BODY);
}
