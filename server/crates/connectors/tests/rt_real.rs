//! Against a real Request Tracker 5 (`tests/peers/rt-peer.sh`). Each test makes its own tickets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use connectors::{
    call::{Discard, ErrorClass},
    desks::{self, Desk, DeskConfig, DeskStatus, NewCase, request_tracker::RequestTracker},
};
use domain::Severity;
use serde_json::{Value, json};
use std::{
    io::Write,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

struct Peer {
    url: String,
    token: String,
}

impl Peer {
    fn find(test: &str) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let token =
            std::env::var("MILEPOST_TEST_RT_TOKEN_FILE").ok().and_then(|path| std::fs::read_to_string(path).ok());
        match (std::env::var("MILEPOST_TEST_RT_URL"), token) {
            (Ok(url), Some(token)) => Some(Self { url, token: token.trim().to_owned() }),
            _ => {
                skipped(test);
                None
            }
        }
    }

    fn config(&self) -> DeskConfig {
        DeskConfig {
            url: self.url.clone(),
            token: self.token.clone().into(),
            queue: "Shipments".into(),
            calls_per_second: None,
        }
    }

    fn desk(&self) -> Arc<dyn Desk> {
        desks::connect("request_tracker", self.config()).unwrap().unwrap()
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let http = reqwest::Client::new();
        let request = http.request(method.parse().unwrap(), format!("{}/REST/2.0/{path}", self.url));
        let answer = request.header("Authorization", format!("token {}", self.token)).json(&body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let http = reqwest::Client::new();
        let request =
            http.get(format!("{}/REST/2.0/{path}", self.url)).header("Authorization", format!("token {}", self.token));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// How many comments a ticket has.
    async fn comments(&self, number: &str) -> usize {
        let history = self.get(&format!("ticket/{number}/history?fields=Type&per_page=100")).await;
        history["items"].as_array().unwrap().iter().filter(|t| t["Type"] == "Comment").count()
    }
}

/// Says that a test was skipped, also to whoever runs all of them.
fn skipped(test: &str) {
    let line = format!("{test} (MILEPOST_TEST_RT_* are not set)");
    println!("skipped: {line}");
    if let Some(file) = std::env::var_os("MILEPOST_TEST_SKIPPED") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
        writeln!(file.unwrap(), "{line}").unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "tickets outlive a test run: their keys must differ from the last one's")]
fn case(test: &str) -> NewCase {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    NewCase {
        external_key: format!("{test}/{now}/O'Brien \\"),
        subject: format!("Damaged: Shipment 1Z999AA10123456784\nfor S00042 {}", "x".repeat(300)),
        body: "Damaged in Köln.".into(),
        tracking_number: "1Z999AA10123456784".into(),
        carrier: "UPS".into(),
        exception_code: "DAMAGED".into(),
        severity: Severity::Critical,
        odoo_url: Some("http://odoo.example/odoo/stock.picking/42".into()),
        milepost_url: "http://tower.example/shipments/1".into(),
        tags: vec!["milepost".into(), "damage".into()],
    }
}

#[tokio::test]
async fn a_desk_that_is_set_up_right_has_nothing_missing() {
    let Some(peer) = Peer::find("a_desk_that_is_set_up_right_has_nothing_missing") else { return };
    assert_eq!(peer.desk().check(&Discard).await.unwrap(), Vec::<String>::new());
    let elsewhere = RequestTracker::new(DeskConfig { queue: "Nowhere".into(), ..peer.config() }).unwrap();
    assert_eq!(elsewhere.check(&Discard).await.unwrap().len(), 1);
    let stranger = RequestTracker::new(DeskConfig { token: "1-2-wrong".into(), ..peer.config() }).unwrap();
    assert_eq!(stranger.check(&Discard).await.unwrap_err().class, ErrorClass::Unauthorized);
}

#[tokio::test]
async fn a_case_is_made_and_found_again_by_its_key() {
    let Some(peer) = Peer::find("a_case_is_made_and_found_again_by_its_key") else { return };
    let desk = peer.desk();
    let case = case("made");
    assert_eq!(desk.find(&case.external_key, &Discard).await.unwrap(), None);
    let made = desk.create(&case, &Discard).await.unwrap();
    assert_eq!(made.status, DeskStatus::Open);
    assert_eq!(made.url, format!("{}/Ticket/Display.html?id={}", peer.url, made.number));
    assert_eq!(desk.find(&case.external_key, &Discard).await.unwrap(), Some(made.clone()));
    assert_eq!(desk.get(&made.number, &Discard).await.unwrap(), made);
    let row = peer.get(&format!("ticket/{}", made.number)).await;
    assert!(row["Subject"].as_str().unwrap().starts_with("Damaged: Shipment 1Z999AA10123456784 for S00042"));
    let fields = row["CustomFields"].as_array().unwrap();
    let value = |name: &str| fields.iter().find(|f| f["name"] == name).unwrap()["values"].clone();
    assert_eq!(value("Severity"), json!(["Critical"]));
    assert_eq!(value("Tags"), json!(["milepost", "damage"]));
    assert_eq!(desk.get("999999999", &Discard).await.unwrap_err().class, ErrorClass::NotFound);
    assert_eq!(desk.get("1/../2", &Discard).await.unwrap_err().class, ErrorClass::NotFound);
}

#[tokio::test]
async fn a_second_ticket_with_one_key_gives_way_to_the_first() {
    let Some(peer) = Peer::find("a_second_ticket_with_one_key_gives_way_to_the_first") else { return };
    let desk = peer.desk();
    let case = case("twice");
    let first = desk.create(&case, &Discard).await.unwrap();
    assert_eq!(desk.create(&case, &Discard).await.unwrap().number, first.number);
    assert_eq!(desk.find(&case.external_key, &Discard).await.unwrap().unwrap().number, first.number);
}

#[tokio::test]
async fn notes_resolving_and_reopening_happen_once() {
    let Some(peer) = Peer::find("notes_resolving_and_reopening_happen_once") else { return };
    let desk = peer.desk();
    let number = desk.create(&case("notes"), &Discard).await.unwrap().number;
    for _ in 0..2 {
        desk.note(&number, "DELIVERED/-/1", "Delivered in Köln.", &Discard).await.unwrap();
    }
    assert_eq!(peer.comments(&number).await, 1);
    for _ in 0..2 {
        desk.resolve(&number, "closed/1", "Over.", &Discard).await.unwrap();
    }
    assert_eq!(peer.comments(&number).await, 2);
    assert_eq!(desk.get(&number, &Discard).await.unwrap().status, DeskStatus::Resolved);
    // a note does not wake a settled case
    desk.note(&number, "late/1", "Proof of delivery came.", &Discard).await.unwrap();
    assert_eq!(desk.get(&number, &Discard).await.unwrap().status, DeskStatus::Resolved);
    for _ in 0..2 {
        desk.reopen(&number, "reopened/2", "Damaged again.", &Discard).await.unwrap();
    }
    assert_eq!(desk.get(&number, &Discard).await.unwrap().status, DeskStatus::Open);
    assert_eq!(peer.comments(&number).await, 4);
}

#[tokio::test]
async fn a_note_whose_answer_was_lost_is_not_posted_again() {
    let Some(peer) = Peer::find("a_note_whose_answer_was_lost_is_not_posted_again") else { return };
    let desk = peer.desk();
    let number = desk.create(&case("long"), &Discard).await.unwrap().number;
    desk.note(&number, "first", "The first.", &Discard).await.unwrap();
    // a long history after it
    for n in 0..5 {
        peer.send(
            "POST",
            &format!("ticket/{number}/comment"),
            json!({"Content": format!("chat {n}"), "ContentType": "text/plain"}),
        )
        .await;
    }
    desk.note(&number, "first", "The first.", &Discard).await.unwrap();
    assert_eq!(peer.comments(&number).await, 6);
}
