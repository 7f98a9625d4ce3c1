//! The four standard tests, and EasyPost's own habits.

use super::{
    super::{RawRequest, Rejected, Secrets, checks},
    *,
};
use domain::{Milestone, mapping::Mapping, reading::Reader};
use http::{HeaderMap, HeaderValue};
use ring::hmac;

const BODY: &[u8] = include_bytes!("fixtures/failure_damaged.json");

#[test]
fn a_signed_request_is_verified_and_any_other_refused() {
    // the secret is taken in NFKD
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, "se\u{301}cret".as_bytes()), BODY);
    let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let mut headers = HeaderMap::new();
    headers.insert("x-hmac-signature", HeaderValue::from_str(&format!("hmac-sha256-hex={hex}")).unwrap());
    let now = "2026-03-04T13:00:00Z".parse().unwrap();
    let verify = |secret: &str| {
        let secrets = Secrets::new(Scheme::EasypostV1, vec![secret.to_owned().into()]);
        Easypost
            .verify(
                &secrets,
                &RawRequest { method: "POST", path: "/", query: "", peer: None, headers: &headers, body: BODY },
                now,
            )
            .map(|verified| verified.key)
    };
    assert_eq!(verify("s\u{e9}cret"), Ok(DeliveryKey(Some("evt_failure_damaged".into()))));
    assert_eq!(verify("secret"), Err(Rejected::Mismatch("signature")));
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Easypost), 4);
    checks::nothing_is_refused_without_a_reason(&Easypost);
}

fn milestones(body: &[u8]) -> Vec<Milestone> {
    let decoded = Easypost.decode(body).unwrap();
    decoded.reports.iter().flat_map(|r| &r.observations).map(|o| Mapping::base().read(o).milestone).collect()
}

#[test]
fn status_and_detail_decide_together() {
    let tracker = |status: &str, detail: &str, back: bool| {
        serde_json::json!({"tracking_code": "1Z", "is_return": back, "tracking_details": [{"status": status, "status_detail": detail, "datetime": "2026-03-04T15:00:00Z"}]}).to_string()
    };
    let read = |status, detail, back| milestones(tracker(status, detail, back).as_bytes());
    assert_eq!(read("delivered", "arrived_at_destination", false), [Milestone::Delivered]);
    assert_eq!(read("in_transit", "arrived_at_destination", false), [Milestone::ArrivedDestination]);
    assert_eq!(read("delivered", "arrived_at_destination", true), [Milestone::Returned]);
    assert_eq!(read("in_transit", "unknown", false), [Milestone::InTransit]);
    assert_eq!(read("pre_transit", "status_update", false), [Milestone::InfoReceived]);
    assert_eq!(read("delivered", "unknown", false), [Milestone::Delivered]);
    assert_eq!(read("delivered", "unknown", true), [Milestone::Returned]);
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let number = Easypost.decode(&checks::hostile("tracking_number_as_number.json")).unwrap_err().to_string();
    assert!(number.contains("tracking_code") && number.contains("as text"), "{number}");
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(matches!(Easypost.decode(&checks::hostile(name)), Err(DecodeError::Malformed { .. })), "{name}");
    }
    for name in ["utf8_bom.json", "nul_byte.json", "csv_formula_in_message.json", "leap_second.json"] {
        let decoded = Easypost.decode(&checks::hostile(name)).unwrap();
        assert!(decoded.problems.is_empty() && decoded.reports[0].observations.len() == 2, "{name}");
        let text = serde_json::to_string(&decoded).unwrap();
        assert!(!text.contains("\\u0000"), "{name}: no NUL reaches a database");
    }
    let error = Easypost.decode(br#"{"error":{"code":"TRACKER.CREATE.ERROR","message":"composed","errors":[]}}"#);
    assert!(matches!(error, Err(DecodeError::NotTracking(why)) if why.contains("TRACKER.CREATE.ERROR")));
    let sentinel = Easypost.decode(&checks::hostile("year_9999.json")).unwrap();
    assert_eq!(sentinel.problems.len(), 1);
    checks::corrupt(&Easypost, BODY);
}
