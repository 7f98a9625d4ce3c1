//! Platforms that publish their keys: a new one is fetched once somebody signs with it, and not because anybody says so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::{
    clock::Clock,
    tracking::ingest::{self, Delivery, Refused},
};
use axum::{Router, routing::get};
use carriers::{RawRequest, Rejected, Settings};
use domain::ids::CorrelationId;
use http::{HeaderMap, HeaderValue};
use std::sync::{Arc, Mutex};
use storage::jobs::{JobFilter, JobSelection, Lane};

const KEYS: &str = include_str!("../../crates/carriers/src/verify/fixtures/keys/shipengine_composed_jwks.json");

/// A platform that publishes the keys it is given.
async fn platform(published: Arc<Mutex<String>>) -> String {
    let router = Router::new().route("/jwks", get(async move || published.lock().unwrap().clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/jwks")
}

async fn deliver(world: &World) -> Rejected {
    let mut headers = HeaderMap::new();
    let stamp = world.context.now().to_string();
    for (name, value) in [
        ("x-shipengine-rsa-sha256-key-id", "composed-kid-1"),
        ("x-shipengine-rsa-sha256-signature", "AAAA"),
        ("x-shipengine-timestamp", stamp.as_str()),
    ] {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let request = RawRequest { method: "POST", path: "/", query: "", peer: None, headers: &headers, body: b"{}" };
    let delivery = Delivery { source: "se", request, correlation: CorrelationId(world.clock.id()) };
    match ingest::accept(&world.context, delivery).await {
        Err(Refused::NotVerified(rejected)) => rejected,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_key_is_looked_up_where_the_platform_publishes_it() {
    let published = Arc::new(Mutex::new(KEYS.replace("composed-kid-1", "older")));
    let world = World::new().await;
    let keys_url = Some(platform(Arc::clone(&published)).await);
    world.source_of("se", "shipengine", "", Settings { keys_url, ..Settings::default() }).await;
    *published.lock().unwrap() = KEYS.to_owned();
    assert_eq!(deliver(&world).await, Rejected::UnknownKey);
    assert_eq!(deliver(&world).await, Rejected::UnknownKey, "and nobody makes us ask twice a minute");
    world.work(Lane::Batch).await;
    let of_keys = JobSelection { destination: Some("se".into()), ..JobSelection::default() };
    let done = world.context.store.jobs.list(world.context.scope(), JobFilter::Done, of_keys, None).await.unwrap();
    assert_eq!(done.rows.len(), 1);
    world.clock.advance(jiff::Span::new().seconds(10));
    assert_eq!(
        deliver(&world).await,
        Rejected::Mismatch("signature"),
        "the key is known now, the signature is invented"
    );
}

#[tokio::test]
async fn what_is_no_key_set_leaves_the_known_keys_alone() {
    let published = Arc::new(Mutex::new(KEYS.to_owned()));
    let world = World::new().await;
    let keys_url = Some(platform(Arc::clone(&published)).await);
    world.source_of("se", "shipengine", "", Settings { keys_url, ..Settings::default() }).await;
    *published.lock().unwrap() = "{\"keys\":[]}".to_owned();
    world.passes(1).await;
    assert_eq!(deliver(&world).await, Rejected::Mismatch("signature"));
}
