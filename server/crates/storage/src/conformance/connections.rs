//! Connections.

use super::{World, at};
use crate::{
    Scope, Store, StoreError,
    connections::{ConnectionRecord, Hour, Traffic},
};
use domain::ids::SourceId;

async fn of(world: &World, name: &str) -> ConnectionRecord {
    world.store.connections.by_name(name).await.unwrap().unwrap().1
}

async fn put(world: &World, record: ConnectionRecord) -> crate::Result<()> {
    let key = world.key(record.secrets.subject);
    world.store.connections.put(world.scope, record, key, world.audit("connection.put", "connection", 1)).await
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
    assert_eq!((scope.company, kept.id, key.subject), (world.scope.company, id, kept.secrets.subject));
    let refused = put(&world, ConnectionRecord { id: world.id(), version: 0, ..kept.clone() }).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    // nor does another company get hold of one by its id
    let stranger = Scope { company: world.id(), ..world.scope };
    let audit = world.audit("connection.put", "connection", 1);
    let refused = world.store.connections.put(stranger, ConnectionRecord { version: 0, ..kept }, key, audit).await;
    assert!(refused.is_err());
    assert!(world.store.connections.by_name("nothing").await.unwrap().is_none());
}

pub async fn what_a_test_finds_is_no_change(store: Store) {
    let world = World::new(store).await;
    let id = world.source("shop").await;
    let tested = async |id: SourceId| {
        let audit = world.audit("connection.test", "connection", 1);
        world.store.connections.tested(world.scope, id, "a report".into(), audit).await
    };
    tested(id).await.unwrap();
    let kept = of(&world, "shop").await;
    assert_eq!((kept.tested.as_deref(), kept.version), (Some("a report"), 1));
    put(&world, kept).await.unwrap();
    assert_eq!(of(&world, "shop").await.tested.as_deref(), Some("a report"));
    assert!(tested(world.id()).await.is_err());
}

pub async fn traffic_adds_up_and_the_last_counts(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let traffic = async |hour: i64, (ok, failed): (u64, u64), ok_at: Option<i64>, failed_at: Option<(i64, &str)>| {
        let one = Traffic {
            hour: Hour { connection: "shop".into(), hour, ok, failed },
            last_ok_at: ok_at.map(at),
            last_failed: failed_at.map(|(minutes, class)| (at(minutes), class.to_owned())),
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
