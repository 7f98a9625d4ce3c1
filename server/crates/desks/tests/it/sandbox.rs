//! The client against the simulated world: what a real desk cannot be made to do on demand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use desks::{Desk, DeskConfig, DeskStatus, NewCase, Options, Reopened, request_tracker::RequestTracker};
use domain::Severity;
use outbound::{Discard, ErrorClass};
use simulator::{World, desk::SandboxDesk, faults::Fault};

const NOW: &str = "2026-03-10T12:00:00Z";

async fn world() -> World {
    let _ = rustls::crypto::ring::default_provider().install_default();
    World::fixed(7, NOW.parse().unwrap()).await.unwrap()
}

fn desk(world: &World) -> RequestTracker {
    RequestTracker::new(DeskConfig {
        url: world.desk_url(),
        token: world.desk_token().into(),
        queue: world.desk_queue(),
        calls_per_second: None,
        options: Options::default(),
    })
    .unwrap()
}

fn case(key: &str) -> NewCase {
    NewCase {
        external_key: key.into(),
        subject: "Damaged".into(),
        body: "Damaged in Köln.".into(),
        tracking_number: "1Z999AA10123456784".into(),
        carrier: "UPS".into(),
        exception_code: "DAMAGED".into(),
        severity: Severity::Critical,
        odoo_url: None,
        milepost_url: "http://tower.example/shipments/1".into(),
        tags: vec!["milepost".into()],
        queue: None,
        follows: None,
        requester: None,
    }
}

#[tokio::test]
async fn whatever_the_desk_does_there_is_one_case_and_one_note() {
    let world = world().await;
    let desk = desk(&world);
    assert!(desk.check(&Discard).await.unwrap().is_empty());
    world.desk().fail(Some("POST ticket"), &Fault::ResetAfterApply, 1);
    assert_eq!(desk.create(&case("k"), &Discard).await.unwrap_err().class, ErrorClass::UnknownOutcome);
    let found = desk.find("k", &Discard).await.unwrap().unwrap();
    world.desk().fail(Some("POST comment"), &Fault::ResetAfterApply, 1);
    assert_eq!(desk.note(&found.number, "n", "text", &Discard).await.unwrap_err().class, ErrorClass::UnknownOutcome);
    desk.note(&found.number, "n", "text", &Discard).await.unwrap();
    world.desk().fail(Some("PUT ticket"), &Fault::RateLimited(3), 1);
    assert_eq!(desk.resolve(&found.number, "r", "over", &Discard).await.unwrap_err().class, ErrorClass::RateLimited);
    desk.resolve(&found.number, "r", "over", &Discard).await.unwrap();
    let tickets = world.desk().tickets();
    assert_eq!(tickets.len(), 1);
    assert_eq!((tickets[0].texts.len(), tickets[0].status.as_str()), (3, "resolved"));
    desk.reopen(&found.number, "again", "again", &Discard).await.unwrap();
    assert_eq!(desk.look(&found.number, DeskStatus::Open, &Discard).await.unwrap().case.status, DeskStatus::Open);
    world.desk().set_status(tickets[0].number, "deleted");
    desk.note(&found.number, "late", "nobody sees it", &Discard).await.unwrap();
    assert_eq!(desk.reopen(&found.number, "more", "more", &Discard).await.unwrap(), Reopened::FollowUp);
    assert_eq!(desk.find("k", &Discard).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_cases_made_at_once_one_stays() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = SandboxDesk::start("token").await.unwrap();
    let desk = RequestTracker::new(DeskConfig {
        url: sandbox.url(),
        token: "token".into(),
        queue: "Shipments".into(),
        calls_per_second: None,
        options: Options::default(),
    })
    .unwrap();
    let first = desk.create(&case("k"), &Discard).await.unwrap();
    assert_eq!(desk.create(&case("k"), &Discard).await.unwrap(), first);
    let open: Vec<_> = sandbox.tickets().into_iter().filter(|t| t.status != "resolved").collect();
    assert_eq!(open.len(), 1);
    let nowhere = RequestTracker::new(DeskConfig {
        url: sandbox.url(),
        token: "token".into(),
        queue: "Nowhere".into(),
        calls_per_second: None,
        options: Options::default(),
    })
    .unwrap();
    assert_eq!(nowhere.check(&Discard).await.unwrap().len(), 1);
    assert_eq!(nowhere.create(&case("other"), &Discard).await.unwrap_err().class, ErrorClass::Misconfigured);
}

#[tokio::test]
async fn a_right_in_the_queue_is_distinguished_from_one_ticket() {
    let world = world().await;
    let desk = desk(&world);
    let made = desk.create(&case("k"), &Discard).await.unwrap().number;
    let class = |result: Result<(), outbound::CallError>| result.unwrap_err().class;
    world.desk().deny(["CommentOnTicket"]);
    assert_eq!(class(desk.note(&made, "n", "text", &Discard).await), ErrorClass::MissingRight);
    world.desk().deny(["ModifyTicket"]);
    let error = desk.resolve(&made, "r", "over", &Discard).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::MissingRight);
    assert!(error.message.contains("ModifyTicket in queue Shipments"), "{error}");
    world.desk().deny(["CreateTicket"]);
    assert_eq!(desk.create(&case("other"), &Discard).await.unwrap_err().class, ErrorClass::MissingRight);
    world.desk().deny([]);
    // what is wrong with one comment is not the queue's
    world.desk().fail(Some("POST comment"), &Fault::Refused, 1);
    assert_eq!(class(desk.note(&made, "n", "text", &Discard).await), ErrorClass::Rejected);
    desk.note(&made, "n", "text", &Discard).await.unwrap();
    desk.resolve(&made, "r", "over", &Discard).await.unwrap();
}

#[tokio::test]
async fn a_ticket_whose_key_another_one_has_out_of_sight_is_one_tickets_fault() {
    let world = world().await;
    let desk = desk(&world);
    let first = desk.create(&case("k"), &Discard).await.unwrap().number;
    world.desk().hide(first.parse().unwrap(), true);
    assert_eq!(desk.create(&case("k"), &Discard).await.unwrap_err().class, ErrorClass::Rejected);
    desk.create(&case("other"), &Discard).await.unwrap();
}
