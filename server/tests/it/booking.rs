//! Deliveries that are booked at a simulated platform and come from a simulated Odoo: each gets its label once, whatever fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::{Systems, delivery};
use application::{
    booking::{
        decide::{self, Decision},
        order, rules, trial,
    },
    caller::Caller,
    clock::Clock,
    connections::{self, NewConnection},
    jobs::Runner,
    odoo::IMPORT_PAGES_MAX,
};
use carriers::booking::Mode;
use domain::booking::{Action, BookingRule, Choice, Ended, Misfit, Phase, When};
use serde_json::{Value, json};
use simulator::{
    booking::{REFUSED_CITY, SandboxBooking, Void},
    faults::Fault,
    odoo::{NewGoods, NewOrder, Open},
};
use std::sync::Arc;
use storage::{
    bookings::{BookingRecord, OrderedLabel, RegistrationRecord, Tracking},
    jobs::Lane,
};

pub const PICKED_UP: &[(&str, &str)] = &[("InTransit_002", "2026-03-05T13:00:00")];
pub const DELIVERED: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-05T13:00:00"), ("Delivered_001", "2026-03-05T18:00:00")];

pub struct Booking {
    pub systems: Systems,
    pub platform: SandboxBooking,
}

pub fn rule(action: Action) -> BookingRule {
    let (method, warehouse) = (None, Some("WH".to_owned()));
    let name = "all".into();
    BookingRule { name, method, warehouse, countries: Vec::new(), from_g: None, below_g: None, action, since: None }
}

pub fn book_at(connection: &str) -> Action {
    book_with(connection, Choice::default())
}

pub fn book_with(connection: &str, choice: Choice) -> Action {
    Action::Book {
        connection: connection.into(),
        choice,
        format: "pdf".into(),
        when: When::Ready,
        size_mm: Some([300, 200, 100]),
    }
}

impl Booking {
    /// With one connection, and deliveries that are booked there.
    pub async fn at(platform: &str) -> Self {
        let this = Self::connected(platform).await;
        this.rules(vec![rule(book_at(&format!("{platform}-api")))]).await;
        this
    }

    pub async fn connected(platform: &str) -> Self {
        let systems = Systems::new().await;
        let clock = Arc::clone(&systems.world.clock);
        let sandbox = SandboxBooking::start(7, Arc::new(move || clock.now())).await.unwrap();
        let this = Self { systems, platform: sandbox };
        this.connect(platform).await;
        this
    }

    pub async fn connect(&self, platform: &str) {
        let manifest = carriers::api_template::manifest(&format!("{platform}_api")).unwrap();
        let mut fields = vec![("url", self.platform.url(platform))];
        if manifest.booking.is_some() {
            fields.push(("mode", "test".to_owned()));
        }
        let new = NewConnection {
            name: format!("{platform}-api"),
            connector: format!("{platform}_api"),
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            secret: Some(self.platform.test_key(platform).into()),
            enabled: Some(true),
            ..NewConnection::default()
        };
        connections::put(&self.systems.world.context, &self.person(), new).await.unwrap();
        let report =
            connections::test(&self.systems.world.context, &self.person(), &format!("{platform}-api")).await.unwrap();
        assert!(report.passed(), "{report:?}");
    }

    pub async fn rules(&self, rules: Vec<BookingRule>) {
        rules::put(&self.systems.world.context, &self.person(), rules).await.unwrap();
    }

    pub fn person(&self) -> Caller {
        Caller::trusted(self.systems.world.context.scope())
    }

    pub fn add(&self, name: &str) -> i64 {
        self.add_to(name, "Lyon")
    }

    pub fn add_to(&self, name: &str, city: &'static str) -> i64 {
        let new = delivery(name, self.systems.world.clock.now());
        let place = simulator::journey::Place { city, ..new.place };
        self.systems.odoo.add_order(&NewOrder { tracking: None, place, ..new })
    }

    pub async fn import(&self) {
        self.systems.import(IMPORT_PAGES_MAX).await;
        self.systems.world.settle().await;
    }

    pub async fn bookings(&self, picking: i64) -> Vec<BookingRecord> {
        let context = &self.systems.world.context;
        context.store.bookings.of_records(context.scope(), "odoo", vec![picking]).await.unwrap()
    }

    pub async fn booking(&self, picking: i64) -> BookingRecord {
        // those of one moment are in no order
        self.bookings(picking).await.into_iter().rev().max_by_key(|one| one.wanted.generation).unwrap()
    }

    pub async fn phase(&self, picking: i64) -> Phase {
        self.booking(picking).await.purchase.phase
    }

    pub fn number(&self, picking: i64) -> Option<String> {
        self.systems.odoo.value(picking, "carrier_tracking_ref").as_str().map(str::to_owned)
    }

    pub fn notes(&self, picking: i64, words: &str) -> usize {
        self.systems.odoo.notes(picking).iter().filter(|(_, body)| body.contains(words)).count()
    }

    pub fn attached(&self, picking: i64) -> Vec<Value> {
        self.systems.odoo.records_of("ir.attachment", "res_id", &json!(picking))
    }

    pub fn asked(&self, picking: i64, words: &str) -> Vec<Open> {
        let all = self.systems.odoo.activities(picking);
        all.into_iter().filter(|(summary, _)| summary.contains(words)).map(|(_, open)| open).collect()
    }

    pub async fn registrations(&self, picking: i64) -> Vec<RegistrationRecord> {
        let context = &self.systems.world.context;
        let name = self.systems.odoo.value(picking, "name").as_str().unwrap().to_owned();
        let shipment = context.store.shipments.find(context.scope(), &name).await.unwrap()[0];
        context.store.bookings.registrations(context.scope(), shipment).await.unwrap()
    }
}

#[tokio::test]
async fn an_order_is_booked_its_number_is_in_odoo_and_its_scans_are_followed() {
    let world = Booking::connected("easypost").await;
    let choice = Choice { carrier: Some("DHL".into()), ..Choice::default() };
    world.rules(vec![rule(book_with("easypost-api", choice))]).await;
    let company = world.systems.odoo.records_of("res.company", "name", &json!(simulator::odoo::COMPANY));
    let company = company[0]["id"].as_i64().unwrap();
    world.systems.odoo.edit_record("res.company", company, "currency_id", json!([2, "USD"]));
    let picking = world.add("A1");
    world.import().await;
    let labels = world.platform.labels();
    let number = labels[0].number.clone();
    assert_eq!((labels.len(), world.number(picking)), (1, Some(number.clone())));
    assert_eq!(world.systems.odoo.value(picking, "carrier_price"), json!(19.99));
    assert_eq!((world.notes(picking, "Label booked"), world.notes(picking, &number)), (1, 1));
    let files = world.attached(picking);
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0]["name"], format!("Label {number}.pdf"));
    let kept = world.booking(picking).await;
    assert_eq!((kept.purchase.phase, kept.written, kept.request.is_none()), (Phase::Booked, Some(Phase::Booked), true));
    assert_eq!(kept.purchase.rate.unwrap().price.to_string(), "19.99 USD");
    // the shipment goes under its number already
    let shipment = world.systems.shipment(&number).await;
    assert_eq!(shipment, kept.shipment);
    world.systems.world.receives(&number, PICKED_UP).await;
    assert_eq!(world.systems.status(picking).as_deref(), Some("PICKED_UP"));
    world.systems.world.receives(&number, DELIVERED).await;
    assert_eq!(world.systems.status(picking).as_deref(), Some("DELIVERED"));
    // whatever is read again, nothing comes twice
    for _ in 0..3 {
        world.systems.odoo.edit(picking, "origin", json!("S-A1"));
        world.import().await;
        world.systems.advance(3_600).await;
    }
    assert_eq!(
        (world.platform.labels().len(), world.notes(picking, "Label booked"), world.attached(picking).len()),
        (1, 1, 1)
    );
}

/// What the call that buys is called at each platform.
pub const PURCHASES: [(&str, &str); 4] = [
    ("easypost", "/buy"),
    ("shippo", "POST shippo/transactions"),
    ("shipengine", "POST shipengine/labels"),
    ("karrio", "/purchase"),
];

#[tokio::test]
async fn a_purchase_without_an_answer_is_found_and_not_made_again() {
    for (platform, buy) in PURCHASES {
        let world = Booking::at(platform).await;
        let picking = world.add("A1");
        world.platform.fail(Some(buy), &Fault::ResetAfterApply, 1);
        world.import().await;
        assert_eq!(world.platform.labels().len(), 1, "{platform}: bought, though no answer came");
        assert_eq!((world.phase(picking).await, world.number(picking)), (Phase::Unknown, None), "{platform}");
        for _ in 0..6 {
            world.systems.advance(400).await;
        }
        let kept = world.booking(picking).await;
        assert_eq!((kept.purchase.phase, kept.purchase.attempts), (Phase::Booked, 1), "{platform}");
        assert_eq!(world.platform.labels().len(), 1, "{platform}");
        assert_eq!(world.number(picking), kept.purchase.label.map(|label| label.number), "{platform}");
    }
}

#[tokio::test]
async fn whichever_calls_lose_their_answers_there_is_one_label() {
    for (platform, _) in PURCHASES {
        let world = Booking::at(platform).await;
        world.systems.world.leaves_jobs();
        let picking = world.add("A1");
        for _ in 0..6 {
            world.platform.fail(None, &Fault::ResetAfterApply, 1);
            world.import().await;
            world.systems.advance(40).await;
        }
        world.platform.heal();
        for _ in 0..12 {
            world.systems.advance(400).await;
        }
        assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Booked, 1), "{platform}");
        assert!(world.number(picking).is_some(), "{platform}");
        assert_eq!(world.attached(picking).len(), 1, "{platform}");
    }
}

#[tokio::test]
async fn a_refused_address_is_asked_about_and_booked_once_it_is_corrected() {
    let world = Booking::at("easypost").await;
    let picking = world.add_to("A1", REFUSED_CITY);
    world.import().await;
    assert_eq!((world.phase(picking).await, world.number(picking)), (Phase::Refused, None));
    assert_eq!(world.asked(picking, "Booking refused"), [Open::Todo]);
    world.systems.odoo.edit(picking, "origin", json!("S-A1"));
    world.import().await;
    assert_eq!(world.bookings(picking).await.len(), 1, "nothing is corrected yet");
    world.systems.odoo.edit_linked(picking, "partner_id", "city", json!("Lyon"));
    world.systems.odoo.edit(picking, "origin", json!("S-A1 again"));
    world.import().await;
    assert_eq!((world.phase(picking).await, world.bookings(picking).await.len()), (Phase::Booked, 2));
    assert_eq!((world.platform.labels().len(), world.number(picking).is_some()), (1, true));
    assert_eq!(world.asked(picking, "Booking refused"), [Open::Done]);
}

#[tokio::test]
async fn a_cancelled_delivery_has_its_label_voided_and_its_number_taken_back() {
    let world = Booking::at("easypost").await;
    let (picking, other) = (world.add("A1"), world.add("A2"));
    world.import().await;
    let number = world.number(picking).unwrap();
    world.systems.odoo.edit(picking, "state", json!("cancel"));
    world.systems.odoo.edit(other, "carrier_tracking_ref", json!("TYPED-BY-HAND"));
    world.systems.odoo.edit(other, "state", json!("cancel"));
    world.import().await;
    assert_eq!(world.phase(picking).await, Phase::Voiding);
    assert_eq!(world.platform.labels().iter().filter(|label| label.void == Void::Requested).count(), 2);
    assert_eq!(world.number(picking), Some(number), "until it is void");
    world.platform.settle();
    world.systems.advance(25 * 3_600).await;
    assert_eq!((world.phase(picking).await, world.number(picking)), (Phase::Voided, None));
    assert_eq!(world.notes(picking, "is void"), 1);
    assert_eq!(world.number(other).as_deref(), Some("TYPED-BY-HAND"), "it is not ours");
    world.import().await;
    assert_eq!(world.platform.labels().len(), 2, "a cancelled delivery is not booked again");
}

#[tokio::test]
async fn a_carrier_that_takes_its_time_is_waited_for_and_a_restart_changes_nothing() {
    let world = Booking::at("shippo").await;
    world.platform.take_long();
    let picking = world.add("A1");
    world.import().await;
    assert!(matches!(world.phase(picking).await, Phase::Pending | Phase::Unknown));
    assert_eq!(world.number(picking), None);
    // the process ends, and another one on the same store goes on
    let systems = &world.systems;
    let second = systems.world.with_store(systems.world.context.store.clone()).await;
    world.platform.settle();
    for _ in 0..4 {
        systems.world.clock.advance(jiff::Span::new().seconds(700));
        for lane in [Lane::RealTime, Lane::Batch, Lane::RealTime] {
            Runner::new(Arc::clone(&second), lane).run_until_idle().await.unwrap();
        }
    }
    assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Booked, 1));
    assert_eq!(world.number(picking), Some(world.platform.labels()[0].number.clone()));
}

#[tokio::test]
async fn while_odoo_refuses_the_number_the_booking_stays_and_nothing_is_bought_again() {
    let world = Booking::at("easypost").await;
    world.systems.world.leaves_jobs();
    let picking = world.add("A1");
    world.systems.odoo.fail(Some("stock.picking/write"), &Fault::Error("psycopg2.errors.SerializationFailure"), 3);
    world.import().await;
    for _ in 0..5 {
        world.systems.advance(700).await;
    }
    assert_eq!((world.platform.labels().len(), world.phase(picking).await), (1, Phase::Booked));
    assert_eq!(world.number(picking), Some(world.platform.labels()[0].number.clone()));
    assert_eq!(world.notes(picking, "Label booked"), 1);
}

#[tokio::test]
async fn a_person_decides_where_the_platform_cannot_tell() {
    let world = Booking::at("karrio").await;
    let (picking, other) = (world.add("A1"), world.add("A2"));
    // the calls never arrive, and a draft proves nothing
    world.platform.fail(Some("/purchase"), &Fault::Reset, 2);
    world.import().await;
    for _ in 0..6 {
        world.systems.advance(400).await;
    }
    let (first, second) = (world.booking(picking).await, world.booking(other).await);
    assert_eq!((first.purchase.phase, second.purchase.phase), (Phase::Undecided, Phase::Undecided));
    assert_eq!(world.asked(picking, "needs a decision"), [Open::Todo]);
    let context = &world.systems.world.context;
    let adopt = Decision::Adopt("00340434161094042557".into());
    decide::decide(context, &world.person(), first.id, adopt).await.unwrap();
    decide::decide(context, &world.person(), second.id, Decision::SendAgain).await.unwrap();
    assert!(decide::decide(context, &world.person(), second.id, Decision::SendAgain).await.is_err());
    for _ in 0..2 {
        world.systems.advance(60).await;
    }
    assert_eq!(world.number(picking).as_deref(), Some("00340434161094042557"));
    assert_eq!(world.asked(picking, "needs a decision"), [Open::Done]);
    assert_eq!((world.phase(other).await, world.platform.labels().len()), (Phase::Booked, 1));
    assert_eq!(world.asked(other, "needs a decision"), [Open::Done]);
}

#[tokio::test]
async fn a_number_is_registered_once_and_its_successor_in_its_place() {
    let world = Booking::connected("aftership").await;
    world.rules(vec![rule(Action::Register { connection: "aftership-api".into() })]).await;
    let picking = world.systems.add_order("00340434161094042557");
    for _ in 0..3 {
        world.import().await;
        world.systems.odoo.edit(picking, "origin", json!("again"));
    }
    let registered = |of: &[RegistrationRecord]| of.iter().filter(|one| one.tracking == Tracking::Registered).count();
    let known = world.registrations(picking).await;
    assert_eq!((known.len(), registered(&known)), (1, 1), "{known:?}");
    assert_eq!(world.platform.trackers().iter().map(|one| one.registrations).collect::<Vec<_>>(), [1]);
    world.systems.odoo.edit(picking, "carrier_tracking_ref", json!("00340434161094042564"));
    world.import().await;
    let known = world.registrations(picking).await;
    let of = |number: &str| known.iter().find(|one| one.number == number).map(|one| one.tracking);
    assert_eq!(of("00340434161094042564"), Some(Tracking::Registered), "{known:?}");
    assert_eq!(of("00340434161094042557"), Some(Tracking::Stopped), "{known:?}");
}

/// What a person books at a connection.
pub fn label_at(connection: &str) -> OrderedLabel {
    OrderedLabel {
        connection: connection.into(),
        choice: Choice::default(),
        format: "pdf".into(),
        size_mm: Some([300, 200, 100]),
    }
}

#[tokio::test]
async fn a_person_books_what_no_rule_does_and_once() {
    let world = Booking::connected("shippo").await;
    let picking = world.add("A1");
    world.import().await;
    assert!(world.bookings(picking).await.is_empty(), "no rule fits");
    let context = &world.systems.world.context;
    let shipment = context.store.shipments.find(context.scope(), "WH/OUT/A1").await.unwrap()[0];
    let person = world.person();
    let book = |with: OrderedLabel| order::book(context, &person, shipment, with, Mode::Test);
    let choice = Choice { carrier: Some("DHL".into()), ..Choice::default() };
    book(OrderedLabel { choice, ..label_at("shippo-api") }).await.unwrap();
    for _ in 0..3 {
        world.systems.advance(60).await;
    }
    let kept = world.booking(picking).await;
    assert_eq!((kept.purchase.phase, kept.wanted.rule.clone()), (Phase::Booked, None));
    assert_eq!((world.platform.labels().len(), world.number(picking).is_some()), (1, true));
    assert_eq!(context.store.bookings.ordered(context.scope(), shipment).await.unwrap(), None);
    let again = book(label_at("shippo-api")).await.unwrap_err();
    assert!(again.to_string().contains("void that one first"), "{again}");
    // once it is void, another one is booked, under a key of its own
    decide::decide(context, &world.person(), kept.id, Decision::Void).await.unwrap();
    world.systems.advance(60).await;
    world.platform.settle();
    world.systems.advance(25 * 3_600).await;
    assert_eq!((world.phase(picking).await, world.number(picking)), (Phase::Voided, None));
    book(label_at("shippo-api")).await.unwrap();
    for _ in 0..3 {
        world.systems.advance(60).await;
    }
    let bookings = world.bookings(picking).await;
    assert_eq!((bookings.len(), bookings[0].purchase.phase, bookings[0].wanted.generation), (2, Phase::Booked, 2));
    assert_eq!(world.platform.labels().len(), 2);
}

#[tokio::test]
async fn why_a_label_was_not_booked_by_hand_stays_with_the_shipment() {
    let world = Booking::connected("easypost").await;
    let picking = world.add("A1");
    world.import().await;
    let context = &world.systems.world.context;
    let shipment = context.store.shipments.find(context.scope(), "WH/OUT/A1").await.unwrap()[0];
    let person = world.person();
    let book = |with: OrderedLabel| order::book(context, &person, shipment, with, Mode::Test);
    let nowhere = book(label_at("nowhere")).await.unwrap_err();
    assert!(nowhere.to_string().contains("there is no connection nowhere"), "{nowhere}");
    let paper = book(OrderedLabel { format: "bmp".into(), ..label_at("easypost-api") }).await.unwrap_err();
    assert!(paper.to_string().contains("pdf, png or zpl"), "{paper}");
    // typed in Odoo, and not imported yet
    world.systems.odoo.edit(picking, "carrier_tracking_ref", json!("1Z999AA10123456784"));
    book(label_at("easypost-api")).await.unwrap();
    world.systems.advance(5).await;
    let order = context.store.bookings.ordered(context.scope(), shipment).await.unwrap().unwrap();
    assert!(order.refused.as_deref().is_some_and(|why| why.contains("has a tracking reference")), "{order:?}");
    assert_eq!((world.platform.labels().len(), world.bookings(picking).await.len()), (0, 0));
    // what is refused is not tried again by itself
    world.systems.odoo.edit(picking, "carrier_tracking_ref", json!(false));
    world.import().await;
    assert_eq!(world.bookings(picking).await.len(), 0);
    book(label_at("easypost-api")).await.unwrap();
    world.systems.advance(60).await;
    assert_eq!((world.phase(picking).await, world.platform.labels().len()), (Phase::Booked, 1));
}

#[tokio::test]
async fn a_subscription_that_ends_on_an_exception_is_started_again_once_for_each() {
    let world = Booking::connected("shipengine").await;
    world.rules(vec![rule(Action::Register { connection: "shipengine-api".into() })]).await;
    let number = "00340434161094042557";
    let picking = world.systems.add_order(number);
    world.systems.odoo.edit(picking, "carrier_id", json!([1, "DHL Express"]));
    world.import().await;
    let restarts = || world.platform.trackers()[0].restarts;
    assert_eq!((world.registrations(picking).await[0].tracking, restarts()), (Tracking::Registered, 0));
    let held = &[("InTransit_002", "2026-03-05T13:00:00"), ("Exception_004", "2026-03-05T14:00:00")];
    world.systems.advance(3 * 3_600).await;
    world.platform.tracking_ends(number);
    world.systems.world.receives(number, held).await;
    world.systems.advance(5).await;
    let known = world.registrations(picking).await;
    assert_eq!((known[0].tracking, known[0].about.restarts), (Tracking::Registered, 1), "{known:?}");
    assert_eq!((known[0].about.ended, restarts()), (Some(Ended::Exception), 1));
    // whatever else is received of it, the same exception is no second reason
    for _ in 0..3 {
        world.systems.world.receives(number, held).await;
        world.systems.advance(1_000).await;
    }
    assert_eq!((world.registrations(picking).await[0].about.restarts, restarts()), (1, 1));
    // what is over needs no reports
    world.platform.tracking_ends(number);
    world.systems.world.receives(number, DELIVERED).await;
    world.systems.advance(40 * 86_400).await;
    assert_eq!(restarts(), 1);
}

#[tokio::test]
async fn a_subscription_that_ends_by_its_age_or_by_silence_is_started_again_by_the_clock() {
    for (platform, days, ended) in [("aftership", 120, Ended::Age), ("17track", 30, Ended::Silence)] {
        let world = Booking::connected(platform).await;
        world.rules(vec![rule(Action::Register { connection: format!("{platform}-api") })]).await;
        let number = "00340434161094042557";
        let picking = world.systems.add_order(number);
        world.import().await;
        let look = async |days: i64| {
            world.systems.advance(days * 86_400).await;
            application::jobs::tick(&world.systems.world.context).await.unwrap();
            world.systems.world.settle().await;
            world.registrations(picking).await.remove(0).about
        };
        assert_eq!(look(days - 1).await.restarts, 0, "{platform}: not yet");
        world.platform.tracking_ends(number);
        let about = look(1).await;
        assert_eq!((about.restarts, about.ended), (1, Some(ended)), "{platform}");
        assert_eq!((look(1).await.restarts, world.platform.trackers()[0].restarts), (1, 1), "{platform}: once");
        if platform == "17track" {
            // it starts a number again once: then a person is needed
            world.platform.tracking_ends(number);
            look(30).await;
            let known = world.registrations(picking).await.remove(0);
            assert_eq!(known.tracking, Tracking::Refused, "{known:?}");
            assert!(known.about.refused.is_some_and(|why| why.contains("-18019905")));
        }
    }
}

#[tokio::test]
async fn each_package_is_a_parcel_with_its_own_goods_at_customs() {
    for (platform, _) in PURCHASES {
        let world = Booking::connected(platform).await;
        world.systems.world.leaves_jobs();
        let rule = BookingRule { warehouse: None, ..rule(book_at(&format!("{platform}-api"))) };
        world.rules(vec![rule]).await;
        let new = delivery("A1", world.systems.world.clock.now());
        let place = simulator::journey::Place { city: "Basel", country: "CH", zip: "4001", ..new.place };
        let picking = world.systems.odoo.add_order(&NewOrder { tracking: None, place, ..new });
        let first = world.systems.odoo.pack(picking, "PACK1");
        let second = world.systems.odoo.pack(picking, "PACK2");
        let bearings = NewGoods {
            name: "Bearing",
            sku: "B-1",
            hs_code: "848210",
            origin: "DE",
            weight_kg: 0.4,
            price: 15.0,
            sold: Some((12.25, "CHF")),
            packed: &[(2.0, Some(first)), (1.0, None)],
        };
        let seals = NewGoods {
            name: "Seal",
            sku: "S-1",
            hs_code: "401693",
            origin: "CN",
            weight_kg: 0.01,
            price: 0.3,
            sold: None,
            packed: &[(10.0, Some(second))],
        };
        for goods in [&bearings, &seals] {
            world.systems.odoo.add_goods(picking, goods);
        }
        world.import().await;
        for _ in 0..3 {
            world.systems.advance(60).await;
        }
        let phases: Vec<_> = world.bookings(picking).await.iter().map(|one| one.purchase.phase).collect();
        assert_eq!(phases, [Phase::Booked; 3], "{platform}: two packages, and what is in none");
        let labels = world.platform.labels();
        let declared: Vec<_> = labels.iter().flat_map(|label| &label.declared).collect();
        let mut lines: Vec<_> = declared
            .iter()
            .map(|one| (one.description.as_str(), one.quantity, one.cents, one.currency.as_str(), one.origin.as_str()))
            .collect();
        lines.sort_unstable();
        let wanted =
            [("Bearing", 1, 1_225, "CHF", "DE"), ("Bearing", 2, 2_450, "CHF", "DE"), ("Seal", 10, 300, "EUR", "CN")];
        assert_eq!(lines, wanted, "{platform}: each is declared once, at what it was sold for");
        assert_eq!(labels.iter().filter(|label| label.declared.len() == 1).count(), 3, "{platform}");
        assert_eq!(world.number(picking).unwrap().split(',').count(), 3, "{platform}");
        assert_eq!(world.attached(picking).len(), 3, "{platform}");
    }
}

#[tokio::test]
async fn what_became_of_a_label_stands_in_odoo_and_a_void_one_is_named_so() {
    let world = Booking::at("easypost").await;
    let (picking, refused) = (world.add("A1"), world.add_to("A2", REFUSED_CITY));
    world.import().await;
    let shows = |picking| world.systems.odoo.value(picking, "x_milepost_booking");
    let booked = shows(picking).as_str().unwrap().to_owned();
    assert!(booked.starts_with("Booked at ") && booked.contains("7.58 USD") && booked.contains("test"), "{booked}");
    let not = shows(refused).as_str().unwrap().to_owned();
    assert!(not.starts_with("Refused at "), "{not}");
    let number = world.number(picking).unwrap();
    world.systems.odoo.edit(picking, "state", json!("cancel"));
    world.import().await;
    world.platform.settle();
    world.systems.advance(25 * 3_600).await;
    assert!(shows(picking).as_str().unwrap().starts_with("Voided at "), "{}", shows(picking));
    let names: Vec<_> = world.attached(picking).iter().map(|file| file["name"].clone()).collect();
    assert_eq!(names, [json!(format!("VOID Label {number}.pdf"))]);
    assert_eq!(world.notes(picking, "is void"), 1);
}

#[tokio::test]
async fn rules_are_changed_one_by_one_and_tried_on_a_delivery() {
    let world = Booking::connected("easypost").await;
    let context = &world.systems.world.context;
    let named = |name: &str, countries: &[&str]| BookingRule {
        name: name.into(),
        countries: countries.iter().map(|country| (*country).to_owned()).collect(),
        ..rule(book_at("easypost-api"))
    };
    let change = async |change| {
        let seen = rules::list(context, &world.person()).await.unwrap().version;
        rules::change(context, &world.person(), &seen, change).await
    };
    let names = async || {
        let listed = rules::list(context, &world.person()).await.unwrap();
        listed.rules.into_iter().map(|rule| rule.name).collect::<Vec<_>>()
    };
    for rule in [named("Switzerland", &["CH"]), named("EU", &["EU"]), named("all", &[])] {
        change(rules::Change::Add(rule)).await.unwrap();
    }
    let twice = change(rules::Change::Add(named("eu", &[]))).await.unwrap_err();
    assert!(twice.to_string().contains("two rules are called"), "{twice}");
    change(rules::Change::Raise("all".into())).await.unwrap();
    assert_eq!(names().await, ["Switzerland", "all", "EU"]);
    change(rules::Change::Lower("all".into())).await.unwrap();
    change(rules::Change::Lower("all".into())).await.unwrap();
    change(rules::Change::Raise("Switzerland".into())).await.unwrap();
    assert_eq!(names().await, ["Switzerland", "EU", "all"], "what is first or last stays there");
    change(rules::Change::Replace("EU".into(), named("Europe", &["EU", "CH"]))).await.unwrap();
    assert!(change(rules::Change::Remove("EU".into())).await.is_err(), "it has another name now");
    let stale = rules::change(context, &world.person(), "0", rules::Change::Remove("all".into())).await.unwrap_err();
    assert!(stale.to_string().contains("changed meanwhile"), "{stale}");
    // tried before anything is booked
    let empty = rules::list(context, &world.person()).await.unwrap().rules;
    world.rules(Vec::new()).await;
    let picking = world.add("A1");
    world.import().await;
    world.rules(empty).await;
    let tried = trial::on(context, &world.person(), "WH/OUT/A1").await.unwrap();
    assert_eq!(tried.deciding().map(|rule| rule.name.as_str()), Some("Europe"));
    let misfits: Vec<_> = tried.rules.iter().map(|(_, misfits)| misfits.clone()).collect();
    assert_eq!(misfits, [vec![Misfit::Country], vec![], vec![]]);
    assert!(trial::on(context, &world.person(), "no such delivery").await.is_err());
    assert_eq!((world.bookings(picking).await.len(), world.platform.labels().len()), (0, 0), "nothing is booked");
}

#[tokio::test]
async fn a_number_is_not_tracked_once_its_delivery_is_cancelled_or_has_it_no_more() {
    let world = Booking::connected("aftership").await;
    world.rules(vec![rule(Action::Register { connection: "aftership-api".into() })]).await;
    let cancelled = world.systems.add_order("00340434161094042557");
    let removed = world.systems.add_order("00340434161094042564");
    world.import().await;
    for picking in [cancelled, removed] {
        assert_eq!(world.registrations(picking).await[0].tracking, Tracking::Registered);
    }
    world.systems.odoo.edit(cancelled, "state", json!("cancel"));
    world.systems.odoo.edit(removed, "carrier_tracking_ref", json!(false));
    world.import().await;
    for picking in [cancelled, removed] {
        assert_eq!(world.registrations(picking).await[0].tracking, Tracking::Stopped);
    }
    assert!(world.platform.trackers().iter().all(|tracker| tracker.stopped));
}
