//! The door itself, over HTTP: bodies of every size.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use axum::{body::Body, http::Request};
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::sync::Arc;
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
