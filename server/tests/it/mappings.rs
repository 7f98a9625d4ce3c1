//! Codes that nobody mapped: kept as codes, counted, and healed by an admin's mapping, through the real inbox, jobs and
//! store; only the clock is ours.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use crate::world::World;
use application::caller::Caller;
use application::{
    config::OdooSettings,
    error::UseCaseError,
    tracking::mappings::{self, Change},
};
use domain::{Milestone, State, ids::ShipmentId, observation::ProviderCode, reading::Reader};
use server::config::Settings;
use storage::{
    chain::ChainCheck,
    jobs::{Cause, ClaimRequest, Finish, JobFilter, JobKind, JobSelection, Lane, Wanted},
    limits::REREAD_ROWS,
};

const LIST: &str = "aftership.subtag";
/// A subtag that AfterShip never published.
const UNHEARD: &str = "InTransit_777";
const NOT_YET_DELIVERED: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-02T10:00:00"), (UNHEARD, "2026-03-04T01:10:00")];

async fn publish(world: &World, value: &str, meaning: Option<&str>) -> Result<u32, UseCaseError> {
    let change = Change {
        code: ProviderCode::new(LIST, value),
        meaning: meaning.map(str::to_owned),
        why: "their letter of 2 March".into(),
    };
    mappings::publish(&world.context, &Caller::trusted(world.context.scope()), change).await
}

async fn unmapped(world: &World) -> Vec<(String, u64, u64)> {
    let codes = world.context.store.mappings.unmapped(world.context.scope()).await.unwrap();
    codes.into_iter().map(|c| (c.code.value, c.observations, c.shipments)).collect()
}

/// What was sent or would be: notes and activities that wait, and cases.
async fn sent_counts(world: &World, shipment: ShipmentId) -> (usize, usize) {
    let (store, scope) = (&world.context.store, world.context.scope());
    let loaded = store.shipments.load(scope, shipment, None).await.unwrap().unwrap();
    let waiting = loaded.effects.iter().filter(|e| e.done_at.is_none()).count();
    (waiting, loaded.cases.len())
}

#[tokio::test]
async fn an_unknown_code_is_information_with_its_coarse_status_as_floor() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &[(UNHEARD, "2026-03-04T01:10:00")]).await;
    let loaded = world.load(shipment).await;
    let reading = &loaded.input.facts[0].reading;
    assert_eq!(
        (reading.milestone, reading.unmapped, reading.floor, reading.mapping),
        (Milestone::Info, true, Some(State::InTransit), 0)
    );
    assert_eq!(loaded.shipment.folded.state, State::InTransit);
    assert_eq!(unmapped(&world).await, [(UNHEARD.to_owned(), 1, 1)]);
}

#[tokio::test]
async fn a_published_meaning_heals_what_was_said_before_and_tells_nobody() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", NOT_YET_DELIVERED).await;
    let before = sent_counts(&world, shipment).await;
    world.passes(1).await;
    assert_eq!(publish(&world, UNHEARD, Some("OUT_FOR_DELIVERY|DAMAGED")).await.unwrap(), 1);
    assert_eq!(world.state(shipment).await, State::InTransit, "reading again is work of its own");
    world.settle().await;
    let loaded = world.load(shipment).await;
    assert_eq!(loaded.shipment.folded.state, State::OutForDelivery);
    assert!(!loaded.exceptions.is_empty(), "the damage is seen");
    assert_eq!(sent_counts(&world, shipment).await, before, "no note, no activity, no case");
    assert_eq!(unmapped(&world).await, []);
    assert!(loaded.input.facts.iter().any(|f| f.reading.mapping == 1), "a reading names its version");
}

#[tokio::test]
async fn the_order_system_gets_the_fields_of_what_was_read_again() {
    let mut config = Settings::default().resolve().unwrap();
    // nobody listens there: updates wait for a retry
    config.system.odoo = Some(OdooSettings {
        url: "http://127.0.0.1:9".into(),
        database: "odoo".into(),
        key: "key".into(),
        login: None,
        import_seconds: 3600,
        limits: application::config::CallLimits::default(),
    });
    let world = World::with(config).await;
    let (store, scope) = (&world.context.store, world.context.scope());
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", NOT_YET_DELIVERED).await;
    world.clock.advance(jiff::Span::new().hours(1));
    let now = world.context.now();
    for lane in [Lane::RealTime, Lane::Batch] {
        let wanted = vec![Wanted { kind: JobKind::SYNC_ORDER, destination: Some("odoo".into()), at_most: 10 }];
        let request = ClaimRequest { owner: "worker".into(), lane, wanted, now, until: now, held: Vec::new() };
        for job in store.jobs.claim(request).await.unwrap() {
            store.jobs.finish("worker", job.job.id, Finish::Done, now).await.unwrap();
        }
    }
    let waiting =
        async || store.jobs.list(scope, JobFilter::Retrying, JobSelection::default(), None).await.unwrap().rows;
    assert_eq!(waiting().await, [], "all was sent");
    publish(&world, UNHEARD, Some("OUT_FOR_DELIVERY")).await.unwrap();
    world.settle().await;
    let jobs: Vec<_> = waiting().await.into_iter().map(|row| row.job).collect();
    let said: Vec<_> = jobs.iter().map(|job| (job.kind, job.shipment, job.cause, job.lane)).collect();
    assert_eq!(said, [(JobKind::SYNC_ORDER, Some(shipment), Cause::Replay, Lane::Batch)]);
}

#[tokio::test]
async fn what_comes_after_is_read_by_the_new_version_at_once() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    publish(&world, UNHEARD, Some("OUT_FOR_DELIVERY")).await.unwrap();
    assert_eq!(world.context.mapping().version(), 1);
    world.receives("N1", NOT_YET_DELIVERED).await;
    assert_eq!(world.state(shipment).await, State::OutForDelivery);
    assert_eq!(unmapped(&world).await, []);
}

#[tokio::test]
async fn a_version_that_a_command_published_is_taken_up_and_read_by() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    let beside = world.beside().await;
    let change =
        Change { code: ProviderCode::new(LIST, UNHEARD), meaning: Some("OUT_FOR_DELIVERY".into()), why: "x".into() };
    assert_eq!(mappings::publish(&beside, &Caller::trusted(beside.scope()), change).await.unwrap(), 1);
    assert_eq!(world.context.mapping().version(), 0, "this process does not know yet");
    // what it reads by the older one is not kept: it tries again
    world.receives("N1", NOT_YET_DELIVERED).await;
    world.passes(1).await;
    assert_eq!(world.state(shipment).await, State::OutForDelivery);
    assert_eq!(world.beside().await.mapping().version(), 1, "and after a restart");
}

#[tokio::test]
async fn going_back_to_an_earlier_version_is_a_new_one() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", NOT_YET_DELIVERED).await;
    let before = sent_counts(&world, shipment).await;
    publish(&world, UNHEARD, Some("OUT_FOR_DELIVERY")).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(shipment).await, State::OutForDelivery);
    world.passes(1).await;
    let scope = world.context.scope();
    assert_eq!(mappings::roll_back(&world.context, &Caller::trusted(scope), 0, "it was not".into()).await.unwrap(), 2);
    world.settle().await;
    assert_eq!(world.state(shipment).await, State::InTransit, "it was a misreading");
    assert_eq!(sent_counts(&world, shipment).await, before, "nor is this sent");
    assert_eq!(unmapped(&world).await, [(UNHEARD.to_owned(), 1, 1)]);
    world.passes(1).await;
    assert_eq!(mappings::roll_back(&world.context, &Caller::trusted(scope), 1, "it was".into()).await.unwrap(), 3);
    world.settle().await;
    assert_eq!(world.state(shipment).await, State::OutForDelivery);
    assert!(
        matches!(storage::chain::check(&*world.context.store.people, scope, &world.context.vault.audit_key()).await.unwrap(), ChainCheck::Sound(lines) if lines >= 3)
    );
}

#[tokio::test]
async fn what_an_admin_changes_in_the_base_is_read_again_too() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &[("Delivered_001", "2026-03-04T12:30:00")]).await;
    world.passes(1).await;
    publish(&world, "Delivered_001", Some("AVAILABLE_FOR_PICKUP")).await.unwrap();
    world.settle().await;
    let facts = world.load(shipment).await.input.facts;
    assert!(facts.iter().all(|f| f.reading.mapping == 1), "{facts:?}");
    publish(&world, "Delivered_001", None).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(shipment).await, State::Delivered, "taken back: the base counts again");
}

#[tokio::test]
async fn many_observations_are_read_again_in_chunks() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    let start: jiff::civil::DateTime = "2026-03-01T00:00:00".parse().unwrap();
    let times: Vec<String> = (0..i64::from(REREAD_ROWS) + 5)
        .map(|n| start.checked_add(jiff::Span::new().minutes(n)).unwrap().to_string())
        .collect();
    let said: Vec<_> = times.iter().map(|time| (UNHEARD, time.as_str())).collect();
    world.receives("N1", &said).await;
    assert_eq!(unmapped(&world).await, [(UNHEARD.to_owned(), said.len() as u64, 1)]);
    publish(&world, UNHEARD, Some("OUT_FOR_DELIVERY")).await.unwrap();
    world.settle().await;
    assert_eq!(unmapped(&world).await, []);
    assert_eq!(world.state(shipment).await, State::OutForDelivery);
}

#[tokio::test]
async fn a_change_that_is_not_right_is_refused_with_what_to_do() {
    let world = World::new().await;
    let field = |refused: Result<u32, UseCaseError>| match refused {
        Err(UseCaseError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(publish(&world, UNHEARD, Some("DAMAGED?")).await), "meaning");
    assert_eq!(field(publish(&world, " ", Some("INFO")).await), "value");
    assert_eq!(field(publish(&world, UNHEARD, None).await), "meaning", "nothing to take back");
    let silent = Change { code: ProviderCode::new(LIST, UNHEARD), meaning: Some("INFO".into()), why: " ".into() };
    assert_eq!(field(mappings::publish(&world.context, &Caller::trusted(world.context.scope()), silent).await), "why");
    let nowhere = mappings::roll_back(&world.context, &Caller::trusted(world.context.scope()), 9, "x".into()).await;
    assert!(matches!(nowhere, Err(UseCaseError::NotFound(_))));
    assert_eq!(world.context.mapping().version(), 0);
}
