//! One odd record in Odoo: it is said, tried again, and stops no other one. What Odoo does later is followed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use domain::{ExceptionReason, fold::DeliveryStanding, ids::ShipmentId};
use serde_json::{Value, json};
use server::usecases::orders::{self, IMPORT_PAGES_MAX};
use storage::{order_problems::Extent, shipments::OriginStanding};
use world::systems::Systems;

const FIELDS: &[(&str, &[&str])] = &[
    (
        "stock.picking",
        &[
            "id",
            "name",
            "state",
            "origin",
            "sale_id",
            "carrier_id",
            "carrier_tracking_ref",
            "scheduled_date",
            "date_deadline",
            "date_done",
            "write_date",
            "partner_id",
        ],
    ),
    ("sale.order", &["id", "commitment_date", "write_date"]),
    ("res.partner", &["id", "name", "street", "city", "zip", "country_code", "lang", "tz", "email", "write_date"]),
];

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
        let tower = &self.systems.world.tower;
        let problems = tower.store.order_problems.list(tower.scope()).await.unwrap();
        problems.into_iter().map(|p| (p.seen.record, p.seen.extent, p.seen.problem)).collect()
    }

    async fn passes(&self, minutes: i64) {
        self.systems.world.clock.advance(jiff::Span::new().minutes(minutes));
    }
}

async fn shipment_of(systems: &Systems, number: &str) -> ShipmentId {
    let tower = &systems.world.tower;
    tower.store.shipments.find(tower.scope(), &format!("WH/OUT/{number}")).await.unwrap()[0]
}

#[tokio::test]
async fn no_odd_field_of_any_record_stops_another_record() {
    nothing_odd_stops_another(Three::new().await).await;
}

/// What deliveries show is compared then, which is one more reading of them.
#[tokio::test]
async fn nor_once_something_was_written_to_them() {
    let three = Three::new().await;
    for number in ["N0", "N1", "N2"] {
        three.systems.world.hears(number, &[("InTransit_002", "2026-03-05T10:00:00")]).await;
    }
    let tower = &three.systems.world.tower;
    let written = tower.store.shipments.written_of(tower.scope(), "odoo", three.pickings.to_vec()).await.unwrap();
    assert_eq!(written.len(), 3);
    nothing_odd_stops_another(three).await;
}

async fn nothing_odd_stops_another(three: Three) {
    let odd = three.pickings[1];
    let mut round = 0;
    for (model, fields) in FIELDS {
        let record = match *model {
            "stock.picking" => odd,
            "sale.order" => three.systems.odoo.linked(odd, "sale_id").unwrap(),
            _ => three.systems.odoo.linked(odd, "partner_id").unwrap(),
        };
        for field in *fields {
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
    let tower = &systems.world.tower;
    let (store, scope) = (&tower.store, tower.scope());
    let problems = store.order_problems.list(scope).await.unwrap();
    let [problem] = &problems[..] else { panic!("one problem") };
    assert_eq!((problem.seen.record, problem.seen.extent, problem.attempts), (picking, Extent::Whole, 1));
    assert!(orders::what_to_do(&problem.seen.problem).contains("right"), "{problem:?}");
    // the watermark goes on; nobody writes the delivery any more
    systems.world.clock.advance(jiff::Span::new().minutes(30));
    let later = systems.add_order("N2");
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(store.shipments.find(scope, "WH/OUT/N2").await.unwrap().len(), 1, "{later} is taken in");
    // rights are granted
    systems.odoo.allow_all();
    orders::read_again(tower, scope).await.unwrap();
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
    let tower = &systems.world.tower;
    assert_eq!(tower.store.shipments.find(tower.scope(), "WH/OUT/N1").await.unwrap().len(), 1);
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
    world.hears("N1", &[("InTransit_002", "2026-03-05T10:00:00"), ("Exception_003", "2026-03-05T11:00:00")]).await;
    assert!(!three.open(1).await.is_empty());
    let writes = || three.systems.odoo.changes().iter().filter(|change| change.record == three.pickings[1]).count();
    let before = writes();
    three.systems.odoo.delete(three.pickings[1]);
    three.take_in().await;
    let shipment = world.load(three.ids[1]).await.shipment;
    assert_eq!((shipment.plan.standing, shipment.standing), (DeliveryStanding::Deleted, OriginStanding::Cancelled));
    assert_eq!(three.open(1).await, [], "its exceptions end");
    assert_eq!(world.load(three.ids[2]).await.shipment.plan.standing, DeliveryStanding::Open);
    world.hears("N1", &[("InTransit_002", "2026-03-05T10:00:00"), ("InTransit_003", "2026-03-05T11:30:00")]).await;
    assert!(!world.load(three.ids[1]).await.input.facts.is_empty(), "its history goes on");
    assert_eq!(writes(), before, "nothing is written to it");
    assert_eq!(three.systems.dead().await, 0);
}

#[tokio::test]
async fn a_change_during_a_long_import_is_found_by_the_next_one() {
    let systems = Systems::new().await;
    let pickings: Vec<i64> = (0..101).map(|n| systems.add_order(&format!("N{n}"))).collect();
    let begun = systems.world.tower.now();
    systems.import(1).await;
    let written = |record, minutes| {
        let at = begun + jiff::SignedDuration::from_mins(minutes);
        systems.odoo.spoil("stock.picking", record, "write_date", json!(at.strftime("%Y-%m-%d %H:%M:%S").to_string()));
    };
    systems.world.clock.advance(jiff::Span::new().minutes(30));
    systems.odoo.spoil("stock.picking", pickings[0], "carrier_tracking_ref", json!("CHANGED"));
    written(pickings[0], 5);
    written(pickings[100], 30);
    systems.import(IMPORT_PAGES_MAX).await;
    systems.import(IMPORT_PAGES_MAX).await;
    let shipment = shipment_of(&systems, "N0").await;
    let numbers = systems.world.load(shipment).await.shipment.numbers;
    assert_eq!(numbers.iter().map(|n| n.number.as_str()).collect::<Vec<_>>(), ["CHANGED"]);
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
        let tower = &systems.world.tower;
        let cursor = tower.store.people.setting(tower.scope(), "odoo.import").await.unwrap().unwrap();
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
    let tower = &systems.world.tower;
    let problems = tower.store.order_problems.list(tower.scope()).await.unwrap();
    assert_eq!(problems.iter().filter(|p| p.seen.extent == Extent::Part).count(), DELIVERIES);
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
    let tower = &systems.world.tower;
    for n in 20..40 {
        assert_eq!(tower.store.shipments.find(tower.scope(), &format!("WH/OUT/N{n}")).await.unwrap().len(), 1, "N{n}");
    }
    assert_eq!(tower.store.order_problems.list(tower.scope()).await.unwrap().len(), 20);
}
