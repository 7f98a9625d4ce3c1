//! Transit times are learned of a simulated history whose truth is known: estimates hold as often as they say, warnings are right,
//! silence alarms of few healthy shipments; and what was learned reaches the fold.

use crate::world::World;
use application::{
    caller::Caller,
    clock::Clock,
    config::Mode,
    kpi::{period::Period, read::Question},
    learned::{
        learn::{self, Step},
        model, read,
    },
    operations::simulate::Simulation,
};
use jiff::ToSpan;
use kpi::learned::score::{P50, P80, between};
use server::{
    cli::history::{make_sources, story},
    config::Settings,
};
use simulator::history::{History, Wanted};
use std::sync::Arc;
use storage::rollups::Filter;
use storage_sqlite::{Options, SqliteStore, fill::Fill};

const SHIPMENTS: u64 = 2_400;
const DAYS: u32 = 75;

async fn learned(world: &World) -> u32 {
    let mut steps = 0;
    while learn::step(&world.context, world.context.scope()).await.unwrap() == Step::More {
        steps += 1;
        assert!(steps < 3_000, "learning ends");
    }
    steps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_learned_of_a_history_holds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("milepost.sqlite");
    let mut fill = Fill::open(&file).await.unwrap();
    let mut config = Settings::default().resolve().unwrap();
    config.system.mode = Mode::Demo;
    let world = World::on(SqliteStore::open(&file, Options::tool()).await.unwrap(), config).await;
    let (scope, now) = (world.context.scope(), world.clock.now());
    let sources = make_sources(&world.context, scope).await.unwrap();
    let wanted = Wanted { seed: 7, shipments: SHIPMENTS, days: DAYS, until: now, lately_percent: None };
    let simulation = Simulation::new(Arc::clone(&world.context), "odoo", sources).await.unwrap();
    let made: Vec<_> =
        History::new(wanted).shipments().map(|one| simulation.filled(&story(&one, 0).unwrap()).unwrap()).collect();
    fill.add(scope, &made).unwrap();
    learned(&world).await;

    let model = model::in_force(&world.context, scope).await.unwrap().unwrap();
    assert_eq!((model.as_of, model.number), (now, 13), "{model:?}");
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let period = Period { from: today.saturating_sub(i64::from(DAYS).days()), until: today.tomorrow().unwrap() };
    let caller = Caller::trusted(scope);
    let accuracy = async |carrier: Option<&str>| {
        let filter = Filter { carrier: carrier.map(str::to_owned), ..Filter::default() };
        read::accuracy(&world.context, &caller, &Question::of(period, filter)).await.unwrap()
    };
    let all = accuracy(None).await;
    let score = &all.score;
    eprintln!("{} deliveries, P50 {:?}, P80 {:?}", score.deliveries(), score.held(P50), score.held(P80));
    for (carrier, score) in &all.by_carrier {
        eprintln!("{carrier}: {} P80 {:?}", score.deliveries(), score.held(P80).map(|s| s.share));
    }
    for (week, score) in &all.weeks {
        eprintln!("{week}: P80 {:?}", score.held(P80).map(|s| (s.share, s.n)));
    }
    eprintln!(
        "precision {:?} recall {:?} quiet {:?} theta {:?}",
        score.precision(),
        score.recall(),
        score.false_silence(),
        model.theta
    );
    eprintln!(
        "within 6 h {:?} paired {:?} theirs {:?}",
        between(&score.ours, -6, 6),
        between(&score.paired, -6, 6),
        between(&score.theirs, -6, 6)
    );
    for cell in all.cells.iter().take(12) {
        eprintln!("{cell:?}");
    }
    panic!("look");
}
