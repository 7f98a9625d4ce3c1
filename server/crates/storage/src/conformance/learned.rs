//! What is learned: what shipments add is added up once, whatever is corrected in which order, and models are published as a whole.

use super::{World, at};
use crate::{
    Scope, Store,
    learned::{Counted, PublishedCell},
};
use domain::ids::{CompanyId, ShipmentId};
use kpi::learned::{
    count::{Count, Measure, Topic, What},
    kept::Kept,
    outlook::Published,
};
use std::collections::BTreeMap;
use uuid::Uuid;

const CELL: &str = "3/dhl";
const EVERY: (i32, i32) = (i32::MIN, i32::MAX);

fn shipment(nth: u128) -> ShipmentId {
    ShipmentId(Uuid::from_u128(nth))
}

fn count(cell: &str, period: i32, bin: i32) -> Count {
    Count { cell: cell.into(), what: What::Ended(Topic::Transit), period, bin }
}

fn score(cell: &str, measure: Measure, period: i32, bin: i32) -> Count {
    Count { cell: cell.into(), what: What::Scored(measure), period, bin }
}

fn kept(mut counts: Vec<Count>) -> Kept {
    counts.sort_unstable();
    Kept { counts, ..Kept::default() }
}

fn sums(counted: Vec<Counted>) -> Vec<(i32, i32, i64)> {
    counted.into_iter().map(|of| (of.count.period, of.count.bin, of.n)).collect()
}

async fn all(world: &World) -> Vec<(i32, i32, i64)> {
    sums(world.store.learned.counts(world.scope, CELL.into(), EVERY).await.unwrap())
}

pub async fn what_is_kept_is_added_up_once(store: Store) {
    let world = World::new(store).await;
    let store = &world.store.learned;
    let first = kept(vec![count(CELL, 1, 5), count(CELL, 1, 5), count("4/parcel/domestic", 1, 5)]);
    let second = kept(vec![count(CELL, 1, 5), count(CELL, 2, 9)]);
    let both = vec![(shipment(1), first.clone()), (shipment(2), second.clone())];
    for _ in 0..2 {
        store.keep(world.scope, both.clone(), at(1)).await.unwrap();
        assert_eq!(all(&world).await, [(1, 5, 3), (2, 9, 1)], "again is the same");
    }
    let of = store.kept(world.scope, vec![shipment(1), shipment(2), shipment(3)]).await.unwrap();
    assert_eq!(of, both);
    assert_eq!(sums(store.counts(world.scope, CELL.into(), (2, 2)).await.unwrap()), [(2, 9, 1)]);
    store.keep(world.scope, vec![(shipment(1), Kept::default())], at(2)).await.unwrap();
    assert_eq!(all(&world).await, [(1, 5, 1), (2, 9, 1)]);
    assert_eq!(
        store.cells_after(world.scope, String::new(), 9).await.unwrap(),
        [CELL],
        "what counts nothing is not there"
    );
    let other = Scope { company: CompanyId(Uuid::from_u128(77)), ..world.scope };
    assert_eq!(sums(store.counts(other, CELL.into(), EVERY).await.unwrap()), [], "of another company");
    store.forget_weeks(world.scope, vec![CELL.into()], 2).await.unwrap();
    assert_eq!(all(&world).await, [(2, 9, 1)]);
}

pub async fn any_order_of_corrections_ends_in_the_same_counts(store: Store) {
    let world = World::new(store).await;
    let store = &world.store.learned;
    // the steps of three shipments, in two orders in which each one's own are kept
    let step = |nth: u128, bin: i32| (shipment(nth), kept(vec![count(CELL, 1, bin), count(CELL, 1, bin + 1)]));
    for order in [[1, 2, 3, 1, 2, 3], [3, 3, 2, 1, 1, 2]] {
        let mut seen: BTreeMap<u128, i32> = BTreeMap::new();
        for nth in order {
            let bin = *seen.entry(nth).and_modify(|bin| *bin += 2).or_insert(1);
            store.keep(world.scope, vec![step(nth, bin)], at(1)).await.unwrap();
        }
        assert_eq!(all(&world).await, [(1, 3, 3), (1, 4, 3)], "{order:?}");
    }
}

pub async fn what_is_under_way_is_walked(store: Store) {
    let world = World::new(store).await;
    let store = &world.store.learned;
    let open = |open| Kept { open, ..Kept::default() };
    let four: Vec<_> = (1..=4).map(|nth| (shipment(nth), open(nth != 2))).collect();
    store.keep(world.scope, four, at(1)).await.unwrap();
    store.keep(world.scope, vec![(shipment(4), open(true))], at(5)).await.unwrap();
    let page = store.open_after(world.scope, None, at(5), 1).await.unwrap();
    assert_eq!(page, [shipment(1)]);
    let rest = store.open_after(world.scope, page.last().copied(), at(5), 9).await.unwrap();
    assert_eq!(rest, [shipment(3)], "the fourth is known as of then, the second has ended");
    assert_eq!(store.forget_shipments(world.scope, at(1), 9).await.unwrap(), 0);
    assert_eq!(store.forget_shipments(world.scope, at(9), 9).await.unwrap(), 1, "what is under way stays");
    let kept = store.kept(world.scope, (1..=4).map(shipment).collect()).await.unwrap();
    assert_eq!(kept.len(), 3);
}

pub async fn a_model_is_published_and_replaced_as_a_whole(store: Store) {
    let world = World::new(store).await;
    let store = &world.store.learned;
    let cell = |name: &str, ended: u64, n: f64| PublishedCell {
        cell: name.into(),
        what: What::Ended(Topic::Transit),
        published: Published { curve: None, n, ended },
    };
    store.publish(world.scope, 1, vec![cell("3/a", 5, 1.5), cell("3/b", 7, 2.0), cell("3/c", 5, 2.0)]).await.unwrap();
    store.publish(world.scope, 1, vec![cell("3/a", 5, 2.5)]).await.unwrap();
    store.publish(world.scope, 2, vec![cell("3/a", 9, 3.5)]).await.unwrap();
    let of = |model| store.published(world.scope, model, vec!["3/a".into(), "3/b".into()]);
    assert_eq!(of(1).await.unwrap(), [cell("3/a", 5, 2.5), cell("3/b", 7, 2.0)]);
    assert_eq!(of(2).await.unwrap(), [cell("3/a", 9, 3.5)]);
    let largest = store.largest(world.scope, 1, What::Ended(Topic::Transit), 2).await.unwrap();
    assert_eq!(largest, [cell("3/b", 7, 2.0), cell("3/a", 5, 2.5)]);
    assert_eq!(store.forget_models(world.scope, 2, 2).await.unwrap(), 2, "no more than the limit");
    assert_eq!(store.forget_models(world.scope, 2, 2).await.unwrap(), 1);
    assert_eq!(of(1).await.unwrap(), []);
    assert_eq!(of(2).await.unwrap().len(), 1);
}

pub async fn scores_are_added_up_over_days(store: Store) {
    let world = World::new(store).await;
    let store = &world.store.learned;
    let of = |day| {
        kept(vec![
            score("s/dhl", Measure::Made, day, 7),
            score("s/dhl", Measure::Ours, day, -3),
            score("s/ups", Measure::Made, day, 7),
            count(CELL, day, 1),
        ])
    };
    let three: Vec<_> = (1..=3).map(|nth| (shipment(nth), of(i32::try_from(nth).unwrap()))).collect();
    store.keep(world.scope, three, at(1)).await.unwrap();
    let added = store.scores(world.scope, (2, 3)).await.unwrap();
    let counted = |count, n| Counted { count, n };
    let expected = [
        counted(score("s/dhl", Measure::Made, 2, 7), 2),
        counted(score("s/dhl", Measure::Ours, 2, -3), 2),
        counted(score("s/ups", Measure::Made, 2, 7), 2),
    ];
    assert_eq!(added, expected);
    let by_day = store.scores_by_day(world.scope, vec![What::Scored(Measure::Made)], 7, (1, 2)).await.unwrap();
    assert_eq!(sums(by_day), [(1, 7, 1), (2, 7, 1), (1, 7, 1), (2, 7, 1)]);
    assert_eq!(store.cells_after(world.scope, String::new(), 9).await.unwrap(), [CELL], "scores are no cells");
}
