//! A simulated history is as if it had come in: what is kept of each shipment is what its facts fold to, lists and counts show them, what
//! is truly so is found again, and a database with real ones takes none.

use crate::world::World;
use application::{clock::Clock, config::Mode, operations::simulate::Simulation};
use domain::{ExceptionReason, State, fold};
use server::{
    cli::history::{make_sources, story},
    config::Settings,
};
use simulator::history::{History, Wanted, course::Trouble};
use std::{collections::BTreeMap, sync::Arc};
use storage::shipments::{ShipmentQuery, ShipmentTab};
use storage_sqlite::{Options, SqliteStore, fill::Fill};

const SHIPMENTS: u64 = 900;

/// What is seen of a trouble in the store.
fn seen_as(trouble: Trouble) -> Option<ExceptionReason> {
    Some(match trouble {
        Trouble::Lost => ExceptionReason::Lost,
        Trouble::Damaged | Trouble::DamagedAndReturned => ExceptionReason::Damaged,
        Trouble::Refused => ExceptionReason::ConsigneeRefused,
        Trouble::UnknownCode => ExceptionReason::UnmappedCode,
        _ => return None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulated_history_is_as_if_it_had_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("milepost.sqlite");
    let mut fill = Fill::open(&file).await.unwrap();
    let mut config = Settings::default().resolve().unwrap();
    config.system.mode = Mode::Demo;
    let world = World::on(SqliteStore::open(&file, Options::tool()).await.unwrap(), config).await;
    let (store, scope, now) = (&world.context.store, world.context.scope(), world.clock.now());
    let sources = make_sources(&world.context, scope).await.unwrap();
    let wanted = Wanted { seed: 7, shipments: SHIPMENTS, days: 60, until: now, lately_percent: Some(20) };
    let history = History::new(wanted);
    let simulation = Simulation::new(Arc::clone(&world.context), "odoo", sources).await.unwrap();
    let mut truths = BTreeMap::new();
    let mut made = Vec::new();
    for shipment in history.shipments() {
        let filled = simulation.filled(&story(&shipment, 0).unwrap()).unwrap();
        truths.insert(filled.shipment.id, shipment);
        made.push(filled);
    }
    fill.add(scope, &made).unwrap();

    let counts = store.shipments.counts(scope, now).await.unwrap();
    assert_eq!((counts.all, counts.unclaimed), (SHIPMENTS, 0));
    assert!((120..260).contains(&counts.open), "{counts:?}");
    assert!(counts.exceptions > 5 && counts.delivered > 600, "{counts:?}");
    let again = simulation.filled(&story(&history.shipment(899), 0).unwrap()).unwrap();
    assert_eq!(again.shipment.id, made[899].shipment.id, "a shipment gives the same rows each time");
    assert!(fill.add(scope, &[again]).is_err(), "each once");

    let (mut cursor, mut tickets, mut troubles) = (None, 0, 0);
    loop {
        let query = ShipmentQuery { tab: ShipmentTab::All, cursor, ..ShipmentQuery::default() };
        let page = store.shipments.list(scope, query, now).await.unwrap();
        for row in page.rows {
            let loaded = store.shipments.load(scope, row.id, None).await.unwrap().unwrap();
            assert!(loaded.shipment.sandbox);
            let folded = fold::fold(&loaded.input, now);
            assert_eq!((folded.state, &folded.hash), (loaded.shipment.folded.state, &loaded.shipment.folded.hash));
            tickets += loaded.cases.len();
            let truth = &truths[&row.id];
            // what was reported by now of the end is known
            let whole = truth.truth().facts == truth.pieces.iter().map(|piece| piece.course.steps.len()).sum::<usize>();
            if whole && truth.cancelled.is_none() && truth.delivered().is_some() {
                let state = loaded.shipment.folded.state;
                assert_eq!(state, State::Delivered, "{:?}", truth.truth());
            }
            for trouble in truth.truth().troubles.into_iter().filter(|_| whole) {
                troubles += 1;
                let reason = seen_as(trouble);
                let found = |reason| loaded.exceptions.iter().any(|exception| exception.reason == reason);
                assert!(reason.is_none_or(found), "{trouble:?}: {:?}", loaded.exceptions);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(tickets > 3 && troubles > 30, "{tickets} tickets, {troubles} troubles");
    assert!(store.jobs.next_due(storage::jobs::Lane::Batch).await.unwrap().is_none(), "nothing waits to be folded");
    drop(fill);

    world.order(9_000_001, &["REAL1"]).await;
    assert!(Fill::open(&file).await.is_err(), "a database with a real shipment takes none");
}
