//! Numbers that a carrier gives out again, against a simulated Odoo, with time advanced.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::{
    clock::Clock,
    config::OdooSettings,
    odoo::{self, IMPORT_PAGES_MAX},
};
use domain::{State, ids::ShipmentId};
use jiff::SignedDuration;
use outbound::Discard;
use server::config::Settings;
use simulator::{
    journey::Place,
    odoo::{DATABASE, NewOrder, SandboxOdoo},
};
use std::sync::Arc;
use storage::shipments::{ShipmentQuery, ShipmentTab};

const KEY: &str = "key-of-the-tests";
const MONTHS: i64 = 300 * 24;
const BEFORE: &[(&str, &str)] = &[("InTransit_002", "2026-03-02T10:00:00"), ("Delivered_001", "2026-03-04T12:30:00")];
const AGAIN: &[(&str, &str)] = &[("InTransit_002", "2026-12-28T10:00:00"), ("InTransit_003", "2026-12-29T01:10:00")];
const DELIVERED_AGAIN: &[(&str, &str)] = &[AGAIN[0], AGAIN[1], ("Delivered_001", "2026-12-30T09:00:00")];

async fn world() -> (World, SandboxOdoo) {
    let odoo = SandboxOdoo::start(KEY, Arc::new(|| "2026-03-05T12:00:00Z".parse().unwrap())).await.unwrap();
    let mut config = Settings::default().resolve().unwrap();
    config.system.odoo = Some(OdooSettings {
        url: odoo.url(),
        database: DATABASE.into(),
        key: KEY.to_owned().into(),
        login: None,
        import_seconds: 1_000_000_000,
        limits: application::config::CallLimits::default(),
    });
    let world = World::with(config).await;
    world.context.odoo("odoo").unwrap().setup(&Discard).await.unwrap();
    (world, odoo)
}

/// A delivery in Odoo, taken in.
async fn order(world: &World, odoo: &SandboxOdoo, number: &str) -> (i64, ShipmentId) {
    let now = world.clock.now();
    let name = format!("WH/OUT/{}", now.as_second());
    let place = Place { city: "Lyon", state: None, zip: "69001", country: "FR", country3: "FRA", zone: "Europe/Paris" };
    let record = odoo.add_order(&NewOrder {
        order: format!("S{}", now.as_second()),
        picking: name.clone(),
        customer: "Somebody".into(),
        place,
        carrier: "DHL",
        tracking: Some(number.into()),
        promised: now + SignedDuration::from_hours(240),
        shipped: None,
        written: now,
    });
    odoo::import(
        &world.context,
        world.context.scope(),
        "odoo",
        world.context.correlation(),
        IMPORT_PAGES_MAX,
        &Discard,
    )
    .await
    .unwrap();
    world.settle().await;
    (record, world.context.store.shipments.find(world.context.scope(), &name).await.unwrap()[0])
}

async fn nobodys(world: &World) -> Vec<ShipmentId> {
    let query = ShipmentQuery { tab: ShipmentTab::Unclaimed, ..ShipmentQuery::default() };
    let page = world.context.store.shipments.list(world.context.scope(), query, world.context.now()).await.unwrap();
    page.rows.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn a_number_that_is_in_use_again_is_another_shipments() {
    let (world, odoo) = world().await;
    let (record, first) = order(&world, &odoo, "N1").await;
    world.receives("N1", BEFORE).await;
    assert_eq!(odoo.value(record, "x_milepost_status"), "DELIVERED");
    let (writes, notes) = (odoo.calls("stock.picking/write"), odoo.notes(record));
    let before = world.load(first).await.shipment;
    world.passes(MONTHS).await;

    world.receives("N1", AGAIN).await;
    let [second] = nobodys(&world).await[..] else { panic!("the next parcel has a shipment of its own") };
    assert_eq!(world.state(second).await, State::InTransit);
    let after = world.load(first).await.shipment;
    assert_eq!((after.folded.state, &after.folded.hash), (State::Delivered, &before.folded.hash));
    assert_eq!(odoo.calls("stock.picking/write"), writes, "nothing is new for the order of the first");
    assert_eq!(odoo.notes(record), notes);

    // a list of the first parcel that took its time, and the new one again
    world.receives("N1", &[BEFORE[0], BEFORE[1], ("InTransit_003", "2026-03-04T19:00:00")]).await;
    world.receives("N1", AGAIN).await;
    assert_eq!(nobodys(&world).await, [second]);
    assert_eq!((world.state(first).await, world.state(second).await), (State::Delivered, State::InTransit));

    let (_, claimed) = order(&world, &odoo, "N1").await;
    assert_eq!((world.state(claimed).await, nobodys(&world).await), (State::InTransit, vec![]));
    assert_eq!(world.load(second).await.shipment.merged_into, Some(claimed));
    world.receives("N1", DELIVERED_AGAIN).await;
    let first_again = world.load(first).await.shipment.folded;
    assert_eq!((world.state(claimed).await, first_again.delivered_at), (State::Delivered, before.folded.delivered_at));
    assert_eq!((odoo.notes(record), nobodys(&world).await), (notes, vec![]));
}

#[tokio::test]
async fn an_order_under_a_used_number_waits_for_its_own_parcel() {
    let (world, odoo) = world().await;
    let (_, first) = order(&world, &odoo, "N1").await;
    world.receives("N1", BEFORE).await;
    world.passes(MONTHS).await;
    let (record, second) = order(&world, &odoo, "N1").await;
    assert_eq!(world.state(second).await, State::Unknown, "that delivery was another order's");
    world.receives("N1", &[BEFORE[0], BEFORE[1], ("InTransit_003", "2026-03-04T19:00:00")]).await;
    assert_eq!(world.state(second).await, State::Unknown);
    // the carrier's list has both parcels
    world.receives("N1", &[BEFORE[0], BEFORE[1], AGAIN[0], AGAIN[1]]).await;
    assert_eq!((world.state(first).await, world.state(second).await), (State::Delivered, State::InTransit));
    assert_eq!((odoo.value(record, "x_milepost_status"), nobodys(&world).await), ("IN_TRANSIT".into(), vec![]));
    let posted: Vec<String> = odoo.notes(record).into_iter().map(|(_, body)| body).collect();
    assert!(posted.len() == 1 && posted[0].contains("Picked up"), "{posted:?}");
}
