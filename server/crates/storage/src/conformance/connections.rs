//! Connections.

use super::{World, at};
use crate::{
    Scope, Sealed, Store, StoreError,
    connections::{ConnectionRecord, Hour, Traffic},
    destinations::Health,
    jobs::{JobKind, NewJob},
    order_problems::{Extent, NewOrderProblem},
};
use domain::ids::SourceId;

async fn of(world: &World, name: &str) -> ConnectionRecord {
    world.store.connections.by_name(name).await.unwrap().unwrap().1
}

async fn put(world: &World, record: ConnectionRecord) -> crate::Result<()> {
    world.store.connections.put(world.scope, record, None, world.audit("connection.put", "connection", 1)).await
}

pub async fn what_is_put_is_there_and_its_version_grows(store: Store) {
    let world = World::new(store).await;
    let connections = &world.store.connections;
    assert_eq!(connections.version(world.scope).await.unwrap(), 0);
    world.source("shop").await;
    let made = of(&world, "shop").await;
    assert_eq!((made.version, made.enabled, made.label.as_str()), (1, true, "shop"));
    let changed = ConnectionRecord {
        label: "The shop".into(),
        settings: r#"{"url":"https://shop.example"}"#.into(),
        enabled: false,
        disabled_at: Some(at(3)),
        sandbox: true,
        owner: "Ines".into(),
        purpose: "Orders".into(),
        runbook: "https://wiki.example/shop".into(),
        data_classes: vec!["personal".into(), "orders".into()],
        takes: r#"{"severities":["critical"]}"#.into(),
        seeded: Some("digest".into()),
        ..made
    };
    put(&world, changed.clone()).await.unwrap();
    assert_eq!(of(&world, "shop").await, ConnectionRecord { version: 2, ..changed });
    world.source("another").await;
    assert_eq!(connections.version(world.scope).await.unwrap(), 3);
    let names: Vec<_> = connections.all(world.scope).await.unwrap().into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["another", "shop"]);
    let stranger = Scope { company: world.id(), ..world.scope };
    assert_eq!(connections.all(stranger).await.unwrap(), []);
    assert_eq!(connections.version(stranger).await.unwrap(), 0);
}

pub async fn of_two_who_change_one_the_second_looks_again(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let read = of(&world, "shop").await;
    put(&world, ConnectionRecord { owner: "first".into(), ..read.clone() }).await.unwrap();
    let refused = put(&world, ConnectionRecord { owner: "second".into(), ..read.clone() }).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(of(&world, "shop").await.owner, "first");
    put(&world, ConnectionRecord { owner: "whatever is there".into(), version: 0, ..read }).await.unwrap();
    assert_eq!(of(&world, "shop").await.version, 3);
}

pub async fn a_name_belongs_to_one_connection(store: Store) {
    let world = World::new(store).await;
    let id = world.source("shop").await;
    let (scope, kept, key) = world.store.connections.by_name("shop").await.unwrap().unwrap();
    let (subject, secrets_of) = (key.as_ref().map(|key| key.subject), kept.secrets.subject);
    assert_eq!((scope.company, kept.id, subject), (world.scope.company, id, Some(secrets_of)));
    let refused = put(&world, ConnectionRecord { id: world.id(), version: 0, ..kept.clone() }).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    // nor does another company get hold of one by its id
    let stranger = Scope { company: world.id(), ..world.scope };
    let audit = world.audit("connection.put", "connection", 1);
    let refused = world.store.connections.put(stranger, ConnectionRecord { version: 0, ..kept }, key, audit).await;
    assert!(refused.is_err());
    assert!(world.store.connections.by_name("nothing").await.unwrap().is_none());
    // one whose key is gone is there all the same
    let audit = world.audit("key.destroy", "connection", 1);
    world.store.people.destroy_key(world.scope, secrets_of, audit).await.unwrap();
    let (_, kept, key) = world.store.connections.by_name("shop").await.unwrap().unwrap();
    assert_eq!((kept.id, key), (id, None));
}

pub async fn what_a_test_finds_is_about_the_settings_that_it_tested(store: Store) {
    let world = World::new(store).await;
    let id = world.source("shop").await;
    let tested = async |id: SourceId, version: u64| {
        let audit = world.audit("connection.test", "connection", 1);
        world.store.connections.tested(world.scope, id, version, "a report".into(), audit).await
    };
    tested(id, 1).await.unwrap();
    let kept = of(&world, "shop").await;
    assert_eq!((kept.tested.as_deref(), kept.version), (Some("a report"), 1));
    put(&world, ConnectionRecord { owner: "Ines".into(), ..kept }).await.unwrap();
    assert_eq!(of(&world, "shop").await.tested.as_deref(), Some("a report"), "who looks after it makes no difference");
    assert!(matches!(tested(id, 1).await, Err(StoreError::Conflict(_))), "it has another version by now");
    assert!(tested(world.id(), 1).await.is_err());
    let secrets = world.sealed(b"others").0;
    let changes: [fn(ConnectionRecord, &Sealed) -> ConnectionRecord; 3] = [
        |record, _| ConnectionRecord { settings: r#"{"carrier":"dhl"}"#.into(), ..record },
        |record, _| ConnectionRecord { scheme: "bearer".into(), ..record },
        |record, secrets| ConnectionRecord { secrets: secrets.clone(), ..record },
    ];
    for change in changes {
        let before = of(&world, "shop").await;
        tested(id, before.version).await.unwrap();
        put(&world, change(before, &secrets)).await.unwrap();
        assert_eq!(of(&world, "shop").await.tested, None);
    }
}

pub async fn a_change_of_settings_or_secrets_closes_the_breaker(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let (destinations, scope) = (&world.store.destinations, world.scope);
    let limited = Health { limited_until: Some(at(700)), failures: 7, ..Health::default() };
    let health = async || destinations.breakers(scope).await.unwrap().remove("shop").unwrap_or_default().health;
    assert!(destinations.set_health(scope, "shop", Health::default(), limited.clone()).await.unwrap());
    put(&world, ConnectionRecord { owner: "Ines".into(), ..of(&world, "shop").await }).await.unwrap();
    assert_eq!(health().await, limited);
    put(&world, ConnectionRecord { settings: r#"{"url":"a"}"#.into(), ..of(&world, "shop").await }).await.unwrap();
    assert_eq!(health().await, Health::default());
    assert!(destinations.set_health(scope, "shop", Health::default(), limited).await.unwrap());
    put(&world, ConnectionRecord { secrets: world.sealed(b"others").0, ..of(&world, "shop").await }).await.unwrap();
    assert_eq!(health().await, Health::default());
}

pub async fn a_connection_is_used_once_something_is_kept_under_its_name(store: Store) {
    let world = World::new(store).await;
    let is_used = async |name: &str| world.store.connections.is_used(world.scope, name).await.unwrap();
    assert!(!is_used("odoo").await && !is_used("odoo-pl").await);
    world.import(world.order(7, &["N7"]), 1).await;
    assert!(is_used("odoo").await && !is_used("odoo-pl").await);
    let stranger = Scope { company: world.id(), ..world.scope };
    assert!(!world.store.connections.is_used(stranger, "odoo").await.unwrap());
}

pub async fn a_secret_is_accepted_until_it_changes(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let accepted = async |version: u64, minutes: i64| {
        let hour = Hour { connection: "shop".into(), hour: 1_000, ok: 1, failed: 0 };
        let one = Traffic { hour, last_ok_at: None, last_failed: None, accepted: Some((version, at(minutes))) };
        world.store.connections.traffic(world.scope, vec![one]).await.unwrap();
        of(&world, "shop").await.secret_accepted_at
    };
    assert_eq!(accepted(1, 5).await, Some(at(5)));
    assert_eq!(accepted(1, 9).await, Some(at(5)), "the first time counts");
    put(&world, ConnectionRecord { owner: "Ines".into(), ..of(&world, "shop").await }).await.unwrap();
    assert_eq!(of(&world, "shop").await.secret_accepted_at, Some(at(5)));
    put(&world, ConnectionRecord { secrets: world.sealed(b"others").0, ..of(&world, "shop").await }).await.unwrap();
    assert_eq!(accepted(2, 10).await, None, "that was the one before");
    assert_eq!(accepted(3, 11).await, Some(at(11)));
}

pub async fn what_waits_of_a_removed_connection_ends(store: Store) {
    let world = World::new(store).await;
    let (scope, jobs) = (world.scope, &world.store.jobs);
    let job = |target: &str, minutes| world.job(JobKind::SYNC_ORDER, target, minutes);
    let of = |destination: &str, job: NewJob| NewJob { destination: Some(destination.to_owned()), ..job };
    let own = of("odoo", job("s0", 5));
    let gone = [of("odoo-2", job("s1", 5)), of("odoo-2", job("s2", 6))];
    for one in gone.iter().chain([&own]) {
        world.enqueue(one).await;
    }
    let problem = |record| NewOrderProblem { record, name: None, problem: "odd".into(), extent: Extent::Whole };
    for system in ["odoo", "odoo-2"] {
        world.store.order_problems.note(scope, system, vec![problem(1)], Vec::new(), at(0)).await.unwrap();
    }
    let stranger = Scope { company: world.id(), ..scope };
    assert_eq!(world.store.connections.end_work(stranger, "odoo-2").await.unwrap(), 0);
    assert_eq!(world.store.connections.end_work(scope, "odoo-2").await.unwrap(), 2);
    assert_eq!(world.store.connections.end_work(scope, "odoo-2").await.unwrap(), 0, "it is over");
    assert!(jobs.job(scope, own.id).await.unwrap().is_some());
    assert!(jobs.job(scope, gone[0].id).await.unwrap().is_none());
    let left: Vec<_> =
        world.store.order_problems.list(scope).await.unwrap().into_iter().map(|one| one.system).collect();
    assert_eq!(left, ["odoo"]);
}

pub async fn traffic_adds_up_and_the_last_counts(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let traffic = async |hour: i64, (ok, failed): (u64, u64), ok_at: Option<i64>, failed_at: Option<(i64, &str)>| {
        let one = Traffic {
            hour: Hour { connection: "shop".into(), hour, ok, failed },
            last_ok_at: ok_at.map(at),
            last_failed: failed_at.map(|(minutes, class)| (at(minutes), class.to_owned())),
            accepted: None,
        };
        world.store.connections.traffic(world.scope, vec![one]).await.unwrap();
    };
    traffic(1_000, (3, 1), Some(10), Some((9, "no_answer"))).await;
    traffic(1_000, (2, 0), Some(8), None).await;
    traffic(1_001, (0, 4), None, Some((70, "unauthorized"))).await;
    traffic(1_001, (0, 1), None, Some((60, "late news of another node"))).await;
    let hours = async |since| world.store.connections.hours(world.scope, since).await.unwrap();
    let hour = |hour, ok, failed| Hour { connection: "shop".into(), hour, ok, failed };
    assert_eq!(hours(0).await, [hour(1_000, 5, 1), hour(1_001, 0, 5)]);
    assert_eq!(hours(1_001).await, [hour(1_001, 0, 5)]);
    let kept = of(&world, "shop").await;
    assert_eq!(
        (kept.last_ok_at, kept.last_failed_at, kept.last_failure.as_deref(), kept.version),
        (Some(at(10)), Some(at(70)), Some("unauthorized"), 1)
    );
    traffic(1_001 + crate::connections::TRAFFIC_HOURS, (1, 0), None, None).await;
    assert_eq!(
        hours(0).await.iter().map(|h| h.hour).collect::<Vec<_>>(),
        [1_001, 1_001 + crate::connections::TRAFFIC_HOURS]
    );
    let stranger = Scope { company: world.id(), ..world.scope };
    assert_eq!(world.store.connections.hours(stranger, 0).await.unwrap(), []);
}
