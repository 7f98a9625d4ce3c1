//! What goes out for a shipment, and what the order system shows of it.

use super::{World, at};
use crate::{
    Store,
    jobs::{Cause, JobKind},
    shipments::{NewEffect, SetBack, SetBackOn, WrittenValues},
};
use domain::{
    State,
    effects::{EffectOutcome, EffectTarget},
};
use std::collections::BTreeMap;

pub(super) fn effect(world: &World, key: &str, outcome: EffectOutcome) -> NewEffect {
    NewEffect { id: world.id(), target: EffectTarget::OrderNote, key: key.into(), body: "{}".into(), outcome }
}

pub async fn what_was_written_is_set_back_unless_somebody_writes(store: Store) {
    let world = World::new(store).await;
    let (one, other) = (world.import(world.order(1, &[]), 1).await, world.import(world.order(2, &[]), 1).await);
    let written = async || world.store.shipments.written_of(world.scope, "odoo", vec![2, 1, 3]).await.unwrap();
    assert_eq!(written().await, [], "nothing is known");
    for (shipment, values) in [(one, "a"), (other, "b")] {
        world.store.shipments.written(world.scope, shipment, Some(values.into()), at(2)).await.unwrap();
    }
    let of = |record, shipment, values: &str| WrittenValues { record, shipment, values: values.into() };
    assert_eq!(written().await, [of(1, one, "a"), of(2, other, "b")]);
    assert_eq!(world.store.shipments.written_of(world.scope, "elsewhere", vec![1, 2]).await.unwrap(), []);
    let set_back = async |shipment, expected: &str, after: Option<&str>, key: &str| {
        let mut job = world.job(JobKind::SYNC_ORDER, shipment, 3);
        job.cause = Cause::Reconcile;
        let (expected, after, effect) =
            (expected.to_owned(), after.map(str::to_owned), effect(&world, key, EffectOutcome::Pending));
        let set_back = SetBack { on: SetBackOn::Delivery, shipment, expected, after, effect, job };
        world.store.shipments.set_back(world.scope, set_back, at(3)).await.unwrap()
    };
    assert!(!set_back(one, "older", None, "set_back/1").await, "something else was written");
    assert!(set_back(one, "a", None, "set_back/1").await);
    assert_eq!(written().await, [of(2, other, "b")]);
    world.store.shipments.written(world.scope, one, Some("a".into()), at(4)).await.unwrap();
    assert!(!set_back(one, "a", None, "set_back/2").await, "a job waits");
    assert_eq!(world.claim("a", &[JobKind::SYNC_ORDER], at(5)).await.len(), 1);
    assert!(!set_back(one, "a", None, "set_back/2").await, "a job writes");
    assert!(set_back(other, "b", Some("b"), "set_back/1").await);
    assert_eq!(written().await, [of(1, one, "a"), of(2, other, "b")], "left as it is");
    let loaded = world.store.shipments.load(world.scope, one, None).await.unwrap().unwrap();
    let effects: Vec<_> = loaded.effects.iter().map(|e| (e.key.as_str(), e.created_at, e.done_at.is_some())).collect();
    assert_eq!(effects, [("set_back/1", at(3), false)]);
}

pub async fn what_an_order_shows_is_set_back_unless_it_is_being_written(store: Store) {
    let world = World::new(store).await;
    let one = world.import(world.order(1, &[]), 1).await;
    let shipments = &world.store.shipments;
    let written = async |system: &str| shipments.written_of_orders(world.scope, system, vec![8, 7, 9]).await.unwrap();
    assert_eq!(written("odoo").await, BTreeMap::new(), "nothing is known");
    for (system, order, values) in [("odoo", 7, Some("a")), ("odoo", 8, None), ("other", 7, Some("c"))] {
        shipments.keep_order_fields(world.scope, system, order, values.map(str::to_owned), at(2)).await.unwrap();
    }
    assert_eq!(written("odoo").await, BTreeMap::from([(7, "a".to_owned())]));
    assert_eq!(written("other").await, BTreeMap::from([(7, "c".to_owned())]));
    let set_back = async |record, expected: &str, after: Option<&str>, key: &str| {
        let job = world.job(JobKind::SYNC_SALES_ORDER, format!("odoo/{record}"), 3);
        let effect = NewEffect { target: EffectTarget::SalesOrderNote, ..effect(&world, key, EffectOutcome::Pending) };
        let on = SetBackOn::Order { system: "odoo".into(), record };
        let (expected, after) = (expected.to_owned(), after.map(str::to_owned));
        shipments
            .set_back(world.scope, SetBack { on, shipment: one, expected, after, effect, job }, at(3))
            .await
            .unwrap()
    };
    assert!(!set_back(7, "older", None, "set_back/1").await, "something else was written");
    assert!(!set_back(8, "a", None, "set_back/1").await, "what was written is not known");
    assert!(set_back(7, "a", None, "set_back/1").await);
    assert_eq!(written("odoo").await, BTreeMap::new(), "all is written again");
    assert_eq!(written("other").await.len(), 1, "of this system alone");
    shipments.keep_order_fields(world.scope, "odoo", 7, Some("a".into()), at(4)).await.unwrap();
    assert!(!set_back(7, "a", None, "set_back/2").await, "a job waits");
    assert_eq!(world.claim("a", &[JobKind::SYNC_SALES_ORDER], at(5)).await.len(), 1);
    assert!(!set_back(7, "a", None, "set_back/2").await, "a job writes");
    let loaded = shipments.load(world.scope, one, None).await.unwrap().unwrap();
    let effects: Vec<_> = loaded.effects.iter().map(|e| (e.target, e.key.as_str(), e.created_at)).collect();
    assert_eq!(effects, [(EffectTarget::SalesOrderNote, "set_back/1", at(3))]);
}

pub async fn a_proof_that_never_comes_expires_and_nothing_else(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let proof = |key| NewEffect { target: EffectTarget::OrderProof, ..effect(&world, key, EffectOutcome::Pending) };
    let came = proof("came");
    let mut commit = world.commit(shipment, 0, world.folded(State::Delivered), 2);
    commit.effects = vec![came.clone(), proof("never"), effect(&world, "note", EffectOutcome::Pending)];
    world.store.shipments.commit(world.scope, commit).await.unwrap();
    let mut commit = world.commit(shipment, 1, world.folded(State::Delivered), 5);
    commit.effects = vec![proof("later")];
    world.store.shipments.commit(world.scope, commit).await.unwrap();
    let posted = EffectOutcome::Posted("1 Signature.png".into());
    world.store.shipments.effect_done(world.scope, came.id, posted.clone(), at(3)).await.unwrap();
    let expire = async |before| world.store.shipments.expire_proofs(world.scope, at(before), at(9)).await.unwrap();
    assert_eq!((expire(2).await, expire(5).await, expire(5).await), (0, 1, 0), "once, and none that is younger");
    let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
    let outcomes: Vec<_> = loaded.effects.iter().map(|e| (e.key.as_str(), e.outcome.clone(), e.done_at)).collect();
    assert_eq!(
        outcomes,
        [
            ("came", posted, Some(at(3))),
            ("never", EffectOutcome::Expired, Some(at(9))),
            ("note", EffectOutcome::Pending, None),
            ("later", EffectOutcome::Pending, None),
        ]
    );
}

pub async fn an_effect_that_cannot_be_looked_up_is_started_once(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let mail = NewEffect { target: EffectTarget::Customer, ..effect(&world, "rule/x", EffectOutcome::Pending) };
    let mut commit = world.commit(shipment, 0, world.folded(State::InTransit), 2);
    commit.effects = vec![mail.clone()];
    world.store.shipments.commit(world.scope, commit).await.unwrap();
    let moved = async |from: &EffectOutcome, to: &EffectOutcome, second| {
        let (from, to) = (from.clone(), to.clone());
        world.store.shipments.effect_moved(world.scope, mail.id, from, to, at(second)).await.unwrap()
    };
    let kept = async || {
        let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
        loaded.effects.into_iter().map(|effect| (effect.outcome, effect.done_at)).next().unwrap()
    };
    let (pending, started) = (EffectOutcome::Pending, EffectOutcome::Started);
    assert!(moved(&pending, &started, 3).await);
    assert!(!moved(&pending, &started, 4).await, "another one has it");
    assert_eq!(kept().await, (started.clone(), Some(at(3))));
    assert!(moved(&started, &pending, 5).await, "nothing was sent");
    assert_eq!(kept().await, (pending.clone(), None));
    assert!(moved(&pending, &started, 6).await);
    let never = EffectOutcome::not_possible("no address");
    assert!(moved(&started, &never, 7).await && !moved(&started, &pending, 8).await);
    assert_eq!(kept().await, (never, Some(at(7))));
}

pub async fn effects_happen_once(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let wanted = effect(&world, "PICKED_UP/-/1", EffectOutcome::Pending);
    let mut first = world.commit(shipment, 0, world.folded(State::PickedUp), 2);
    first.effects = vec![wanted.clone(), effect(&world, "ACCEPTED/-/1", EffectOutcome::Withheld)];
    world.store.shipments.commit(world.scope, first).await.unwrap();
    let mut second = world.commit(shipment, 1, world.folded(State::InTransit), 3);
    second.effects = vec![
        effect(&world, "PICKED_UP/-/1", EffectOutcome::Pending),
        effect(&world, "ACCEPTED/-/1", EffectOutcome::Pending),
    ];
    let mut activity = effect(&world, "PICKED_UP/-/1", EffectOutcome::Pending);
    activity.target = EffectTarget::OrderActivity;
    let [finished, late] = ["exception/1", "exception/2"]
        .map(|key| NewEffect { target: EffectTarget::OrderActivity, ..effect(&world, key, EffectOutcome::Pending) });
    second.effects.extend([activity, finished.clone(), late.clone()]);
    world.store.shipments.commit(world.scope, second).await.unwrap();
    let done = async |id, outcome, second| {
        world.store.shipments.effect_done(world.scope, id, outcome, at(second)).await.unwrap();
    };
    done(wanted.id, EffectOutcome::Posted("mail 7".into()), 4).await;
    done(wanted.id, EffectOutcome::Posted("mail 8".into()), 5).await;
    done(finished.id, EffectOutcome::Posted("17".into()), 6).await;
    done(finished.id, EffectOutcome::Completed, 7).await;
    done(late.id, EffectOutcome::NotNeeded, 8).await;
    let kept = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap().effects;
    let said: Vec<_> = kept.iter().map(|e| (e.target, e.key.as_str(), e.outcome.clone(), e.done_at)).collect();
    assert_eq!(
        said,
        [
            (EffectTarget::OrderNote, "PICKED_UP/-/1", EffectOutcome::Posted("mail 7".into()), Some(at(4))),
            (EffectTarget::OrderNote, "ACCEPTED/-/1", EffectOutcome::Withheld, Some(at(2))),
            (EffectTarget::OrderActivity, "PICKED_UP/-/1", EffectOutcome::Pending, None),
            (EffectTarget::OrderActivity, "exception/1", EffectOutcome::Completed, Some(at(6))),
            (EffectTarget::OrderActivity, "exception/2", EffectOutcome::NotNeeded, Some(at(8))),
        ]
    );
}

pub async fn what_the_order_system_was_told(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    world.store.shipments.written(world.scope, shipment, Some("{\"status\":1}".into()), at(2)).await.unwrap();
    let record = world.store.shipments.shipment(world.scope, shipment).await.unwrap().unwrap();
    assert_eq!((record.written.as_deref(), record.revision), (Some("{\"status\":1}"), 0));
    assert!(world.store.shipments.written(world.scope, world.id(), None, at(2)).await.is_err());
}
