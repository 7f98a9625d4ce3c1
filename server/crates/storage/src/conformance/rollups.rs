//! Figures added up: what commits with a shipment is in the roll-ups and in the rows behind them, once, whatever happens in which
//! order.

use super::{World, at};
use crate::{
    Store,
    rollups::{By, Filter, Monthly, NewContribution, Open, RollupQuery, RollupRow, Stored, UnitQuery, UnitRow},
    shipments::{Commit, Committed},
};
use domain::{State, ids::ShipmentId};
use jiff::civil::{Date, date};
use kpi::{
    contribution::row::{Bucket, Contributed, Dims, Part},
    definition::Kpi,
};
use std::collections::BTreeMap;

/// A linear congruential generator: the same numbers in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

const KPIS: &[Kpi] = &[Kpi::OnTime, Kpi::ReturnRate, Kpi::TransitTime, Kpi::StatusCurrent];
const FROM: Date = date(2026, 3, 1);
const UNTIL: Date = date(2026, 3, 11);

fn version(kpi: Kpi) -> (Kpi, u16) {
    (kpi, kpi.version())
}

fn everything(by: By, filter: Filter) -> RollupQuery {
    let kpis = KPIS.iter().copied().map(version).collect();
    RollupQuery { kpis, from: FROM, until: UNTIL, filter, by, monthly: Monthly::Days }
}

fn dims(carrier: &str) -> Dims {
    Dims { carrier: Some(carrier.into()), country: Some("DE".into()), ..Dims::default() }
}

fn one(carrier: &str, part: Part, day: i8) -> Contributed {
    let mut one = Contributed { dims: dims(carrier), ..Contributed::default() };
    one.one(Kpi::OnTime, part, Bucket { day: date(2026, 3, day), hour: Some(9) });
    one
}

async fn shipment(world: &World, record: i64) -> ShipmentId {
    let number: &'static str = Box::leak(format!("NUM{record}").into_boxed_str());
    world.import(world.order(record, &[number]), 1).await
}

async fn commit(world: &World, id: ShipmentId, after: &Contributed) -> Committed {
    let loaded = world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap();
    let contributed = NewContribution::since(after.clone(), &loaded.contributed).unwrap();
    let revision = loaded.shipment.revision;
    let commit = Commit { contributed, ..world.commit(id, revision, world.folded(State::InTransit), 5) };
    world.store.shipments.commit(world.scope, commit).await.unwrap()
}

async fn add_up(world: &World) -> u64 {
    let mut taken = 0;
    loop {
        let step = world.store.rollups.add_up(world.scope, 7).await.unwrap();
        taken += step;
        if step == 0 {
            return taken;
        }
    }
}

async fn rows(world: &World, query: RollupQuery) -> Vec<RollupRow> {
    world.store.rollups.rows(world.scope, query).await.unwrap()
}

/// Every row behind a figure, page by page.
async fn behind(world: &World, query: UnitQuery) -> Vec<UnitRow> {
    let (mut cursor, mut all) = (None, Vec::new());
    loop {
        let query = UnitQuery { cursor, ..query.clone() };
        let page = world.store.rollups.units(world.scope, query).await.unwrap();
        all.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

pub async fn what_commits_with_a_shipment_waits_and_is_added_up_once(store: Store) {
    let world = World::new(store).await;
    let id = shipment(&world, 1).await;
    let first = one("dhl", Part::Open, 2);
    assert!(matches!(commit(&world, id, &first).await, Committed::Done(1)));
    let loaded = world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap();
    assert_eq!(loaded.contributed.read().unwrap(), first);
    assert_eq!(world.store.rollups.waiting(world.scope).await.unwrap().since, Some(at(5)));
    assert_eq!(rows(&world, everything(By::Nothing, Filter::default())).await, []);
    assert_eq!((add_up(&world).await, add_up(&world).await), (1, 0));
    assert_eq!(world.store.rollups.waiting(world.scope).await.unwrap().since, None);
    let found = rows(&world, everything(By::Nothing, Filter::default())).await;
    let [row] = &found[..] else { panic!("{found:?}") };
    assert_eq!((row.key.part, row.n, row.key.bucket), (Part::Open, 1, Bucket::day(date(2026, 3, 2))));
    let hours = world.store.rollups.hours(world.scope, vec![version(Kpi::OnTime)], date(2026, 3, 2)).await.unwrap();
    assert_eq!(hours.iter().map(|row| (row.key.bucket.hour, row.n)).collect::<Vec<_>>(), [(Some(9), 1)]);
    // a fold that changes nothing of it
    assert!(matches!(commit(&world, id, &first).await, Committed::Done(2)));
    assert_eq!(add_up(&world).await, 0);
    assert_eq!(
        world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap().contributed,
        Stored::from(&first)
    );
}

pub async fn a_correction_moves_a_number_and_leaves_nothing_behind(store: Store) {
    let world = World::new(store).await;
    let id = shipment(&world, 1).await;
    for after in [one("dhl", Part::Yes, 2), one("ups", Part::No, 3), one("ups", Part::No, 9)] {
        commit(&world, id, &after).await;
    }
    add_up(&world).await;
    let found = rows(&world, everything(By::Carrier, Filter::default())).await;
    let [row] = &found[..] else { panic!("{found:?}") };
    assert_eq!((row.dims.carrier.as_deref(), row.key.bucket.day, row.n), (Some("ups"), date(2026, 3, 9), 1));
    assert_eq!(row.dims.country, None, "split by carrier alone");
    let by_dims = rows(&world, everything(By::Dims, Filter::default())).await;
    assert_eq!(by_dims[0].dims, dims("ups"));
    commit(&world, id, &Contributed::default()).await;
    add_up(&world).await;
    assert_eq!(rows(&world, everything(By::Dims, Filter::default())).await, []);
}

pub async fn a_commit_that_does_not_take_adds_nothing(store: Store) {
    let world = World::new(store).await;
    let id = shipment(&world, 1).await;
    let contributed = NewContribution::since(one("dhl", Part::Yes, 2), &Stored::default()).unwrap();
    let stale = Commit { contributed: contributed.clone(), ..world.commit(id, 4, world.folded(State::InTransit), 5) };
    assert_eq!(world.store.shipments.commit(world.scope, stale).await.unwrap(), Committed::Conflict);
    assert!(!world.store.rollups.replace(world.scope, id, 4, contributed.clone().unwrap(), at(5)).await.unwrap());
    assert_eq!(add_up(&world).await, 0);
    commit(&world, id, &Contributed::default()).await;
    assert!(world.store.rollups.replace(world.scope, id, 1, contributed.unwrap(), at(6)).await.unwrap());
    assert_eq!(add_up(&world).await, 1);
    let found = rows(&world, everything(By::Nothing, Filter::default())).await;
    assert_eq!((found.len(), found[0].n), (1, 1));
}

pub async fn units_are_read_with_their_shipments_the_shortest_time_first(store: Store) {
    let world = World::new(store).await;
    let open = |minute: i32| {
        let mut one = Contributed { dims: dims("dhl"), ..Contributed::default() };
        one.binned(Kpi::OnTime, Part::Open, Bucket::day(date(2026, 3, 2)), minute);
        one
    };
    let mut ids = Vec::new();
    for (record, minute) in [(1, 90), (2, 40), (3, 10)] {
        let id = shipment(&world, record).await;
        commit(&world, id, &open(minute)).await;
        ids.push(id);
    }
    add_up(&world).await;
    let query = |open| UnitQuery {
        kpi: version(Kpi::OnTime),
        from: date(2026, 3, 2),
        until: date(2026, 3, 3),
        filter: Filter { carrier: Some("dhl".into()), ..Filter::default() },
        parts: vec![Part::Open],
        open: Some(open),
        cursor: None,
    };
    let due = async |open, limit| {
        let found = world.store.rollups.due(world.scope, query(open), limit).await.unwrap();
        found.into_iter().map(|row| (row.shipment, row.late_from, row.state)).collect::<Vec<_>>()
    };
    let [last, middle, first] = ids[..] else { panic!("three shipments") };
    assert_eq!(due(Open::LateBy(10), 9).await, [(first, Some(10), State::InTransit)]);
    let left = [(middle, Some(40), State::InTransit), (last, Some(90), State::InTransit)];
    assert_eq!(due(Open::NotLateBy(10), 9).await, left);
    assert_eq!(due(Open::NotLateBy(10), 1).await, left[..1]);
    let listed = async |ids: Vec<ShipmentId>| {
        let rows = world.store.shipments.rows_of(world.scope, ids).await.unwrap();
        let mut rows: Vec<_> = rows.into_iter().map(|row| (row.id, row.numbers.len(), row.state)).collect();
        rows.sort();
        rows
    };
    let mut expected: Vec<_> = [last, first].map(|id| (id, 1, State::InTransit)).to_vec();
    expected.sort();
    let nothing = ShipmentId(uuid::Uuid::from_u128(7));
    assert_eq!(listed(vec![last, first, nothing, first]).await, expected);
    assert_eq!(listed(Vec::new()).await, []);
}

fn any(chance: &mut Chance) -> Contributed {
    let mut dims = dims(chance.of(&["dhl", "ups", "gls"]));
    dims.country = Some(chance.of(&["DE", "FR", "US"]).into());
    dims.warehouse = (chance.below(3) > 0).then(|| chance.of(&["WH", "EAST"]).into());
    dims.segments = (0..chance.below(3)).map(|_| chance.of(&["Gold", "Gold plus", "Retail"]).to_owned()).collect();
    let mut one = Contributed { dims, ..Contributed::default() };
    for _ in 0..chance.below(5) {
        let kpi = chance.of(KPIS);
        let day = date(2026, 3, i8::try_from(1 + chance.below(10)).unwrap());
        let hour = (chance.below(3) > 0).then(|| i8::try_from(chance.below(24)).unwrap());
        let part = chance.of(&[Part::Yes, Part::No, Part::Open, Part::NoPromise]);
        let bin = (part == Part::Open).then(|| i32::try_from(chance.below(50)).unwrap());
        one.add(kpi, part, Bucket { day, hour }, bin, 1);
    }
    one
}

/// What a filter lets through.
fn lets(filter: &Filter, dims: &Dims) -> bool {
    let same = |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
    same(&filter.company, &dims.company)
        && same(&filter.warehouse, &dims.warehouse)
        && same(&filter.carrier, &dims.carrier)
        && same(&filter.country, &dims.country)
        && filter.segment.as_ref().is_none_or(|segment| dims.segments.contains(segment))
}

pub async fn a_figure_is_the_number_of_its_rows_whatever_came_in_which_order(store: Store) {
    let world = World::new(store).await;
    let mut chance = Chance(11);
    let mut last: BTreeMap<ShipmentId, Contributed> = BTreeMap::new();
    for record in 1..=70 {
        last.insert(shipment(&world, record).await, Contributed::default());
    }
    let ids: Vec<ShipmentId> = last.keys().copied().collect();
    for step in 0..200 {
        let id = ids[usize::try_from(chance.below(ids.len() as u64)).unwrap()];
        let after = any(&mut chance);
        commit(&world, id, &after).await;
        last.insert(id, after);
        if step % 60 == 0 {
            add_up(&world).await;
        }
    }
    add_up(&world).await;
    let text = |word: &str| Some(word.to_owned());
    for filter in [
        Filter::default(),
        Filter { carrier: text("ups"), ..Filter::default() },
        Filter { country: text("FR"), ..Filter::default() },
        Filter { segment: text("Gold"), carrier: text("dhl"), ..Filter::default() },
        Filter { warehouse: text("EAST"), ..Filter::default() },
        Filter { company: text("nowhere"), ..Filter::default() },
    ] {
        let mut expected: BTreeMap<_, i64> = BTreeMap::new();
        for one in last.values().filter(|one| lets(&filter, &one.dims)) {
            for (key, n) in &one.rows {
                *expected.entry((key.kpi, key.part, key.bucket.day, key.bin)).or_default() += n;
            }
        }
        for by in [By::Nothing, By::Carrier, By::Dims] {
            let mut found: BTreeMap<_, i64> = BTreeMap::new();
            for row in rows(&world, everything(by, filter.clone())).await {
                *found.entry((row.key.kpi, row.key.part, row.key.bucket.day, row.key.bin)).or_default() += row.n;
            }
            assert_eq!(found, expected, "{by:?} {filter:?}");
        }
        for kpi in KPIS.iter().filter(|kpi| kpi.definition().is_listed()) {
            for (parts, open) in [
                (vec![Part::Yes], None),
                (vec![Part::No, Part::Open], Some(Open::LateBy(25))),
                (vec![Part::Open], Some(Open::NotLateBy(25))),
            ] {
                let (from, until, filter) = (FROM, UNTIL, filter.clone());
                let kpi = version(*kpi);
                let query = UnitQuery { kpi, from, until, filter, parts: parts.clone(), open, cursor: None };
                let counts = |part: Part, bin: Option<i32>| match open {
                    Some(Open::LateBy(now)) if part == Part::Open => bin <= Some(now),
                    Some(Open::NotLateBy(now)) if part == Part::Open => bin > Some(now),
                    _ => true,
                };
                let figure: i64 = expected
                    .iter()
                    .filter(|((of, part, _, bin), _)| *of == kpi.0 && parts.contains(part) && counts(*part, *bin))
                    .map(|(_, n)| n)
                    .sum();
                let listed = behind(&world, query.clone()).await;
                assert_eq!(listed.iter().map(|row| row.n).sum::<i64>(), figure, "{query:?}");
                assert_eq!(world.store.rollups.count(world.scope, query).await.unwrap(), figure);
                assert!(listed.iter().all(|row| last[&row.shipment].rows.contains_key(&row.key)));
            }
        }
    }
    assert_eq!(differing(&world).await, [], "roll-ups and the rows behind them agree");
}

async fn differing(world: &World) -> Vec<(Kpi, Date)> {
    let mut found = Vec::new();
    for kpi in KPIS.iter().filter(|kpi| kpi.definition().is_listed()) {
        let days = world.store.rollups.differing(world.scope, version(*kpi), (FROM, UNTIL), at(9)).await.unwrap();
        found.extend(days.into_iter().map(|one| (one.kpi.0, one.day)));
    }
    found
}

/// What is written past the storage (`falsify` runs SQL on the database) is found by day, in every roll-up, and made good from the
/// rows behind it, once.
pub async fn what_was_falsified_is_made_anew(store: Store, mut falsify: impl AsyncFnMut(&'static str)) {
    let world = World::new(store).await;
    for (record, part) in [(1, Part::Yes), (2, Part::No), (3, Part::Yes)] {
        let id = shipment(&world, record).await;
        commit(&world, id, &one("dhl", part, 2)).await;
    }
    add_up(&world).await;
    let rollups = &world.store.rollups;
    let shown = async || {
        let mut all = Vec::new();
        for by in [By::Nothing, By::Carrier, By::Dims] {
            all.extend(rows(&world, everything(by, Filter::default())).await.into_iter().map(|row| (row.key, row.n)));
        }
        all.sort_unstable();
        (all, rollups.hours(world.scope, vec![version(Kpi::OnTime)], date(2026, 3, 2)).await.unwrap())
    };
    let right = shown().await;
    assert_eq!(differing(&world).await, []);
    for (n, sql) in [
        // the same in all, another one in its parts
        "UPDATE rollup SET n = CASE part WHEN 'yes' THEN 1 ELSE 2 END WHERE kpi = 'on_time' AND grain = 0",
        "DELETE FROM rollup WHERE kpi = 'on_time' AND part = 'no' AND grain = 1",
        "UPDATE rollup SET n = n + 1 WHERE kpi = 'on_time' AND grain = 2",
        "UPDATE rollup SET hour = 7, bin = 3 WHERE kpi = 'on_time' AND part = 'no' AND grain = 3",
    ]
    .into_iter()
    .enumerate()
    {
        falsify(sql).await;
        assert_eq!(differing(&world).await, [(Kpi::OnTime, date(2026, 3, 2))], "{sql}");
        let mended = rollups.mend(world.scope, version(Kpi::OnTime), date(2026, 3, 2), at(9)).await.unwrap();
        assert!(mended.is_some(), "{sql}");
        assert_eq!((shown().await, differing(&world).await), (right.clone(), Vec::new()), "{sql}");
        assert_eq!(rollups.differences(world.scope, 10).await.unwrap().len(), n + 1);
        let again = rollups.mend(world.scope, version(Kpi::OnTime), date(2026, 3, 2), at(9)).await.unwrap();
        assert_eq!(again, None, "it is right by now");
    }
}

pub async fn what_was_counted_from_what_is_no_more_is_not_added(store: Store) {
    let world = World::new(store).await;
    let id = shipment(&world, 1).await;
    commit(&world, id, &one("dhl", Part::Open, 2)).await;
    let before = world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap();
    let revision = before.shipment.revision;
    let new = NewContribution::since(one("dhl", Part::Yes, 2), &before.contributed).unwrap().unwrap();
    let replace = || world.store.rollups.replace(world.scope, id, revision, new.clone(), at(6));
    assert!(replace().await.unwrap());
    assert!(!replace().await.unwrap(), "the second counted from the same");
    let other = NewContribution::since(one("dhl", Part::No, 2), &before.contributed).unwrap();
    let late = Commit { contributed: other, ..world.commit(id, revision, world.folded(State::InTransit), 7) };
    assert!(!matches!(world.store.shipments.commit(world.scope, late).await.unwrap(), Committed::Done(_)));
    add_up(&world).await;
    let found = rows(&world, everything(By::Nothing, Filter::default())).await;
    assert_eq!(found.iter().map(|row| (row.key.part, row.n)).collect::<Vec<_>>(), [(Part::Yes, 1)]);
}

pub async fn what_is_known_at_an_hour_is_kept_by_month_too(store: Store) {
    let world = World::new(store).await;
    let id = shipment(&world, 1).await;
    let mut current = Contributed { dims: dims("dhl"), ..Contributed::default() };
    for (month, hour) in [(2, 100), (3, 200)] {
        current.binned(Kpi::StatusCurrent, Part::Yes, Bucket::day(date(2026, month, 5)), hour);
    }
    commit(&world, id, &current).await;
    add_up(&world).await;
    for filter in [Filter::default(), Filter { carrier: Some("dhl".into()), ..Filter::default() }] {
        let query = RollupQuery {
            from: date(2026, 1, 1),
            until: date(2026, 3, 1),
            monthly: Monthly::Months,
            ..everything(By::Nothing, filter)
        };
        let months = rows(&world, query).await;
        assert_eq!(months.iter().map(|row| (row.key.bucket.day, row.n)).collect::<Vec<_>>(), [(date(2026, 2, 1), 1)]);
    }
}

pub async fn shipments_of_orders_are_walked_by_what_changed(store: Store) {
    let world = World::new(store).await;
    let mut ids = Vec::new();
    for record in 1..=5 {
        let id = shipment(&world, record).await;
        commit(&world, id, &one("dhl", Part::Yes, 2)).await;
        ids.push(id);
    }
    ids.sort_unstable();
    let walk = |after, since| world.store.rollups.shipments_after(world.scope, after, since, 3);
    let first = walk(None, None).await.unwrap();
    assert_eq!(first, ids[..3]);
    assert_eq!(walk(first.last().copied(), None).await.unwrap(), ids[3..]);
    assert_eq!(walk(None, Some(at(6))).await.unwrap(), []);
    assert_eq!(world.store.rollups.dims(world.scope).await.unwrap(), []);
    add_up(&world).await;
    assert!(world.store.rollups.dims(world.scope).await.unwrap().contains(&dims("dhl")));
}
