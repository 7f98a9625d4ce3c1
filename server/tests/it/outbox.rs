//! The outbox against a simulated Odoo and desk that fail: what waits, what goes on, what comes once. Time is advanced.

use crate::world::systems::{MANY, Systems};
use application::caller::Caller;
use application::{
    config::CallLimits,
    destinations::{
        self,
        breaker::{Admission, FAILURES_MAX},
    },
};
use domain::{effects::EffectTarget, ids::ShipmentId};
use simulator::faults::Fault;
use storage::{Actor, Scope, jobs::Lane};

const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const DELIVERED: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Delivered_001", "2026-03-05T11:00:00")];

#[tokio::test]
async fn a_sick_desk_is_left_in_peace_while_odoo_goes_on_and_a_probe_heals_it() {
    let systems = Systems::new().await;
    let pickings = systems.orders().await;
    systems.desk.fail(None, &Fault::Error("down"), 10_000);
    systems.world.leaves_jobs();
    systems.say(DAMAGED).await;
    assert!(pickings.iter().all(|p| systems.status(*p).is_some_and(|s| s == "IN_TRANSIT")), "Odoo knows at once");
    assert_eq!(systems.standing("odoo").await.admission, Admission::All);
    let shut = systems.standing("desk").await;
    assert_eq!(shut.admission, Admission::Nobody);
    assert!(shut.breaker.health.failures >= FAILURES_MAX);
    let asked = systems.desk.all_calls();
    assert!(asked <= 2 * FAILURES_MAX as usize, "{MANY} cases, and only {asked} calls: the others wait");

    // for an hour, one probe at a time, longer and longer apart
    for _ in 0..60 {
        systems.advance(60).await;
    }
    let probes = systems.desk.all_calls() - asked;
    assert!((30..=61).contains(&probes), "{probes} probes in an hour");
    assert_eq!(systems.dead().await, 0, "jobs use up no tries while the destination is sick");

    systems.desk.heal();
    for _ in 0..20 {
        systems.advance(60).await;
    }
    assert_eq!(systems.standing("desk").await.admission, Admission::All);
    assert_eq!(systems.desk.tickets().len(), MANY, "every case, once");
}

#[tokio::test]
async fn a_wish_for_peace_holds_the_whole_destination() {
    let systems = Systems::new().await;
    systems.orders().await;
    let before = systems.odoo.all_calls();
    systems.odoo.fail(None, &Fault::RateLimited(90), 1);
    systems.say(DELIVERED).await;
    let held = systems.standing("odoo").await;
    assert_eq!(held.admission, Admission::Nobody);
    let until = held.breaker.health.limited_until.unwrap().duration_since(systems.world.context.now());
    assert_eq!(until.as_secs(), 90);
    let asked = systems.odoo.all_calls() - before;
    assert!(
        asked <= 3 * CallLimits::default().at_once,
        "those that were claimed together, a few calls each, and no others: {asked}"
    );
    systems.advance(60).await;
    assert_eq!(systems.odoo.all_calls() - before, asked, "nobody calls meanwhile");
    systems.advance(31).await;
    systems.advance(31).await;
    let delivered = systems.odoo.calls("stock.picking/write");
    assert!(delivered >= MANY, "then all of it: {delivered}");
    assert_eq!(systems.dead().await, 0);
}

#[tokio::test]
async fn a_refusal_of_one_record_stops_at_once_and_shuts_nothing() {
    // a right is there for the model: a rule refuses the record
    for name in ["odoo.exceptions.ValidationError", "odoo.exceptions.AccessError"] {
        let systems = Systems::new().await;
        let pickings = systems.orders().await;
        // the call for all of them, and then that of one
        systems.odoo.fail(Some("stock.picking/write"), &Fault::Error(name), 2);
        systems.world.leaves_jobs();
        systems.say(DELIVERED).await;
        assert_eq!(systems.dead().await, 1, "{name}: a person has to look");
        assert_eq!(systems.standing("odoo").await.admission, Admission::All, "{name}");
        let delivered = pickings.iter().filter(|p| systems.status(**p).is_some_and(|s| s == "DELIVERED")).count();
        assert_eq!(delivered, MANY - 1, "{name}: the others go on");
    }
}

#[tokio::test]
async fn a_paused_destination_keeps_its_work() {
    let systems = Systems::new().await;
    let pickings = systems.orders().await;
    let (context, person) = (&systems.world.context, Scope { actor: Actor::Operator, ..systems.world.context.scope() });
    assert!(destinations::pause(context, &Caller::trusted(person), "odoo", "  ").await.is_err(), "others will ask why");
    assert!(destinations::pause(context, &Caller::trusted(person), "nobody", "upgrade").await.is_err());
    destinations::pause(context, &Caller::trusted(person), "odoo", "upgrade").await.unwrap();
    systems.world.leaves_jobs();
    let before = systems.odoo.all_calls();
    systems.say(DELIVERED).await;
    systems.advance(86_400).await;
    assert_eq!(systems.odoo.all_calls(), before, "nothing goes out");
    let pause = systems.standing("odoo").await.breaker.paused.unwrap();
    assert_eq!((pause.why.as_str(), pause.by), ("upgrade", Actor::Operator));
    destinations::resume(context, &Caller::trusted(person), "odoo").await.unwrap();
    systems.world.settle().await;
    assert!(pickings.iter().all(|p| systems.status(*p).is_some_and(|s| s == "DELIVERED")));
    let trail = context.store.people.audit_trail(person, Some("destination:odoo".into()), 9).await.unwrap();
    assert_eq!(
        trail.iter().map(|l| l.entry.action.as_str()).collect::<Vec<_>>(),
        ["destination.resume", "destination.pause"]
    );
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up_before_it_is_written_again() {
    let systems = Systems::new().await;
    let picking = systems.order("N0").await;
    systems.odoo.fail(Some("message_post"), &Fault::ResetAfterApply, 1);
    systems.world.deliver_to(&systems.world.context, "N0", DELIVERED).await;
    systems.world.work(Lane::RealTime).await;
    let posted = systems.odoo.notes(picking).len();
    systems.advance(5).await;
    assert_eq!(systems.odoo.notes(picking).len(), posted, "it has time to settle");
    for _ in 0..5 {
        systems.advance(30).await;
    }
    let markers: Vec<String> = systems.odoo.notes(picking).into_iter().map(|(marker, _)| marker).collect();
    let mut once = markers.clone();
    once.sort();
    once.dedup();
    assert_eq!(markers.len(), once.len(), "each note once: {markers:?}");
    let shipment: ShipmentId =
        systems.world.context.store.shipments.find(systems.world.context.scope(), "N0").await.unwrap()[0];
    let effects = systems.world.load(shipment).await.effects;
    // a proof may still come
    let mut others = effects.iter().filter(|effect| effect.target != EffectTarget::OrderProof);
    assert!(others.all(|effect| effect.done_at.is_some()), "{effects:?}");
}

#[tokio::test]
async fn a_page_instead_of_the_api_is_the_connections_fault_and_no_jobs() {
    for status in [404, 403, 301] {
        let systems = Systems::new().await;
        let pickings = systems.orders().await;
        systems.say(&DAMAGED[..1]).await;
        systems.world.leaves_jobs();
        for (name, reported) in [("desk", DAMAGED), ("odoo", DELIVERED)] {
            match name {
                "desk" => systems.desk.fail(None, &Fault::Page(status), 10_000),
                _ => systems.odoo.fail(None, &Fault::Page(status), 10_000),
            }
            systems.say(reported).await;
            systems.advance(3_600).await;
            assert_eq!(systems.dead().await, 0, "{status}: correcting the connection is enough");
            assert_ne!(systems.standing(name).await.admission, Admission::All, "{status}: {name}");
            systems.odoo.clear_faults();
            systems.desk.heal();
            for _ in 0..20 {
                systems.advance(60).await;
            }
        }
        assert!(pickings.iter().all(|p| systems.status(*p).is_some_and(|s| s == "DELIVERED")), "{status}");
        assert_eq!(systems.desk.tickets().len(), MANY, "{status}");
    }
}
