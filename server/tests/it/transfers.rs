//! What comes in from Odoo beside the deliveries of sales orders: receipts, dropships, returns, backorders, packages.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{
    World,
    systems::{Systems, delivery},
};
use application::{
    clock::Clock,
    odoo::{self, IMPORT_PAGES_MAX},
};
use domain::{Direction, ExceptionReason, State};
use jiff::{SignedDuration, Timestamp};
use outbound::Discard;
use serde_json::{Value, json};
use simulator::{
    faults::Fault,
    odoo::{NewOrder, NewTransfer, Way},
};
use storage::{
    orders::{Imported, OrderKind},
    shipments::{Loaded, ShipmentQuery, ShipmentTab},
};

const AT: &str = "2026-03-05T10:00:00";

fn odoo_time(at: Timestamp) -> Value {
    json!(at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn transfer(way: Way, name: &str, number: Option<&str>, now: Timestamp) -> NewTransfer {
    let NewOrder { place, carrier, .. } = delivery("", now);
    NewTransfer {
        way,
        name: name.into(),
        order: format!("P-{name}"),
        partner: "Vendor One".into(),
        place,
        carrier,
        tracking: number.map(str::to_owned),
        planned: now + SignedDuration::from_hours(72),
        done: None,
        written: now,
    }
}

async fn take_in(systems: &Systems) -> Imported {
    let done = systems.import(IMPORT_PAGES_MAX).await;
    systems.world.settle().await;
    done
}

async fn loaded(systems: &Systems, name: &str) -> Loaded {
    let context = &systems.world.context;
    let found = context.store.shipments.find(context.scope(), name).await.unwrap();
    assert_eq!(found.len(), 1, "{name}");
    systems.world.load(found[0]).await
}

fn numbers(loaded: &Loaded) -> Vec<(String, Option<String>)> {
    let mut numbers: Vec<_> =
        loaded.shipment.numbers.iter().map(|number| (number.number.clone(), number.piece.clone())).collect();
    numbers.sort();
    numbers
}

fn reasons(loaded: &Loaded) -> Vec<ExceptionReason> {
    loaded.exceptions.iter().filter(|e| e.closed.is_none()).map(|e| e.reason).collect()
}

async fn is_known(world: &World, name: &str) -> bool {
    !world.context.store.shipments.find(world.context.scope(), name).await.unwrap().is_empty()
}

#[tokio::test]
async fn a_receipt_is_followed_until_it_is_received_and_its_status_is_written_back() {
    let systems = Systems::new().await;
    let now = systems.world.clock.now();
    let picking = systems.odoo.add_transfer(&transfer(Way::Receipt, "WH/IN/1", Some("N1"), now));
    assert_eq!(take_in(&systems).await.created, 1);
    let receipt = loaded(&systems, "WH/IN/1").await;
    let origin = receipt.shipment.origin.clone().unwrap();
    assert_eq!((origin.transfer.direction, origin.transfer.order), (Direction::Inbound, OrderKind::Purchase));
    assert_eq!((origin.order.as_deref(), origin.sales_order()), (Some("P-WH/IN/1"), None), "the order is a purchase");
    assert_eq!(receipt.shipment.destination.as_deref(), Some("WH/Stock"));
    let plan = receipt.shipment.plan;
    assert_eq!(plan.promised_by, Some(now + SignedDuration::from_hours(72)), "the purchase's planned date");
    assert_eq!((plan.ship_by, plan.expected_from, plan.received_at), (None, None, None));
    let list = async |direction| {
        let query = ShipmentQuery { tab: ShipmentTab::Open, direction: Some(direction), ..ShipmentQuery::default() };
        let context = &systems.world.context;
        context.store.shipments.list(context.scope(), query, context.now()).await.unwrap().rows.len()
    };
    assert_eq!((list(Direction::Inbound).await, list(Direction::Outbound).await), (1, 0));

    systems.world.receives("N1", &[("InTransit_002", AT)]).await;
    systems.world.settle().await;
    assert_eq!(systems.status(picking).as_deref(), Some("PICKED_UP"));
    // the vendor names a later day; Odoo does not write the receipt then
    systems.odoo.edit_linked(picking, "purchase_id", "date_planned", odoo_time(now + SignedDuration::from_hours(96)));
    take_in(&systems).await;
    let plan = loaded(&systems, "WH/IN/1").await.shipment.plan;
    assert_eq!(plan.promised_by, Some(now + SignedDuration::from_hours(96)));
    // four days later it is late, until the warehouse receives it
    systems.world.passes(97).await;
    assert!(reasons(&loaded(&systems, "WH/IN/1").await).contains(&ExceptionReason::Late));
    let received = systems.world.clock.now();
    systems.odoo.edit(picking, "state", json!("done"));
    systems.odoo.edit(picking, "date_done", odoo_time(received));
    take_in(&systems).await;
    let receipt = loaded(&systems, "WH/IN/1").await;
    assert_eq!((receipt.shipment.folded.state, reasons(&receipt)), (State::Delivered, vec![]));
    assert_eq!(systems.status(picking).as_deref(), Some("DELIVERED"), "the last scan of the carrier is not waited for");
    assert_eq!(systems.odoo.value(picking, "x_milepost_delivered_at"), odoo_time(received));
    assert_eq!((list(Direction::Inbound).await, take_in(&systems).await.changed), (0, 0));
}

#[tokio::test]
async fn an_activity_on_a_receipt_is_for_the_buyer() {
    let systems = Systems::new().await;
    let now = systems.world.clock.now();
    let picking = systems.odoo.add_transfer(&transfer(Way::Receipt, "WH/IN/1", Some("N1"), now));
    let purchase = systems.odoo.linked(picking, "purchase_id").unwrap();
    let buyer = systems.odoo.field("purchase.order", purchase, "user_id")[0].clone();
    take_in(&systems).await;
    systems.world.receives("N1", &[("InTransit_002", AT), ("Exception_012", "2026-03-05T11:00:00")]).await;
    systems.world.settle().await;
    let asked = systems.odoo.records_of("mail.activity", "res_id", &json!(picking));
    assert!(asked.len() == 1 && buyer.is_i64() && asked[0]["user_id"] == buyer, "{buyer}: {asked:?}");
}

#[tokio::test]
async fn a_receipt_without_a_carrier_is_no_trouble() {
    let systems = Systems::new().await;
    let now = systems.world.clock.now();
    let picking = systems.odoo.add_transfer(&transfer(Way::Receipt, "WH/IN/1", None, now));
    take_in(&systems).await;
    for _ in 0..10 {
        systems.world.passes(24).await;
    }
    assert_eq!(reasons(&loaded(&systems, "WH/IN/1").await), [], "the vendor may not have shipped it");
    assert_eq!(systems.odoo.activities(picking), []);
}

#[tokio::test]
async fn dropships_returns_and_backorders_say_what_they_are() {
    let systems = Systems::new().await;
    let now = systems.world.clock.now();
    let out = systems.add_order("N1");
    systems.odoo.add_transfer(&transfer(Way::Dropship, "DS/1", Some("N2"), now));
    systems.odoo.add_transfer(&transfer(Way::Return(out), "WH/IN/1", Some("N3"), now));
    systems.odoo.add_transfer(&transfer(Way::Backorder(out), "WH/OUT/B", Some("N4"), now));
    assert_eq!(take_in(&systems).await.created, 4);
    let origin = async |name: &str| loaded(&systems, name).await.shipment.origin.unwrap();
    let dropship = origin("DS/1").await;
    assert_eq!((dropship.transfer.direction, dropship.transfer.order), (Direction::Dropship, OrderKind::Sale));
    let customer = systems.odoo.linked(systems.odoo.picking("DS/1").unwrap(), "partner_id");
    assert_ne!(dropship.customer_record, customer, "the picking names the vendor; it goes to the customer");
    let plan = loaded(&systems, "DS/1").await.shipment.plan;
    assert_eq!(plan.ship_by, None, "it does not leave our stock");
    let returned = origin("WH/IN/1").await;
    assert_eq!(returned.transfer.direction, Direction::Return);
    assert_eq!(returned.transfer.return_of.as_deref(), Some("WH/OUT/N1"));
    assert_eq!(returned.order.as_deref(), Some("S-N1"));
    assert_eq!(
        loaded(&systems, "WH/IN/1").await.shipment.plan.promised_by,
        None,
        "that was promised for the way there"
    );
    let rest = origin("WH/OUT/B").await;
    assert_eq!(
        (rest.transfer.direction, rest.transfer.backorder_of.as_deref()),
        (Direction::Outbound, Some("WH/OUT/N1"))
    );
}

#[tokio::test]
async fn what_has_no_order_comes_in_where_a_carrier_has_it() {
    let systems = Systems::new().await;
    let (with, without) = (systems.add_order("N1"), systems.add_order("N2"));
    for picking in [with, without] {
        systems.odoo.edit(picking, "sale_id", json!(false));
    }
    for field in ["carrier_id", "carrier_tracking_ref"] {
        systems.odoo.edit(without, field, json!(false));
    }
    let inside = systems.add_order("N3");
    systems.odoo.edit(inside, "picking_type_code", json!("internal"));
    assert_eq!(take_in(&systems).await.created, 1);
    assert_eq!(
        (is_known(&systems.world, "WH/OUT/N1").await, is_known(&systems.world, "WH/OUT/N3").await),
        (true, false)
    );
    // it gets a carrier later, and loses it again
    systems.odoo.edit(without, "carrier_tracking_ref", json!("N2"));
    assert_eq!(take_in(&systems).await.created, 1);
    assert_eq!(numbers(&loaded(&systems, "WH/OUT/N2").await), [("N2".to_owned(), None)]);
    systems.odoo.edit(without, "carrier_tracking_ref", json!(false));
    take_in(&systems).await;
    assert_eq!(numbers(&loaded(&systems, "WH/OUT/N2").await), [], "it is known, so its number is taken from it");
}

#[tokio::test]
async fn a_cancelled_purchase_and_a_deleted_return_are_noticed() {
    let systems = Systems::new().await;
    let now = systems.world.clock.now();
    let receipt = systems.odoo.add_transfer(&transfer(Way::Receipt, "WH/IN/1", Some("N1"), now));
    let out = systems.add_order("N2");
    let returned = systems.odoo.add_transfer(&transfer(Way::Return(out), "WH/IN/2", Some("N3"), now));
    take_in(&systems).await;
    // Odoo cancels the open receipts of a cancelled purchase
    systems.odoo.edit(receipt, "state", json!("cancel"));
    systems.odoo.delete(returned);
    take_in(&systems).await;
    for name in ["WH/IN/1", "WH/IN/2"] {
        let over = loaded(&systems, name).await;
        assert_eq!((over.shipment.folded.state, reasons(&over)), (State::Cancelled, vec![]), "{name}");
    }
}

#[tokio::test]
async fn packages_named_after_a_carriers_number_are_pieces() {
    const ONE: &str = "00340434161094042557";
    const TWO: &str = "00340434161094042564";
    let systems = Systems::new().await;
    let picking = systems.add_order("N1");
    systems.odoo.edit(picking, "carrier_tracking_ref", json!(false));
    take_in(&systems).await;
    assert_eq!(numbers(&loaded(&systems, "WH/OUT/N1").await), []);
    let box_of_ours = systems.odoo.pack(picking, "PACK0000007");
    systems.odoo.pack(picking, ONE);
    // Odoo does not write the delivery when a package is made
    assert_eq!(take_in(&systems).await.changed, 1);
    assert_eq!(
        numbers(&loaded(&systems, "WH/OUT/N1").await),
        [(ONE.to_owned(), None)],
        "a name of the house is no number"
    );
    systems.odoo.edit_record("stock.package", box_of_ours, "parcel_tracking", json!(TWO));
    take_in(&systems).await;
    let piece = |number: &str| (number.to_owned(), Some(number.to_owned()));
    assert_eq!(numbers(&loaded(&systems, "WH/OUT/N1").await), [piece(ONE), piece(TWO)]);
    systems.world.receives(TWO, &[("InTransit_002", AT), ("Delivered_001", "2026-03-05T11:00:00")]).await;
    systems.world.settle().await;
    assert_eq!(loaded(&systems, "WH/OUT/N1").await.shipment.folded.state, State::PartiallyDelivered);
    // a package that Odoo does not give for a moment takes no number away
    systems.odoo.refuse("stock.package", box_of_ours);
    systems.odoo.edit(picking, "origin", json!("S-N1, again"));
    take_in(&systems).await;
    assert_eq!(numbers(&loaded(&systems, "WH/OUT/N1").await).len(), 2);
    systems.odoo.allow_all();
}

#[tokio::test]
async fn a_corrected_number_and_one_that_moves_to_another_delivery() {
    let systems = Systems::new().await;
    let (first, second) = (systems.add_order("Please ask Tom"), systems.add_order("N2"));
    systems.odoo.edit(first, "name", json!("WH/OUT/N1"));
    take_in(&systems).await;
    assert_eq!(reasons(&loaded(&systems, "WH/OUT/N1").await), [ExceptionReason::ImportIncomplete]);
    systems.odoo.edit(first, "carrier_tracking_ref", json!("N1"));
    take_in(&systems).await;
    let corrected = loaded(&systems, "WH/OUT/N1").await;
    assert_eq!((numbers(&corrected), reasons(&corrected)), (vec![("N1".to_owned(), None)], vec![]));
    systems.world.receives("N1", &[("InTransit_002", AT)]).await;
    systems.world.settle().await;
    // it was the other delivery's
    systems.odoo.edit(first, "carrier_tracking_ref", json!("N3"));
    systems.odoo.edit(second, "carrier_tracking_ref", json!("N1"));
    take_in(&systems).await;
    let (one, other) = (loaded(&systems, "WH/OUT/N1").await, loaded(&systems, "WH/OUT/N2").await);
    assert_eq!((numbers(&one), one.shipment.folded.state), (vec![("N3".to_owned(), None)], State::Unknown));
    assert_eq!((numbers(&other), other.shipment.folded.state), (vec![("N1".to_owned(), None)], State::PickedUp));
    assert_eq!(systems.status(second).as_deref(), Some("PICKED_UP"));
    assert_eq!(systems.status(first).as_deref(), Some("UNKNOWN"), "what was written of it is corrected");
}

#[tokio::test]
async fn named_deliveries_are_read_again_and_nothing_else() {
    let systems = Systems::new().await;
    let (first, second) = (systems.add_order("N1"), systems.add_order("N2"));
    take_in(&systems).await;
    let inside = systems.add_order("N3");
    systems.odoo.edit(inside, "picking_type_code", json!("internal"));
    let new = systems.add_order("N4");
    for picking in [first, second] {
        systems.odoo.edit(picking, "carrier_tracking_ref", json!(format!("CHANGED{picking}")));
    }
    let context = &systems.world.context;
    let these = async |ids: &[i64]| {
        odoo::import_these(context, context.scope(), "odoo", ids, context.correlation(), &Discard).await.unwrap()
    };
    let done = these(&[first, inside, new, 999_999]).await;
    assert_eq!((done.created, done.changed, done.unchanged), (1, 1, 0));
    systems.world.settle().await;
    assert_eq!(numbers(&loaded(&systems, "WH/OUT/N2").await), [("N2".to_owned(), None)], "nobody asked for it");
    assert_eq!(these(&[first]).await.unchanged, 1);
    systems.odoo.delete(first);
    these(&[first]).await;
    systems.world.settle().await;
    assert_eq!(loaded(&systems, "WH/OUT/N1").await.shipment.folded.state, State::Cancelled);
    // what only the poll has seen comes with the poll
    assert_eq!(take_in(&systems).await.changed, 1);
}

#[tokio::test]
async fn an_odoo_that_is_away_for_a_minute_in_a_burst_loses_nothing() {
    let systems = Systems::new().await;
    let mut pickings = Vec::new();
    for n in 0..60 {
        pickings.push(systems.add_order(&format!("N{n}")));
    }
    take_in(&systems).await;
    systems.world.leaves_jobs();
    for n in 0..60 {
        systems.world.receives(&format!("N{n}"), &[("InTransit_002", AT)]).await;
        if n == 20 {
            systems.odoo.fail(None, &Fault::Reset, 10_000);
        }
    }
    let context = &systems.world.context;
    let import = || odoo::import(context, context.scope(), "odoo", context.correlation(), IMPORT_PAGES_MAX, &Discard);
    systems.world.settle().await;
    for picking in &pickings {
        systems.odoo.edit(*picking, "origin", json!("edited meanwhile"));
    }
    assert!(import().await.is_err(), "it is away");
    systems.advance(60).await;
    systems.odoo.clear_faults();
    take_in(&systems).await;
    for _ in 0..20 {
        systems.advance(60).await;
    }
    for (n, picking) in pickings.iter().enumerate() {
        assert_eq!(systems.status(*picking).as_deref(), Some("PICKED_UP"), "delivery {n}");
        assert_eq!(systems.odoo.notes(*picking).len(), 1, "delivery {n}: one note, once");
        let plan = loaded(&systems, &format!("WH/OUT/N{n}")).await;
        assert_eq!(plan.shipment.origin.unwrap().record, *picking);
    }
    assert_eq!(systems.dead().await, 0);
}
