//! Simulated shipments are shipments: what is kept of each is what its facts fold to, lists and counts show them, and a
//! database with real ones takes none.

use crate::world::World;
use application::{
    clock::Clock,
    config::Mode,
    operations::simulate::{Simulation, Wanted},
};
use domain::fold;
use server::config::Settings;
use std::sync::Arc;
use storage::shipments::{ShipmentQuery, ShipmentTab};
use storage_sqlite::{Options, SqliteStore, fill::Fill};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulated_shipments_are_as_if_they_had_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("milepost.sqlite");
    let mut fill = Fill::open(&file).await.unwrap();
    let mut config = Settings::default().resolve().unwrap();
    config.system.mode = Mode::Demo;
    let world = World::on(SqliteStore::open(&file, Options::tool()).await.unwrap(), config).await;
    let (store, scope) = (&world.context.store, world.context.scope());
    let source = store.connections.all(scope).await.unwrap()[0].id;
    let wanted = Wanted { first: 0, shipments: 600, open_percent: 20, exceptions: 30, seed: 7 };
    let simulation = Simulation::new(Arc::clone(&world.context), source, wanted);
    let made: Vec<_> = (0..600).map(|number| simulation.shipment(number).unwrap()).collect();
    fill.add(scope, &made).unwrap();

    let now = world.clock.now();
    let counts = store.shipments.counts(scope, now).await.unwrap();
    assert_eq!((counts.all, counts.open, counts.unclaimed), (600, 120, 0));
    assert!((25..=36).contains(&counts.exceptions), "{counts:?}");
    assert!(counts.late > 0 && counts.silent > 0 && counts.delivered > 400, "{counts:?}");
    let again = simulation.shipment(599).unwrap();
    assert_eq!(again.shipment.id, made[599].shipment.id, "a number gives the same shipment each time");
    assert!(fill.add(scope, &[again]).is_err(), "each once");

    let mut cursor = None;
    loop {
        let query = ShipmentQuery { tab: ShipmentTab::All, cursor, ..ShipmentQuery::default() };
        let page = store.shipments.list(scope, query, now).await.unwrap();
        for row in page.rows {
            let loaded = store.shipments.load(scope, row.id, None).await.unwrap().unwrap();
            assert!(loaded.shipment.sandbox);
            let folded = fold::fold(&loaded.input, now);
            assert_eq!(folded.hash, loaded.shipment.folded.hash, "{:?}", row.origin);
            assert_eq!(
                folded.exceptions.iter().filter(|e| e.closed.is_none()).count(),
                loaded.exceptions.iter().filter(|e| e.closed.is_none()).count()
            );
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(store.jobs.next_due(storage::jobs::Lane::Batch).await.unwrap().is_none(), "nothing waits to be folded");
    drop(fill);

    world.order(9_000_001, &["REAL1"]).await;
    assert!(Fill::open(&file).await.is_err(), "a database with a real shipment takes none");
}
