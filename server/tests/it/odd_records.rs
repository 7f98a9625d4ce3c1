//! One odd record in Odoo: it is said, tried again, and stops no other one. What Odoo does later is followed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::{Systems, delivery};
use ::odoo::{READ_FIELDS, RecordKind};
use application::{
    caller::Caller,
    clock::Clock as _,
    odoo::{self, IMPORT_PAGES_MAX},
    rules::promises::{self, Switch},
};
use domain::{
    ExceptionReason,
    fold::{DeliveryStanding, PromiseSource},
    ids::{ShipmentId, SubjectId, content_id},
};
use jiff::SignedDuration;
use outbound::Discard;
use serde_json::{Value, json};
use simulator::odoo::{NewOrder, NewTransfer, Way};
use storage::{
    Sealed, WrappedKey,
    order_problems::{Extent, PROBLEM_ROWS},
    orders::OriginStanding,
    shipments::{ShipmentQuery, ShipmentTab},
};

/// What a field may hold that nobody expects.
fn odd_values() -> Vec<Value> {
    vec![
        json!(false),
        json!(true),
        Value::Null,
        json!(424_242),
        json!(-1.5),
        json!([]),
        json!([7, false]),
        json!([false, "x"]),
        json!({"a": {"b": 1}}),
        json!("x".repeat(100_000)),
        json!("\u{0}nul\u{0}"),
        json!(""),
    ]
}

struct Three {
    systems: Systems,
    pickings: [i64; 3],
    ids: [ShipmentId; 3],
}

impl Three {
    async fn new() -> Self {
        let systems = Systems::new().await;
        let pickings = ["N0", "N1", "N2"].map(|number| systems.add_order(number));
        Self::taken_in(systems, pickings).await
    }

    /// Receipts of purchase orders.
    async fn receipts() -> Self {
        let systems = Systems::new().await;
        let now = systems.world.clock.now();
        let NewOrder { place, carrier, .. } = delivery("", now);
        let pickings = ["N0", "N1", "N2"].map(|number| {
            systems.odoo.add_transfer(&NewTransfer {
                way: Way::Receipt,
                // all of them are found by their names
                name: format!("WH/OUT/{number}"),
                order: format!("P-{number}"),
                partner: "Vendor".into(),
                place,
                carrier,
                tracking: Some(number.into()),
                planned: now + SignedDuration::from_hours(24_000),
                done: None,
                written: now,
            })
        });
        Self::taken_in(systems, pickings).await
    }

    async fn taken_in(systems: Systems, pickings: [i64; 3]) -> Self {
        systems.import(IMPORT_PAGES_MAX).await;
        systems.world.settle().await;
        let mut ids = Vec::new();
        for n in 0..3 {
            ids.push(shipment_of(&systems, &format!("N{n}")).await);
        }
        Self { pickings, ids: ids.try_into().unwrap(), systems }
    }

    async fn take_in(&self) {
        self.systems.import(IMPORT_PAGES_MAX).await;
        self.systems.world.settle().await;
    }

    /// Somebody types another number into the first and the last, which is to come in.
    async fn others_go_on(&self, round: usize, what: &str) {
        let number = format!("ROUND{round}");
        for at in [0, 2] {
            self.systems.odoo.edit(self.pickings[at], "carrier_tracking_ref", json!(format!("{number}N{at}")));
        }
        self.take_in().await;
        for at in [0, 2] {
            let numbers = self.systems.world.load(self.ids[at]).await.shipment.numbers;
            let numbers: Vec<_> = numbers.iter().map(|n| n.number.as_str()).collect();
            assert_eq!(numbers, [format!("{number}N{at}")], "{what} of another one");
        }
    }

    async fn open(&self, at: usize) -> Vec<ExceptionReason> {
        let loaded = self.systems.world.load(self.ids[at]).await;
        loaded.exceptions.iter().filter(|e| e.closed.is_none()).map(|e| e.reason).collect()
    }

    async fn problems(&self) -> Vec<(i64, Extent, String)> {
        problems_of(&self.systems).await
    }

    /// The order and the customer of one may not be read.
    fn refuse_related(&self, at: usize) {
        for (model, link) in [("sale.order", "sale_id"), ("res.partner", "partner_id")] {
            self.systems.odoo.refuse(model, self.systems.odoo.linked(self.pickings[at], link).unwrap());
        }
    }

    async fn customer(&self, at: usize) -> Option<Sealed> {
        let context = &self.systems.world.context;
        let customer = context.store.shipments.customer(context.scope(), self.ids[at]).await.unwrap();
        customer.map(|(sealed, _)| sealed)
    }

    /// The shipments that are found by a customer's name.
    async fn found_by(&self, customer: &str) -> Vec<ShipmentId> {
        let context = &self.systems.world.context;
        let tokens = vec![context.vault.token("customer", customer)];
        let (tab, text) = (ShipmentTab::All, Some(customer.to_owned()));
        let query = ShipmentQuery { tab, text, tokens, ..ShipmentQuery::default() };
        let list = context.store.shipments.list(context.scope(), query, context.now()).await.unwrap();
        list.rows.iter().map(|row| row.id).collect()
    }

    async fn passes(&self, minutes: i64) {
        self.systems.world.clock.advance(jiff::Span::new().minutes(minutes));
    }
}

async fn shipment_of(systems: &Systems, number: &str) -> ShipmentId {
    found(systems, number).await.unwrap()
}

async fn found(systems: &Systems, number: &str) -> Option<ShipmentId> {
    let context = &systems.world.context;
    context.store.shipments.find(context.scope(), &format!("WH/OUT/{number}")).await.unwrap().first().copied()
}

async fn problems_of(systems: &Systems) -> Vec<(i64, Extent, String)> {
    let context = &systems.world.context;
    let problems = context.store.order_problems.list(context.scope()).await.unwrap();
    problems.into_iter().map(|p| (p.seen.record, p.seen.extent, p.seen.problem)).collect()
}

#[tokio::test]
async fn no_odd_field_of_any_record_stops_another_record() {
    nothing_odd_stops_another(Three::new().await, OF_SALES).await;
}

#[tokio::test]
async fn no_odd_field_of_a_purchase_or_its_vendor_stops_another_receipt() {
    nothing_odd_stops_another(Three::receipts().await, &["purchase.order", "res.partner"]).await;
}

/// What deliveries show is compared then, which is one more reading of them.
#[tokio::test]
async fn nor_once_something_was_written_to_them() {
    let three = Three::new().await;
    for number in ["N0", "N1", "N2"] {
        three.systems.world.receives(number, &[("InTransit_002", "2026-03-05T10:00:00")]).await;
    }
    let context = &three.systems.world.context;
    let written = context.store.shipments.written_of(context.scope(), "odoo", three.pickings.to_vec()).await.unwrap();
    assert_eq!(written.len(), 3);
    nothing_odd_stops_another(three, OF_SALES).await;
}

/// What is read of deliveries of sales orders.
const OF_SALES: &[&str] = &["stock.picking", "sale.order", "res.partner"];

async fn nothing_odd_stops_another(three: Three, models: &[&str]) {
    three.systems.world.leaves_jobs();
    let odd = three.pickings[1];
    let mut round = 0;
    for (model, fields) in READ_FIELDS.iter().filter(|(model, _)| models.contains(model)) {
        let record = match *model {
            "stock.picking" => odd,
            "sale.order" => three.systems.odoo.linked(odd, "sale_id").unwrap(),
            "purchase.order" => three.systems.odoo.linked(odd, "purchase_id").unwrap(),
            _ => three.systems.odoo.linked(odd, "partner_id").unwrap(),
        };
        for field in std::iter::once(&"id").chain(*fields) {
            let before = three.systems.odoo.field(model, record, field);
            for value in odd_values() {
                let short: String = value.to_string().chars().take(40).collect();
                round += 1;
                three.systems.odoo.spoil(model, record, field, value);
                three.others_go_on(round, &format!("{model}.{field} = {short}")).await;
                let numbers = three.systems.world.load(three.ids[1]).await.shipment.numbers.len();
                let emptied = *field == "carrier_tracking_ref" || *field == "id";
                assert!(numbers == 1 || emptied, "{model}.{field} = {short} takes the number away");
            }
            three.systems.odoo.spoil(model, record, field, before);
        }
        // a record that may not be read
        round += 1;
        three.systems.odoo.refuse(model, record);
        three.others_go_on(round, &format!("{model} refused")).await;
        let problems = three.problems().await;
        let said = problems.iter().find(|(record, ..)| *record == odd).expect("it is remembered");
        assert!(said.2.contains("AccessError"), "{said:?}");
        assert_eq!(said.1, if *model == "stock.picking" { Extent::Whole } else { Extent::Part });
        assert!(three.open(1).await.contains(&ExceptionReason::ImportIncomplete), "{model}");
        three.systems.odoo.allow_all();
        three.passes(61).await;
        three.take_in().await;
        assert_eq!(three.problems().await, [], "{model} may be read again");
        assert_eq!(three.open(1).await, [], "{model}");
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_tried_again_until_it_can() {
    let systems = Systems::new().await;
    let picking = systems.add_order("N1");
    systems.odoo.refuse("stock.picking", picking);
    systems.import(IMPORT_PAGES_MAX).await;
    let context = &systems.world.context;
    let (store, scope) = (&context.store, context.scope());
    let problems = store.order_problems.list(scope).await.unwrap();
    let [problem] = &problems[..] else { panic!("one problem") };
    assert_eq!((problem.seen.record, problem.seen.extent, problem.attempts), (picking, Extent::Whole, 1));
    assert!(odoo::what_to_do(&problem.seen.problem).contains("right"), "{problem:?}");
    // the watermark goes on; nobody writes the delivery any more
    systems.world.clock.advance(jiff::Span::new().minutes(30));
    let later = systems.add_order("N2");
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(store.shipments.find(scope, "WH/OUT/N2").await.unwrap().len(), 1, "{later} is taken in");
    // rights are granted
    systems.odoo.allow_all();
    odoo::reimport(context, &Caller::trusted(scope)).await.unwrap();
    systems.world.settle().await;
    assert_eq!(store.shipments.find(scope, "WH/OUT/N1").await.unwrap().len(), 1);
    assert_eq!(store.order_problems.list(scope).await.unwrap(), []);
}

#[tokio::test]
async fn a_delivery_that_may_be_seen_only_later_is_taken_in_then() {
    let systems = Systems::new().await;
    let picking = systems.add_order("N1");
    // of another company: it is not even found
    systems.odoo.spoil("stock.picking", picking, "picking_type_code", json!("hidden"));
    systems.import(IMPORT_PAGES_MAX).await;
    systems.world.clock.advance(jiff::Span::new().hours(48));
    systems.add_order("N2");
    systems.import(IMPORT_PAGES_MAX).await;
    systems.odoo.spoil("stock.picking", picking, "picking_type_code", json!("outgoing"));
    systems.import(IMPORT_PAGES_MAX).await;
    let context = &systems.world.context;
    assert_eq!(context.store.shipments.find(context.scope(), "WH/OUT/N1").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_customer_or_an_order_that_changes_changes_the_delivery() {
    let three = Three::new().await;
    let odoo = &three.systems.odoo;
    // the delivery itself was written long ago
    odoo.spoil("stock.picking", three.pickings[1], "write_date", json!("2026-03-01 08:00:00"));
    odoo.edit_linked(three.pickings[1], "partner_id", "city", json!("Nantes"));
    odoo.edit_linked(three.pickings[1], "sale_id", "commitment_date", json!("2026-04-01 12:00:00"));
    three.take_in().await;
    let shipment = three.systems.world.load(three.ids[1]).await.shipment;
    assert_eq!(shipment.destination.as_deref(), Some("Nantes, FR"));
    assert_eq!(shipment.plan.promised_by.unwrap().to_string(), "2026-04-01T12:00:00Z");
}

#[tokio::test]
async fn a_deleted_delivery_stays_with_its_history_and_nothing_is_written_to_it() {
    let three = Three::new().await;
    let world = &three.systems.world;
    world.receives("N1", &[("InTransit_002", "2026-03-05T10:00:00"), ("Exception_003", "2026-03-05T11:00:00")]).await;
    assert!(!three.open(1).await.is_empty());
    let writes = || three.systems.odoo.changes().iter().filter(|change| change.record == three.pickings[1]).count();
    let before = writes();
    three.systems.odoo.delete(three.pickings[1]);
    three.take_in().await;
    let shipment = world.load(three.ids[1]).await.shipment;
    assert_eq!((shipment.plan.standing, shipment.standing), (DeliveryStanding::Deleted, OriginStanding::Cancelled));
    assert_eq!(three.open(1).await, [], "its exceptions end");
    assert_eq!(world.load(three.ids[2]).await.shipment.plan.standing, DeliveryStanding::Open);
    world.receives("N1", &[("InTransit_002", "2026-03-05T10:00:00"), ("InTransit_003", "2026-03-05T11:30:00")]).await;
    assert!(!world.load(three.ids[1]).await.input.facts.is_empty(), "its history goes on");
    assert_eq!(writes(), before, "nothing is written to it");
    assert_eq!(three.systems.dead().await, 0);
}

#[tokio::test]
async fn a_change_during_a_long_import_is_found_by_the_next_one() {
    let systems = Systems::new().await;
    let pickings: Vec<i64> = (0..101).map(|n| systems.add_order(&format!("N{n}"))).collect();
    let begun = systems.world.context.now();
    systems.import(1).await;
    let written = |record, minutes| {
        let at = begun + SignedDuration::from_mins(minutes);
        systems.odoo.spoil("stock.picking", record, "write_date", json!(at.strftime("%Y-%m-%d %H:%M:%S").to_string()));
    };
    systems.world.clock.advance(jiff::Span::new().minutes(30));
    systems.odoo.spoil("stock.picking", pickings[0], "carrier_tracking_ref", json!("CHANGED1"));
    written(pickings[0], 5);
    written(pickings[100], 30);
    systems.import(IMPORT_PAGES_MAX).await;
    systems.import(IMPORT_PAGES_MAX).await;
    let shipment = shipment_of(&systems, "N0").await;
    let numbers = systems.world.load(shipment).await.shipment.numbers;
    assert_eq!(numbers.iter().map(|n| n.number.as_str()).collect::<Vec<_>>(), ["CHANGED1"]);
}

#[tokio::test]
async fn without_a_usable_time_of_change_only_the_first_import_is_of_everything() {
    for empty in [true, false] {
        let systems = Systems::new().await;
        if !empty {
            let picking = systems.add_order("N1");
            let of = |link| systems.odoo.linked(picking, link).unwrap();
            let records =
                [("sale.order", of("sale_id")), ("res.partner", of("partner_id")), ("stock.picking", picking)];
            for (model, record) in records {
                systems.odoo.spoil(model, record, "write_date", json!("2099-01-01 00:00:00"));
            }
        }
        systems.import(IMPORT_PAGES_MAX).await;
        let context = &systems.world.context;
        let cursor = context.store.people.setting(context.scope(), "odoo.import").await.unwrap().unwrap();
        let cursor: Value = serde_json::from_str(&cursor).unwrap();
        assert!(cursor["since"].is_string(), "empty: {empty}: {cursor}");
    }
}

#[tokio::test]
async fn a_model_that_is_refused_costs_few_calls() {
    const DELIVERIES: usize = 60;
    let systems = Systems::new().await;
    for n in 0..DELIVERIES {
        let picking = systems.add_order(&format!("N{n}"));
        systems.odoo.refuse("sale.order", systems.odoo.linked(picking, "sale_id").unwrap());
    }
    systems.import(IMPORT_PAGES_MAX).await;
    let calls = systems.odoo.calls("sale.order/read");
    assert!((9..30).contains(&calls), "{calls} calls");
    let context = &systems.world.context;
    let problems = context.store.order_problems.list(context.scope()).await.unwrap();
    assert_eq!(problems.iter().filter(|p| p.seen.extent == Extent::Part).count(), DELIVERIES);
}

#[tokio::test]
async fn those_between_two_blocks_of_refused_ones_are_read() {
    const DELIVERIES: usize = 60;
    let systems = Systems::new().await;
    let readable = 20..40;
    let pickings: Vec<i64> = (0..DELIVERIES).map(|n| systems.add_order(&format!("N{n}"))).collect();
    for n in (0..DELIVERIES).filter(|n| !readable.contains(n)) {
        systems.odoo.refuse("sale.order", systems.odoo.linked(pickings[n], "sale_id").unwrap());
    }
    systems.import(IMPORT_PAGES_MAX).await;
    let problems = problems_of(&systems).await;
    let odd: Vec<usize> =
        (0..DELIVERIES).filter(|n| problems.iter().any(|(record, ..)| *record == pickings[*n])).collect();
    assert_eq!(odd, (0..DELIVERIES).filter(|n| !readable.contains(n)).collect::<Vec<_>>());
    assert!(problems.iter().all(|(_, extent, said)| *extent == Extent::Part && said.contains("AccessError")));
    let calls = systems.odoo.calls("sale.order/read");
    assert!(calls < 120, "{calls} calls");
    // the same of those that are looked for: they are not even found, and may not be read
    for n in (0..DELIVERIES).filter(|n| !readable.contains(n)) {
        systems.odoo.refuse("stock.picking", pickings[n]);
    }
    systems.odoo.delete(pickings[30]);
    let odoo = systems.world.context.odoo("odoo").unwrap();
    assert_eq!(odoo.deleted(&pickings, &Discard).await.unwrap(), [pickings[30]]);
}

#[tokio::test]
async fn many_that_are_refused_hide_none_behind_them() {
    let systems = Systems::new().await;
    for n in 0..40 {
        let picking = systems.add_order(&format!("N{n}"));
        if n < 20 {
            systems.odoo.refuse("stock.picking", picking);
        }
    }
    systems.import(IMPORT_PAGES_MAX).await;
    let context = &systems.world.context;
    for n in 20..40 {
        assert_eq!(
            context.store.shipments.find(context.scope(), &format!("WH/OUT/N{n}")).await.unwrap().len(),
            1,
            "N{n}"
        );
    }
    assert_eq!(context.store.order_problems.list(context.scope()).await.unwrap().len(), 20);
}

#[tokio::test]
async fn what_may_not_be_read_for_a_while_stays_as_it_was() {
    let three = Three::new().await;
    let (odoo, world, picking) = (&three.systems.odoo, &three.systems.world, three.pickings[1]);
    let known = async || {
        let shipment = world.load(three.ids[1]).await.shipment;
        (shipment.plan.promised_by, shipment.plan.promise, shipment.destination, shipment.origin.unwrap().order)
    };
    let (before, customer) = (known().await, three.customer(1).await);
    assert_eq!((before.1.clone(), before.2.as_deref()), (Some(PromiseSource::Commitment), Some("Lyon, FR")));
    assert!(customer.is_some());
    three.refuse_related(1);
    odoo.edit(picking, "carrier_tracking_ref", json!("OTHER1"));
    three.take_in().await;
    let numbers = world.load(three.ids[1]).await.shipment.numbers;
    assert_eq!(
        numbers.iter().map(|n| n.number.as_str()).collect::<Vec<_>>(),
        ["OTHER1"],
        "what can be read is taken in"
    );
    assert_eq!((known().await, three.customer(1).await), (before, customer.clone()));
    assert!(three.found_by("Somebody").await.contains(&three.ids[1]));
    let problems = three.problems().await;
    let [(record, Extent::Part, problem)] = &problems[..] else { panic!("{problems:?}") };
    assert!(*record == picking && problem.contains("order: AccessError") && problem.contains("customer: AccessError"));
    assert_eq!(three.open(1).await, [ExceptionReason::ImportIncomplete]);
    odoo.edit_linked(picking, "partner_id", "city", json!("Nantes"));
    odoo.edit_linked(picking, "partner_id", "name", json!("Somebody Else"));
    odoo.edit_linked(picking, "sale_id", "commitment_date", json!("2026-04-01 12:00:00"));
    odoo.allow_all();
    three.passes(61).await;
    three.take_in().await;
    let (promised_by, promise, destination, _) = known().await;
    assert_eq!(
        (promised_by.unwrap().to_string(), promise),
        ("2026-04-01T12:00:00Z".into(), Some(PromiseSource::Commitment))
    );
    assert_eq!(destination.as_deref(), Some("Nantes, FR"));
    assert_ne!(three.customer(1).await, customer);
    assert_eq!(three.found_by("Somebody Else").await, [three.ids[1]]);
    assert!(!three.found_by("Somebody").await.contains(&three.ids[1]));
    assert_eq!((three.problems().await, three.open(1).await), (vec![], vec![]));
}

#[tokio::test]
async fn what_a_rule_promised_stays_while_the_customer_may_not_be_read_and_rules_are_on() {
    let three = Three::new().await;
    let (odoo, context, picking) = (&three.systems.odoo, &three.systems.world.context, three.pickings[1]);
    odoo.edit_linked(picking, "sale_id", "commitment_date", json!(false));
    odoo.edit(picking, "state", json!("done"));
    odoo.edit(picking, "date_done", json!("2026-03-05 10:00:00"));
    promises::switch(context, &Caller::trusted(context.scope()), Switch::On).await.unwrap();
    // without it nothing is promised of a delivery whose country is not known
    promises::remove(context, &Caller::trusted(context.scope()), "everything-else").await.unwrap();
    three.take_in().await;
    let promise = async || three.systems.world.load(three.ids[1]).await.shipment.plan.promise;
    // by the customer's country
    let by_rule = Some(PromiseSource::Rule { name: "european-union".into() });
    assert_eq!(promise().await, by_rule);
    three.refuse_related(1);
    odoo.edit(picking, "carrier_tracking_ref", json!("OTHER1"));
    three.take_in().await;
    assert_eq!(promise().await, by_rule);
    promises::switch(context, &Caller::trusted(context.scope()), Switch::Off).await.unwrap();
    three.take_in().await;
    assert_eq!(promise().await, None);
}

#[tokio::test]
async fn one_that_is_refused_among_many_costs_few_calls_and_hides_no_other() {
    const MANY: usize = 100;
    let systems = Systems::new().await;
    let pickings: Vec<i64> = (0..MANY).map(|n| systems.add_order(&format!("N{n}"))).collect();
    let odoo = systems.world.context.odoo("odoo").unwrap();
    let reads = || systems.odoo.calls("stock.picking/read");
    assert_eq!(odoo.shown(RecordKind::Delivery, &pickings, &Discard).await.unwrap().len(), MANY);
    assert_eq!(reads(), 1);
    let refused = pickings[37];
    systems.odoo.refuse("stock.picking", refused);
    let shown = odoo.shown(RecordKind::Delivery, &pickings, &Discard).await.unwrap();
    assert!(pickings.iter().all(|id| shown.contains_key(id) == (*id != refused)));
    // the first one, and two for each of seven halvings
    assert!((2..=1 + 1 + 2 * 7).contains(&reads()), "{} calls", reads());
}

#[tokio::test]
async fn what_had_to_wait_for_its_turn_comes_in_later() {
    const DELIVERIES: usize = 100;
    let systems = Systems::new().await;
    for n in 0..DELIVERIES {
        let picking = systems.add_order(&format!("N{n}"));
        if n % 2 == 0 {
            systems.odoo.refuse("stock.picking", picking);
        }
    }
    // telling the refused ones apart takes all the calls that may go into it: none is left for customers
    systems.import(IMPORT_PAGES_MAX).await;
    let waiting = async || {
        let problems = problems_of(&systems).await;
        problems.iter().filter(|(_, extent, said)| *extent == Extent::Whole && said.starts_with("not read yet")).count()
    };
    assert_eq!((waiting().await, problems_of(&systems).await.len()), (DELIVERIES / 2, DELIVERIES));
    assert!(systems.odoo.calls("stock.picking/read") + systems.odoo.calls("sale.order/read") <= 200);
    assert_eq!(found(&systems, "N1").await, None);
    // nothing else happens in Odoo
    systems.world.clock.advance(jiff::Span::new().minutes(6));
    systems.import(IMPORT_PAGES_MAX).await;
    assert!(found(&systems, "N1").await.is_some(), "some of them are tried again by each import");
    assert_eq!(found(&systems, "N99").await, None);
    // the watermark goes on
    systems.add_order("LATER1");
    systems.import(IMPORT_PAGES_MAX).await;
    assert!(found(&systems, "LATER1").await.is_some());
    for _ in 0..4 {
        systems.world.clock.advance(jiff::Span::new().minutes(61));
        systems.add_order("LATER2");
        systems.import(IMPORT_PAGES_MAX).await;
    }
    assert_eq!((waiting().await, problems_of(&systems).await.len()), (0, DELIVERIES / 2));
    for n in 0..DELIVERIES {
        assert_eq!(found(&systems, &format!("N{n}")).await.is_some(), n % 2 == 1, "N{n}");
    }
}

#[tokio::test]
async fn what_only_waits_keeps_its_earlier_problem_and_asks_for_nothing() {
    const DELIVERIES: usize = 100;
    let systems = Systems::new().await;
    let pickings: Vec<i64> = (0..DELIVERIES).map(|n| systems.add_order(&format!("N{n}"))).collect();
    systems.odoo.refuse("sale.order", systems.odoo.linked(pickings[1], "sale_id").unwrap());
    systems.import(IMPORT_PAGES_MAX).await;
    let problem_of = async |n: usize| {
        let problems = problems_of(&systems).await;
        problems.into_iter().find(|(record, ..)| *record == pickings[n]).map(|(_, extent, said)| (extent, said))
    };
    let earlier = problem_of(1).await;
    assert!(matches!(&earlier, Some((Extent::Part, said)) if said.contains("AccessError")), "{earlier:?}");
    // all come again, and the refused ones take all the calls
    for (n, picking) in pickings.iter().enumerate() {
        systems.odoo.edit(*picking, "carrier_tracking_ref", json!(format!("NEW{n}")));
        if n % 2 == 0 {
            systems.odoo.refuse("stock.picking", *picking);
        }
    }
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(problem_of(1).await, earlier);
    let (_, waits) = problem_of(3).await.unwrap();
    assert!(waits.starts_with("not read yet"), "{waits}");
    assert_eq!(odoo::what_to_do(&waits), "Nothing to do: it is tried again by itself.");
    let reason = odoo::what_to_do("customer: Odoo refuses to read it (rejected)");
    assert!(reason.contains("Integrations page"), "{reason}");
}

#[tokio::test]
async fn more_problems_than_a_list_shows_are_tried_in_their_turn_and_forgotten() {
    const DELIVERIES: usize = PROBLEM_ROWS as usize + 50;
    let systems = Systems::new().await;
    let pickings: Vec<i64> = (0..DELIVERIES).map(|n| systems.add_order(&format!("N{n}"))).collect();
    let state = |value: Value| {
        for picking in &pickings {
            systems.odoo.spoil("stock.picking", *picking, "state", value.clone());
        }
    };
    state(json!(7));
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(problems_of(&systems).await.len(), PROBLEM_ROWS as usize);
    let reads = systems.odoo.calls("stock.picking/read");
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(systems.odoo.calls("stock.picking/read"), reads, "none is read beside its turn");
    state(json!("assigned"));
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(problems_of(&systems).await, []);
    let context = &systems.world.context;
    assert_eq!(context.store.order_problems.among(context.scope(), "odoo", pickings.clone()).await.unwrap().len(), 0);
    assert_eq!(context.store.shipments.counts(context.scope(), context.now()).await.unwrap().all, DELIVERIES as u64);
}

#[tokio::test]
async fn the_problem_of_deliveries_without_an_id_ends_with_the_last_of_them() {
    let systems = Systems::new().await;
    let pickings = ["N0", "N1", "N2"].map(|number| systems.add_order(number));
    for picking in &pickings[..2] {
        systems.odoo.spoil("stock.picking", *picking, "id", json!("x"));
    }
    systems.import(IMPORT_PAGES_MAX).await;
    let context = &systems.world.context;
    let first_seen = async || {
        let problems = context.store.order_problems.list(context.scope()).await.unwrap();
        problems.iter().map(|p| (p.seen.record, p.first_seen)).collect::<Vec<_>>()
    };
    let noted = first_seen().await;
    assert_eq!(noted, [(0, context.now())]);
    assert!(found(&systems, "N2").await.is_some());
    // nobody writes them any more
    systems.world.clock.advance(jiff::Span::new().minutes(30));
    systems.add_order("N3");
    systems.import(IMPORT_PAGES_MAX).await;
    systems.world.clock.advance(jiff::Span::new().minutes(30));
    systems.add_order("N4");
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(first_seen().await, noted, "it goes on");
    systems.odoo.spoil("stock.picking", pickings[0], "id", json!(pickings[0]));
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!((found(&systems, "N0").await.is_some(), found(&systems, "N1").await.is_some()), (true, false));
    assert_eq!(first_seen().await, noted, "one is left");
    systems.odoo.spoil("stock.picking", pickings[1], "id", json!(pickings[1]));
    systems.import(IMPORT_PAGES_MAX).await;
    assert!(found(&systems, "N1").await.is_some());
    assert_eq!(first_seen().await, []);
}

/// The key of a delivery's customer as another master key would have wrapped it.
async fn spoil_key(systems: &Systems, picking: i64) {
    let context = &systems.world.context;
    let subject =
        SubjectId(content_id("customer", &[context.company.0.as_bytes(), b"stock.picking", &picking.to_be_bytes()]));
    let wrapped = WrappedKey { subject, bytes: vec![7; 60] };
    context.store.people.put_key(context.scope(), wrapped, context.now()).await.unwrap();
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_a_problem_of_its_delivery_alone() {
    let systems = Systems::new().await;
    let (spoiled, _) = (systems.add_order("N1"), systems.add_order("N2"));
    spoil_key(&systems, spoiled).await;
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!((found(&systems, "N1").await.is_some(), found(&systems, "N2").await.is_some()), (false, true));
    let problems = problems_of(&systems).await;
    let [(record, Extent::Whole, problem)] = &problems[..] else { panic!("{problems:?}") };
    assert!(*record == spoiled && problem.contains("cannot be decrypted with this master key"), "{problem}");
    assert!(odoo::what_to_do(problem).contains("nothing is wrong in Odoo"));
    // alone at its next try it stops nothing either
    systems.world.clock.advance(jiff::Span::new().minutes(30));
    systems.import(IMPORT_PAGES_MAX).await;
    let context = &systems.world.context;
    let attempts = context.store.order_problems.list(context.scope()).await.unwrap()[0].attempts;
    assert_eq!(attempts, 2, "it is tried again");
    systems.odoo.delete(spoiled);
    systems.world.clock.advance(jiff::Span::new().minutes(61));
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(problems_of(&systems).await, []);
}

#[tokio::test]
async fn keys_none_of_which_can_be_used_fail_the_import_and_blame_no_delivery() {
    let systems = Systems::new().await;
    let pickings = ["N1", "N2"].map(|number| systems.add_order(number));
    for picking in pickings {
        spoil_key(&systems, picking).await;
    }
    let context = &systems.world.context;
    let (store, scope) = (&context.store, context.scope());
    let import = async || odoo::import(context, scope, "odoo", context.correlation(), IMPORT_PAGES_MAX, &Discard).await;
    let error = import().await.unwrap_err().to_string();
    assert!(error.contains("cannot be decrypted with this master key"), "{error}");
    assert_eq!((found(&systems, "N1").await, found(&systems, "N2").await), (None, None));
    assert_eq!(problems_of(&systems).await, [], "nothing is wrong in Odoo");
    assert_eq!(store.people.setting(scope, "odoo.import").await.unwrap(), None, "it begins there again");
    let later = systems.add_order("N3");
    assert_eq!(import().await.unwrap().created, 1, "{later} is taken in");
    assert_eq!(problems_of(&systems).await.len(), 2);
}
