//! When a case is opened, commented, settled and reopened; against a simulated desk, with time advanced.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use app::contract::{
    shipments::EntryKind,
    sync::{SyncQuery, SyncTab, SyncView},
};
use application::caller::Caller;
use application::{
    audit::Opened,
    cases,
    clock::{Clock, ManualClock},
    config::DeskSettings,
    connections::{self, NewConnection, live::Connection},
    destinations,
    error::UseCaseError,
    exceptions,
    governance::erasure,
    tracking::mappings::{self, Change},
};
use domain::access::Role;
use domain::{
    State,
    ids::{ExceptionId, ShipmentId},
    observation::ProviderCode,
};
use jiff::SignedDuration;
use server::config::{Config, Settings};
use simulator::{desk::SandboxDesk, faults::Fault};
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};
use storage::{
    connections::ConnectionRecord,
    jobs::{Cause, ClaimRequest, Finish, JobKind, Lane, Wanted},
    work::{Agent, CaseRecord, CaseStatus, ExceptionAction},
};

const TOKEN: &str = "token-of-the-tests";
/// Who does what is done at the simulated desk.
const AGENT: &str = "agent";

async fn world() -> (World, SandboxDesk) {
    let desk = SandboxDesk::start(TOKEN).await.unwrap();
    (with_desk(&desk).await, desk)
}

/// The desk's clock is the world's.
async fn world_of_one_clock() -> (World, SandboxDesk) {
    let clock = Arc::new(OnceLock::<Arc<ManualClock>>::new());
    let now = Arc::clone(&clock);
    let desk = SandboxDesk::start_at(TOKEN, Some(Arc::new(move || now.get().unwrap().now()))).await.unwrap();
    let world = with_desk(&desk).await;
    assert!(clock.set(Arc::clone(&world.clock)).is_ok());
    (world, desk)
}

async fn with_desk(desk: &SandboxDesk) -> World {
    World::with(config_of(desk)).await
}

fn config_of(desk: &SandboxDesk) -> Config {
    let mut config = Settings::default().resolve().unwrap();
    config.system.desk = Some(DeskSettings {
        connector: "request_tracker".into(),
        url: desk.url(),
        token: TOKEN.to_owned().into(),
        queue: "Shipments".into(),
        poll_seconds: application::config::DESK_POLL_SECONDS,
        limits: application::config::CallLimits::default(),
    });
    config
}

fn statuses(desk: &SandboxDesk) -> Vec<String> {
    desk.tickets().iter().map(|t| t.status.clone()).collect()
}

#[tokio::test]
async fn damage_makes_a_case_at_once_that_only_a_person_closes() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let damaged = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
    world.receives("N1", &damaged).await;
    assert_eq!(statuses(&desk), ["new"]);
    world.receives("N1", &damaged).await;
    let delivered = [damaged[0], damaged[1], ("Delivered_001", "2026-03-05T11:00:00")];
    world.receives("N1", &delivered).await;
    let tickets = desk.tickets();
    assert_eq!(tickets.len(), 1, "never a second one for an open exception");
    assert_ne!(tickets[0].status, "resolved");
    assert!(
        tickets[0].texts.iter().any(|(_, text)| text.contains("Delivered")),
        "later events are added there: {:?}",
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
    world.receives("N1", &damaged).await;
    assert_eq!(desk.tickets().len(), 1);
    world.receives("N1", &[damaged[0], damaged[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    world.passes(1).await;
    let tickets = desk.tickets();
    assert_eq!(tickets.len(), 1, "found, not made again");
    let noted = tickets[0].texts.iter().filter(|(_, text)| text.ends_with(": Delivered.")).count();
    assert_eq!(noted, 1, "{:?}", tickets[0].texts);
}

#[tokio::test]
async fn a_major_exception_has_time_to_heal() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let wrong_address = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_007", "2026-03-05T08:00:00")];
    world.receives("N1", &wrong_address).await;
    world.passes(1).await;
    assert!(desk.tickets().is_empty(), "within its grace time");
    world.passes(2).await;
    assert_eq!(statuses(&desk), ["new"]);
    world.receives("N1", &[wrong_address[0], wrong_address[1], ("Delivered_001", "2026-03-05T14:00:00")]).await;
    assert_eq!(statuses(&desk), ["resolved"], "settled by rule");
}

#[tokio::test]
async fn what_heals_in_its_grace_time_makes_no_case() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let wrong_address = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_007", "2026-03-05T08:00:00")];
    world.receives("N1", &wrong_address).await;
    world.receives("N1", &[wrong_address[0], wrong_address[1], ("Delivered_001", "2026-03-05T11:30:00")]).await;
    let due = world.context.store.jobs.next_due(Lane::RealTime).await.unwrap();
    assert_eq!(due, None, "nothing waits for its grace any more");
    world.passes(30).await;
    assert!(desk.tickets().is_empty());
}

#[tokio::test]
async fn a_minor_exception_that_lasts_makes_a_case_and_a_new_episode_reopens_it() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    let mut list = vec![("InTransit_003", "2026-03-05T01:00:00"), ("Exception_004", "2026-03-05T08:00:00")];
    world.receives("N1", &list).await;
    world.passes(20).await;
    assert!(desk.tickets().is_empty(), "within a day");
    world.passes(5).await;
    assert_eq!(statuses(&desk), ["new"]);
    list.push(("InTransit_005", "2026-03-06T09:00:00"));
    world.receives("N1", &list).await;
    assert_eq!(statuses(&desk), ["resolved"]);
    list.push(("Exception_004", "2026-03-06T12:00:00"));
    world.receives("N1", &list).await;
    world.passes(25).await;
    assert_eq!(statuses(&desk), ["open"], "the same case, open again");
}

#[tokio::test]
async fn what_is_read_again_is_not_told_to_a_case() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    let heard = [("Exception_012", "2026-03-05T08:00:00"), ("InTransit_777", "2026-03-05T09:00:00")];
    world.receives("N1", &heard).await;
    let before = desk.tickets();
    world.passes(1).await;
    let change = Change {
        code: ProviderCode::new("aftership.subtag", "InTransit_777"),
        meaning: Some("OUT_FOR_DELIVERY".into()),
        why: "their letter of 2 March".into(),
    };
    mappings::publish(&world.context, &Caller::trusted(world.context.scope()), change).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(shipment).await, State::OutForDelivery);
    assert_eq!((before.len(), desk.tickets()[0].texts.len()), (1, before[0].texts.len()), "{:?}", desk.tickets());
    world.receives("N1", &[heard[0], heard[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    assert_eq!(desk.tickets()[0].texts.len(), before[0].texts.len() + 1, "what comes then is added");
}

#[tokio::test]
async fn what_a_person_opens_again_gets_its_case() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_004", "2026-03-05T08:00:00")]).await;
    let id = world.load(shipment).await.exceptions[0].id;
    let act = async |action| {
        exceptions::act(
            &world.context,
            &Caller::trusted(world.context.scope()),
            id,
            action,
            Some("looked at it".into()),
        )
        .await
        .unwrap();
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
    world.receives("N1", &[("Exception_012", "2026-03-05T08:00:00")]).await;
    assert!(desk.tickets().is_empty());
}

#[tokio::test]
async fn a_case_in_the_making_hears_of_what_is_folded_meanwhile() {
    let (world, desk) = world().await;
    world.order(1, &["N1"]).await;
    world.leaves_jobs();
    let jobs = &world.context.store.jobs;
    let damaged = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
    destinations::pause(&world.context, &Caller::trusted(world.context.scope()), "desk", "so that nobody here does it")
        .await
        .unwrap();
    world.receives("N1", &damaged).await;
    // somebody has begun to make the case, and has looked already
    let request = || ClaimRequest {
        owner: "another node".into(),
        lane: Lane::RealTime,
        wanted: vec![Wanted { kind: JobKind::SYNC_CASE, destination: Some("desk".into()), at_most: 9 }],
        now: world.clock.now(),
        until: world.clock.now() + SignedDuration::from_secs(30),
        held: Vec::new(),
    };
    let making = jobs.claim(request()).await.unwrap();
    assert_eq!((making.len(), desk.tickets().len()), (1, 0));
    world.receives("N1", &[damaged[0], damaged[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    jobs.finish("another node", making[0].job.id, Finish::Done, world.clock.now()).await.unwrap();
    assert_eq!(jobs.claim(request()).await.unwrap().len(), 1, "it is looked at again");
}

/// Half a minute passes, and the desk is looked at.
async fn polls(world: &World) {
    world.clock.advance(jiff::Span::new().seconds(31));
    world.tick().await;
    world.settle().await;
}

const DAMAGED: [(&str, &str); 2] = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const CUSTOMS: [(&str, &str); 2] = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_004", "2026-03-05T08:00:00")];

/// What the timeline says of the desk.
async fn said(world: &World, shipment: ShipmentId) -> Vec<String> {
    let lines = world.context.store.people.audit_of(world.context.scope(), shipment).await.unwrap();
    let entries = lines.iter().map(|(line, _)| &line.entry);
    let opened = Opened::read(&world.context, world.context.scope(), entries.clone()).await.unwrap();
    entries.map(|entry| format!("{}: {}", entry.action, opened.why(entry.why.as_ref()).unwrap_or_default())).collect()
}

/// The only exception, whether it is open, and its newest case.
async fn now(world: &World, shipment: ShipmentId) -> (ExceptionId, bool, CaseRecord) {
    let loaded = world.load(shipment).await;
    let exception = loaded.exceptions.last().unwrap().clone();
    let case = loaded.cases.iter().rfind(|case| case.exception == exception.id).unwrap().clone();
    (exception.id, exception.closed.is_none(), case)
}

#[tokio::test]
async fn an_agent_who_resolves_a_damage_resolves_the_exception() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &DAMAGED).await;
    let before = desk.tickets()[0].texts.len();
    desk.set_status(1, "resolved");
    for _ in 0..3 {
        polls(&world).await;
    }
    let (_, open, case) = now(&world, shipment).await;
    assert_eq!((open, case.status, case.closed_by.is_some()), (false, CaseStatus::Resolved, true));
    assert_eq!(
        said(&world, shipment).await,
        ["case.resolved: ticket #1 resolved at the service desk; the exception is resolved"]
    );
    world.receives("N1", &[DAMAGED[0], DAMAGED[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    polls(&world).await;
    assert_eq!((statuses(&desk), desk.tickets()[0].texts.len()), (vec!["resolved".to_owned()], before), "left alone");

    desk.set_status(1, "open");
    polls(&world).await;
    let (_, open, case) = now(&world, shipment).await;
    assert_eq!((open, case.status, case.closed_by), (true, CaseStatus::Open, None));
    assert_eq!(
        said(&world, shipment).await[1..],
        ["case.reopened: ticket #1 reopened at the service desk; the exception is open again"]
    );
    desk.set_status(1, "resolved");
    polls(&world).await;
    assert!(!now(&world, shipment).await.1, "and resolved again");
}

/// What a page of the shipment says of agents: of tickets, under exceptions, in the timeline.
async fn shown_to(world: &World, role: Role, shipment: ShipmentId) -> [Vec<String>; 3] {
    let ports = world.ports(role);
    let view = ports.shipments.get(shipment.to_string(), None).await.unwrap();
    let of_people = view.timeline.into_iter().filter(|entry| entry.kind == EntryKind::Person);
    let queue = ports.exceptions.queue(app::contract::exceptions::QueueQuery::default()).await.unwrap();
    [
        view.cases.into_iter().map(|case| case.status).collect(),
        view.exceptions
            .into_iter()
            .map(|e| e.question)
            .chain(queue.rows.into_iter().map(|r| r.question))
            .flatten()
            .collect(),
        of_people.map(|entry| entry.detail).collect(),
    ]
}

#[tokio::test]
async fn who_closed_a_ticket_is_named_to_whoever_may_see_it_kept_sealed_and_erased() {
    let (folder, desk) = (tempfile::tempdir().unwrap(), SandboxDesk::start(TOKEN).await.unwrap());
    let mut config = config_of(&desk);
    config.system.tombstones = folder.path().join("tombstones");
    let world = World::with(config).await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &CUSTOMS).await;
    world.passes(25).await;
    desk.set_status(1, "rejected");
    polls(&world).await;
    let (_, _, case) = now(&world, shipment).await;
    let name = case.closed_by.unwrap().name.unwrap();
    let contains = |bytes: &[u8]| bytes.windows(AGENT.len()).any(|part| part == AGENT.as_bytes());
    assert!(!contains(&name.bytes));
    let (context, scope) = (&world.context, world.context.scope());
    let lines = context.store.people.audit_of(scope, shipment).await.unwrap();
    let after = lines[0].0.entry.after.as_ref().unwrap();
    assert_eq!(after.subject, name.subject, "both go with the agent's key");
    assert!(!contains(&after.bytes));
    let rejected = "ticket #1 rejected at the service desk; the exception is still open";
    let question = |by: &str| vec![format!("Ticket #1 rejected by {by}, problem goes on: decide"); 2];
    let named = [vec![format!("Rejected by {AGENT}")], question(AGENT), vec![format!("by {AGENT}: {rejected}")]];
    assert_eq!(shown_to(&world, Role::Agent, shipment).await, named);
    let unnamed = [vec!["Rejected by an agent".to_owned()], question("an agent"), vec![rejected.to_owned()]];
    assert_eq!(shown_to(&world, Role::Executive, shipment).await, unnamed);

    let erase = async |name| erasure::erase_agent(context, &Caller::trusted(scope), name, "asked for it".into()).await;
    assert!(matches!(erase("nobody").await, Err(UseCaseError::NotFound(_))));
    let kept = context.store.people.key(scope, name.subject).await.unwrap().unwrap();
    erase(AGENT).await.unwrap();
    assert_eq!(shown_to(&world, Role::Agent, shipment).await, unnamed);
    // a restored backup has the key still
    context.store.people.put_key(scope, kept, world.clock.now()).await.unwrap();
    assert_eq!(shown_to(&world, Role::Agent, shipment).await, named);
    assert_eq!(erasure::reapply(context).await.unwrap(), 1);
    assert_eq!(shown_to(&world, Role::Agent, shipment).await, unnamed);
    assert!(matches!(erase(AGENT).await, Err(UseCaseError::NotFound(_))), "nothing is left to erase");
    let trail = context.store.people.audit_trail(scope, Some(format!("subject:{}", name.subject)), 9).await.unwrap();
    let trail: Vec<_> = trail.iter().map(|line| line.entry.action.as_str()).collect();
    assert_eq!(trail, ["subject.erase_again", "agent.erase"]);
    // and not learned again
    desk.set_status(1, "resolved");
    polls(&world).await;
    let (_, _, case) = now(&world, shipment).await;
    assert_eq!((case.status, case.closed_by), (CaseStatus::Resolved, Some(Agent { name: None })));
}

#[tokio::test]
async fn as_of_a_past_moment_a_ticket_stands_as_it_did_then() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &CUSTOMS).await;
    let before = world.clock.now();
    world.passes(25).await;
    let opened = world.clock.now();
    desk.set_status(1, "rejected");
    polls(&world).await;
    let closed = world.clock.now();
    let ports = world.ports(Role::Agent);
    let (rejected, question) =
        (vec!["Rejected by agent"], vec!["Ticket #1 rejected by agent, problem goes on: decide"]);
    for (at, statuses, questions) in [
        (Some(before), vec![], vec![]),
        (Some(opened), vec!["Open"], vec![]),
        (Some(closed), rejected.clone(), question.clone()),
        (None, rejected, question),
    ] {
        let view = ports.shipments.get(shipment.to_string(), at.map(|at| at.to_string())).await.unwrap();
        assert_eq!(view.exceptions.len(), 1, "{at:?}");
        let asked: Vec<_> = view.exceptions.into_iter().filter_map(|exception| exception.question).collect();
        let stood: Vec<_> = view.cases.into_iter().map(|case| case.status).collect();
        assert_eq!((stood, asked), (owned(&statuses), owned(&questions)), "{at:?}");
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What an agent opens again stays open, and nothing is written there that is not so: neither where the exception is opened
/// again with the ticket, nor where it is over by then.
#[tokio::test]
async fn a_ticket_that_an_agent_reopens_is_left_open() {
    enum Then {
        /// The exception was resolved with the ticket.
        ResolvedThere,
        /// The exception ended by itself after the agent had resolved the ticket.
        Over,
        /// And another episode of it is open.
        Twin,
    }
    for then in [Then::ResolvedThere, Then::Over, Then::Twin] {
        let (world, desk) = world().await;
        let shipment = world.order(1, &["N1"]).await;
        let mut list = if matches!(then, Then::ResolvedThere) { DAMAGED.to_vec() } else { CUSTOMS.to_vec() };
        world.receives("N1", &list).await;
        world.passes(25).await;
        desk.set_status(1, "resolved");
        polls(&world).await;
        if !matches!(then, Then::ResolvedThere) {
            list.push(("InTransit_005", "2026-03-06T14:00:00"));
            world.receives("N1", &list).await;
        }
        if matches!(then, Then::Twin) {
            list.push(("Exception_004", "2026-03-06T15:00:00"));
            world.receives("N1", &list).await;
        }
        let texts = desk.tickets()[0].texts.len();
        desk.set_status(1, "open");
        for _ in 0..3 {
            polls(&world).await;
        }
        let ticket = &desk.tickets()[0];
        assert_eq!(ticket.texts.len(), texts, "{:?}", ticket.texts);
        let moves: Vec<_> = ticket.moves.iter().map(|(_, status)| status.as_str()).collect();
        assert_eq!(moves.iter().filter(|status| **status == "resolved").count(), 1, "{moves:?}");
        assert_eq!(moves.last(), Some(&"open"), "{moves:?}");
        let loaded = world.load(shipment).await;
        let (case, open) = (&loaded.cases[0], loaded.exceptions[0].closed.is_none());
        assert_eq!((case.status, open), (CaseStatus::Open, matches!(then, Then::ResolvedThere)));
        // its own job, whenever it comes again, leaves it alone as well
        list.push(("InTransit_005", "2026-03-06T16:00:00"));
        world.receives("N1", &list).await;
        polls(&world).await;
        let ticket = &desk.tickets()[0];
        assert_eq!(ticket.moves.iter().filter(|(_, status)| status == "resolved").count(), 1, "{:?}", ticket.moves);
        assert!(!ticket.texts.iter().any(|(_, text)| text.contains(" is over ")), "{:?}", ticket.texts);
    }
}

#[tokio::test]
async fn trouble_that_goes_on_is_questioned_when_an_agent_resolves_the_ticket() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &CUSTOMS).await;
    world.passes(25).await;
    assert_eq!(statuses(&desk), ["new"]);
    desk.set_status(1, "resolved");
    polls(&world).await;
    polls(&world).await;
    let (id, open, case) = now(&world, shipment).await;
    assert!(open && case.is_closed_by_agent());
    assert_eq!(
        said(&world, shipment).await,
        ["case.resolved: ticket #1 resolved at the service desk; the exception is still open"]
    );
    let texts = desk.tickets()[0].texts.len();
    world.passes(1).await;
    assert_eq!((statuses(&desk), desk.tickets()[0].texts.len()), (vec!["resolved".to_owned()], texts));
    cases::ask_for_ticket(&world.context, &Caller::trusted(world.context.scope()), id, None).await.unwrap();
    cases::ask_for_ticket(&world.context, &Caller::trusted(world.context.scope()), id, None).await.unwrap_err();
    world.settle().await;
    polls(&world).await;
    let (_, open, case) = now(&world, shipment).await;
    assert_eq!((open, case.is_closed_by_agent(), statuses(&desk)), (true, false, vec!["open".to_owned()]));
    let again = desk.tickets()[0].texts.iter().filter(|(_, text)| text.contains(" again: ")).count();
    assert_eq!(again, 1);
    // and by rule when it is over
    world.receives("N1", &[CUSTOMS[0], CUSTOMS[1], ("InTransit_005", "2026-03-06T20:00:00")]).await;
    assert_eq!(statuses(&desk), ["resolved"]);
    polls(&world).await;
    assert_eq!(said(&world, shipment).await.len(), 2, "what Milepost does is no agent's doing");
}

#[tokio::test]
async fn a_ticket_that_is_deleted_rejected_or_out_of_sight_is_left_alone_until_a_person_asks() {
    for (end, status) in
        [("deleted", CaseStatus::Deleted), ("rejected", CaseStatus::Rejected), ("hidden", CaseStatus::Hidden)]
    {
        let (world, desk) = world().await;
        let shipment = world.order(1, &["N1"]).await;
        world.receives("N1", &DAMAGED).await;
        match end {
            "hidden" => desk.hide(1, true),
            other => desk.set_status(1, other),
        }
        polls(&world).await;
        let (id, open, case) = now(&world, shipment).await;
        assert_eq!((open, case.status), (true, status), "{end}");
        let named = case.closed_by.unwrap().name.is_some();
        assert_eq!(named, end == "rejected" || end == "deleted", "{end}: where the desk names nobody there is no name");
        let lines = said(&world, shipment).await;
        assert!(lines.len() == 1 && lines[0].starts_with(&format!("case.{end}: ticket #1")), "{lines:?}");
        let texts = desk.tickets()[0].texts.len();
        world
            .receives(
                "N1",
                &[
                    DAMAGED[0],
                    DAMAGED[1],
                    ("InTransit_005", "2026-03-05T11:00:00"),
                    ("OutForDelivery_001", "2026-03-05T11:30:00"),
                ],
            )
            .await;
        world.passes(30).await;
        assert_eq!((desk.tickets().len(), desk.tickets()[0].texts.len()), (1, texts), "{end}");

        cases::ask_for_ticket(&world.context, &Caller::trusted(world.context.scope()), id, Some("still broken".into()))
            .await
            .unwrap();
        world.settle().await;
        polls(&world).await;
        let tickets = desk.tickets();
        assert_eq!((tickets.len(), tickets[1].refers_to.as_slice()), (2, ["1".to_owned()].as_slice()), "{end}");
        let (_, open, case) = now(&world, shipment).await;
        assert_eq!((open, case.status, case.number.as_deref()), (true, CaseStatus::Open, Some("2")), "{end}");
        desk.set_status(2, "resolved");
        polls(&world).await;
        assert!(!now(&world, shipment).await.1, "the new ticket is followed");
    }
}

#[tokio::test]
async fn what_comes_back_into_sight_is_open_again() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &DAMAGED).await;
    desk.hide(1, true);
    polls(&world).await;
    desk.hide(1, false);
    polls(&world).await;
    assert_eq!(now(&world, shipment).await.2.status, CaseStatus::Open);
    world.receives("N1", &[DAMAGED[0], DAMAGED[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    assert!(desk.tickets()[0].texts.iter().any(|(_, text)| text.ends_with(": Delivered.")));
}

#[tokio::test]
async fn a_new_episode_reopens_what_an_agent_resolved_by_hand() {
    for polled in [true, false] {
        let (world, desk) = world().await;
        let shipment = world.order(1, &["N1"]).await;
        let mut list = CUSTOMS.to_vec();
        world.receives("N1", &list).await;
        world.passes(25).await;
        desk.set_status(1, "resolved");
        if polled {
            polls(&world).await;
        }
        list.push(("InTransit_005", "2026-03-06T14:00:00"));
        world.receives("N1", &list).await;
        list.push(("Exception_004", "2026-03-06T15:00:00"));
        world.receives("N1", &list).await;
        world.clock.advance(jiff::Span::new().hours(25));
        world.settle().await;
        assert_eq!(statuses(&desk), ["open"], "really open at the desk, polled: {polled}");
        polls(&world).await;
        assert_eq!(statuses(&desk), ["open"]);
        assert!(now(&world, shipment).await.1);
        let again = desk.tickets()[0].texts.iter().filter(|(_, text)| text.contains(" again: ")).count();
        assert_eq!(again, 1, "added once");
    }
}

#[tokio::test]
async fn a_new_episode_after_a_week_or_a_deletion_follows_the_earlier_ticket_up() {
    for deleted in [true, false] {
        let (world, desk) = world().await;
        let shipment = world.order(1, &["N1"]).await;
        let mut list = CUSTOMS.to_vec();
        world.receives("N1", &list).await;
        world.passes(25).await;
        list.push(("InTransit_005", "2026-03-06T12:30:00"));
        world.receives("N1", &list).await;
        assert_eq!(statuses(&desk), ["resolved"]);
        if deleted {
            // not heard of: no poll looks for a ticket that is closed
            desk.set_status(1, "deleted");
        } else {
            world.clock.advance(jiff::Span::new().hours(8 * 24));
        }
        let again = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        list.push(("Exception_004", &again));
        world.receives("N1", &list).await;
        world.clock.advance(jiff::Span::new().hours(25));
        world.settle().await;
        let tickets = desk.tickets();
        assert_eq!((tickets.len(), tickets[1].refers_to.as_slice()), (2, ["1".to_owned()].as_slice()), "{deleted}");
        assert!(tickets[1].texts[0].1.contains("Follows up ticket #1"));
        assert_eq!(now(&world, shipment).await.2.follows.as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn what_milepost_does_itself_is_no_agents_doing_even_when_its_answer_is_lost() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    let mut list = CUSTOMS.to_vec();
    world.receives("N1", &list).await;
    world.passes(25).await;
    list.push(("InTransit_005", "2026-03-06T14:00:00"));
    desk.fail(Some("PUT ticket"), &Fault::ResetAfterApply, 1);
    world.receives("N1", &list).await;
    assert_eq!(statuses(&desk), ["resolved"]);
    polls(&world).await;
    list.push(("Exception_004", "2026-03-06T15:00:00"));
    world.receives("N1", &list).await;
    desk.fail(Some("PUT ticket"), &Fault::ResetAfterApply, 1);
    world.passes(25).await;
    polls(&world).await;
    world.passes(1).await;
    assert_eq!((statuses(&desk), said(&world, shipment).await), (vec!["open".to_owned()], Vec::<String>::new()));
    let noted = |what: &str| desk.tickets()[0].texts.iter().filter(|(_, text)| text.contains(what)).count();
    assert_eq!((noted(" again: "), noted(" is over ")), (1, 1));
}

#[tokio::test]
async fn a_desk_that_is_away_is_heard_when_it_is_back() {
    let (world, desk) = world().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &DAMAGED).await;
    polls(&world).await;
    desk.set_status(1, "resolved");
    world.leaves_jobs();
    desk.fail(None, &Fault::Error("down"), 10_000);
    for _ in 0..9 {
        polls(&world).await;
    }
    assert!(now(&world, shipment).await.1);
    desk.heal();
    for _ in 0..6 {
        polls(&world).await;
    }
    assert!(!now(&world, shipment).await.1);
    assert_eq!(said(&world, shipment).await.len(), 1);
}

/// Only a search for changes shows what happens to a ticket that is closed, and it has to go on where the first one looked, though
/// that one found nothing.
#[tokio::test]
async fn what_follows_a_first_poll_that_finds_nothing_is_found_however_late_the_next_one_comes() {
    let (world, desk) = world_of_one_clock().await;
    polls(&world).await;
    assert_eq!((desk.calls("GET tickets"), desk.tickets().len()), (1, 0));
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &DAMAGED).await;
    let (id, ..) = now(&world, shipment).await;
    exceptions::act(&world.context, &Caller::trusted(world.context.scope()), id, ExceptionAction::Resolve, None)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(statuses(&desk), ["resolved"]);
    desk.set_status(1, "open");
    world.clock.advance(jiff::Span::new().hours(5));
    polls(&world).await;
    assert_eq!(said(&world, shipment).await.last().unwrap(), "case.reopened: ticket #1 reopened at the service desk");
}

#[tokio::test]
async fn many_changes_are_all_heard_and_a_poll_goes_on_where_it_was_cut_off() {
    const MANY: usize = 230;
    let (world, desk) = world().await;
    let mut shipments = Vec::new();
    for n in 1..=MANY {
        let number = format!("N{n}");
        shipments.push(world.order(i64::try_from(n).unwrap(), &[&number]).await);
        world.deliver_to(&world.context, &number, &DAMAGED).await;
    }
    world.settle().await;
    polls(&world).await;
    for n in 1..=MANY {
        desk.set_status(u64::try_from(n).unwrap(), "resolved");
    }
    desk.touch_all();
    desk.fail(Some("GET tickets"), &Fault::Error("down"), 1);
    for _ in 0..3 {
        polls(&world).await;
    }
    for shipment in shipments {
        let (_, open, case) = now(&world, shipment).await;
        assert!(!open && case.closed_by.is_some(), "{case:?}");
        assert_eq!(said(&world, shipment).await.len(), 1);
    }
}

/// A ticket of before stays with a desk that was never connected under its name since.
#[tokio::test]
async fn a_job_for_a_connection_that_is_not_there_says_so() {
    let world = World::new().await;
    let (context, caller) = (&world.context, Caller::trusted(world.context.scope()));
    let job = context.job(JobKind::SYNC_CASE, ExceptionId(world.clock.id()), Cause::Live, context.correlation(), None);
    context.store.jobs.enqueue(caller.scope(), vec![job.to("helpdesk")]).await.unwrap();
    let admin = world.ports(Role::Admin).sync;
    let view = async || admin.view(SyncQuery { view: SyncTab::Pending, ..SyncQuery::default() }).await.unwrap();
    let shown = view().await;
    let lacking = |shown: &SyncView| {
        let of = shown.destinations.iter().filter(|one| one.no_connection.is_some());
        of.map(|one| (one.name.clone(), one.pending)).collect::<Vec<_>>()
    };
    assert_eq!(lacking(&shown), [("helpdesk".to_owned(), 1)], "{:?}", shown.destinations);
    let advice = shown.jobs[0].advice.as_deref().unwrap_or_default();
    assert!(advice.contains("a connection named helpdesk is made"), "{advice:?}");
    assert_eq!(destinations::without_connection(context, &caller).await.unwrap(), [("helpdesk".to_owned(), 1)]);
    let desk = NewConnection {
        name: "helpdesk".into(),
        connector: "request_tracker".into(),
        fields: BTreeMap::from([("url".into(), "http://127.0.0.1:9".into())]),
        secret: Some(TOKEN.into()),
        ..NewConnection::default()
    };
    connections::put(context, &caller, desk).await.unwrap();
    connections::refresh(context).await.unwrap();
    let shown = view().await;
    assert_eq!((lacking(&shown), &shown.jobs[0].advice), (Vec::new(), &None), "it waits until that is in use");
    assert_eq!(destinations::without_connection(context, &caller).await.unwrap(), []);
}

/// As one that a newer version wrote.
#[tokio::test]
async fn a_desk_whose_conditions_cannot_be_read_takes_nothing() {
    let (world, _desk) = world().await;
    let connections = world.context.connections.now();
    let record = &connections.get("desk").unwrap().record;
    for (takes, usable) in [("{}", true), ("{\"severities\":[\"SEVERE\"]}", false), ("{\"regions\":[]}", false)] {
        let record = ConnectionRecord { takes: takes.into(), ..record.clone() };
        let desk = Connection::new(&world.context.config, record, vec![TOKEN.into()], None);
        assert_eq!(desk.unusable().is_none(), usable, "{takes}: {:?}", desk.unusable());
        assert!(usable || desk.unusable().unwrap().contains("which exceptions it takes"), "{:?}", desk.unusable());
    }
}
