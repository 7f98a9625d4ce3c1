//! What Odoo's users make of orders and deliveries: promises, days of shipping, cancellations.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, systems::Systems};
use application::caller::Caller;
use application::{
    clock::Clock,
    odoo::IMPORT_PAGES_MAX,
    rules::promises::{self, Switch},
};
use domain::{
    ExceptionReason, State,
    fold::{Plan, PromiseSource, Resolution},
    ids::ShipmentId,
    promise::PromiseRule,
};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::BTreeSet;
use storage::work::CaseStatus;
use tokio::task::JoinSet;

/// Orders as users make them.
const ORDERS: usize = 50;

fn odoo_time(at: jiff::Timestamp) -> serde_json::Value {
    json!(at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// An order without a promise: Odoo's deadline of the delivery is then the moment of confirmation.
fn unpromised(systems: &Systems, number: &str) -> i64 {
    let picking = systems.add_order(number);
    systems.odoo.edit_linked(picking, "sale_id", "commitment_date", json!(false));
    for field in ["date_deadline", "scheduled_date"] {
        systems.odoo.edit(picking, field, odoo_time(systems.world.clock.now()));
    }
    picking
}

async fn take_in(systems: &Systems) {
    systems.import(IMPORT_PAGES_MAX).await;
    systems.world.settle().await;
}

async fn shipment_of(systems: &Systems, number: &str) -> ShipmentId {
    let context = &systems.world.context;
    context.store.shipments.find(context.scope(), &format!("WH/OUT/{number}")).await.unwrap()[0]
}

async fn open(systems: &Systems, id: ShipmentId) -> Vec<ExceptionReason> {
    let loaded = systems.world.load(id).await;
    loaded.exceptions.iter().filter(|e| e.closed.is_none()).map(|e| e.reason).collect()
}

async fn how(systems: &Systems, id: ShipmentId, reason: ExceptionReason) -> Option<Resolution> {
    let loaded = systems.world.load(id).await;
    loaded.exceptions.iter().find(|e| e.reason == reason)?.closed.map(|(_, how)| how)
}

#[tokio::test]
async fn nothing_is_late_that_is_not() {
    let systems = Systems::new().await;
    let now = systems.world.clock.now();
    let mut pickings = Vec::new();
    for n in 0..ORDERS {
        let number = format!("N{n}");
        let picking = if n % 2 == 0 { unpromised(&systems, &number) } else { systems.add_order(&number) };
        if n % 2 == 1 {
            // promised in three days; the deadline follows
            let promised = odoo_time(now + SignedDuration::from_hours(72));
            systems.odoo.edit_linked(picking, "sale_id", "commitment_date", promised.clone());
            systems.odoo.edit(picking, "date_deadline", promised);
        }
        pickings.push(picking);
    }
    take_in(&systems).await;
    let mut ids = Vec::new();
    for n in 0..ORDERS {
        ids.push(shipment_of(&systems, &format!("N{n}")).await);
    }
    systems.world.passes(20).await;
    for id in &ids {
        assert_eq!(open(&systems, *id).await, [], "confirmed yesterday");
    }
    systems.world.passes(5).await;
    for (n, id) in ids.iter().enumerate() {
        let expected: &[ExceptionReason] = if n % 2 == 0 { &[ExceptionReason::LateToShip] } else { &[] };
        assert_eq!(open(&systems, *id).await, expected, "order {n}, a day after its deadline or before it");
    }
    // they are validated
    for picking in &pickings {
        systems.odoo.edit(*picking, "state", json!("done"));
        systems.odoo.edit(*picking, "date_done", odoo_time(systems.world.clock.now()));
    }
    take_in(&systems).await;
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(open(&systems, *id).await, [], "order {n} has left");
        let ended = how(&systems, *id, ExceptionReason::LateToShip).await;
        assert_eq!(ended, (n % 2 == 0).then_some(Resolution::Progress));
    }
    systems.world.passes(60).await;
    for (n, id) in ids.iter().enumerate() {
        let loaded = systems.world.load(*id).await;
        let late = loaded.exceptions.iter().any(|e| e.reason == ExceptionReason::Late);
        assert_eq!(late, n % 2 == 1, "only what was promised can be late");
        assert_eq!(loaded.shipment.plan.promise, (n % 2 == 1).then_some(PromiseSource::Commitment));
        assert!(loaded.cases.iter().all(|c| c.status != CaseStatus::Open) && loaded.cases.is_empty());
    }
}

#[tokio::test]
async fn a_delivery_that_comes_in_as_history_calls_nobody() {
    let systems = Systems::new().await;
    let now = systems.world.clock.now();
    let long_ago = now - SignedDuration::from_hours(40 * 24);
    let (done, overdue) = (unpromised(&systems, "N1"), unpromised(&systems, "N2"));
    for picking in [done, overdue] {
        systems.odoo.edit(picking, "date_deadline", odoo_time(long_ago));
    }
    systems.odoo.edit(done, "state", json!("done"));
    systems.odoo.edit(done, "date_done", odoo_time(long_ago + SignedDuration::from_hours(100)));
    take_in(&systems).await;
    let loaded = systems.world.load(shipment_of(&systems, "N1").await).await;
    let reasons: Vec<_> = loaded.exceptions.iter().map(|e| e.reason).collect();
    assert!(!reasons.contains(&ExceptionReason::LateToShip), "it left late before anybody watched: {reasons:?}");
    for _ in 0..4 {
        systems.world.passes(24).await;
    }
    assert_eq!(open(&systems, shipment_of(&systems, "N2").await).await, [ExceptionReason::LateToShip]);
    assert_eq!(systems.odoo.activities(overdue), []);
    assert!(systems.world.load(shipment_of(&systems, "N2").await).await.cases.is_empty());
}

#[tokio::test]
async fn wrong_promises_of_an_older_version_are_healed_by_the_next_import() {
    let systems = Systems::new().await;
    let picking = unpromised(&systems, "N1");
    systems.odoo.edit(picking, "state", json!("done"));
    systems.odoo.edit(picking, "date_done", odoo_time(systems.world.clock.now()));
    take_in(&systems).await;
    let id = shipment_of(&systems, "N1").await;
    // as the older version left it: the deadline as the promise, everything imported
    let context = &systems.world.context;
    let shipment = systems.world.load(id).await.shipment;
    let wrong = storage::orders::ImportedShipment {
        id,
        origin: shipment.origin.clone().unwrap(),
        digest: "of an older version".into(),
        claims: Vec::new(),
        plan: Plan { promised_by: Some(context.now()), promise: None, ..shipment.plan },
        standing: shipment.standing,
        destination: None,
        customer: None,
        key: None,
        tokens: Vec::new(),
        correlation: context.correlation(),
        cause: storage::jobs::Cause::Import,
        kept: BTreeSet::new(),
    };
    context.store.shipments.import(context.scope(), vec![wrong], context.now()).await.unwrap();
    context.store.people.put_setting(context.scope(), "odoo.watermark", context.now().to_string()).await.unwrap();
    context.store.people.take_setting(context.scope(), "odoo.import").await.unwrap();
    systems.world.clock.advance(jiff::Span::new().hours(2));
    systems.world.settle().await;
    application::tracking::fold::fold_shipment(
        context,
        context.scope(),
        id,
        storage::jobs::Cause::Live,
        context.correlation(),
    )
    .await
    .unwrap();
    assert_eq!(open(&systems, id).await, [ExceptionReason::Late]);
    take_in(&systems).await;
    assert_eq!(open(&systems, id).await, []);
    assert_eq!(how(&systems, id, ExceptionReason::Late).await, Some(Resolution::Cleared));
}

#[tokio::test]
async fn rules_promise_only_once_they_are_on_and_every_delivery_follows() {
    let systems = Systems::new().await;
    let (unpromised, promised) = (unpromised(&systems, "N1"), systems.add_order("N2"));
    for picking in [unpromised, promised] {
        systems.odoo.edit(picking, "state", json!("done"));
        systems.odoo.edit(picking, "date_done", json!("2026-03-05 10:00:00"));
    }
    take_in(&systems).await;
    let context = &systems.world.context;
    let promise = async |number: &str| {
        let plan = systems.world.load(shipment_of(&systems, number).await).await.shipment.plan;
        (plan.promised_by.map(|at| at.to_string()), plan.promise)
    };
    let committed = promise("N2").await;
    assert_eq!((promise("N1").await, committed.1.clone()), ((None, None), Some(PromiseSource::Commitment)));
    promises::switch(context, &Caller::trusted(context.scope()), Switch::On).await.unwrap();
    take_in(&systems).await;
    let by_rule = |name: &str| Some(PromiseSource::Rule { name: name.into() });
    // five working days from a Thursday, to the end of the day in Lyon
    assert_eq!(promise("N1").await, (Some("2026-03-12T22:59:59Z".into()), by_rule("european-union")));
    assert_eq!(promise("N2").await, committed, "the order's own date goes first");
    let rule = PromiseRule {
        name: "france".into(),
        carrier: Some("DHL".into()),
        service: None,
        country: Some("France".into()),
        days: 1,
    };
    promises::put(context, &Caller::trusted(context.scope()), rule.clone()).await.unwrap();
    take_in(&systems).await;
    assert_eq!(promise("N1").await, (Some("2026-03-06T22:59:59Z".into()), by_rule("france")));
    promises::remove(context, &Caller::trusted(context.scope()), "france").await.unwrap();
    assert!(promises::remove(context, &Caller::trusted(context.scope()), "france").await.is_err());
    promises::switch(context, &Caller::trusted(context.scope()), Switch::Off).await.unwrap();
    take_in(&systems).await;
    assert_eq!(promise("N1").await, (None, None));
    for wrong in [
        PromiseRule { country: Some("Atlantis".into()), ..rule.clone() },
        PromiseRule { carrier: Some("nobody at all".into()), ..rule.clone() },
        PromiseRule { days: 91, ..rule.clone() },
        PromiseRule { name: " ".into(), ..rule },
    ] {
        assert!(promises::put(context, &Caller::trusted(context.scope()), wrong).await.is_err());
    }
    let lines = context.store.people.audit_trail(context.scope(), None, 10).await.unwrap();
    let actions: Vec<_> =
        lines.iter().rev().map(|l| l.entry.action.as_str()).filter(|a| a.starts_with("promise")).collect();
    assert_eq!(actions, ["promise.on", "promise.put", "promise.remove", "promise.off"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_put_at_the_same_time_are_all_kept() {
    const AT_ONCE: usize = 8;
    let world = World::new().await;
    let scope = world.context.scope();
    let mut writers = JoinSet::new();
    for n in 0..AT_ONCE {
        let (context, name) = (world.beside().await, format!("rule-{n}"));
        let rule = PromiseRule { name, carrier: None, service: None, country: None, days: 3 };
        writers.spawn(async move {
            promises::put(&context, &Caller::trusted(scope), rule).await.map_err(|error| error.to_string())
        });
    }
    assert_eq!(writers.join_all().await, vec![Ok(()); AT_ONCE]);
    let rules = promises::rules(&world.context, scope).await.unwrap();
    let names: BTreeSet<String> = rules.rules.into_iter().map(|rule| rule.name).collect();
    assert!((0..AT_ONCE).all(|n| names.contains(&format!("rule-{n}"))), "{names:?}");
    let lines = world.context.store.people.audit_trail(scope, None, 50).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.entry.action == "promise.put").count(), AT_ONCE);
}

#[tokio::test]
async fn an_order_cancelled_before_anything_happened_is_cancelled_and_one_on_its_way_is_trouble() {
    let systems = Systems::new().await;
    let (quiet, moving) = (unpromised(&systems, "N1"), unpromised(&systems, "N2"));
    take_in(&systems).await;
    let ids = [shipment_of(&systems, "N1").await, shipment_of(&systems, "N2").await];
    systems.world.passes(30).await;
    systems.world.receives("N2", &[("InTransit_002", "2026-03-06T17:00:00")]).await;
    assert_eq!(open(&systems, ids[0]).await, [ExceptionReason::LateToShip]);
    for picking in [quiet, moving] {
        systems.odoo.edit(picking, "state", json!("cancel"));
    }
    take_in(&systems).await;
    assert_eq!((systems.world.state(ids[0]).await, open(&systems, ids[0]).await), (State::Cancelled, vec![]));
    assert!(how(&systems, ids[0], ExceptionReason::LateToShip).await.is_some());
    assert_eq!(open(&systems, ids[1]).await, [ExceptionReason::TransitThoughCancelled]);
    assert_eq!(systems.world.state(ids[1]).await, State::PickedUp);
    // the first one is sent after all
    systems.world.receives("N1", &[("InTransit_002", "2026-03-06T17:00:00")]).await;
    assert_eq!(open(&systems, ids[0]).await, [ExceptionReason::TransitThoughCancelled]);
    systems
        .world
        .receives("N1", &[("InTransit_002", "2026-03-06T17:00:00"), ("Delivered_001", "2026-03-06T17:30:00")])
        .await;
    assert_eq!((systems.world.state(ids[0]).await, open(&systems, ids[0]).await), (State::Delivered, vec![]));
}

#[tokio::test]
async fn a_number_of_another_carrier_is_matched_by_its_form_or_linked_by_a_person() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    // DHL's own form, and one that any carrier may have; UPS was chosen for both
    let (clear, open_form) = ("00340434161094042557", "CD123456789");
    for number in [clear, open_form] {
        let picking = systems.add_order(number);
        systems.odoo.edit(picking, "carrier_id", json!([2, "UPS"]));
    }
    take_in(&systems).await;
    for number in [clear, open_form] {
        systems.world.receives(number, &[("InTransit_002", "2026-03-05T10:00:00")]).await;
    }
    let matched = shipment_of(&systems, clear).await;
    assert!(systems.world.state(matched).await.has_left());
    assert_eq!(systems.world.load(matched).await.shipment.numbers[0].carrier_label.as_deref(), Some("DHL"));
    let claimed = shipment_of(&systems, open_form).await;
    assert_eq!((systems.world.state(claimed).await, systems.world.unclaimed().await), (State::Unknown, 1));
    let (shipments, scope) = (&context.store.shipments, context.scope());
    let proposals = shipments.same_number(scope, claimed).await.unwrap();
    let [proposal] = &proposals[..] else { panic!("one proposal") };
    application::odoo::link(context, &Caller::trusted(scope), claimed, proposal.shipment).await.unwrap();
    systems.world.settle().await;
    assert!(systems.world.state(claimed).await.has_left());
    assert_eq!(systems.world.unclaimed().await, 0);
    take_in(&systems).await;
    assert!(systems.world.state(claimed).await.has_left(), "an import leaves it");
    assert!(application::odoo::link(context, &Caller::trusted(scope), claimed, proposal.shipment).await.is_err());
}
