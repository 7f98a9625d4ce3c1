//! Sources of messages: removed ones stay so, and what is said of one is about its messages.

use super::{NewConnection, caller, fields, put, record, refused};
use crate::world::{SECRET, World};
use application::{
    config::Mode,
    connections::{
        self, StateKind, inbound,
        sources::{self, NewSource},
    },
    context::Context,
    error::UseCaseError,
    tracking::ingest::Refused,
};
use outbound::{Discard, check::CheckOutcome};
use server::config::Settings;
use storage::connections::ConnectionRecord;

const NAME: &str = "aftership";

fn source(secret: &str) -> NewSource {
    let settings = carriers::Settings::default();
    NewSource { name: NAME.into(), connector: NAME.into(), scheme: None, secret: secret.into(), settings }
}

/// A source is set to this secret, and this node knows it.
async fn set(context: &Context, secret: &str) {
    sources::put(context, &caller(context), source(secret)).await.unwrap();
    connections::refresh(context).await.unwrap();
}

async fn message(world: &World, number: u32) -> Result<(), Refused> {
    let body = serde_json::json!({"event_id": format!("e-{number}"), "msg": {"id": "t-1", "tracking_number": "N1", "slug": "dhl",
        "tag": "InTransit", "updated_at": "2026-03-05T10:00:00+00:00", "checkpoints": []}});
    let taken = world.offer(body.to_string().as_bytes()).await.map(drop);
    connections::flush(&world.context).await.unwrap();
    taken
}

async fn outcomes(context: &Context, name: &str) -> Vec<(String, CheckOutcome)> {
    let report = connections::test(context, &caller(context), name).await.unwrap();
    report.checks.into_iter().map(|check| (check.what, check.outcome)).collect()
}

#[tokio::test]
async fn the_older_secret_stays_until_a_message_came_with_the_newest() {
    let world = World::new().await;
    let context = &world.context;
    set(context, "a new secret of the tests").await;
    message(&world, 1).await.unwrap();
    let retire = async || connections::retire_old(context, &caller(context), NAME).await;
    let drop_old = async || sources::drop_old_secret(context, &caller(context), NAME).await;
    assert!(retire().await.unwrap_err().to_string().contains("no message came with the newest"));
    assert!(drop_old().await.unwrap_err().to_string().contains("no message came with the newest"));
    // the unproven one gives way to the next, not the one that works
    set(context, "a third secret of the tests").await;
    message(&world, 2).await.unwrap();
    connections::rotate(context, &caller(context), NAME, "a fourth secret of the tests").await.unwrap();
    message(&world, 3).await.unwrap();
    // now the platform signs with the newest
    set(context, SECRET).await;
    message(&world, 4).await.unwrap();
    assert!(record(context, NAME).await.secret_accepted_at.is_some());
    retire().await.unwrap();
    message(&world, 5).await.unwrap();
    assert_eq!(connections::one(context, &caller(context), NAME).await.unwrap().overview.secrets, 1);
}

#[tokio::test]
async fn a_source_whose_connector_is_missing_here_is_asked_again() {
    let world = World::new().await;
    let context = &world.context;
    let (scope, before) = (context.scope(), record(context, NAME).await);
    let change = async |record: ConnectionRecord| {
        let audit = context.audit("test", "connection");
        context.store.connections.put(scope, record, None, audit).await.unwrap();
        connections::refresh(context).await.unwrap();
    };
    change(ConnectionRecord { connector: "of_a_newer_version".into(), ..before.clone() }).await;
    for number in 0..2 {
        assert!(matches!(message(&world, number).await, Err(Refused::Unavailable)));
    }
    let list = sources::kept(context, &caller(context)).await.unwrap();
    assert!(list.iter().any(|(source, _)| source.name == NAME), "it is a source all the same");
    change(record(context, NAME).await.switched(false, context.now())).await;
    assert!(matches!(message(&world, 2).await, Err(Refused::UnknownSource)));
    let enabled = connections::switch(context, &caller(context), NAME, true, "").await;
    assert!(matches!(enabled, Err(UseCaseError::Invalid { field: "fields", .. })), "{enabled:?}");
    change(ConnectionRecord {
        connector: before.connector,
        ..record(context, NAME).await.switched(true, context.now())
    })
    .await;
    message(&world, 3).await.unwrap();
}

#[tokio::test]
async fn a_removed_source_stays_removed() {
    let world = World::new().await;
    let (context, who) = (&world.context, caller(&world.context));
    let settings = carriers::Settings { keys_url: Some("https://127.0.0.1:1/keys".into()), ..Default::default() };
    world.put_source("engine", "shipengine", Some("shipengine_rsa".into()), r#"{"keys":[]}"#, settings).await;
    let fetch = async || inbound::fetch_keys(context, context.scope(), "engine", &Discard).await;
    assert!(fetch().await.is_err(), "nobody is there");
    for name in ["engine", NAME] {
        sources::remove(context, &who, name, None).await.unwrap();
        let enabled = connections::switch(context, &who, name, true, "").await;
        assert!(matches!(enabled, Err(UseCaseError::Invalid { field: "name", .. })), "{enabled:?}");
        let rotated = connections::rotate(context, &who, name, "a new secret of the tests").await;
        assert!(matches!(rotated, Err(UseCaseError::Invalid { field: "name", .. })), "{rotated:?}");
        assert_eq!(outcomes(context, name).await[0], ("It has no secret".into(), CheckOutcome::Failed));
    }
    let before = record(context, "engine").await;
    fetch().await.unwrap();
    assert_eq!(record(context, "engine").await, before);
    assert!(connections::list(context, &who).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_source_without_a_secret_is_there_all_the_same() {
    let world = World::new().await;
    let context = &world.context;
    let by_network = NewConnection {
        name: "by-network".into(),
        connector: "aftership".into(),
        fields: fields(&[("scheme", "ip_allow_list"), ("networks", "192.0.2.0/24"), ("weakness_known", "on")]),
        ..NewConnection::default()
    };
    put(context, by_network).await.unwrap();
    assert_eq!(connections::list(context, &caller(context)).await.unwrap().len(), 2, "a draft is in the list");
    connections::switch(context, &caller(context), "by-network", true, "").await.unwrap();
}

#[tokio::test]
async fn messages_arrive_when_there_is_one() {
    let world = World::new().await;
    let context = &world.context;
    context.connections.count(NAME, None, context.now());
    connections::flush(context).await.unwrap();
    assert!(record(context, NAME).await.last_ok_at.is_some());
    let waits = ("Waiting for the first message".into(), CheckOutcome::Warning);
    assert!(outcomes(context, NAME).await.contains(&waits));
    message(&world, 1).await.unwrap();
    assert!(outcomes(context, NAME).await.contains(&("Messages arrive".into(), CheckOutcome::Passed)));
}

#[tokio::test]
async fn how_keys_are_fetched_is_no_message() {
    let world = World::new().await;
    let context = &world.context;
    let settings = carriers::Settings { keys_url: Some("https://127.0.0.1:1/keys".into()), ..Default::default() };
    world.put_source("engine", "shipengine", Some("shipengine_rsa".into()), r#"{"keys":[]}"#, settings).await;
    world.leaves_jobs();
    context.store.jobs.enqueue(context.scope(), vec![inbound::keys_job(context, "engine")]).await.unwrap();
    world.settle().await;
    connections::flush(context).await.unwrap();
    let shown = connections::one(context, &caller(context), "engine").await.unwrap().overview;
    assert_eq!((shown.traffic(), shown.record.last_failed_at), ((0, 0), None));
    let summary = context.store.jobs.summary(context.scope(), context.now()).await.unwrap();
    let of_keys = summary.iter().find(|one| one.destination == "engine").unwrap();
    assert_eq!(of_keys.retrying, 1, "it failed, and is tried again");
}

#[tokio::test]
async fn the_older_commands_keep_what_they_do_not_name() {
    let world = World::new().await;
    let (context, who) = (&world.context, caller(&world.context));
    let scheme = record(context, NAME).await.scheme;
    let sandbox = NewConnection {
        name: NAME.into(),
        connector: NAME.into(),
        sandbox: true,
        owner: "Ines".into(),
        fields: fields(&[("scheme", &scheme), ("weakness_known", "on")]),
        ..NewConnection::default()
    };
    put(context, sandbox).await.unwrap();
    set(context, "a new secret of the tests").await;
    let kept = record(context, NAME).await;
    assert!(kept.sandbox && kept.owner == "Ines", "{kept:?}");
    let disabled_at = async || record(context, NAME).await.disabled_at;
    sources::disable(context, &who, NAME, None).await.unwrap();
    let first = context.now();
    assert_eq!(disabled_at().await, Some(first));
    world.clock.advance(jiff::Span::new().hours(1));
    set(context, "a third secret of the tests").await;
    sources::disable(context, &who, NAME, None).await.unwrap();
    assert_eq!(disabled_at().await, Some(first), "since then");
    let state = connections::one(context, &who, NAME).await.unwrap().overview.state;
    assert_eq!((state.is, state.since), (StateKind::Disabled, Some(first)));
    sources::enable(context, &who, NAME).await.unwrap();
    assert_eq!(disabled_at().await, None);
    sources::remove(context, &who, NAME, None).await.unwrap();
    assert_eq!(disabled_at().await, Some(context.now()));
}

#[tokio::test]
async fn the_demo_fetches_keys_from_this_machine_alone() {
    let mut config = Settings::default().resolve().unwrap();
    config.system.mode = Mode::Demo;
    let world = World::with(config).await;
    let context = &world.context;
    let pairs = [("scheme", "shipengine_rsa"), ("keys_url", "https://keys.example.com/jwks")];
    let new = NewConnection {
        name: "engine".into(),
        connector: "shipengine".into(),
        fields: fields(&pairs),
        ..NewConnection::default()
    };
    assert_eq!(refused(context, new).await, ("keys_url", "the demo calls systems on this machine only".into()));
    let settings = carriers::Settings { keys_url: Some("https://keys.example.com/jwks".into()), ..Default::default() };
    let engine = NewSource {
        name: "engine".into(),
        connector: "shipengine".into(),
        scheme: Some("shipengine_rsa".into()),
        secret: String::new(),
        settings,
    };
    let refused = sources::put(context, &caller(context), engine).await.unwrap_err();
    assert!(refused.to_string().contains("this machine only"), "{refused}");
}
