//! Figures, from a carrier's message to the number and back to its rows.

use crate::world::World;
use application::{
    caller::Caller,
    kpi::{
        keep,
        read::{self, Dimension, Period, Question, Tab},
    },
};
use jiff::civil::date;
use kpi::{
    contribution::row::{Contributed, Part},
    definition::{Formula, Kpi},
};
use storage::rollups::{Filter, NewContribution};

fn march() -> Question {
    Question::of(Period { from: date(2026, 3, 1), until: date(2026, 3, 6) }, Filter::default())
}

/// Three shipments: one delivered, one returned, one on its way.
async fn three(world: &World) {
    for (record, number) in [(1, "N1"), (2, "N2"), (3, "N3")] {
        world.order(record, &[number]).await;
    }
    let picked_up = ("InTransit_003", "2026-03-02T09:00:00+00:00");
    world.receives("N1", &[picked_up, ("Delivered_001", "2026-03-04T10:00:00+00:00")]).await;
    world.receives("N2", &[picked_up, ("Exception_011", "2026-03-04T10:00:00+00:00")]).await;
    world.receives("N3", &[picked_up]).await;
    world.tick().await;
    world.settle().await;
}

#[tokio::test]
async fn a_number_leads_to_its_rows() {
    let world = World::new().await;
    three(&world).await;
    let caller = Caller::trusted(world.context.scope());
    let question = march();
    let answer = read::figures(&world.context, &caller, Kpi::ALL, &question).await.unwrap();
    assert_eq!(answer.counted_until, world.context.now());
    let mut shown = 0;
    for figure in answer.figures.iter().filter(|figure| figure.definition.is_listed()) {
        let kpi = figure.definition.kpi;
        let of = async |tab| read::count_behind(&world.context, &caller, kpi, &question, tab).await.unwrap();
        let tally = &figure.tally;
        let counted_for = match figure.definition.formula {
            Formula::Percentiles => i64::try_from(tally.values.total()).unwrap(),
            _ => tally.yes + tally.maybe,
        };
        assert_eq!(of(Tab::For).await, counted_for, "{}", kpi.id());
        assert_eq!(of(Tab::Against).await, tally.no + tally.overdue, "{}", kpi.id());
        assert_eq!(of(Tab::Pending).await, tally.pending, "{}", kpi.id());
        assert_eq!(of(Tab::Base).await, tally.base, "{}", kpi.id());
        for (part, n) in &tally.outside {
            assert_eq!(of(Tab::Outside(*part)).await, *n, "{} {}", kpi.id(), part.code());
        }
        shown += counted_for;
    }
    assert!(shown > 5, "the world has figures: {shown}");
    let value = |kpi: Kpi| answer.figures.iter().find(|figure| figure.definition.kpi == kpi).unwrap();
    assert_eq!(value(Kpi::ReturnRate).value.of, 2, "two have ended: {:?}", value(Kpi::ReturnRate).tally);
    assert_eq!(value(Kpi::ReturnRate).value.main, Some(50.0));
    assert_eq!(value(Kpi::ConfirmationRate).tally.pending, 1);
    assert_eq!(value(Kpi::OnTime).value.main, None, "no promise is no data");
    assert_eq!(value(Kpi::OnTime).tally.outside.get(&Part::NoPromise), Some(&3));
    assert_eq!(value(Kpi::StatusCurrent).value.of, 1, "{:?}", value(Kpi::StatusCurrent).tally);
    let carriers = read::by(&world.context, &caller, &[Kpi::ReturnRate], &question, Dimension::Carrier).await.unwrap();
    assert_eq!(carriers.iter().map(|slice| slice.figures[0].0.of).sum::<i64>(), 2, "{carriers:?}");
    let refused = read::behind(&world.context, &caller, Kpi::StatusCurrent, &question, (Tab::For, None)).await;
    assert!(refused.is_err(), "its list is the live one");
}

#[tokio::test]
async fn a_target_is_set_and_taken_back() {
    let world = World::new().await;
    let caller = Caller::trusted(world.context.scope());
    let target = async || {
        let answer = read::figures(&world.context, &caller, &[Kpi::OnTime], &march()).await.unwrap();
        answer.figures[0].target
    };
    assert_eq!(target().await, Some(95.0));
    read::set_target(&world.context, &caller, Kpi::OnTime, Some(97.5)).await.unwrap();
    assert_eq!(target().await, Some(97.5));
    assert!(read::set_target(&world.context, &caller, Kpi::OnTime, Some(-1.0)).await.is_err());
    read::set_target(&world.context, &caller, Kpi::OnTime, None).await.unwrap();
    assert_eq!(target().await, Some(95.0));
}

#[tokio::test]
async fn what_was_not_counted_is_counted_at_night() {
    let world = World::new().await;
    three(&world).await;
    let (context, scope) = (&world.context, world.context.scope());
    let caller = Caller::trusted(scope);
    let shown = async || read::figures(context, &caller, Kpi::ALL, &march()).await.unwrap().figures;
    let right = shown().await;
    // as an earlier build left it
    for id in context.store.rollups.shipments_after(scope, None, None, 10).await.unwrap() {
        let loaded = world.load(id).await;
        assert_eq!(
            keep::refresh(context, scope, id).await.unwrap(),
            keep::Refreshed::Same,
            "counted alike by fold and refresh"
        );
        let new = NewContribution::since(Contributed::default(), &loaded.contributed).unwrap().unwrap();
        assert!(context.store.rollups.replace(scope, id, loaded.shipment.revision, new, context.now()).await.unwrap());
    }
    while keep::add_up(context, scope).await.unwrap() == keep::Step::More {}
    assert!(shown().await.iter().all(|figure| figure.value.of == 0), "nothing is left");
    while keep::recount(context, scope).await.unwrap() == keep::Step::More {}
    while keep::add_up(context, scope).await.unwrap() == keep::Step::More {}
    let counted = shown().await;
    for (before, after) in right.iter().zip(&counted) {
        assert_eq!(before.tally, after.tally, "{}", before.definition.kpi.id());
    }
    assert_eq!(keep::progress(context, scope).await.unwrap(), None);
    assert_eq!(context.store.rollups.differences(scope, 10).await.unwrap(), []);
}
