//! What only Intercom has: searches by word, links to tickets of other types, addresses of its regions, its own echoes.

use super::*;
use http::{HeaderMap, HeaderName};
use outbound::{CallKind, Discard};
use ring::hmac;
use secrecy::SecretString;
use simulator::desk::{control::Control, intercom::Intercom as Simulated};
use std::fmt::Write as _;

fn desk(url: &str) -> Intercom {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = DeskConfig::new(url, "token-of-the-simulated-intercom", "Shipments");
    let rest = Rest::new(rest::client(&config).unwrap(), url.to_owned(), SignIn::Key("Bearer", config.token), refusal);
    Intercom {
        rest: rest.with_header("Intercom-Version", VERSION),
        ticket_type: "Shipments".into(),
        app: url.into(),
        me: OnceCell::new(),
        kind: OnceCell::new(),
        tags: tokio::sync::Mutex::default(),
    }
}

#[test]
fn a_closed_ticket_that_is_linked_to_a_customers_one_was_not_merged() {
    let desk = desk("http://127.0.0.1:9");
    let merged = json!({"ticket_parts": {"ticket_parts": [{"part_type": "merged_secondary_conversation"}]}});
    let closed = json!({"ticket_parts": {"ticket_parts": [{"part_type": "ticket_state_updated_by_admin"}]}});
    let (ours, customers) = (json!({"ticket_type": {"name": "Shipments"}}), json!({"ticket_type": {"name": "Refund"}}));
    assert!(desk.is_merge(&merged, &ours));
    assert!(!desk.is_merge(&merged, &customers) && !desk.is_merge(&closed, &ours));
}

#[test]
fn a_state_is_settled_by_its_category_or_by_being_closed() {
    for (ticket, status) in [
        (json!({"ticket_state": {"category": "resolved"}, "open": true}), DeskStatus::Resolved),
        (json!({"ticket_state": {"category": "waiting_on_customer"}, "open": true}), DeskStatus::Open),
        (json!({"ticket_state": {"category": "submitted"}, "open": false}), DeskStatus::Resolved),
        (json!({}), DeskStatus::Open),
    ] {
        assert_eq!(status_of(&ticket), status, "{ticket}");
    }
}

#[test]
fn refusals_have_their_class() {
    let of = |status, code: &str| {
        refusal(status, &json!({"type": "error.list", "errors": [{"code": code, "message": "m"}]}), CallKind::Command)
    };
    assert_eq!(of(400, "parameter_invalid"), (ErrorClass::Rejected, "parameter_invalid: m".into()));
    assert_eq!(of(429, "rate_limit_exceeded").0, ErrorClass::RateLimited);
    assert_eq!(of(404, "ticket_not_found").0, ErrorClass::NotFound);
}

#[tokio::test]
async fn our_own_notes_come_back_as_no_report() {
    let simulated = Simulated::start().await.unwrap();
    let desk = desk(&simulated.access().url);
    let secret = SecretString::from("client-secret-of-the-app");
    let read = |body: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"client-secret-of-the-app");
        let tag = hmac::sign(&key, body.as_bytes()).as_ref().iter().fold("sha1=".to_owned(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        });
        let headers = HeaderMap::from_iter([("x-hub-signature".parse::<HeaderName>().unwrap(), tag.parse().unwrap())]);
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        desk.read_hook(&Hook { headers: &headers, body: body.as_bytes(), secret: &secret, now })
    };
    let note = r#"{"id":"notif_1","topic":"ticket.note.created","data":{"item":{"type":"ticket_part","author":{"id":"814860"},"ticket":{"id":"7"}}}}"#;
    assert_eq!(read(note).unwrap(), HookReport { delivery: Some("notif_1".into()), numbers: vec!["7".into()] });
    desk.me(&Discard).await.unwrap();
    assert_eq!(read(note).unwrap().numbers, [""; 0], "by now it knows who it is");
    assert_eq!(read(&note.replace("814860", "814861")).unwrap().numbers, ["7"]);
    assert_eq!(read(r#"{"topic":"ping","data":{"item":{"type":"ping"}}}"#).unwrap(), HookReport::default());
}

#[test]
fn pages_for_people_are_those_of_the_region() {
    for (api, app) in [
        ("https://api.intercom.io", "https://app.intercom.com"),
        ("https://api.eu.intercom.io", "https://app.eu.intercom.com"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9"),
    ] {
        assert_eq!(pages_of(api), app);
    }
}
