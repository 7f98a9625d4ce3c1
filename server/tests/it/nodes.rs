//! Several nodes on one PostgreSQL database. Needs the cluster of `tests/peers/postgres-peer.sh`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::{
    clock::{Clock, ManualClock},
    context::Context,
    jobs::Runner,
};
use domain::State;
use server::{bootstrap, config::Settings};
use std::{sync::Arc, time::Duration};
use storage::jobs::{ClaimRequest, JobKind, Lane, Wanted};
use storage_postgres::{PostgresStore, temporary::Temporary};
use tokio_util::sync::CancellationToken;

/// A wake-up between nodes takes milliseconds; this is only how long a test waits for one that does not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two nodes, each with connections of its own, and one clock.
async fn two() -> (Temporary, World, Arc<Context>) {
    let admin = std::env::var("MILEPOST_TEST_POSTGRES").expect("the cluster of tests/peers/postgres-peer.sh");
    let (database, url) = Temporary::make(&admin).await.unwrap();
    let world = World::on(PostgresStore::open(&url).await.unwrap(), Settings::default().resolve().unwrap()).await;
    let other = node(&url, &world.clock).await;
    (database, world, other)
}

async fn node(url: &str, clock: &Arc<ManualClock>) -> Arc<Context> {
    let (store, clock) = (PostgresStore::open(url).await.unwrap(), Arc::clone(clock) as Arc<dyn Clock>);
    bootstrap::assemble(Settings::default().resolve().unwrap(), clock, store, &[7; 32]).await.unwrap()
}

const DELIVERED: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-02T10:00:00"), ("Delivered_001", "2026-03-04T12:30:00")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_hears_what_another_did() {
    let (_database, one, other) = two().await;
    let shutdown = CancellationToken::new();
    let (listening, stop) = (Arc::clone(&other), shutdown.clone());
    let listener = tokio::spawn(async move { listening.notifier.listen(stop).await });
    let mut changes = other.notifier.changes();
    let heard = async {
        // the first wake-ups may come before the other listens: said again until one is heard
        loop {
            one.context.notifier.changed();
            if tokio::time::timeout(Duration::from_millis(50), changes.changed()).await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("a wake-up");
    let work = other.notifier.lane(Lane::RealTime).notified();
    one.receives("N1", DELIVERED).await;
    tokio::time::timeout(PATIENCE, work).await.expect("there is work, and the other node knows");
    shutdown.cancel();
    listener.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_reads_every_change_whichever_node_made_it() {
    let (_database, one, other) = two().await;
    let scope = other.scope();
    let mut after = other.store.shipments.newest_change(scope).await.unwrap();
    let mut seen = std::collections::BTreeMap::new();
    let both = [Arc::clone(&one.context), Arc::clone(&other)];
    for n in 0..40 {
        one.deliver_to(&both[n % 2], &format!("N{n}"), DELIVERED).await;
    }
    let working =
        both.map(|node| tokio::spawn(async move { Runner::new(node, Lane::RealTime).run_until_idle().await.unwrap() }));
    let mut finished = false;
    loop {
        let read = other.store.shipments.changes(scope, after, 7).await.unwrap();
        if read.is_empty() && finished {
            break;
        }
        finished = working.iter().all(tokio::task::JoinHandle::is_finished);
        for change in read {
            assert!(change.seq > after, "numbers only grow");
            after = change.seq;
            seen.insert(change.shipment, change.revision);
        }
    }
    one.settle().await;
    for change in other.store.shipments.changes(scope, after, 500).await.unwrap() {
        seen.insert(change.shipment, change.revision);
    }
    assert_eq!(seen.len(), 40);
    for (shipment, revision) in seen {
        let loaded = one.load(shipment).await.shipment;
        assert_eq!((loaded.folded.state, loaded.revision), (State::Delivered, revision));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_the_work_and_do_each_piece_once() {
    let (_database, one, other) = two().await;
    for n in 0..60 {
        one.deliver_to(&one.context, &format!("N{n}"), &DELIVERED[..1]).await;
        one.deliver_to(&other, &format!("N{n}"), DELIVERED).await;
    }
    let working = [Arc::clone(&one.context), other]
        .map(|node| tokio::spawn(async move { Runner::new(node, Lane::RealTime).run_until_idle().await.unwrap() }));
    let mut shares = Vec::new();
    for node in working {
        shares.push(node.await.unwrap());
    }
    one.settle().await;
    assert!(shares.iter().all(|share| *share > 0), "both worked: {shares:?}");
    assert_eq!(one.unclaimed().await, 60, "one shipment for each number, any node saw it first");
    for n in 0..60 {
        let found = one.context.store.shipments.find(one.context.scope(), &format!("N{n}")).await.unwrap();
        assert_eq!(one.state(found[0]).await, State::Delivered);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_node_held_is_free_after_its_lease() {
    let (_database, one, other) = two().await;
    one.deliver_to(&one.context, "N1", DELIVERED).await;
    let now = one.clock.now();
    let request = ClaimRequest {
        owner: "the dead node".into(),
        lane: Lane::RealTime,
        wanted: vec![Wanted { kind: JobKind::NORMALISE, destination: None, at_most: 10 }],
        now,
        until: now.checked_add(jiff::SignedDuration::from_secs(30)).unwrap(),
        held: Vec::new(),
    };
    assert_eq!(one.context.store.jobs.claim(request).await.unwrap().len(), 1);
    let alive = Runner::new(other, Lane::RealTime);
    assert_eq!(alive.run_until_idle().await.unwrap(), 0, "somebody has it");
    one.clock.advance(jiff::Span::new().seconds(30));
    assert!(alive.run_until_idle().await.unwrap() > 0);
    one.settle().await;
    let found = one.context.store.shipments.find(one.context.scope(), "N1").await.unwrap();
    assert_eq!(one.state(found[0]).await, State::Delivered);
}
