//! The client against the simulated world: what a real Odoo cannot be made to do on demand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use domain::Direction;
use jiff::civil::date;
use odoo::{Activity, DeliveryState, OdooClient, OdooConfig, People, Record, Since, StatusValues};
use outbound::{Discard, ErrorClass};
use serde_json::json;
use simulator::{World, faults::Fault, odoo::Open};

const NOW: &str = "2026-03-10T12:00:00Z";

async fn world() -> World {
    let _ = rustls::crypto::ring::default_provider().install_default();
    World::fixed(7, NOW.parse().unwrap()).await.unwrap()
}

fn client(world: &World) -> OdooClient {
    OdooClient::new(OdooConfig::new(world.odoo_url(), world.odoo_database(), world.odoo_key())).unwrap()
}

const DAMAGED: Activity<'static> = Activity {
    summary: "Damaged",
    note_html: "<p>y</p>",
    deadline: date(2026, 3, 12),
    people: People { first: None, warehouse: None, fallback: None },
};

#[tokio::test]
async fn the_sandbox_odoo_is_set_up_and_read_like_a_real_one() {
    let world = world().await;
    let client = client(&world);
    assert_eq!(client.version(&Discard).await.unwrap().version, "19.0");
    assert_eq!(client.check(&Discard).await.unwrap().len(), 6);
    let values = StatusValues { status: "DELIVERED".into(), ..StatusValues::default() };
    let page = client.changed_deliveries(None, 0, 500, &Discard).await.unwrap().deliveries;
    assert_eq!(
        client.write_status(Record::delivery(page[0].id), &values, None, &Discard).await.unwrap_err().class,
        ErrorClass::Misconfigured
    );
    assert_eq!(client.setup(&Discard).await.unwrap().len(), 10, "fields, a button and three views of each model");
    assert!(client.setup(&Discard).await.unwrap().is_empty());
    assert!(client.check(&Discard).await.unwrap().is_empty());
    client.write_status(Record::delivery(page[0].id), &values, None, &Discard).await.unwrap();
    assert_eq!(world.odoo().value(page[0].id, "x_milepost_status"), "DELIVERED");
    let orders = world.shipments().iter().filter(|s| s.order().is_some()).count();
    let (leaving, arriving): (Vec<_>, Vec<_>) = page.iter().partition(|d| d.direction == Direction::Outbound);
    assert!(leaving.len() == orders && !arriving.is_empty(), "{} and {}", leaving.len(), arriving.len());
    assert!(page.iter().any(|d| d.state == DeliveryState::Done) && page.iter().any(|d| d.state == DeliveryState::Open));
    assert!(
        leaving.iter().all(|d| d.tracking_numbers.len() == 1 && d.customer.name.as_ref().unwrap().contains("sandbox"))
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
    assert_eq!(seen, page.len());
    let (half_past, next_year) = ("2026-03-10T11:30:00Z", "2027-03-10T11:30:00Z");
    let changed = async |anybody, others| {
        client.changed_deliveries(since(anybody, others), 0, 500, &Discard).await.unwrap().deliveries.len()
    };
    assert_eq!(changed(half_past, half_past).await, 1);
    assert_eq!(changed(next_year, half_past).await, 0, "that was our own");
    assert_eq!(changed(next_year, ten).await, page.len() - 1);
    world.odoo().edit(page[0].id, "carrier_tracking_ref", json!("1Z999AA10123456784"));
    assert_eq!(changed(next_year, half_past).await, 1);
}

#[tokio::test]
async fn whatever_odoo_does_there_is_one_note_and_one_activity() {
    let world = world().await;
    let client = client(&world);
    let picking = client.changed_deliveries(None, 0, 1, &Discard).await.unwrap().deliveries[0].id;
    let post = || client.post_note(Record::delivery(picking), "milepost-1", "<p>x</p>", &Discard);
    let schedule = || client.schedule_activity(Record::delivery(picking), "milepost-2", &DAMAGED, &Discard);
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
    assert_eq!(post().await.unwrap_err().class, ErrorClass::UnknownOutcome);
    post().await.unwrap();
    assert_eq!(world.odoo().notes(picking).len(), 1);
    schedule().await.unwrap();
    schedule().await.unwrap();
    assert_eq!(world.odoo().activities(picking), [("Damaged".to_owned(), Open::Todo)]);
    world.odoo().fail(Some("action_feedback"), &Fault::ResetAfterApply, 1);
    assert_eq!(
        client.complete_activity(Record::delivery(picking), "milepost-2", &Discard).await.unwrap_err().class,
        ErrorClass::UnknownOutcome
    );
    client.complete_activity(Record::delivery(picking), "milepost-2", &Discard).await.unwrap();
    assert_eq!(world.odoo().activities(picking), [("Damaged".to_owned(), Open::Done)]);
    assert_eq!(world.odoo().calls("mail.activity/action_feedback"), 1);
}

#[tokio::test]
async fn a_right_to_the_model_is_distinguished_from_one_record() {
    let world = world().await;
    let client = client(&world);
    client.setup(&Discard).await.unwrap();
    let picking = client.changed_deliveries(None, 0, 1, &Discard).await.unwrap().deliveries[0].id;
    let values = StatusValues { status: "DELIVERED".into(), ..StatusValues::default() };
    let write = || client.write_status(Record::delivery(picking), &values, None, &Discard);
    world.odoo().fail(Some("stock.picking/write"), &Fault::Error("odoo.exceptions.AccessError"), 1);
    assert_eq!(write().await.unwrap_err().class, ErrorClass::Forbidden, "the user may write others");
    world.odoo().deny([("stock.picking", "write")]);
    let error = write().await.unwrap_err();
    assert_eq!(error.class, ErrorClass::MissingRight);
    assert!(error.message.contains("right to write stock.picking") && error.message.contains("Inventory"), "{error}");
    assert_eq!(
        client.post_note(Record::delivery(picking), "milepost-1", "<p>x</p>", &Discard).await.unwrap_err().class,
        ErrorClass::MissingRight
    );
    world.odoo().deny([("stock.picking", "read")]);
    let read = client.changed_deliveries(None, 0, 1, &Discard).await.unwrap_err();
    assert_eq!(read.class, ErrorClass::MissingRight, "{read}");
    // without orders an activity is for nobody in particular
    world.odoo().deny([("sale.order", "read")]);
    let schedule = || client.schedule_activity(Record::delivery(picking), "milepost-2", &DAMAGED, &Discard);
    schedule().await.unwrap();
    // where it cannot be asked which it is, the call is made again
    world.odoo().deny([("stock.picking", "write")]);
    world.odoo().fail(Some("has_access"), &Fault::Page(503), 1);
    assert_eq!(write().await.unwrap_err().class, ErrorClass::ServerError);
    world.odoo().deny([]);
    write().await.unwrap();
}
