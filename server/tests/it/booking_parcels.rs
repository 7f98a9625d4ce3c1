//! Which label is of which parcel; which deliveries a rule books that were there before it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::{
    booking::{Booking, PICKED_UP, book_at, label_at, rule},
    world::systems::delivery,
};
use application::booking::{
    decide::{self, Decision},
    order, rules, trial,
};
use application::clock::Clock;
use carriers::booking::Mode;
use domain::booking::{Misfit, Phase};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{
    booking::Void,
    faults::Fault,
    odoo::{NewGoods, NewOrder},
};
use std::collections::BTreeMap;

const BEARING: NewGoods<'_> = NewGoods {
    name: "Bearing",
    sku: "B-1",
    hs_code: "848210",
    origin: "DE",
    weight_kg: 0.4,
    price: 15.0,
    sold: None,
    packed: &[],
};

/// A delivery whose goods are in these packages.
fn packed(world: &Booking, name: &str, packages: &[&str]) -> (i64, Vec<i64>) {
    let picking = world.add(name);
    let packages: Vec<i64> = packages.iter().map(|package| world.systems.odoo.pack(picking, package)).collect();
    for package in &packages {
        world.systems.odoo.add_goods(picking, &NewGoods { packed: &[(1.0, Some(*package))], ..BEARING });
    }
    (picking, packages)
}

/// The lines that go into a package go into this one instead, or into none.
fn repack(world: &Booking, picking: i64, from: Option<i64>, to: Option<i64>) {
    let lines = world.systems.odoo.records_of("stock.move.line", "picking_id", &json!(picking));
    for line in lines.iter().filter(|line| line["result_package_id"][0].as_i64() == from) {
        let into = to.map_or(json!(false), |id| json!([id, format!("PACK{id}")]));
        let id = line["id"].as_i64().unwrap();
        world.systems.odoo.edit_record("stock.move.line", id, "result_package_id", into);
    }
    world.systems.odoo.edit(picking, "origin", json!("packed anew"));
}

async fn settled(world: &Booking) {
    world.import().await;
    for _ in 0..3 {
        world.systems.advance(60).await;
    }
}

/// The number of the valid label of each parcel, by what the booking is of.
async fn labels(world: &Booking, picking: i64) -> BTreeMap<String, String> {
    let bookings = world.bookings(picking).await;
    let booked = bookings.iter().filter(|one| one.purchase.phase == Phase::Booked);
    booked.map(|one| (format!("{:?}", one.wanted.of), one.purchase.label.clone().unwrap().number)).collect()
}

#[tokio::test]
async fn a_label_stays_with_its_package_when_another_one_is_removed_or_added() {
    let world = Booking::at("easypost").await;
    let (picking, packages) = packed(&world, "A1", &["PACK1", "PACK2"]);
    settled(&world).await;
    let first = labels(&world, picking).await;
    let of = |labels: &BTreeMap<String, String>, package: i64| labels.get(&format!("Package({package})")).cloned();
    let second_number = of(&first, packages[1]).unwrap();
    assert_eq!((first.len(), world.platform.labels().len()), (2, 2));
    // the first package goes: what stands now in its place has its own label still
    repack(&world, picking, Some(packages[0]), Some(packages[1]));
    settled(&world).await;
    let second = labels(&world, picking).await;
    assert_eq!((second.len(), of(&second, packages[1])), (1, Some(second_number.clone())));
    assert_eq!(world.platform.labels().len(), 2, "nothing is bought again");
    let voided = world.platform.labels().iter().filter(|label| label.void == Void::Requested).count();
    assert_eq!(voided, 1, "the label of the package that is gone");
    world.platform.settle();
    world.systems.advance(25 * 3_600).await;
    assert_eq!(world.number(picking), Some(second_number.clone()), "its number stays");
    // another one comes
    let third = world.systems.odoo.pack(picking, "PACK3");
    world.systems.odoo.add_goods(picking, &NewGoods { packed: &[(1.0, Some(third))], ..BEARING });
    world.systems.odoo.edit(picking, "origin", json!("one more"));
    settled(&world).await;
    let now = labels(&world, picking).await;
    assert_eq!((now.len(), of(&now, packages[1])), (2, Some(second_number.clone())));
    assert_eq!(world.number(picking), Some(format!("{second_number},{}", of(&now, third).unwrap())));
}

#[tokio::test]
async fn a_delivery_that_is_packed_after_it_was_booked_keeps_its_label_while_it_is_one_parcel() {
    let world = Booking::at("easypost").await;
    let picking = world.add("A1");
    world.systems.odoo.add_goods(picking, &NewGoods { packed: &[(1.0, None), (1.0, None)], ..BEARING });
    settled(&world).await;
    let number = world.number(picking).unwrap();
    let package = world.systems.odoo.pack(picking, "PACK1");
    repack(&world, picking, None, Some(package));
    settled(&world).await;
    assert_eq!((world.platform.labels().len(), world.number(picking)), (1, Some(number)));
    // in two, each gets its own, and the one of all of it is not used
    let second = world.systems.odoo.pack(picking, "PACK2");
    let lines = world.systems.odoo.records_of("stock.move.line", "picking_id", &json!(picking));
    let line = lines.iter().find(|line| line["result_package_id"][0] == package && line["product_id"].is_array());
    let line = line.unwrap()["id"].as_i64().unwrap();
    world.systems.odoo.edit_record("stock.move.line", line, "result_package_id", json!([second, "PACK2"]));
    world.systems.odoo.edit(picking, "origin", json!("in two"));
    settled(&world).await;
    let labels = labels(&world, picking).await;
    assert_eq!(labels.len(), 2, "{labels:?}");
    let numbers = world.number(picking).unwrap();
    assert!(numbers.split(',').eq(labels.values()), "{numbers} {labels:?}");
}

#[tokio::test]
async fn while_a_number_is_taken_back_the_others_are_never_gone() {
    let world = Booking::at("easypost").await;
    world.systems.world.leaves_jobs();
    let (picking, packages) = packed(&world, "A1", &["PACK1", "PACK2"]);
    settled(&world).await;
    let stays = labels(&world, picking).await[&format!("Package({})", packages[1])].clone();
    repack(&world, picking, Some(packages[0]), Some(packages[1]));
    settled(&world).await;
    world.platform.settle();
    // Odoo takes the first write and does not answer, then refuses some
    world.systems.odoo.fail(Some("stock.picking/write"), &Fault::ResetAfterApply, 1);
    world.systems.odoo.fail(Some("stock.picking/write"), &Fault::Error("psycopg2.errors.SerializationFailure"), 2);
    for _ in 0..6 {
        world.systems.advance(25 * 3_600).await;
        assert!(world.number(picking).is_some_and(|numbers| numbers.contains(&stays)), "{:?}", world.number(picking));
    }
    assert_eq!(world.number(picking), Some(stays));
}

#[tokio::test]
async fn what_was_ready_before_a_rule_is_booked_by_hand_alone() {
    let world = Booking::connected("easypost").await;
    let now = world.systems.world.clock.now();
    let new = delivery("OLD", now - SignedDuration::from_hours(72));
    let old = world.systems.odoo.add_order(&NewOrder { tracking: None, ..new });
    world.systems.advance(60).await;
    world.rules(vec![rule(book_at("easypost-api"))]).await;
    // the first import sees it, and so does each change of it
    for n in 0..3 {
        world.systems.odoo.edit(old, "origin", json!(format!("changed {n}")));
        settled(&world).await;
    }
    assert_eq!((world.bookings(old).await.len(), world.platform.labels().len()), (0, 0));
    let context = &world.systems.world.context;
    let tried = trial::on(context, &world.person(), "WH/OUT/OLD").await.unwrap();
    assert_eq!(tried.rules[0].1, [Misfit::Earlier]);
    // what becomes ready from now on is booked
    let picking = world.add("NEW");
    settled(&world).await;
    assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Booked, 1));
    let shipment = context.store.shipments.find(context.scope(), "WH/OUT/OLD").await.unwrap()[0];
    order::book(context, &world.person(), shipment, label_at("easypost-api"), Mode::Test).await.unwrap();
    world.systems.advance(60).await;
    assert_eq!((world.phase(old).await, world.platform.labels().len()), (Phase::Booked, 2));
}

#[tokio::test]
async fn what_becomes_ready_in_the_second_of_a_rule_is_booked() {
    let world = Booking::connected("easypost").await;
    // Odoo's moments are whole seconds, a rule's are not
    world.systems.world.clock.advance(jiff::Span::new().milliseconds(600));
    world.rules(vec![rule(book_at("easypost-api"))]).await;
    world.systems.world.clock.advance(jiff::Span::new().milliseconds(300));
    let picking = world.add("A1");
    settled(&world).await;
    assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Booked, 1));
}

#[tokio::test]
async fn a_rule_is_as_old_as_its_last_change_wherever_it_stands() {
    let world = Booking::connected("easypost").await;
    let (context, person) = (&world.systems.world.context, world.person());
    let named = |name: &str| domain::booking::BookingRule { name: name.into(), ..rule(book_at("easypost-api")) };
    let since = async || {
        let listed = rules::list(context, &person).await.unwrap().rules;
        listed.into_iter().map(|rule| (rule.name.clone(), rule.since.unwrap())).collect::<BTreeMap<_, _>>()
    };
    world.rules(vec![named("one"), named("two")]).await;
    let first = since().await;
    world.systems.advance(60).await;
    let narrowed = domain::booking::BookingRule { countries: vec!["DE".into()], ..named("one") };
    world.rules(vec![named("two"), narrowed]).await;
    let second = since().await;
    assert_eq!(second["two"], first["two"], "its place is no change");
    assert_eq!(second["one"], first["one"] + SignedDuration::from_secs(60));
    let renamed = domain::booking::BookingRule { name: "another".into(), ..named("two") };
    world.rules(vec![renamed]).await;
    assert_eq!(since().await["another"], first["two"], "its name is no change");
    let written: Value = serde_json::to_value(rules::list(context, &person).await.unwrap().rules).unwrap();
    assert!(written[0]["since"].is_string(), "{written}");
}

#[tokio::test]
async fn a_label_that_is_on_its_way_is_not_voided() {
    let world = Booking::at("easypost").await;
    let picking = world.add("A1");
    settled(&world).await;
    let kept = world.booking(picking).await;
    world.systems.world.receives(&world.number(picking).unwrap(), PICKED_UP).await;
    let context = &world.systems.world.context;
    let refused = decide::decide(context, &world.person(), kept.id, Decision::Void).await.unwrap_err();
    assert!(refused.to_string().contains("has the goods already"), "{refused}");
    assert_eq!(world.platform.labels()[0].void, Void::None);
}

#[tokio::test]
async fn a_label_is_bought_only_as_the_person_confirmed_it() {
    let world = Booking::connected("easypost").await;
    let picking = world.add("A1");
    world.import().await;
    let (context, person) = (&world.systems.world.context, world.person());
    let shipment = context.store.shipments.find(context.scope(), "WH/OUT/A1").await.unwrap()[0];
    order::book(context, &person, shipment, label_at("easypost-api"), Mode::Test).await.unwrap();
    // before it is done the connection is switched to live labels
    let (_, record, _) = context.store.connections.by_name("easypost-api").await.unwrap().unwrap();
    let mut live = application::connections::NewConnection::of(&record);
    live.fields.insert("mode".into(), "live".into());
    live.secret = Some(world.platform.live_key("easypost").into());
    application::connections::put(context, &person, live).await.unwrap();
    world.systems.advance(60).await;
    let order = context.store.bookings.ordered(context.scope(), shipment).await.unwrap().unwrap();
    assert!(order.refused.as_deref().is_some_and(|why| why.contains("live labels now")), "{order:?}");
    assert_eq!((world.bookings(picking).await.len(), world.platform.labels().len()), (0, 0));
}
