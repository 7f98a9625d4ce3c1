//! The door itself, over HTTP: bodies of every size.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use axum::{body::Body, http::Request};
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;
use server::usecases::sources;
use std::sync::Arc;
use storage::inbox::MessageSelection;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use world::World;

async fn post(world: &World, source: &str, body: Vec<u8>) -> StatusCode {
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let router = server::http::router(Arc::clone(&world.tower), metrics, CancellationToken::new());
    let request = Request::post(format!("/ingest/{source}"))
        .header("authorization", format!("Bearer {}", world::SECRET))
        .body(Body::from(body))
        .unwrap();
    router.oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn files_are_taken_up_to_their_limit_and_only_so_many_at_once() {
    let world = World::new().await;
    world.source_of("edi", "x12_214", world::SECRET, connectors::carriers::Settings::default()).await;
    let file = |bytes: usize| vec![b'x'; bytes];
    assert_eq!(post(&world, "edi", file(2 << 20)).await, StatusCode::ACCEPTED);
    assert_eq!(post(&world, "edi", file((64 << 20) + 1)).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(post(&world, "aftership", file((1 << 20) + 1)).await, StatusCode::PAYLOAD_TOO_LARGE, "one message");
    let others = world.tower.files.acquire_many(u32::try_from(server::tower::FILES_AT_ONCE).unwrap()).await.unwrap();
    assert_eq!(post(&world, "edi", file((2 << 20) + 1)).await, StatusCode::SERVICE_UNAVAILABLE, "it comes again");
    assert_eq!(post(&world, "edi", file(1000)).await, StatusCode::ACCEPTED, "messages do not wait for files");
    let room = world.tower.room.acquire_many(u32::try_from(server::tower::ROOM_KIB).unwrap()).await.unwrap();
    assert_eq!(post(&world, "edi", file(1001)).await, StatusCode::SERVICE_UNAVAILABLE, "nor have they any room");
    drop((others, room));
    assert_eq!(world.tower.room.available_permits(), server::tower::ROOM_KIB, "what was taken up is given back");
    assert_eq!(post(&world, "edi", file((2 << 20) + 1)).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_source_that_is_removed_takes_nothing_more_and_keeps_its_messages() {
    let world = World::new().await;
    let (tower, scope) = (&world.tower, world.tower.scope());
    let checkpoints = [("InTransit_003", "2026-03-05T01:00:00")];
    world.hears("N1", &checkpoints).await;
    let error = sources::remove(tower, scope, "aftersip", None).await.unwrap_err().to_string();
    assert!(error.contains("aftersip") && error.contains("aftership"), "{error}");
    sources::remove(tower, scope, "aftership", Some("mistyped".into())).await.unwrap();
    sources::remove(tower, scope, "aftership", None).await.unwrap_err();
    assert!(sources::in_use(tower, scope).await.unwrap().is_empty());
    world.clock.advance(jiff::Span::new().minutes(1));
    assert_eq!(post(&world, "aftership", b"{}".to_vec()).await, StatusCode::NOT_FOUND);
    let kept = tower.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap();
    assert_eq!(kept.rows.len(), 1);
    let lines = tower.store.people.audit_trail(scope, None, 10).await.unwrap();
    assert!(lines.iter().any(|line| line.entry.action == "source.remove"));

    // under the same name again, with another secret: the old one is forgotten
    world.source_of("aftership", "aftership", "another secret", connectors::carriers::Settings::default()).await;
    world.clock.advance(jiff::Span::new().minutes(1));
    assert!(world.knock(br#"{"msg":{}}"#).await.is_err(), "signed with the secret of before");
    let kept = tower.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap();
    assert_eq!(kept.rows.len(), 1);
}

#[tokio::test]
async fn commands_name_the_address_of_the_server_that_ran() {
    let world = World::new().await;
    let (tower, scope) = (&world.tower, world.tower.scope());
    let (url, whence) = sources::public_url(tower, scope).await.unwrap();
    assert!(url == tower.config.public_url && whence.contains("--public-url"), "{url} {whence}");
    let settings = server::config::Settings { public_url: Some("https://tower.test/".into()), ..Default::default() };
    let serving = World::on(tower.store.clone(), settings.resolve().unwrap()).await;
    sources::announce_public_url(&serving.tower).await.unwrap();
    let (url, whence) = sources::public_url(tower, scope).await.unwrap();
    assert!(url == "https://tower.test" && whence.contains("last started"), "{url} {whence}");
    let (_, whence) = sources::public_url(&serving.tower, scope).await.unwrap();
    assert!(whence.contains("--public-url") && !whence.contains("no server"), "{whence}");
}
