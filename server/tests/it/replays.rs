//! Taking up again: what failed, and what was read. Time is advanced.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{
    World,
    systems::{MANY, Systems},
};
use application::caller::Caller;
use application::{
    error::UseCaseError,
    operations::replays,
    tracking::{
        fold,
        mappings::{self, Change},
        normalise,
    },
};
use domain::{ids::ReplayId, observation::ProviderCode};
use simulator::faults::Fault;
use storage::{
    Actor, Scope,
    inbox::{MessageSelection, MessageState, MessageStatus},
    jobs::{Cause, JobFilter, JobSelection},
    replays::{Replay, ReplayState, Selection},
    tally::Tally,
};

const LEFT: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00")];
const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const DELIVERED: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Delivered_001", "2026-03-05T11:00:00")];

/// More than there are calls: what is refused together is asked for one by one.
const REFUSALS: usize = 4 * MANY;

fn person(world: &World) -> Scope {
    Scope { actor: Actor::Operator, ..world.context.scope() }
}

async fn start(world: &World, selection: Selection) -> (ReplayId, Tally) {
    world.clock.advance(jiff::Span::new().seconds(1));
    replays::start(&world.context, &Caller::trusted(person(world)), selection).await.unwrap()
}

async fn ended(world: &World, id: ReplayId) -> Replay {
    for _ in 0..20 {
        world.settle().await;
        world.clock.advance(jiff::Span::new().seconds(1));
        let replay = world.context.store.replays.replay(world.context.scope(), id).await.unwrap().unwrap();
        if replay.state != ReplayState::Running {
            world.settle().await;
            return replay;
        }
    }
    panic!("the replay does not end");
}

#[tokio::test]
async fn all_that_failed_is_counted_and_taken_up_but_what_succeeded_later() {
    let systems = Systems::new().await;
    let pickings = systems.orders().await;
    let world = &systems.world;
    systems.say(LEFT).await;
    let noon = world.context.now();
    world.clock.advance(jiff::Span::new().minutes(10));
    systems.odoo.fail(Some("stock.picking/write"), &Fault::Error("odoo.exceptions.ValidationError"), REFUSALS);
    systems.world.leaves_jobs();
    systems.say(DELIVERED).await;
    assert_eq!(systems.dead().await, MANY);
    systems.odoo.clear_faults();
    // somebody corrected one in Odoo, and the next news got through
    world.clock.advance(jiff::Span::new().minutes(10));
    world.deliver_to(&world.context, "N0", &[DELIVERED, &[("Delivered_002", "2026-03-05T11:30:00")]].concat()).await;
    world.settle().await;

    let all = Selection::Jobs(JobSelection { since: Some(noon), ..JobSelection::default() });
    let counted = replays::count(&world.context, &Caller::trusted(person(world)), &all).await.unwrap();
    assert_eq!(counted, Tally { take: MANY as u64 - 1, skip: 1 });
    let other = Selection::Jobs(JobSelection { destination: Some("desk".into()), ..JobSelection::default() });
    assert_eq!(
        replays::count(&world.context, &Caller::trusted(person(world)), &other).await.unwrap(),
        Tally::default()
    );
    let nothing = replays::start(&world.context, &Caller::trusted(person(world)), other).await.unwrap_err();
    assert!(matches!(nothing, UseCaseError::Invalid { field: "selection", .. }), "{nothing:?}");

    let (id, planned) = start(world, all).await;
    assert_eq!(planned, counted);
    let replay = ended(world, id).await;
    assert_eq!((replay.state, replay.done, replay.by), (ReplayState::Done, counted, Actor::Operator));
    assert_eq!(systems.dead().await, 0);
    assert!(pickings.iter().all(|p| systems.status(*p).is_some_and(|s| s == "DELIVERED")));
    for picking in pickings {
        let mut markers: Vec<_> = systems.odoo.notes(picking).into_iter().map(|(marker, _)| marker).collect();
        let all = markers.len();
        markers.sort();
        markers.dedup();
        assert_eq!(markers.len(), all, "each note once");
    }
    let trail = world.context.store.people.audit_trail(person(world), Some(format!("replay:{id}")), 9).await.unwrap();
    assert_eq!(trail[0].entry.action, "replay.start");
}

#[tokio::test]
async fn what_was_read_is_read_again_without_telling_anybody() {
    let systems = Systems::new().await;
    systems.orders().await;
    let world = &systems.world;
    systems.say(DAMAGED).await;
    let before = (systems.odoo.changes().len(), systems.desk.all_calls());
    let shipment = world.context.store.shipments.find(world.context.scope(), "N3").await.unwrap()[0];
    let state = world.state(shipment).await;
    let (id, planned) = start(world, Selection::Messages(MessageSelection::default())).await;
    assert_eq!(planned, Tally { take: MANY as u64, skip: 0 });
    let replay = ended(world, id).await;
    assert_eq!((replay.state, replay.done), (ReplayState::Done, planned));
    assert_eq!((systems.odoo.changes().len(), systems.desk.all_calls()), before, "no note, no case");
    assert_eq!(world.state(shipment).await, state);
    let all =
        world.context.store.inbox.messages(world.context.scope(), MessageSelection::default(), None).await.unwrap();
    assert!(all.rows.iter().all(|m| matches!(m.status, MessageStatus::Normalised { observations: 2, .. })));
    assert_eq!(all.rows.len(), MANY);
}

#[tokio::test]
async fn what_nobody_could_read_is_news_once_it_is_read() {
    let systems = Systems::new().await;
    let picking = systems.order("N0").await;
    let world = &systems.world;
    // somebody set the source up for the wrong member
    let settings = |number: &str| {
        let fields = serde_json::json!({"name": "own", "tracking_number": number, "events": "/events",
            "event": {"status": "/code", "time": {"at": "/at"}}});
        serde_json::from_value(serde_json::json!({"fields": fields})).unwrap()
    };
    world.put_source("own", "generic_json", Some("bearer".into()), crate::world::SECRET, settings("/wrong")).await;
    world.bring("own", br#"{"number": "N0", "events": [{"code": "X", "at": "2026-03-05T11:00:00Z"}]}"#).await;
    world.settle().await;
    let bad = MessageSelection { state: Some(MessageState::Quarantined), ..MessageSelection::default() };
    let counted = world.context.store.inbox.count(world.context.scope(), bad.clone()).await.unwrap();
    assert_eq!(counted, Tally { take: 1, skip: 0 });
    world.put_source("own", "generic_json", Some("bearer".into()), crate::world::SECRET, settings("/number")).await;
    let code = ProviderCode::new("generic.own", "X");
    let change = Change { code, meaning: Some("DELIVERED".into()), why: "as they wrote".into() };
    mappings::publish(&world.context, &Caller::trusted(person(world)), change).await.unwrap();
    let posted = systems.odoo.notes(picking).len();
    let (id, _) = start(world, Selection::Messages(bad)).await;
    assert_eq!(ended(world, id).await.done, Tally { take: 1, skip: 0 });
    assert_eq!(systems.status(picking).as_deref(), Some("DELIVERED"));
    assert!(systems.odoo.notes(picking).len() > posted, "nobody had heard of it");
}

#[tokio::test]
async fn one_that_is_stopped_leaves_the_rest() {
    let systems = Systems::new().await;
    systems.orders().await;
    let world = &systems.world;
    systems.odoo.fail(Some("stock.picking/write"), &Fault::Error("odoo.exceptions.ValidationError"), REFUSALS);
    systems.world.leaves_jobs();
    systems.say(DELIVERED).await;
    systems.odoo.clear_faults();
    let (id, _) = start(world, Selection::Jobs(JobSelection::default())).await;
    replays::stop(&world.context, &Caller::trusted(person(world)), id).await.unwrap();
    assert_eq!(ended(world, id).await.done, Tally::default());
    assert_eq!(systems.dead().await, MANY);
    assert!(replays::stop(&world.context, &Caller::trusted(person(world)), id).await.is_err(), "it has ended");
    let one = world.context.store.jobs.list(world.context.scope(), JobFilter::Failed, JobSelection::default(), None);
    let one = one.await.unwrap().rows.remove(0).job.id;
    assert_eq!(replays::retry(&world.context, &Caller::trusted(person(world)), one).await.unwrap().take, 1);
    world.settle().await;
    assert_eq!(systems.dead().await, MANY - 1);
}

#[tokio::test]
async fn what_was_just_said_is_told_by_the_live_fold_whoever_folds_first() {
    let systems = Systems::new().await;
    let picking = systems.order("N0").await;
    let world = &systems.world;
    let (context, scope) = (&world.context, world.context.scope());
    let posted = systems.odoo.notes(picking).len();
    let receipt = world.deliver_to(context, "N0", DELIVERED).await;
    normalise::normalise(context, scope, receipt.message, Cause::Live).await.unwrap();
    let shipment = context.store.shipments.find(scope, "N0").await.unwrap()[0];
    // an import's fold that was begun before, by a node that died
    let outcome = fold::fold_shipment(context, scope, shipment, Cause::Import, context.correlation()).await.unwrap();
    assert_eq!(outcome, fold::FoldOutcome::Superseded);
    world.settle().await;
    assert!(systems.odoo.notes(picking).len() > posted);
}
