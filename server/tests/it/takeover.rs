//! A SQLite installation is taken over into PostgreSQL: what it knew, it knows. Needs the cluster of
//! `tests/peers/postgres-peer.sh`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::clock::Clock;
use domain::{
    State,
    ids::{CaseId, ShipmentId, SubjectId},
};
use jiff::tz::TimeZone;
use server::{bootstrap, config::Settings};
use std::sync::{Arc, atomic::AtomicBool};
use storage::{
    Sealed,
    chain::ChainCheck,
    counted::{of_queue, walk},
    figures::Figures,
    work::{Agent, CaseRecord, CaseStatus},
};
use storage_postgres::{PostgresStore, import::Import, temporary::Temporary};
use storage_sqlite::{
    Options, SqliteStore,
    export::{After, Export},
};

const ON_THE_WAY: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-02T10:00:00"), ("Made_up_code", "2026-03-03T01:10:00")];
const DAMAGED: &[(&str, &str)] = &[
    ("InTransit_002", "2026-03-02T10:00:00"),
    ("Exception_012", "2026-03-03T08:00:00"),
    ("Delivered_001", "2026-03-04T12:30:00"),
];
const DELIVERED: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-02T10:00:00"), ("Delivered_001", "2026-03-04T12:30:00")];

/// A case of the only exception of a shipment.
async fn closed_by_an_agent(world: &World, shipment: ShipmentId) -> CaseRecord {
    let now = world.clock.now();
    let name = Sealed { subject: SubjectId(world.clock.id()), bytes: vec![0, b'\\', 0xff, b'\n'] };
    CaseRecord {
        id: CaseId(world.clock.id()),
        exception: world.load(shipment).await.exceptions[0].id,
        shipment,
        desk: "request_tracker".into(),
        external_key: "key".into(),
        number: Some("7".into()),
        url: None,
        status: CaseStatus::Resolved,
        opened_at: now,
        resolved_at: Some(now),
        notes: vec!["noted".into()],
        closed_by: Some(Agent { name: Some(name) }),
        follows: None,
        seen: None,
        ticket: storage::work::TicketFacts::default(),
        revision: 0,
    }
}

async fn take_over(from: &mut Export, url: &str) {
    storage_postgres::migrate(url).await.unwrap();
    let mut into = Import::begin(url).await.unwrap();
    for table in into.order().await.unwrap() {
        let mut after = After::START;
        loop {
            let rows = from.rows(table.trim_matches('"'), &mut after).unwrap();
            if rows.rows.is_empty() {
                break;
            }
            into.add(&table, &rows).await.unwrap();
        }
    }
    into.finish().await.unwrap();
}

/// Each counter is the number of rows that are there.
async fn figures_agree(world: &World) -> Figures {
    let (store, scope, now) = (&world.context.store, world.context.scope(), world.clock.now());
    let figures = store.work.figures(scope, now, &TimeZone::UTC).await.unwrap();
    let tabs = store.shipments.counts(scope, now).await.unwrap();
    let queue = store.work.queue_counts(scope, now).await.unwrap();
    for figure in [figures.each(now, &TimeZone::UTC), tabs.each(), of_queue(&queue)].concat() {
        let rows = walk(store, scope, &figure.rows, now, 1_000).await.unwrap();
        assert_eq!(figure.count, rows, "{}", figure.name);
    }
    figures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_file_knew_the_database_knows() {
    let admin = std::env::var("MILEPOST_TEST_POSTGRES").expect("the cluster of tests/peers/postgres-peer.sh");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("milepost.sqlite");
    let config = Settings::default().resolve().unwrap();
    let old = World::on(SqliteStore::open(&file, Options::test()).await.unwrap(), config.clone()).await;
    let (first, second) = (old.order(1, &["N1"]).await, old.order(2, &["N2"]).await);
    old.receives("N1", ON_THE_WAY).await;
    old.receives("N2", DAMAGED).await;
    old.receives("NOBODYS1", DELIVERED).await;
    old.order(4, &["N4", "N5"]).await;
    old.receives("N5", DELIVERED).await;
    old.order(4, &["N4"]).await;
    let case = closed_by_an_agent(&old, second).await;
    old.context.store.work.put_case(old.context.scope(), case.clone(), Vec::new()).await.unwrap();
    let waiting = old.deliver_to(&old.context, "N1", DELIVERED).await;
    let before = old.load(first).await;
    let figures = figures_agree(&old).await;
    let counted = old.context.store.shipments.counts(old.context.scope(), old.clock.now()).await.unwrap();
    let clock = Arc::clone(&old.clock);
    assert!(Export::open(&file).await.is_err(), "not while a server has it");
    drop(old);

    let (_database, url) = Temporary::owned(&admin).await.unwrap();
    // the writing task gives the lock back when its last transaction has ended
    let mut from = loop {
        match Export::open(&file).await {
            Ok(export) => break export,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    take_over(&mut from, &url).await;
    assert!(Import::begin(&url).await.is_err(), "a database that is in use takes nothing over");
    let store = PostgresStore::open(&url).await.unwrap();
    let context =
        bootstrap::assemble(config.clone(), Arc::clone(&clock) as Arc<dyn Clock>, store, &[7; 32]).await.unwrap();
    let scope = context.scope();
    let new = World { context, config: Arc::new(config), clock, leaves_jobs: AtomicBool::default() };
    let after = new.load(first).await;
    assert_eq!((&after.input, &after.shipment.folded), (&before.input, &before.shipment.folded));
    assert_eq!(new.state(second).await, State::Delivered);
    assert_eq!(new.load(second).await.cases, [CaseRecord { revision: 1, ..case }]);
    assert_eq!(new.unclaimed().await, 1);
    assert_eq!(new.context.store.shipments.counts(scope, new.clock.now()).await.unwrap(), counted);
    assert_eq!(figures_agree(&new).await, figures);
    assert_eq!(new.context.store.mappings.unmapped_count(scope).await.unwrap(), 1);
    let codes = new.context.store.mappings.unmapped(scope).await.unwrap();
    assert_eq!(new.context.store.mappings.count_with(scope, vec![codes[0].code.clone()]).await.unwrap(), 1);
    assert!(
        matches!(storage::chain::check(&*new.context.store.people, scope, &new.context.vault.audit_key()).await.unwrap(), ChainCheck::Sound(n) if n > 0)
    );
    let (_, body) = new.context.store.inbox.message_and_body(scope, waiting.message).await.unwrap().unwrap();
    assert!(body.is_some());

    new.settle().await;
    assert_eq!(new.state(first).await, State::Delivered, "what waited is done");
    new.order(3, &["NOBODYS1"]).await;
    assert_eq!(new.unclaimed().await, 0, "and it goes on");
    let carried = |figures: &Figures| figures.carriers.iter().map(|of| of.shipments).sum::<u64>();
    assert_eq!(carried(&figures_agree(&new).await), carried(&figures) + 1, "the triggers count again");
}
