//! Correctness rests on the set of what is known, not on the order in which it came.

use super::{Said, World};
use crate::{Store, facts::Recording, orders::ImportedShipment};
use domain::fold::FoldInput;

/// Orders that are tried.
const ORDERS: u64 = 24;

/// Something that happens.
#[derive(Clone)]
enum Step {
    Record(Box<Recording>),
    Import(Box<ImportedShipment>),
}

/// A shuffle that is the same in every run.
fn shuffled<T>(mut items: Vec<T>, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for i in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let j = usize::try_from((state >> 33) % (i as u64 + 1)).unwrap();
        items.swap(i, j);
    }
    items
}

/// The same things are said of three numbers of each round, in another order each time; numbers of different rounds have
/// nothing to do with each other.
pub async fn any_order_of_messages_and_orders_gives_the_same_facts(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let mut expected: Option<Vec<String>> = None;
    for seed in 0..ORDERS {
        let name = |n: u64| -> &'static str { Box::leak(format!("ROUND{seed}X{n}").into_boxed_str()) };
        let messages = [
            Said { snapshot: Some(3), ..Said::of(name(1), &["A", "BB"], 10) },
            Said { snapshot: Some(5), ..Said::of(name(1), &["A", "BB", "CCC"], 20) },
            Said { snapshot: Some(3), ..Said::of(name(1), &["A", "BB"], 30) },
            Said::of(name(2), &["?X"], 15),
            Said::of(name(2), &["DDDD", "?X"], 25),
            Said::of(name(3), &["EEEEE"], 12),
        ];
        let mut steps = Vec::new();
        for said in messages {
            let recording = Box::new(world.recording(source, &[said]).await);
            steps.push(Step::Record(recording.clone()));
            // everything is delivered at least twice
            steps.push(Step::Record(recording));
        }
        let record = |n: u64| i64::try_from(seed * 10 + n).unwrap();
        for order in [
            world.order(record(1), &[name(1), name(2)]),
            world.order(record(2), &[name(2), name(3)]),
            world.order(record(3), &[name(1)]),
        ] {
            steps.push(Step::Import(Box::new(order)));
        }
        for step in shuffled(steps, seed) {
            match step {
                Step::Record(recording) => {
                    world.store.facts.record(world.scope, *recording).await.unwrap();
                }
                Step::Import(order) => {
                    world.store.shipments.import(world.scope, vec![*order], super::at(40)).await.unwrap();
                }
            }
        }
        let mut known = Vec::new();
        for n in 1..=3 {
            let shipment =
                world.store.shipments.find(world.scope, &format!("WH/OUT/{:05}", record(n))).await.unwrap()[0];
            let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
            known.push(described(&loaded.input));
        }
        assert_eq!(
            world.store.shipments.counts(world.scope, super::at(50)).await.unwrap().unclaimed,
            0,
            "seed {seed}: everything is claimed"
        );
        match &expected {
            None => expected = Some(known),
            Some(expected) => assert_eq!(&known, expected, "seed {seed}"),
        }
    }
}

/// An input without the ids of its round.
fn described(input: &FoldInput) -> String {
    let mut facts: Vec<_> = input
        .facts
        .iter()
        .map(|f| {
            let mut sightings: Vec<_> =
                f.sightings.iter().map(|s| (s.snapshot.is_some(), s.position, s.recorded_at)).collect();
            // they come by snapshot, and those are named after the round
            sightings.sort();
            format!("{} {:?} {:?} {:?} {sightings:?}", f.observation.codes.raw, f.reading.milestone, f.trust, f.piece)
        })
        .collect();
    facts.sort();
    let mut snapshots: Vec<_> = input.snapshots.iter().map(|s| (s.stamp, s.digest.clone(), s.recorded_at)).collect();
    snapshots.sort();
    format!("{facts:?} {snapshots:?} {:?}", input.plan)
}
