//! What people type and cancel in Odoo after a label was booked: the delivery says what became of the label, and who has to decide is asked.

use crate::booking::Booking;
use application::booking::trial;
use domain::booking::Phase;
use serde_json::json;
use simulator::odoo::Open;

const DIFFERS: &str = "Booked label and tracking reference differ";

fn shows(world: &Booking, picking: i64) -> String {
    world.systems.odoo.value(picking, "x_milepost_booking").as_str().unwrap_or_default().to_owned()
}

async fn types(world: &Booking, picking: i64, text: &str) {
    world.systems.world.passes(1).await;
    world.systems.odoo.edit(picking, "carrier_tracking_ref", json!(text));
    world.import().await;
}

#[tokio::test]
async fn a_number_that_is_typed_over_a_label_is_asked_about_once() {
    let world = Booking::at("easypost").await;
    let picking = world.add("A1");
    world.import().await;
    let label = world.number(picking).unwrap();
    types(&world, picking, "1Z1234500000065431").await;
    assert_eq!(world.asked(picking, DIFFERS), [Open::Todo]);
    assert!(shows(&world, picking).contains("another number"), "{}", shows(&world, picking));
    assert_eq!(world.number(picking).as_deref(), Some("1Z1234500000065431"), "a person's number holds");
    // whatever else changes, it is one question
    world.systems.odoo.edit(picking, "origin", json!("S-A1"));
    world.import().await;
    world.systems.advance(3_600).await;
    assert_eq!(world.asked(picking, DIFFERS).len(), 1);
    // the label's number is back, written as people do
    types(&world, picking, &label.to_lowercase()).await;
    assert_eq!(world.asked(picking, DIFFERS), [Open::Done]);
    assert!(!shows(&world, picking).contains("another number"), "{}", shows(&world, picking));
    // another one is another question; a label that is voided is none
    types(&world, picking, "1Z9999900000065431").await;
    assert_eq!(world.asked(picking, DIFFERS), [Open::Done, Open::Todo]);
    world.systems.odoo.edit(picking, "state", json!("cancel"));
    world.import().await;
    world.platform.settle();
    world.systems.advance(25 * 3_600).await;
    assert_eq!(world.phase(picking).await, Phase::Voided);
    assert_eq!(world.asked(picking, DIFFERS), [Open::Done, Open::Done]);
    assert_eq!(world.platform.labels().len(), 1, "nothing is bought again");
}

#[tokio::test]
async fn a_further_number_beside_the_label_is_no_question() {
    let world = Booking::at("easypost").await;
    let picking = world.add("A1");
    world.import().await;
    let label = world.number(picking).unwrap();
    types(&world, picking, &format!("{label}, 1Z1234500000065431")).await;
    assert_eq!(world.asked(picking, DIFFERS), []);
}

#[tokio::test]
async fn a_void_that_is_asked_for_stands_in_odoo_at_once() {
    let world = Booking::at("easypost").await;
    let picking = world.add("A1");
    world.import().await;
    assert!(shows(&world, picking).starts_with("Booked at "));
    world.systems.odoo.edit(picking, "state", json!("cancel"));
    world.import().await;
    assert!(shows(&world, picking).starts_with("Void requested at "), "{}", shows(&world, picking));
    assert_eq!(world.notes(picking, "do not use the label"), 1);
    world.systems.advance(25 * 3_600).await;
    assert_eq!(world.notes(picking, "do not use the label"), 1, "once, while the platform decides");
    world.platform.settle();
    world.systems.advance(25 * 3_600).await;
    assert!(shows(&world, picking).starts_with("Voided at "), "{}", shows(&world, picking));
}

#[tokio::test]
async fn rules_tried_on_a_booked_delivery_say_that_it_is() {
    let world = Booking::at("easypost").await;
    let picking = world.add("A1");
    world.import().await;
    let context = &world.systems.world.context;
    let tried = trial::on(context, &world.person(), "WH/OUT/A1").await.unwrap();
    assert_eq!((tried.number.clone(), tried.is_booked), (world.number(picking), true));
    assert_eq!((tried.settled(), tried.deciding()), (Some("its label is booked already"), None));
    world.systems.odoo.edit(picking, "state", json!("cancel"));
    world.import().await;
    let tried = trial::on(context, &world.person(), "WH/OUT/A1").await.unwrap();
    assert_eq!((tried.settled(), tried.deciding()), (Some("the delivery is cancelled"), None));
}
