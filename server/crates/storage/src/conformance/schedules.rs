//! Schedules.

use super::{World, at};
use crate::{Store, jobs::JobKind, schedules::Schedule};

fn prune(minutes: i64) -> Schedule {
    Schedule {
        name: "prune".into(),
        kind: JobKind::new("prune"),
        target: "prune".into(),
        destination: None,
        expression: "every 60 s".into(),
        zone: "UTC".into(),
        next_at: at(minutes),
        last_at: None,
    }
}

pub async fn a_schedule_is_kept_and_changed(store: Store) {
    let world = World::new(store).await;
    let schedules = &world.store.schedules;
    assert_eq!(schedules.all(world.scope).await.unwrap(), []);
    let import = Schedule {
        name: "import_orders/odoo".into(),
        kind: JobKind::IMPORT_ORDERS,
        target: "odoo".into(),
        destination: Some("odoo".into()),
        expression: "0 7 * * MON-FRI".into(),
        zone: "Europe/Berlin".into(),
        ..prune(3)
    };
    for one in [prune(1), import.clone()] {
        schedules.put(world.scope, one, None).await.unwrap();
    }
    assert_eq!(schedules.all(world.scope).await.unwrap(), [import.clone(), prune(1)]);
    let job = world.job(JobKind::new("prune"), "prune", 2);
    assert!(schedules.start(world.scope, "prune", at(1), at(9), job, at(2)).await.unwrap());
    let changed = Schedule { expression: "every 30 s".into(), ..prune(5) };
    let audit = world.audit("schedule.set", "schedule:prune", 4);
    schedules.put(world.scope, changed.clone(), Some(audit)).await.unwrap();
    let changed = Schedule { last_at: Some(at(2)), ..changed };
    assert_eq!(schedules.all(world.scope).await.unwrap(), [import, changed], "when it last started stays");
    let lines = world.store.people.audit_trail(world.scope, Some("schedule:prune".into()), 5).await.unwrap();
    assert_eq!(lines.len(), 1);
    schedules.hurry(world.scope, at(2)).await.unwrap();
    assert!(schedules.all(world.scope).await.unwrap().iter().all(|schedule| schedule.next_at == at(2)));
}

pub async fn of_two_who_start_it_one_does_and_its_job_comes_with_it(store: Store) {
    let world = World::new(store).await;
    let (schedules, kind) = (&world.store.schedules, JobKind::new("prune"));
    schedules.put(world.scope, prune(1), None).await.unwrap();
    let start = async |target: &str, expected: i64| {
        let job = world.job(kind, target, 1);
        schedules.start(world.scope, "prune", at(expected), at(expected + 1), job, at(1)).await.unwrap()
    };
    assert!(start("one", 1).await);
    assert!(!start("other", 1).await, "somebody was faster");
    let jobs = world.claim("a", &[kind], at(1)).await;
    assert_eq!(jobs.iter().map(|l| l.job.target.as_str()).collect::<Vec<_>>(), ["one"]);
    assert!(start("other", 2).await, "the next time");
    let job = world.job(kind, "unknown", 1);
    assert!(!schedules.start(world.scope, "unknown", at(1), at(2), job, at(1)).await.unwrap());
}
