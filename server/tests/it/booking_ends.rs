//! Bookings and registrations that are given up, and what a person settles: wherever they stand, nothing is bought or registered twice,
//! and nothing that may exist is forgotten.

use crate::booking::{Booking, PICKED_UP, label_at, rule};
use application::{
    booking::{
        decide::{self, Decision},
        order, register_by_hand,
    },
    connections,
};
use carriers::booking::Mode;
use domain::booking::{Action, Phase};
use serde_json::json;
use simulator::{
    booking::{REFUSED_CITY, Void},
    faults::Fault,
    odoo::Open,
};
use storage::bookings::{RegistrationRecord, Tracking};

async fn cancelled(world: &Booking, picking: i64) {
    world.systems.odoo.edit(picking, "state", json!("cancel"));
    world.import().await;
}

async fn hours(world: &Booking, hours: i64) {
    for _ in 0..hours * 6 {
        world.systems.advance(600).await;
    }
}

#[tokio::test]
async fn a_purchase_that_was_made_without_an_answer_is_found_and_voided_after_a_cancellation() {
    for platform in ["easypost", "shippo", "shipengine", "karrio"] {
        let world = Booking::at(platform).await;
        let buy = match platform {
            "shippo" => "POST shippo/transactions",
            "shipengine" => "POST shipengine/labels",
            "easypost" => "/buy",
            _ => "/purchase",
        };
        let picking = world.add("A1");
        world.platform.fail(Some(buy), &Fault::ResetAfterApply, 1);
        world.import().await;
        assert_eq!(world.phase(picking).await, Phase::Unknown, "{platform}");
        cancelled(&world, picking).await;
        assert_eq!(world.phase(picking).await, Phase::Unknown, "{platform}: it may have been bought");
        hours(&world, 1).await;
        world.platform.settle();
        world.systems.advance(25 * 3_600).await;
        assert_eq!(world.phase(picking).await, Phase::Voided, "{platform}");
        let labels = world.platform.labels();
        assert!(labels.len() == 1 && labels[0].void == Void::Voided, "{platform}: {labels:?}");
        assert_eq!(world.number(picking), None, "{platform}");
    }
}

#[tokio::test]
async fn a_purchase_that_never_arrived_is_given_up_with_its_delivery() {
    let world = Booking::at("easypost").await;
    let picking = world.add("A1");
    world.platform.fail(Some("/buy"), &Fault::Reset, 1);
    world.import().await;
    assert_eq!(world.phase(picking).await, Phase::Unknown);
    cancelled(&world, picking).await;
    hours(&world, 1).await;
    assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Cancelled, 0));
}

#[tokio::test]
async fn a_slow_carrier_is_waited_for_and_its_label_voided_after_a_cancellation() {
    let world = Booking::at("shippo").await;
    world.platform.take_long();
    let picking = world.add("A1");
    world.import().await;
    assert!(matches!(world.phase(picking).await, Phase::Pending | Phase::Unknown));
    cancelled(&world, picking).await;
    world.platform.settle();
    hours(&world, 1).await;
    world.platform.settle();
    world.systems.advance(25 * 3_600).await;
    assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Voided, 1));
}

#[tokio::test]
async fn a_refused_address_is_not_corrected_for_a_delivery_that_is_cancelled() {
    let world = Booking::at("easypost").await;
    let picking = world.add_to("A1", REFUSED_CITY);
    world.import().await;
    assert_eq!(world.phase(picking).await, Phase::Refused);
    world.systems.odoo.edit_linked(picking, "partner_id", "city", json!("Lyon"));
    cancelled(&world, picking).await;
    hours(&world, 1).await;
    assert_eq!((world.bookings(picking).await.len(), world.platform.labels().len()), (1, 0));
    assert_eq!(world.phase(picking).await, Phase::Cancelled);
    assert_eq!(world.asked(picking, "Booking refused"), [Open::Done]);
    let context = &world.systems.world.context;
    let again = decide::decide(context, &world.person(), world.booking(picking).await.id, Decision::SendAgain).await;
    assert!(again.is_err(), "a cancelled delivery gets no label");
}

#[tokio::test]
async fn an_address_that_is_not_whole_is_asked_about_before_the_platform_is() {
    for (field, says) in [("country_code", "no country"), ("street", "no street")] {
        let world = Booking::at("easypost").await;
        let picking = world.add("A1");
        let partner = world.systems.odoo.value(picking, "partner_id")[0].as_i64().unwrap();
        let whole = world.systems.odoo.field("res.partner", partner, field);
        world.systems.odoo.edit_linked(picking, "partner_id", field, json!(false));
        world.platform.fail(Some("POST easypost/shipments"), &Fault::Error("NOT.TO.BE.ASKED"), 1);
        world.import().await;
        assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Refused, 0), "{field}");
        let refused = world.booking(picking).await.purchase.refused.unwrap();
        assert!(refused.what.contains(says) && refused.todo.contains("in Odoo"), "{refused:?}");
        assert_eq!(world.asked(picking, says), [Open::Todo], "{field}");
        world.platform.heal();
        world.systems.odoo.edit_linked(picking, "partner_id", field, whole);
        world.systems.odoo.edit(picking, "origin", json!("S-A1"));
        world.import().await;
        assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Booked, 1), "{field}");
        assert_eq!(world.asked(picking, says), [Open::Done], "{field}");
    }
}

#[tokio::test]
async fn a_label_that_is_voided_while_odoo_is_away_is_reported_after_the_next_one_was_booked() {
    let world = Booking::at("easypost").await;
    world.systems.world.leaves_jobs();
    let picking = world.add("A1");
    world.import().await;
    let first = world.booking(picking).await;
    let before = world.number(picking).unwrap();
    let context = &world.systems.world.context;
    connections::pause(context, &world.person(), "odoo", "an upgrade").await.unwrap();
    decide::decide(context, &world.person(), first.id, Decision::Void).await.unwrap();
    world.systems.advance(60).await;
    world.platform.settle();
    hours(&world, 25).await;
    assert_eq!(world.phase(picking).await, Phase::Voided);
    order::book(context, &world.person(), first.shipment, label_at("easypost-api"), Mode::Test).await.unwrap();
    connections::resume(context, &world.person(), "odoo").await.unwrap();
    hours(&world, 1).await;
    let second = world.booking(picking).await;
    assert_eq!((second.purchase.phase, second.wanted.generation), (Phase::Booked, 2));
    let number = second.purchase.label.unwrap().number;
    assert_eq!((world.number(picking), number != before), (Some(number), true), "the void one is taken back");
    assert_eq!(world.notes(picking, "is void"), 1);
    assert_eq!(world.asked(picking, "differ"), []);
    let names: Vec<_> = world.attached(picking).iter().map(|file| file["name"].to_string()).collect();
    assert_eq!(names.iter().filter(|name| name.contains("VOID Label")).count(), 1, "{names:?}");
}

#[tokio::test]
async fn what_nothing_says_stays_for_a_person_who_gives_it_up_or_goes_on() {
    let world = Booking::at("karrio").await;
    let (given_up, resumed, cancelled_one) = (world.add("A1"), world.add("A2"), world.add("A3"));
    world.platform.fail(Some("/purchase"), &Fault::Reset, 3);
    world.import().await;
    hours(&world, 1).await;
    for picking in [given_up, resumed, cancelled_one] {
        assert_eq!(world.phase(picking).await, Phase::Undecided);
        assert_eq!(world.asked(picking, "needs a decision"), [Open::Todo]);
    }
    let (context, person) = (&world.systems.world.context, world.person());
    let decide = async |picking: i64, decision: Decision| {
        decide::decide(context, &person, world.booking(picking).await.id, decision).await
    };
    decide(given_up, Decision::GiveUp).await.unwrap();
    decide(resumed, Decision::SendAgain).await.unwrap();
    cancelled(&world, cancelled_one).await;
    hours(&world, 1).await;
    assert_eq!(world.phase(given_up).await, Phase::Cancelled);
    assert_eq!(world.asked(given_up, "needs a decision"), [Open::Done]);
    assert_eq!((world.phase(resumed).await, world.number(resumed).is_some()), (Phase::Booked, true));
    // a label may exist: that the delivery is cancelled does not settle it
    assert_eq!(world.phase(cancelled_one).await, Phase::Undecided);
    assert!(decide(cancelled_one, Decision::SendAgain).await.is_err());
    decide(cancelled_one, Decision::GiveUp).await.unwrap();
    assert_eq!(world.phase(cancelled_one).await, Phase::Cancelled);
    // what was given up is not booked again by the rule
    world.systems.odoo.edit(given_up, "origin", json!("again"));
    world.import().await;
    hours(&world, 1).await;
    assert_eq!((world.bookings(given_up).await.len(), world.platform.labels().len()), (1, 1));
}

#[tokio::test]
async fn what_the_carrier_has_is_not_given_up_with_the_delivery() {
    let world = Booking::at("easypost").await;
    let picking = world.add("A1");
    world.import().await;
    world.systems.world.receives(&world.number(picking).unwrap(), PICKED_UP).await;
    cancelled(&world, picking).await;
    hours(&world, 1).await;
    assert_eq!((world.phase(picking).await, world.platform.labels()[0].void), (Phase::Booked, Void::None));
}

const DHL: &str = "00340434161094042557";

async fn registering(platform: &str) -> Booking {
    let world = Booking::connected(platform).await;
    world.rules(vec![rule(Action::Register { connection: format!("{platform}-api") })]).await;
    world
}

async fn registration(world: &Booking, picking: i64) -> RegistrationRecord {
    world.registrations(picking).await.remove(0)
}

/// A delivery under this number by this shipping method, taken in.
async fn numbered(world: &Booking, number: &str, method: &str) -> i64 {
    let picking = world.systems.add_order(number);
    world.systems.odoo.edit(picking, "carrier_id", json!([1, method]));
    world.import().await;
    picking
}

#[tokio::test]
async fn our_own_word_for_a_carrier_never_goes_out() {
    for (platform, dhl, express) in [
        ("shippo", None, "dhl_express"),
        ("shipengine", None, "dhl_express"),
        ("karrio", Some("dhl_universal"), "dhl_express"),
        ("trackingmore", None, "dhl"),
    ] {
        let world = registering(platform).await;
        let sent = |number: &str| {
            let of = world.platform.trackers().into_iter().find(|one| one.number == number);
            of.and_then(|one| one.carrier)
        };
        // the number shows another carrier than the shipping method
        numbered(&world, "1Z999AA10123456784", "DHL").await;
        assert_eq!(sent("1Z999AA10123456784").as_deref(), Some("ups"), "{platform}");
        let picking = numbered(&world, DHL, "DHL").await;
        let known = registration(&world, picking).await;
        assert_eq!(sent(DHL).as_deref(), dhl, "{platform}: {known:?}");
        if dhl.is_none() {
            let why = known.about.refused.clone().unwrap_or_default();
            assert_eq!(known.tracking, Tracking::Refused, "{platform}");
            assert!(why.contains("no code for DHL") && why.contains("AfterShip") && why.contains("17TRACK"), "{why}");
            // once the shipping method says which DHL it goes on by itself
            world.systems.odoo.edit(picking, "carrier_id", json!([1, "DHL Express"]));
            world.import().await;
            assert_eq!(registration(&world, picking).await.tracking, Tracking::Registered, "{platform}: {why}");
            assert_eq!(sent(DHL).as_deref(), Some(express), "{platform}");
        }
    }
    // those that find the carrier themselves are asked without one that has no code there
    for platform in ["aftership", "easypost", "17track"] {
        let world = registering(platform).await;
        let picking = numbered(&world, DHL, "DHL").await;
        assert_eq!(registration(&world, picking).await.tracking, Tracking::Registered, "{platform}");
    }
}

#[tokio::test]
async fn a_registration_without_an_answer_counts_only_where_the_platform_has_it() {
    // it was made: the words that came with it show that
    let world = registering("shippo").await;
    world.systems.world.leaves_jobs();
    world.platform.fail(Some("POST shippo/tracks"), &Fault::ResetAfterApply, 1);
    let picking = numbered(&world, DHL, "DHL Express").await;
    assert_eq!(registration(&world, picking).await.tracking, Tracking::Sending);
    hours(&world, 1).await;
    assert_eq!(registration(&world, picking).await.tracking, Tracking::Registered);
    assert_eq!(world.platform.trackers()[0].registrations, 1, "a second one would double every event");
    // it was not made: Shippo reads the number all the same, which proves nothing
    let world = registering("shippo").await;
    world.systems.world.leaves_jobs();
    world.platform.fail(Some("POST shippo/tracks"), &Fault::Reset, 1);
    let picking = numbered(&world, DHL, "DHL Express").await;
    hours(&world, 1).await;
    let known = registration(&world, picking).await;
    assert_eq!((known.tracking, world.platform.trackers().len()), (Tracking::Refused, 0), "{known:?}");
    assert!(known.about.refused.is_some_and(|why| why.contains("not known")));
    // a person resumes it
    let (context, person) = (&world.systems.world.context, world.person());
    let shipment = context.store.shipments.shipment(context.scope(), known.shipment).await.unwrap().unwrap();
    register_by_hand(context, &person, &shipment, "shippo-api").await.unwrap();
    world.systems.world.settle().await;
    assert_eq!(registration(&world, picking).await.tracking, Tracking::Registered);
    assert_eq!(world.platform.trackers()[0].registrations, 1);
}

#[tokio::test]
async fn a_number_is_registered_as_its_carrier_writes_it_and_once_in_whatever_form() {
    for platform in ["aftership", "easypost", "17track", "shippo"] {
        let world = registering(platform).await;
        let picking = world.systems.add_order("A9");
        world.systems.odoo.edit(picking, "carrier_id", json!([1, "UPS"]));
        world.systems.odoo.edit(picking, "carrier_tracking_ref", json!("1z 999 aa1 01 2345 6784"));
        world.import().await;
        let known = registration(&world, picking).await;
        let expected = ("1Z999AA10123456784", Tracking::Registered);
        assert_eq!((known.number.as_str(), known.tracking), expected, "{platform}: {known:?}");
        world.systems.odoo.edit(picking, "carrier_tracking_ref", json!("1Z999AA10123456784"));
        world.import().await;
        assert_eq!(world.registrations(picking).await.len(), 1, "{platform}");
        let there: Vec<_> = world.platform.trackers().into_iter().map(|one| (one.registrations, one.stopped)).collect();
        assert_eq!(there, [(1, false)], "{platform}");
    }
}

#[tokio::test]
async fn a_number_that_may_be_registered_is_looked_at_before_it_is_sent_again() {
    let again = async |platform: &str, operation: &str| {
        let world = registering(platform).await;
        world.systems.world.leaves_jobs();
        world.platform.fail(Some(operation), &Fault::ResetAfterApply, 1);
        let picking = numbered(&world, DHL, "DHL Express").await;
        assert!(registration(&world, picking).await.about.unanswered, "{platform}");
        // before that is looked at, its delivery does not have the number any more, then has it again
        world.systems.odoo.edit(picking, "carrier_tracking_ref", json!(false));
        world.import().await;
        world.systems.odoo.edit(picking, "carrier_tracking_ref", json!(DHL));
        world.import().await;
        hours(&world, 1).await;
        assert_eq!(registration(&world, picking).await.tracking, Tracking::Registered, "{platform}");
        world.platform.trackers()
    };
    let there = again("shippo", "POST shippo/tracks").await;
    assert_eq!(there.iter().map(|one| one.registrations).collect::<Vec<_>>(), [1], "each event comes once: {there:?}");
    let there = again("aftership", "POST aftership/trackings").await;
    assert_eq!(there.iter().filter(|one| !one.stopped).count(), 1, "{there:?}");
}

#[tokio::test]
async fn a_label_that_its_platform_tracks_is_not_registered_there_again() {
    for platform in ["easypost", "shippo", "karrio", "shipengine"] {
        let world = Booking::at(platform).await;
        let picking = world.add("A1");
        world.import().await;
        for _ in 0..3 {
            world.systems.advance(60).await;
        }
        let registered = world.registrations(picking).await.len();
        assert_eq!(registered, usize::from(platform == "shipengine"), "{platform}");
    }
}

#[tokio::test]
async fn a_registration_is_given_up_wherever_it_stands() {
    // the platform does not answer: it is planned
    let world = registering("aftership").await;
    world.systems.world.leaves_jobs();
    world.platform.fail(Some("POST aftership/trackings"), &Fault::RateLimited(3_600), 1);
    let picking = numbered(&world, DHL, "DHL").await;
    assert_eq!(registration(&world, picking).await.tracking, Tracking::Wanted);
    cancelled(&world, picking).await;
    hours(&world, 3).await;
    assert_eq!(registration(&world, picking).await.tracking, Tracking::Stopped);
    // whatever a try of the platform's made, nothing of it reports
    assert_eq!(world.platform.trackers().iter().filter(|one| !one.stopped).count(), 0);
    // the answer to the end is lost: it is asked for again, and what is gone is gone
    let world = registering("aftership").await;
    world.systems.world.leaves_jobs();
    let picking = numbered(&world, DHL, "DHL").await;
    world.platform.fail(Some("DELETE"), &Fault::ResetAfterApply, 1);
    cancelled(&world, picking).await;
    hours(&world, 3).await;
    assert_eq!(registration(&world, picking).await.tracking, Tracking::Stopped);
    let there = world.platform.trackers();
    assert!(there.len() == 1 && there[0].stopped, "{there:?}");
}

#[tokio::test]
async fn a_number_that_goes_from_one_delivery_to_another_is_tracked_for_the_other() {
    for platform in ["aftership", "17track", "easypost", "trackingmore", "shipengine", "karrio"] {
        let world = registering(platform).await;
        let method = if platform == "shipengine" || platform == "trackingmore" { "DHL Express" } else { "DHL" };
        let (first, second) = (numbered(&world, DHL, method).await, world.systems.add_order("00340434161094042564"));
        world.systems.odoo.edit(second, "carrier_id", json!([1, method]));
        world.import().await;
        // typed into the wrong one first
        world.systems.odoo.edit(first, "carrier_tracking_ref", json!(false));
        world.import().await;
        let at_first = world.registrations(first).await;
        assert!(
            at_first.iter().any(|one| one.number == DHL && one.tracking == Tracking::Stopped),
            "{platform}: {at_first:?}"
        );
        world.systems.odoo.edit(second, "carrier_tracking_ref", json!(DHL));
        world.import().await;
        world.systems.odoo.edit(first, "origin", json!("looked at once more"));
        world.import().await;
        let of = world.registrations(second).await;
        let moved = of.iter().find(|one| one.number == DHL);
        assert_eq!(moved.map(|one| one.tracking), Some(Tracking::Registered), "{platform}: {of:?}");
        let there = world.platform.trackers().into_iter().filter(|one| one.number == DHL && !one.stopped).count();
        assert_eq!(there, 1, "{platform}: it is tracked at the platform");
    }
}

#[tokio::test]
async fn a_connection_that_is_paused_holds_and_a_person_resumes_it() {
    let world = Booking::at("easypost").await;
    let (context, person) = (&world.systems.world.context, world.person());
    let switch = async |enabled: bool| {
        let (_, record, _) = context.store.connections.by_name("easypost-api").await.unwrap().unwrap();
        let new = connections::NewConnection { enabled: Some(enabled), ..connections::NewConnection::of(&record) };
        connections::put(context, &person, new).await.unwrap();
    };
    world.systems.world.leaves_jobs();
    switch(false).await;
    let picking = world.add("A1");
    world.import().await;
    hours(&world, 2).await;
    assert_eq!(world.platform.labels().len(), 0);
    switch(true).await;
    hours(&world, 2).await;
    assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Booked, 1));
}
