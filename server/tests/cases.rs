//! When a case is opened, told, settled and opened again; against a simulated desk, with time advanced.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use domain::{State, observation::ProviderCode};
use jiff::SignedDuration;
use server::{
    clock::Clock,
    config::{DeskSettings, Settings},
    usecases::{
        destinations, exceptions,
        mappings::{self, Change},
    },
};
use simulator::{desk::SandboxDesk, faults::Fault};
use storage::{
    jobs::{ClaimRequest, Finish, JobKind, Lane},
    work::ExceptionAction,
};
use world::World;

const TOKEN: &str = "token-of-the-tests";

async fn world() -> (World, SandboxDesk) {
    let desk = SandboxDesk::start(TOKEN).await.unwrap();
    let mut config = Settings::default().resolve().unwrap();
    config.desk = Some(DeskSettings {
        connector: "request_tracker".into(),
        url: desk.url(),
        token: TOKEN.to_owned().into(),
        queue: "Shipments".into(),
        limits: server::config::CallLimits::default(),
    });
    (World::with(config).await, desk)
}

fn statuses(desk: &SandboxDesk) -> Vec<String> {
    desk.tickets().iter().map(|t| t.status.clone()).collect()
}

#[tokio::test]
async fn damage_makes_a_case_at_once_that_only_a_person_closes() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let damaged = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
    world.hears("N1", &damaged).await;
    assert_eq!(statuses(&desk), ["new"]);
    world.hears("N1", &damaged).await;
    let delivered = [damaged[0], damaged[1], ("Delivered_001", "2026-03-05T11:00:00")];
    world.hears("N1", &delivered).await;
    let tickets = desk.tickets();
    assert_eq!(tickets.len(), 1, "never a second one for an open exception");
    assert_ne!(tickets[0].status, "resolved");
    assert!(
        tickets[0].texts.iter().any(|(_, text)| text.contains("Delivered")),
        "later events are told there: {:?}",
        tickets[0].texts
    );
}

#[tokio::test]
async fn what_happens_before_a_new_case_is_known_here_is_told_there() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    // the case is made, but its number never comes: a broken connection, or the end of this process
    desk.fail(Some("POST ticket"), &Fault::ResetAfterApply, 1);
    let damaged = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
    world.hears("N1", &damaged).await;
    assert_eq!(desk.tickets().len(), 1);
    world.hears("N1", &[damaged[0], damaged[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    world.passes(1).await;
    let tickets = desk.tickets();
    assert_eq!(tickets.len(), 1, "found, not made again");
    let told = tickets[0].texts.iter().filter(|(_, text)| text.ends_with(": Delivered.")).count();
    assert_eq!(told, 1, "{:?}", tickets[0].texts);
}

#[tokio::test]
async fn a_major_exception_has_time_to_heal() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let wrong_address = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_007", "2026-03-05T08:00:00")];
    world.hears("N1", &wrong_address).await;
    world.passes(1).await;
    assert!(desk.tickets().is_empty(), "within its grace time");
    world.passes(2).await;
    assert_eq!(statuses(&desk), ["new"]);
    world.hears("N1", &[wrong_address[0], wrong_address[1], ("Delivered_001", "2026-03-05T14:00:00")]).await;
    assert_eq!(statuses(&desk), ["resolved"], "settled by rule");
}

#[tokio::test]
async fn what_heals_in_its_grace_time_makes_no_case() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let wrong_address = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_007", "2026-03-05T08:00:00")];
    world.hears("N1", &wrong_address).await;
    world.hears("N1", &[wrong_address[0], wrong_address[1], ("Delivered_001", "2026-03-05T11:30:00")]).await;
    let due = world.tower.store.jobs.next_due(Lane::RealTime).await.unwrap();
    assert_eq!(due, None, "nothing waits for its grace any more");
    world.passes(30).await;
    assert!(desk.tickets().is_empty());
}

#[tokio::test]
async fn a_minor_exception_that_lasts_makes_a_case_and_a_new_episode_reopens_it() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let mut list = vec![("InTransit_003", "2026-03-05T01:00:00"), ("Exception_004", "2026-03-05T08:00:00")];
    world.hears("N1", &list).await;
    world.passes(20).await;
    assert!(desk.tickets().is_empty(), "within a day");
    world.passes(5).await;
    assert_eq!(statuses(&desk), ["new"]);
    list.push(("InTransit_005", "2026-03-06T09:00:00"));
    world.hears("N1", &list).await;
    assert_eq!(statuses(&desk), ["resolved"]);
    list.push(("Exception_004", "2026-03-06T12:00:00"));
    world.hears("N1", &list).await;
    world.passes(25).await;
    assert_eq!(statuses(&desk), ["open"], "the same case, open again");
}

#[tokio::test]
async fn what_is_read_again_is_not_told_to_a_case() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    let heard = [("Exception_012", "2026-03-05T08:00:00"), ("InTransit_777", "2026-03-05T09:00:00")];
    world.hears("N1", &heard).await;
    let before = desk.tickets();
    world.passes(1).await;
    let change = Change {
        code: ProviderCode::new("aftership.subtag", "InTransit_777"),
        meaning: Some("OUT_FOR_DELIVERY".into()),
        why: "their letter of 2 March".into(),
    };
    mappings::publish(&world.tower, world.tower.scope(), change).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(shipment).await, State::OutForDelivery);
    assert_eq!((before.len(), desk.tickets()[0].texts.len()), (1, before[0].texts.len()), "{:?}", desk.tickets());
    world.hears("N1", &[heard[0], heard[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    assert_eq!(desk.tickets()[0].texts.len(), before[0].texts.len() + 1, "what is said then is told");
}

#[tokio::test]
async fn what_a_person_opens_again_gets_its_case() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    world.hears("N1", &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_004", "2026-03-05T08:00:00")]).await;
    let id = world.load(shipment).await.exceptions[0].id;
    let act = async |action| {
        exceptions::act(&world.tower, world.tower.scope(), id, action, Some("looked at it".into())).await.unwrap();
        world.settle().await;
    };
    act(ExceptionAction::Resolve).await;
    world.passes(25).await;
    assert!(desk.tickets().is_empty(), "settled in its grace time");
    act(ExceptionAction::Reopen).await;
    world.passes(25).await;
    assert_eq!(statuses(&desk), ["new"]);
}

#[tokio::test]
async fn a_number_that_nobody_claims_makes_no_case() {
    let (world, desk) = world().await;
    world.hears("N1", &[("Exception_012", "2026-03-05T08:00:00")]).await;
    assert!(desk.tickets().is_empty());
}

#[tokio::test]
async fn a_case_in_the_making_hears_of_what_is_folded_meanwhile() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let jobs = &world.tower.store.jobs;
    let damaged = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
    destinations::pause(&world.tower, world.tower.scope(), "desk", "so that nobody here does it").await.unwrap();
    world.hears("N1", &damaged).await;
    // somebody has begun to make the case, and has looked already
    let request = || ClaimRequest {
        owner: "another node".into(),
        lane: Lane::RealTime,
        kinds: vec![(JobKind::SyncCase, 9)],
        now: world.clock.now(),
        until: world.clock.now() + SignedDuration::from_secs(30),
        held: Vec::new(),
    };
    let making = jobs.claim(request()).await.unwrap();
    assert_eq!((making.len(), desk.tickets().len()), (1, 0));
    world.hears("N1", &[damaged[0], damaged[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    jobs.finish("another node", making[0].job.id, Finish::Done, world.clock.now()).await.unwrap();
    assert_eq!(jobs.claim(request()).await.unwrap().len(), 1, "it is looked at again");
}
