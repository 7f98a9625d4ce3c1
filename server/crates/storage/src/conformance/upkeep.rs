//! Upkeep: what is old goes in steps, what is needed stays.

use super::{World, at, text};
use crate::{
    Store,
    inbox::MessageStatus,
    jobs::{AttemptRecord, Finish, JobKind, Outcome},
    people::SessionRecord,
    upkeep::{Old, Pruned, month_of},
};
use domain::ids::{JobId, MessageId};

/// A day in minutes.
const DAY: i64 = 24 * 60;
/// Steps within which anything here is done.
const STEPS_MAX: usize = 50;

async fn prune_all(world: &World, old: Old) -> Pruned {
    let mut all = Pruned::default();
    for _ in 0..STEPS_MAX {
        let step = world.store.upkeep.prune(old).await.unwrap();
        all.bodies += step.bodies;
        all.attempts += step.attempts;
        all.jobs += step.jobs;
        all.changes += step.changes;
        if !step.more {
            return all;
        }
    }
    panic!("pruning comes to an end");
}

async fn has_body(world: &World, id: MessageId) -> bool {
    world.body(id).await.is_some()
}

pub async fn old_bodies_go_unless_nobody_read_them(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let mut kept = Vec::new();
    // one of each month is not read yet
    for (n, minutes) in [1, 2, 40 * DAY, 80 * DAY].into_iter().enumerate() {
        let accepted = world.accept(world.message(source, &n.to_string(), minutes)).await;
        kept.push(accepted.message);
    }
    let read = MessageStatus::Normalised { observations: 0, problems: 0 };
    for id in [kept[0], kept[2], kept[3]] {
        world.store.inbox.conclude(world.scope, id, read.clone()).await.unwrap();
    }
    let old = Old { bodies: Some(month_of(at(80 * DAY))), ..Old::default() };
    assert!(prune_all(&world, old).await.bodies >= 2);
    let mut left = Vec::new();
    for id in &kept {
        left.push(has_body(&world, *id).await);
    }
    assert_eq!(left, [false, true, false, true], "read, not read, read, of this month");
    let record = world.store.inbox.message(world.scope, kept[0]).await.unwrap().unwrap();
    assert_eq!(record.status, read, "that it came is still known");
    let again = world.accept(world.message(source, "0", 81 * DAY)).await;
    assert_eq!(again.message, kept[0], "and a repetition still is one");
}

pub async fn old_calls_jobs_and_changes_go(store: Store) {
    let world = World::new(store).await;
    let (old_job, new_job): (JobId, JobId) = (world.id(), world.id());
    for (job, minutes) in [(old_job, 1), (new_job, 80 * DAY)] {
        let attempt = AttemptRecord {
            id: world.id(),
            job,
            correlation: world.id(),
            shipment: None,
            destination: "odoo".into(),
            operation: "write".into(),
            started_at: at(minutes),
            duration_ms: 1,
            status: Some(200),
            outcome: Outcome::Ok,
            request: Some(text("{}")),
            response: Some(text("{}")),
        };
        world.store.jobs.attempt(world.scope, attempt).await.unwrap();
    }
    for (n, (minutes, finish)) in
        [(1, Finish::Done), (2, Finish::Dead { error: text("no"), class: "gone".into() }), (80 * DAY, Finish::Done)]
            .into_iter()
            .enumerate()
    {
        let job = world.job(JobKind::FOLD, n, minutes);
        world.enqueue(&job).await;
        world.claim("w", &[JobKind::FOLD], at(minutes)).await;
        world.store.jobs.finish("w", job.id, finish, at(minutes)).await.unwrap();
    }
    world.import(world.order(1, &[]), 1).await;
    world.import(world.order(2, &[]), 80 * DAY).await;
    world.store.upkeep.prepare(at(80 * DAY)).await.unwrap();
    let old = Old {
        bodies: None,
        attempts: Some(month_of(at(80 * DAY))),
        jobs: Some(at(70 * DAY)),
        changes: Some(at(70 * DAY)),
    };
    let pruned = prune_all(&world, old).await;
    assert_eq!((pruned.attempts, pruned.jobs, pruned.changes, pruned.bodies), (1, 1, 1, 0));
    assert!(world.store.jobs.attempts(world.scope, old_job).await.unwrap().is_empty());
    assert_eq!(world.store.jobs.attempts(world.scope, new_job).await.unwrap().len(), 1);
    let inside = &world.store.jobs.summary(world.scope, at(80 * DAY)).await.unwrap()[0];
    assert_eq!(inside.dead, 1, "what a person has to look at stays");
    assert_eq!(world.store.shipments.changes(world.scope, 0, 100).await.unwrap().len(), 1);
    assert_eq!(prune_all(&world, Old::default()).await, Pruned::default(), "nothing goes by itself");
}

pub async fn after_a_restore_nobody_is_signed_in_and_numbers_go_on_higher(store: Store) {
    let world = World::new(store).await;
    let session = SessionRecord {
        key: "s".into(),
        user: world.id(),
        made_at: at(0),
        seen_at: at(0),
        expires_at: at(1000),
        data: "{}".into(),
    };
    world.store.people.put_session(session).await.unwrap();
    assert!(world.store.jobs.acquire_leadership("schedule", "the old leader", at(1), at(1000)).await.unwrap());
    world.import(world.order(1, &[]), 1).await;
    let job = world.job(JobKind::FOLD, "n", 1);
    world.enqueue(&job).await;
    assert_eq!(world.claim("the old worker", &[JobKind::FOLD], at(1)).await.len(), 1);
    let before = world.store.shipments.newest_change(world.scope).await.unwrap();
    world.store.upkeep.restored(at(2)).await.unwrap();
    assert!(world.store.people.session("s", at(2)).await.unwrap().is_none());
    assert!(world.store.jobs.acquire_leadership("schedule", "the new leader", at(2), at(3)).await.unwrap());
    assert_eq!(world.claim("the new worker", &[JobKind::FOLD], at(2)).await.len(), 1, "what was at work is free");
    world.import(world.order(2, &[]), 3).await;
    let after = world.store.shipments.newest_change(world.scope).await.unwrap();
    assert!(after > before + 1_000_000_000, "a browser that saw more than the backup has still hears of it: {after}");
}
