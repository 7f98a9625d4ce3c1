//! Numbers that carriers give out again: whose the next parcel is.

use super::{Said, World, at, world::reading};
use crate::{
    Store,
    facts::Recorded,
    jobs::{JobKind, Lane},
    shipments::{Commit, Committed, ShipmentQuery, ShipmentTab},
};
use domain::{
    Milestone, State,
    event_time::{EventTime, Precision},
    fold::NextUse,
    ids::{ShipmentId, SourceId, TrackerId},
};
use jiff::Timestamp;

/// Minutes of a day.
const DAY: i64 = 24 * 60;

async fn unclaimed(world: &World) -> Vec<ShipmentId> {
    let query = ShipmentQuery { tab: ShipmentTab::Unclaimed, ..ShipmentQuery::default() };
    world.store.shipments.list(world.scope, query, at(100)).await.unwrap().rows.into_iter().map(|row| row.id).collect()
}

async fn tracker(world: &World, id: ShipmentId) -> TrackerId {
    world.store.shipments.shipment(world.scope, id).await.unwrap().unwrap().numbers[0].tracker
}

/// Since when the shipment is bound to its tracker, and since when the one that was bound last.
async fn bound(world: &World, id: ShipmentId, known_at: Option<Timestamp>) -> (Timestamp, Timestamp) {
    let loaded = world.store.shipments.load(world.scope, id, known_at).await.unwrap().unwrap();
    let [(tracker, since)] = loaded.input.bound.iter().collect::<Vec<_>>()[..] else { panic!("one tracker") };
    (*since, loaded.bound_last[tracker])
}

/// Commits that the number has been in use again since later.
async fn recycled(world: &World, id: ShipmentId, minutes: i64) -> Committed {
    let next = NextUse { tracker: tracker(world, id).await, since: at(1800), begins: at(2000) };
    let revision = world.store.shipments.shipment(world.scope, id).await.unwrap().unwrap().revision;
    let commit = world.commit(id, revision, world.folded(State::Delivered), minutes);
    world.store.shipments.commit(world.scope, Commit { next_uses: vec![next], ..commit }).await.unwrap()
}

/// Says of a number what happened at a time.
async fn say(world: &World, source: SourceId, number: &'static str, milestone: Milestone, minutes: i64) -> Recorded {
    let mut recording = world.recording(source, &[Said::of(number, &["A"], minutes)]).await;
    let said = &mut recording.reports[0].observations[0];
    said.body.time = EventTime::instant("", at(minutes), Precision::Second);
    (said.id, said.reading) = (said.body.id("test", number), reading(0, Some(milestone)));
    world.store.facts.record(world.scope, recording).await.unwrap()
}

pub async fn the_next_use_gets_a_shipment_of_its_own(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let first = world.import(world.order(1, &["NUM1"]), 1).await;
    world.say(source, Said::of("NUM1", &["A"], 2)).await;
    world.drain(Lane::RealTime, JobKind::FOLD).await;
    assert_eq!(bound(&world, first, None).await, (at(1), at(1)));
    recycled(&world, first, 2010).await;
    let [second] = unclaimed(&world).await[..] else { panic!("one more shipment") };
    assert_eq!(bound(&world, second, None).await, (at(2000), at(2000)));
    assert_eq!(bound(&world, first, None).await, (at(1), at(2000)));
    assert_eq!(bound(&world, first, Some(at(10))).await, (at(1), at(1)), "as it was known then");
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 1, "it is folded");
    assert_eq!(world.store.shipments.find(world.scope, "NUM1").await.unwrap().len(), 2);
    recycled(&world, first, 2020).await;
    assert_eq!(unclaimed(&world).await, [second], "once");
    let both = world.say(source, Said::of("NUM1", &["BB"], 2030)).await.shipments;
    assert_eq!(both.len(), 2, "which of them a message concerns is for the fold to say");
}

pub async fn shipments_that_see_the_next_use_at_once_make_one(store: Store) {
    let world = World::new(store).await;
    let first = world.import(world.order(1, &["NUM1"]), 1).await;
    let second = world.import(world.order(2, &["NUM1"]), 1).await;
    let done = tokio::join!(recycled(&world, first, 2010), recycled(&world, second, 2010));
    assert_eq!(done, (Committed::Done(1), Committed::Done(1)));
    assert_eq!(unclaimed(&world).await.len(), 1);
}

pub async fn an_order_claims_the_parcel_of_its_own_time(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let nobodys = say(&world, source, "NUM1", Milestone::Delivered, 1).await.shipments[0];
    say(&world, source, "NUM1", Milestone::PickedUp, 200 * DAY).await;
    let next = NextUse { tracker: tracker(&world, nobodys).await, since: at(100 * DAY), begins: at(200 * DAY) };
    let mut commit = world.commit(nobodys, 0, world.folded(State::Delivered), 200 * DAY);
    commit.next_uses = vec![next];
    world.store.shipments.commit(world.scope, commit).await.unwrap();
    let nobodys_next = unclaimed(&world).await.into_iter().find(|id| *id != nobodys).unwrap();
    let merged = async |id| world.store.shipments.shipment(world.scope, id).await.unwrap().unwrap().merged_into;
    // it left the house on the day before the carrier first saw it
    let mut order = world.order(1, &["NUM1"]);
    order.plan.expected_from = Some(at(199 * DAY));
    let new = world.import(order, 202 * DAY).await;
    assert_eq!((merged(nobodys_next).await, merged(nobodys).await), (Some(new), None));
    // known here late, but it left the house in time
    let mut late = world.order(2, &["NUM1"]);
    late.plan.expected_from = Some(at(0));
    let old = world.import(late, 203 * DAY).await;
    assert_eq!((merged(nobodys).await, unclaimed(&world).await), (Some(old), vec![]));
    assert_eq!(bound(&world, old, None).await, (at(0), at(199 * DAY)));
}

pub async fn a_parcel_that_was_over_long_before_is_not_the_orders(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    for (number, days, taken) in [("NUM1", 119, true), ("NUM2", 122, false)] {
        let nobodys = say(&world, source, number, Milestone::Delivered, 1).await.shipments[0];
        let order = world.import(world.order(days, &[number]), days * DAY).await;
        let merged = world.store.shipments.shipment(world.scope, nobodys).await.unwrap().unwrap().merged_into;
        assert_eq!(merged, taken.then_some(order), "{days} days");
    }
}

pub async fn a_number_that_is_free_again_gets_another_shipment(store: Store) {
    let world = World::new(store).await;
    let first = world.import(world.order(1, &["NUM1"]), 1).await;
    recycled(&world, first, 2010).await;
    let second = world.import(world.order(2, &["NUM1"]), 2020).await;
    recycled(&world, first, 2030).await;
    assert_eq!(unclaimed(&world).await, [], "it has an order");
    assert_eq!(world.import(world.order(2, &["RIGHT"]), 2040).await, second);
    recycled(&world, first, 2050).await;
    assert_eq!(unclaimed(&world).await.len(), 1, "the order had another number");
}
