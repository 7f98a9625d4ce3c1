//! Our own clients against the simulated world: what the real peers cannot be made to do on demand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use connectors::{
    call::{CallError, Discard, ErrorClass},
    desks::{Desk, DeskConfig, DeskStatus, NewCase, request_tracker::RequestTracker},
    odoo::{DeliveryState, OdooClient, OdooConfig, Since, StatusValues},
};
use domain::Severity;
use jiff::{Timestamp, civil::date};
use serde_json::json;
use simulator::{Clock, SourceSecrets, World, WorldConfig, desk::SandboxDesk, faults::Fault, odoo::Open};
use std::sync::Arc;

const NOW: &str = "2026-03-10T12:00:00Z";

fn clock() -> Clock {
    let now: Timestamp = NOW.parse().unwrap();
    Arc::new(move || now)
}

async fn world() -> World {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sources = SourceSecrets { aftership: "one".into(), easypost: "two".into(), x12_214: "three".into() };
    World::start(WorldConfig { seed: 7, sources, now: clock() }).await.unwrap()
}

fn odoo(world: &World) -> OdooClient {
    OdooClient::new(OdooConfig {
        url: world.odoo_url(),
        database: world.odoo_database(),
        api_key: world.odoo_key().into(),
        calls_per_second: None,
    })
    .unwrap()
}

fn desk(world: &World) -> RequestTracker {
    RequestTracker::new(DeskConfig {
        url: world.desk_url(),
        token: world.desk_token().into(),
        queue: world.desk_queue(),
        calls_per_second: None,
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
        follows: None,
    }
}

fn class<T: std::fmt::Debug>(result: Result<T, CallError>) -> ErrorClass {
    result.unwrap_err().class
}

#[tokio::test]
async fn the_sandbox_odoo_is_set_up_and_read_like_a_real_one() {
    let world = world().await;
    let client = odoo(&world);
    assert_eq!(client.version(&Discard).await.unwrap().version, "19.0");
    assert_eq!(client.check(&Discard).await.unwrap().len(), 6);
    let values = StatusValues { status: "DELIVERED".into(), ..StatusValues::default() };
    let page = client.changed_deliveries(None, 0, 500, &Discard).await.unwrap().deliveries;
    assert_eq!(class(client.write_status(page[0].id, &values, None, &Discard).await), ErrorClass::Misconfigured);
    assert_eq!(client.setup(&Discard).await.unwrap().len(), 7);
    assert!(client.setup(&Discard).await.unwrap().is_empty());
    assert!(client.check(&Discard).await.unwrap().is_empty());
    client.write_status(page[0].id, &values, None, &Discard).await.unwrap();
    assert_eq!(world.odoo().value(page[0].id, "x_milepost_status"), "DELIVERED");
    let orders = world.shipments().iter().filter(|s| s.order().is_some()).count();
    assert_eq!(page.len(), orders);
    assert!(page.iter().any(|d| d.state == DeliveryState::Done) && page.iter().any(|d| d.state == DeliveryState::Open));
    assert!(
        page.iter().all(|d| d.tracking_numbers.len() == 1 && d.customer.name.as_ref().unwrap().contains("sandbox"))
    );
    // small pages find the same, and the write above comes back
    let since = |anybody: &str, others: &str| {
        Some(Since { anybody: anybody.parse().unwrap(), others: others.parse().unwrap() })
    };
    let ten = "2026-03-10T10:00:00Z";
    let (mut seen, mut after) = (0, 0);
    loop {
        let page = client.changed_deliveries(since(ten, ten), after, 7, &Discard).await.unwrap().deliveries;
        seen += page.len();
        let Some(last) = page.last() else { break };
        after = last.id;
    }
    assert_eq!(seen, orders);
    let (half_past, next_year) = ("2026-03-10T11:30:00Z", "2027-03-10T11:30:00Z");
    let changed = async |anybody, others| {
        client.changed_deliveries(since(anybody, others), 0, 500, &Discard).await.unwrap().deliveries.len()
    };
    assert_eq!(changed(half_past, half_past).await, 1);
    assert_eq!(changed(next_year, half_past).await, 0, "that was our own");
    assert_eq!(changed(next_year, ten).await, orders - 1);
    world.odoo().edit(page[0].id, "carrier_tracking_ref", json!("1Z999AA10123456784"));
    assert_eq!(changed(next_year, half_past).await, 1);
}

#[tokio::test]
async fn whatever_odoo_does_there_is_one_note_and_one_activity() {
    let world = world().await;
    let client = odoo(&world);
    let picking = client.changed_deliveries(None, 0, 1, &Discard).await.unwrap().deliveries[0].id;
    let post = || client.post_note(picking, "milepost-1", "<p>x</p>", &Discard);
    let schedule =
        || client.schedule_activity(picking, "milepost-2", "Damaged", "<p>y</p>", date(2026, 3, 12), &Discard);
    for (fault, expected) in [
        (Fault::Error("psycopg2.errors.SerializationFailure"), ErrorClass::Conflict),
        (Fault::Error("builtins.ValueError"), ErrorClass::Rejected),
        (Fault::RateLimited(7), ErrorClass::RateLimited),
        (Fault::Reset, ErrorClass::UnknownOutcome),
    ] {
        world.odoo().fail(Some("message_post"), &fault, 1);
        world.odoo().fail(Some("activity_schedule"), &fault, 1);
        let error = post().await.unwrap_err();
        assert_eq!(error.class, expected);
        if let Fault::RateLimited(seconds) = fault {
            assert_eq!(error.retry_after.unwrap().as_secs(), seconds);
        }
        assert!(world.odoo().notes(picking).is_empty());
        // refused contents are tried once more for nobody in particular; none here has a user that is refused
        let _ = schedule().await;
    }
    world.odoo().fail(Some("message_post"), &Fault::ResetAfterApply, 1);
    assert_eq!(class(post().await), ErrorClass::UnknownOutcome);
    post().await.unwrap();
    assert_eq!(world.odoo().notes(picking).len(), 1);
    schedule().await.unwrap();
    schedule().await.unwrap();
    assert_eq!(world.odoo().activities(picking), [("Damaged".to_owned(), Open::Todo)]);
    world.odoo().fail(Some("action_feedback"), &Fault::ResetAfterApply, 1);
    assert_eq!(class(client.complete_activity(picking, "milepost-2", &Discard).await), ErrorClass::UnknownOutcome);
    client.complete_activity(picking, "milepost-2", &Discard).await.unwrap();
    assert_eq!(world.odoo().activities(picking), [("Damaged".to_owned(), Open::Done)]);
    assert_eq!(world.odoo().calls("mail.activity/action_feedback"), 1);
}

#[tokio::test]
async fn whatever_the_desk_does_there_is_one_case_and_one_note() {
    let world = world().await;
    let desk = desk(&world);
    assert!(desk.check(&Discard).await.unwrap().is_empty());
    world.desk().fail(Some("POST ticket"), &Fault::ResetAfterApply, 1);
    assert_eq!(class(desk.create(&case("k"), &Discard).await), ErrorClass::UnknownOutcome);
    let found = desk.find("k", &Discard).await.unwrap().unwrap();
    world.desk().fail(Some("POST comment"), &Fault::ResetAfterApply, 1);
    assert_eq!(class(desk.note(&found.number, "n", "text", &Discard).await), ErrorClass::UnknownOutcome);
    desk.note(&found.number, "n", "text", &Discard).await.unwrap();
    world.desk().fail(Some("PUT ticket"), &Fault::RateLimited(3), 1);
    assert_eq!(class(desk.resolve(&found.number, "r", "over", &Discard).await), ErrorClass::RateLimited);
    desk.resolve(&found.number, "r", "over", &Discard).await.unwrap();
    let tickets = world.desk().tickets();
    assert_eq!(tickets.len(), 1);
    assert_eq!((tickets[0].texts.len(), tickets[0].status.as_str()), (3, "resolved"));
    desk.reopen(&found.number, "again", "again", &Discard).await.unwrap();
    assert_eq!(desk.look(&found.number, DeskStatus::Open, &Discard).await.unwrap().case.status, DeskStatus::Open);
    world.desk().set_status(tickets[0].number, "deleted");
    desk.note(&found.number, "late", "nobody sees it", &Discard).await.unwrap();
    assert_eq!(class(desk.reopen(&found.number, "more", "more", &Discard).await), ErrorClass::NotFound);
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
    })
    .unwrap();
    assert_eq!(nowhere.check(&Discard).await.unwrap().len(), 1);
    assert_eq!(class(nowhere.create(&case("other"), &Discard).await), ErrorClass::Forbidden);
}
