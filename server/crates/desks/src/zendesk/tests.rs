//! What only Zendesk has: keys of creates that hold for two hours, suspended customers, its answers' forms, its reports.
//! The forms are those that a mock server makes of Zendesk's published OpenAPI file; the values are ours.

use super::*;
use crate::{Options, Requester};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::Severity;
use http::{HeaderMap, HeaderName};
use outbound::{CallKind, Discard};
use ring::hmac;
use secrecy::SecretString;
use simulator::desk::{
    control::{Act, Control},
    zendesk::{SUSPENDED, Zendesk as Simulated},
};

fn connected(simulated: &Simulated) -> Arc<dyn Desk> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let access = simulated.access();
    let options: Options = serde_json::from_value(access.options.into()).unwrap();
    let config = DeskConfig { options, ..DeskConfig::new(access.url, access.secret.as_str(), access.queue) };
    connect(config).unwrap()
}

fn case(key: &str) -> NewCase {
    NewCase {
        external_key: key.into(),
        subject: "Damaged".into(),
        body: "Damaged in Köln".into(),
        tracking_number: "1Z999AA10123456784".into(),
        carrier: "UPS".into(),
        exception_code: "DAMAGED".into(),
        severity: Severity::Major,
        odoo_url: None,
        milepost_url: "http://tower.example/shipments/1".into(),
        tags: vec!["milepost".into()],
        queue: None,
        follows: None,
        requester: None,
    }
}

#[tokio::test]
async fn a_repeated_create_makes_one_ticket_for_two_hours_and_another_text_finds_it() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let first = desk.create(&case("k"), &Discard).await.unwrap();
    assert_eq!(desk.create(&case("k"), &Discard).await.unwrap(), first, "the same request again");
    let other = NewCase { severity: Severity::Critical, ..case("k") };
    assert_eq!(desk.create(&other, &Discard).await.unwrap(), first, "another text under the key");
    assert_eq!(simulated.seen().len(), 1);
    simulated.pass(SignedDuration::from_hours(3));
    assert_ne!(desk.create(&case("k"), &Discard).await.unwrap(), first, "so the key alone is no guard");
    assert_eq!(desk.find("k", &Discard).await.unwrap(), Some(first), "and the oldest counts");
}

#[tokio::test]
async fn twelve_creates_at_once_make_one_ticket() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let new = case("k");
    let made = futures::future::join_all((0..12).map(|_| desk.create(&new, &Discard))).await;
    let numbers: std::collections::BTreeSet<_> = made.into_iter().map(|made| made.unwrap().number).collect();
    assert_eq!((numbers.len(), simulated.seen().len()), (1, 1));
}

#[tokio::test]
async fn a_suspended_customer_is_left_out() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let requester = Requester { name: "Jane".into(), email: SUSPENDED.into() };
    desk.create(&NewCase { requester: Some(requester), ..case("k") }, &Discard).await.unwrap();
    assert_eq!(simulated.seen()[0].requester, None);
}

#[tokio::test]
async fn a_ticket_that_closes_for_good_meanwhile_is_no_failure() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let made = desk.create(&case("k"), &Discard).await.unwrap();
    simulated.act(&made.number, &Act::CloseForGood);
    // as if the look before the write had still found it open
    let rest =
        Rest::new(rest::client(&config_of(&simulated)).unwrap(), simulated.access().url, oauth(&simulated), refusal);
    let body = json!({"ticket": {"comment": {"body": "late", "public": false}}});
    let path = format!("api/v2/tickets/{}", made.number);
    let refused = rest.send("ticket/note", Method::PUT, &path, body, &Discard).await.unwrap_err();
    assert_eq!((refused.class, refused.status), (ErrorClass::Rejected, Some(422)));
    desk.note(&made.number, "n", "late", &Discard).await.unwrap();
}

fn config_of(simulated: &Simulated) -> DeskConfig {
    let access = simulated.access();
    DeskConfig::new(access.url, access.secret.as_str(), access.queue)
}

fn oauth(simulated: &Simulated) -> SignIn {
    let config = config_of(simulated);
    let client = simulated.access().options["client_id"].as_str().unwrap().to_owned();
    let endpoint = format!("{}/oauth/tokens", config.url);
    SignIn::OAuth(OAuth::new(rest::client(&config).unwrap(), endpoint, TokenBody::Json, &client, config.token))
}

#[test]
fn without_a_client_or_an_agent_it_cannot_sign_in() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config =
        |options: Options| DeskConfig { options, ..DeskConfig::new("https://shop.zendesk.com/agent/home", "s", "") };
    assert_eq!(connect(config(Options::default())).err().map(|e| e.class), Some(ErrorClass::Misconfigured));
    assert!(connect(config(Options::from([("email", json!("bot@shop.test"))]))).is_ok());
}

#[test]
fn refusals_have_their_class_and_name_the_field() {
    for (status, answer, class, said) in [
        (
            422,
            json!({"error": "RecordInvalid", "description": "Record validation errors",
                   "details": {"requester": [{"description": "Requester: is suspended.", "error": "BlankValue"}]}}),
            ErrorClass::Rejected,
            "Record validation errors; requester: Requester: is suspended.",
        ),
        (
            429,
            json!({"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"}),
            ErrorClass::RateLimited,
            "Number of allowed API requests per minute exceeded",
        ),
        (400, json!({"error": "IdempotentRequestError"}), ErrorClass::Conflict, "IdempotentRequestError"),
        (
            409,
            json!({"error": "UpdateConflict", "description": "Safe update prevented"}),
            ErrorClass::Conflict,
            "Safe update prevented",
        ),
        (
            403,
            json!({"error": {"title": "Forbidden", "message": "You do not have access"}}),
            ErrorClass::Forbidden,
            "You do not have access",
        ),
        (415, json!({"title": "Invalid content type", "status": 415}), ErrorClass::Misconfigured, ""),
    ] {
        assert_eq!(refusal(status, &answer, CallKind::Command), (class, said.to_owned()), "{status}");
    }
}

#[test]
fn a_merged_ticket_names_the_other_one() {
    let ticket =
        json!({"id": 35_436, "status": "closed", "tags": ["milepost", "closed_by_merge"], "assignee_id": null});
    assert!(is_merged(&ticket) && !is_merged(&json!({"status": "closed", "tags": ["vip"]})) && !is_merged(&json!({})));
    let history = History {
        audits: vec![
            json!({"author_id": 7, "events": [{"type": "Comment", "body": "see #99", "public": true}]}),
            json!({"author_id": 7, "via": {"source": {"rel": "merge"}}, "events": [
                {"type": "Comment", "body": "This request was closed and merged into request #27 \"Other\"", "public": false}]}),
        ],
        people: std::collections::BTreeMap::new(),
    };
    assert_eq!(history.merged_into().as_deref(), Some("27"));
    assert_eq!(history.of_agents().count(), 1);
    assert_eq!(History::default().merged_into(), None);
}

fn signed(body: &str, at: &str, secret: &str) -> HeaderMap {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = STANDARD.encode(hmac::sign(&key, format!("{at}{body}").as_bytes()));
    let pairs = [
        ("x-zendesk-webhook-signature", tag.as_str()),
        ("x-zendesk-webhook-signature-timestamp", at),
        ("x-zendesk-webhook-invocation-id", "01KX"),
    ];
    pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
}

#[tokio::test]
async fn reports_are_events_or_triggers_and_our_own_are_left_out() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let (secret, at) = (SecretString::from("secret-of-the-reports"), "2026-03-10T12:00:00Z");
    let read = |body: &str, at: &str| {
        let headers = signed(body, at, "secret-of-the-reports");
        let now = "2026-03-10T12:01:00Z".parse().unwrap();
        desk.read_hook(&Hook { headers: &headers, body: body.as_bytes(), secret: &secret, now })
    };
    let ours = r#"{"id":"01E","type":"zen:event-type:ticket.status_changed","detail":{"id":"7","actor_id":"700001","external_id":"mp-1"}}"#;
    assert_eq!(read(ours, at).unwrap(), HookReport { delivery: Some("01E".into()), numbers: vec!["7".into()] });
    desk.version(&Discard).await.unwrap();
    assert_eq!(read(ours, at).unwrap().numbers, [""; 0], "by now it knows who it is");
    let foreign = ours.replace("mp-1", "x-1").replace("700001", "9");
    assert_eq!(read(&foreign, at).unwrap().numbers, [""; 0]);
    let trigger = r#"{"ticket":{"id":8}}"#;
    assert_eq!(read(trigger, at).unwrap(), HookReport { delivery: Some("01KX".into()), numbers: vec!["8".into()] });
    assert_eq!(read("", at).unwrap().numbers, [""; 0]);
    assert_eq!(read(trigger, "2026-03-10T11:50:00Z"), Err(HookRefusal::Stale));
    assert_eq!(read(trigger, "today"), Err(HookRefusal::Unreadable));
}
