//! Replays: step by step, each thing once, until the end or a stop.

use super::{World, at, text};
use crate::{
    Store,
    inbox::{MessageSelection, MessageStatus},
    jobs::{Finish, JobKind, JobSelection, JobStatus, Lane},
    limits::{REPLAY_ROWS, RETRY_JOBS},
    replays::{NewReplay, Replay, ReplayState, Selection, Step},
    tally::Tally,
};
use domain::ids::{MessageId, ReplayId};

async fn start(world: &World, selection: Selection, minutes: i64) -> ReplayId {
    let id: ReplayId = world.id();
    let new = NewReplay { id, selection, planned: Tally { take: 3, skip: 1 }, at: at(minutes) };
    let job = world.job(JobKind::REPLAY, id, minutes);
    world.store.replays.start(world.scope, new, job, world.audit("replay.start", "replay", minutes)).await.unwrap();
    id
}

fn step(world: &World, id: ReplayId, minutes: i64) -> Step {
    Step { from: None, messages: vec![], to: None, at: at(minutes), next: world.job(JobKind::REPLAY, id, minutes) }
}

async fn kept(world: &World, id: ReplayId) -> Replay {
    world.store.replays.replay(world.scope, id).await.unwrap().unwrap()
}

pub async fn failed_jobs_are_taken_up_step_by_step(store: Store) {
    let world = World::new(store).await;
    let total = RETRY_JOBS + 5;
    for n in 0..total {
        let job = world.job(JobKind::SYNC_ORDER, n, 1);
        world.enqueue(&job).await;
        world.claim("a", &[JobKind::SYNC_ORDER], at(1)).await;
        let finish = Finish::Dead { error: text("no"), class: "forbidden".into() };
        world.store.jobs.finish("a", job.id, finish, at(1)).await.unwrap();
    }
    let id = start(&world, Selection::Jobs(JobSelection::default()), 2).await;
    assert_eq!(world.claim_in("b", Lane::RealTime, &[JobKind::REPLAY], at(2)).await.len(), 1, "its first job");
    let first = world.store.replays.step(world.scope, id, step(&world, id, 3)).await.unwrap();
    assert_eq!(first.done, Tally { take: RETRY_JOBS.into(), skip: 0 });
    assert_eq!((first.state, first.planned, first.ended_at), (ReplayState::Running, Tally { take: 3, skip: 1 }, None));
    let taken = world.claim_in("b", Lane::Batch, &[JobKind::SYNC_ORDER], at(3)).await;
    assert!(!taken.is_empty(), "live work does not wait for what is taken up in numbers");
    let last = world.store.replays.step(world.scope, id, step(&world, id, 4)).await.unwrap();
    assert_eq!(last.done, Tally { take: total.into(), skip: 0 });
    assert_eq!((last.state, last.ended_at), (ReplayState::Done, Some(at(4))));
    let after = world.store.replays.step(world.scope, id, step(&world, id, 5)).await.unwrap();
    assert_eq!(after, last, "what has ended takes no step");
    assert_eq!(kept(&world, id).await, last);
}

pub async fn messages_are_read_again_from_where_it_was_left(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let mut messages = Vec::new();
    for n in 0..3 {
        let id = world.accept(world.message(source, &n.to_string(), n)).await.message;
        let read = MessageStatus::Normalised { observations: 1, problems: 0 };
        world.store.inbox.conclude(world.scope, id, read).await.unwrap();
        messages.push(id);
    }
    let unknown: MessageId = world.id();
    let id = start(&world, Selection::Messages(MessageSelection::default()), 5).await;
    let with = |from: Option<&str>, to: Option<&str>, ids: &[MessageId]| Step {
        from: from.map(Into::into),
        to: to.map(Into::into),
        messages: ids.iter().map(|id| (*id, world.job(JobKind::NORMALISE, id, 5))).collect(),
        ..step(&world, id, 5)
    };
    let one = with(None, Some("1"), &messages[..2]);
    let replay = world.store.replays.step(world.scope, id, one.clone()).await.unwrap();
    assert_eq!((replay.done.take, replay.cursor.as_deref(), replay.state), (2, Some("1"), ReplayState::Running));
    let again = world.store.replays.step(world.scope, id, one).await.unwrap();
    assert_eq!(again, replay, "a step is made once");
    let last = with(Some("1"), None, &[messages[2], unknown]);
    let replay = world.store.replays.step(world.scope, id, last).await.unwrap();
    assert_eq!((replay.done, replay.state), (Tally { take: 3, skip: 1 }, ReplayState::Done));
    for id in messages {
        let message = world.store.inbox.message(world.scope, id).await.unwrap().unwrap();
        assert_eq!(message.status, MessageStatus::Received);
    }
}

pub async fn a_stopped_one_takes_nothing_more(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::SYNC_ORDER, "s1", 1);
    world.enqueue(&job).await;
    world.claim("a", &[JobKind::SYNC_ORDER], at(1)).await;
    let finish = Finish::Dead { error: text("no"), class: "forbidden".into() };
    world.store.jobs.finish("a", job.id, finish, at(1)).await.unwrap();
    let id = start(&world, Selection::Jobs(JobSelection::default()), 2).await;
    let stop = || world.store.replays.stop(world.scope, id, world.audit("replay.stop", "replay", 3));
    assert!(stop().await.unwrap());
    assert!(!stop().await.unwrap(), "it has ended");
    let replay = world.store.replays.step(world.scope, id, step(&world, id, 4)).await.unwrap();
    assert_eq!((replay.state, replay.done, replay.ended_at), (ReplayState::Stopped, Tally::default(), Some(at(3))));
    assert_eq!(world.store.jobs.job(world.scope, job.id).await.unwrap().unwrap().status, JobStatus::Dead);
}

pub async fn the_newest_are_listed_first_and_only_to_their_company(store: Store) {
    let world = World::new(store).await;
    let mut ids = Vec::new();
    for n in 0..i64::from(REPLAY_ROWS) + 2 {
        ids.push(start(&world, Selection::Jobs(JobSelection::default()), n).await);
    }
    let newest = world.store.replays.newest(world.scope).await.unwrap();
    assert_eq!(newest.iter().map(|r| r.id).collect::<Vec<_>>(), ids.iter().rev().take(10).copied().collect::<Vec<_>>());
    let stranger = crate::Scope { company: world.id(), ..world.scope };
    assert_eq!(world.store.replays.newest(stranger).await.unwrap(), []);
    assert_eq!(world.store.replays.replay(stranger, ids[0]).await.unwrap(), None);
}
