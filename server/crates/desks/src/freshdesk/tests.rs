//! What only Freshdesk has: a description that customers see, statuses without an author, two forms of reports.

use super::*;
use crate::Requester;
use http::{HeaderMap, HeaderName};
use outbound::Discard;
use secrecy::SecretString;
use simulator::desk::{
    control::{Act, Control},
    freshdesk::Freshdesk as Simulated,
};

fn connected(simulated: &Simulated) -> Arc<dyn Desk> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let access = simulated.access();
    connect(DeskConfig::new(access.url, access.secret.as_str(), access.queue)).unwrap()
}

fn case(key: &str) -> NewCase {
    NewCase {
        external_key: key.into(),
        subject: "Damaged".into(),
        body: "Forklift through the box".into(),
        tracking_number: "1Z999AA10123456784".into(),
        carrier: "UPS".into(),
        exception_code: "DAMAGED".into(),
        severity: Severity::Major,
        odoo_url: None,
        milepost_url: "http://tower.example/shipments/1".into(),
        tags: vec!["a tag that is longer than Freshdesk takes it".into()],
        queue: None,
        follows: None,
        requester: None,
    }
}

#[tokio::test]
async fn a_customer_reads_nothing_internal_in_the_description() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let requester = Some(Requester { name: "Jane".into(), email: "jane@customer.test".into() });
    let named = desk.create(&NewCase { requester, ..case("named") }, &Discard).await.unwrap();
    let unnamed = desk.create(&case("unnamed"), &Discard).await.unwrap();
    let text = |number: &str| simulated.description(number).unwrap();
    assert!(!text(&named.number).contains("Forklift") && text(&named.number).contains("1Z999AA10123456784"));
    assert!(text(&unnamed.number).contains("Forklift"));
    let seen = simulated.seen();
    assert!(
        seen.iter().all(|seen| seen.context.as_deref().is_some_and(|context| context.contains("Forklift"))),
        "{seen:?}"
    );
    assert!(seen.iter().all(|seen| seen.tags.iter().any(|tag| tag == TAG)), "it is found by its tag: {seen:?}");
}

#[tokio::test]
async fn whose_a_status_is_shows_without_an_author() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    let by = async |known| desk.look(&number, known, &Discard).await.unwrap().by;
    desk.resolve(&number, "r", "Over.", &Discard).await.unwrap();
    assert_eq!(by(DeskStatus::Open).await, None);
    simulated.act(&number, &Act::Reopen);
    assert_eq!(by(DeskStatus::Resolved).await.as_deref(), Some(SOMEBODY));
    simulated.act(&number, &Act::Delete);
    assert_eq!(by(DeskStatus::Open).await.as_deref(), Some(SOMEBODY), "deleting is never ours");
}

#[tokio::test]
async fn many_open_tickets_are_searched_and_the_others_read() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let mut numbers = Vec::new();
    for n in 0..70 {
        numbers.push(desk.create(&case(&format!("k{n}")), &Discard).await.unwrap().number);
    }
    simulated.act(&numbers[3], &Act::Resolve);
    simulated.act(&numbers[64], &Act::Delete);
    let shown = desk.shown(&numbers, &Discard).await.unwrap();
    let of = |number: &String| shown.iter().find(|case| case.number == *number).map(|case| case.status);
    assert_eq!((shown.len(), of(&numbers[3]), of(&numbers[64])), (69, Some(DeskStatus::Resolved), None));
}

#[tokio::test]
async fn both_forms_of_reports_name_their_ticket() {
    let simulated = Simulated::start().await.unwrap();
    let desk = connected(&simulated);
    let secret = SecretString::from("secret-of-the-reports");
    let headers = HeaderMap::from_iter([(
        "x-milepost-secret".parse::<HeaderName>().unwrap(),
        "secret-of-the-reports".parse().unwrap(),
    )]);
    let read = |body: &str| {
        desk.read_hook(&Hook { headers: &headers, body: body.as_bytes(), secret: &secret, now: Timestamp::UNIX_EPOCH })
    };
    assert_eq!(read(r#"{"ticket_id":7}"#).unwrap().numbers, ["7"]);
    assert_eq!(read(r#"{"freshdesk_webhook":{"ticket_id":"8"}}"#).unwrap().numbers, ["8"]);
    assert_eq!(read(r#"{"ticket_id":"../agents"}"#).unwrap().numbers, [""; 0]);
    assert_eq!(read("ticket 7"), Err(HookRefusal::Unreadable));
}

#[test]
fn refusals_name_their_fields() {
    let answer = json!({"description": "Validation failed", "errors": [
        {"field": "cf_shipment_key", "message": "Unexpected/invalid field in request", "code": "invalid_field"}]});
    let said = "Validation failed; cf_shipment_key: Unexpected/invalid field in request".to_owned();
    assert_eq!(refusal(400, &answer, CallKind::Command), (ErrorClass::Rejected, said));
    let answer = json!({"code": "invalid_credentials", "message": "You have to be logged in to perform this action."});
    assert_eq!(refusal(401, &answer, CallKind::Query).0, ErrorClass::Unauthorized);
}
