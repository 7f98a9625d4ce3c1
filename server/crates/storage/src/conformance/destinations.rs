//! Gates: paused by a person, health that one at a time changes.

use super::{World, at};
use crate::{
    Actor, Store,
    destinations::{Breaker, Health, Pause},
};

pub async fn a_gate_is_open_until_something_is_kept(store: Store) {
    let world = World::new(store).await;
    assert_eq!(breaker(&world, "odoo").await, Breaker::default());
}

async fn breaker(world: &World, destination: &str) -> Breaker {
    world.store.destinations.breakers(world.scope).await.unwrap().remove(destination).unwrap_or_default()
}

pub async fn a_person_pauses_and_resumes(store: Store) {
    let world = World::new(store).await;
    let (destinations, scope) = (&world.store.destinations, world.scope);
    let audit = || world.audit("destination.pause", "destination:odoo", 1);
    let shut = Health { failures: 3, ..Health::default() };
    assert!(destinations.set_health(scope, "odoo", Health::default(), shut.clone()).await.unwrap());
    let pause = Pause { at: at(1), by: Actor::Operator, why: "upgrade".into() };
    destinations.pause(scope, "odoo", Some(pause.clone()), audit()).await.unwrap();
    let kept = breaker(&world, "odoo").await;
    assert_eq!((kept.paused, kept.health), (Some(pause), shut.clone()), "a pause leaves the health alone");
    assert_eq!(breaker(&world, "desk").await, Breaker::default());
    destinations.pause(scope, "odoo", None, audit()).await.unwrap();
    assert_eq!(breaker(&world, "odoo").await, Breaker::default(), "who resumes has it called at once");
    let trail = world.store.people.audit_trail(scope, Some("destination:odoo".into()), 10).await.unwrap();
    assert_eq!(trail.len(), 2, "each with its line");
}

pub async fn of_two_who_change_health_at_once_one_looks_again(store: Store) {
    let world = World::new(store).await;
    let (destinations, scope) = (&world.store.destinations, world.scope);
    let failed = |failures| Health { failures, limited_until: Some(at(9)), ..Health::default() };
    assert!(destinations.set_health(scope, "desk", Health::default(), failed(1)).await.unwrap());
    assert!(!destinations.set_health(scope, "desk", Health::default(), failed(7)).await.unwrap());
    assert!(destinations.set_health(scope, "desk", failed(1), failed(2)).await.unwrap());
    assert_eq!(breaker(&world, "desk").await.health, failed(2));
}
