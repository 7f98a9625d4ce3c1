//! Messages as received.

use super::{World, at, text};
use crate::{
    Scope, Store, StoreError,
    inbox::{MessageSelection, MessageState, MessageStatus, Novelty},
    jobs::JobKind,
    limits::PAGE_ROWS,
};
use domain::ids::CompanyId;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

pub async fn a_message_is_kept_with_its_job(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let message = world.message(source, "a", 5);
    let accepted = world.accept(message.clone()).await;
    assert_eq!(
        (accepted.message, accepted.correlation, accepted.novelty),
        (message.id, message.correlation, Novelty::New)
    );
    let kept = world.store.inbox.message(world.scope, message.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.status, kept.received_at, kept.source_name.as_str(), kept.size, kept.repeats),
        (MessageStatus::Received, at(5), "shop", 11, 0)
    );
    let body = world.body(message.id).await.unwrap();
    assert_eq!((body.body, body.key), (message.body, message.key));
    let leased = world.claim("w", &[JobKind::NORMALISE], at(10)).await;
    assert_eq!(leased.iter().map(|l| l.job.target.clone()).collect::<Vec<_>>(), [message.id.to_string()]);
}

pub async fn a_repeated_delivery_is_counted_and_not_stored(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    for said in ["a", "b"] {
        let first = world.accept(world.message(source, said, 1)).await;
        let second = world.accept(world.message(source, said, 2)).await;
        assert_eq!(second.novelty, Novelty::Repeated);
        assert_eq!((second.message, second.correlation), (first.message, first.correlation));
        assert_eq!(world.store.inbox.message(world.scope, first.message).await.unwrap().unwrap().repeats, 1);
    }
    let all = world.store.inbox.messages(world.scope, MessageSelection::default(), None).await.unwrap().rows;
    let ids: Vec<_> = all.iter().map(|message| message.id).chain([world.message(source, "c", 3).id]).collect();
    let several = world.store.inbox.several(world.scope, ids.clone()).await.unwrap();
    let found: Vec<_> = several.iter().map(|message| message.id).collect();
    assert_eq!(found, all.iter().rev().map(|message| message.id).collect::<Vec<_>>(), "the oldest first, no other one");
    assert!(world.store.inbox.several(world.scope, Vec::new()).await.unwrap().is_empty());
    let stranger = Scope { company: CompanyId(Uuid::from_u128(8)), ..world.scope };
    assert!(world.store.inbox.several(stranger, ids).await.unwrap().is_empty());
    assert_eq!(world.store.inbox.messages(world.scope, MessageSelection::default(), None).await.unwrap().rows.len(), 2);
    assert_eq!(world.claim("w", &[JobKind::NORMALISE], at(10)).await.len(), 2);
}

pub async fn twelve_parallel_deliveries_are_one_message_and_one_job(store: Store) {
    let world = Arc::new(World::new(store).await);
    let source = world.source("shop").await;
    let mut offers = JoinSet::new();
    for _ in 0..12 {
        let world = Arc::clone(&world);
        offers.spawn(async move { world.accept(world.message(source, "a", 1)).await });
    }
    let accepted = offers.join_all().await;
    assert_eq!(accepted.iter().filter(|a| a.novelty == Novelty::New).count(), 1);
    assert!(accepted.iter().all(|a| a.message == accepted[0].message));
    assert_eq!(world.claim("w", &[JobKind::NORMALISE], at(10)).await.len(), 1);
    assert_eq!(world.store.inbox.message(world.scope, accepted[0].message).await.unwrap().unwrap().repeats, 11);
}

pub async fn a_message_is_read_with_its_own_key_until_that_is_destroyed(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let message = world.message(source, "a", 1);
    world.accept(message.clone()).await;
    let key = async || world.store.people.key(world.scope, message.key.subject).await.unwrap();
    let kept = world.body(message.id).await.unwrap();
    assert_eq!((kept.body, kept.key), (message.body.clone(), message.key.clone()));
    assert_eq!(key().await, Some(message.key.clone()), "its statements' words are under it too");
    let destroy = async || {
        let audit = world.audit("erase", "message", 2);
        world.store.people.destroy_key(world.scope, message.body.subject, audit).await
    };
    destroy().await.unwrap();
    assert!(world.body(message.id).await.is_none());
    assert_eq!(key().await, None);
    assert!(destroy().await.is_err());
    assert!(world.store.inbox.message(world.scope, message.id).await.unwrap().is_some(), "that it came is still known");
}

pub async fn messages_are_paged_newest_first(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let total = PAGE_ROWS + 7;
    let mut quarantined = Vec::new();
    for n in 0..total {
        let message = world.message(source, &n.to_string(), i64::from(n / 3));
        let id = world.accept(message).await.message;
        if n % 10 == 0 {
            world
                .store
                .inbox
                .conclude(world.scope, id, MessageStatus::Quarantined { reason: Some(text("no JSON")) })
                .await
                .unwrap();
            quarantined.push(id);
        }
    }
    let first = world.store.inbox.messages(world.scope, MessageSelection::default(), None).await.unwrap();
    let second =
        world.store.inbox.messages(world.scope, MessageSelection::default(), first.next.clone()).await.unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.next), (PAGE_ROWS as usize, 7, None));
    let all: Vec<_> = first.rows.iter().chain(&second.rows).map(|m| (m.received_at, m.id)).collect();
    assert!(all.windows(2).all(|w| w[0] > w[1]), "newest first, each once");
    let list = async |which| world.store.inbox.messages(world.scope, which, None).await.unwrap().rows;
    let bad = MessageSelection { state: Some(MessageState::Quarantined), ..MessageSelection::default() };
    assert_eq!(list(bad.clone()).await.iter().rev().map(|m| m.id).collect::<Vec<_>>(), quarantined);
    let some = MessageSelection { since: Some(at(1)), until: Some(at(3)), source: Some(source), ..Default::default() };
    assert_eq!(list(some.clone()).await.len(), 6);
    let elsewhere = MessageSelection { source: Some(world.source("other").await), ..Default::default() };
    assert_eq!(list(elsewhere).await.len(), 0);
    let named = MessageSelection { messages: vec![quarantined[1]], ..Default::default() };
    assert_eq!(list(named.clone()).await.iter().map(|m| m.id).collect::<Vec<_>>(), [quarantined[1]]);
    let count = async |which| world.store.inbox.count(world.scope, which).await.unwrap().take;
    assert_eq!((count(bad).await, count(some).await, count(named).await), (6, 6, 1));
}

pub async fn replay_reads_again(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let id = world.accept(world.message(source, "a", 1)).await.message;
    world.drain(crate::jobs::Lane::RealTime, JobKind::NORMALISE).await;
    world
        .store
        .inbox
        .conclude(world.scope, id, MessageStatus::Quarantined { reason: Some(text("no JSON")) })
        .await
        .unwrap();
    let unknown = world.id();
    let jobs = vec![(id, world.job(JobKind::NORMALISE, id, 2)), (unknown, world.job(JobKind::NORMALISE, unknown, 2))];
    assert_eq!(
        world.store.inbox.replay(world.scope, jobs, world.audit("message.replay", "message", 2)).await.unwrap(),
        1
    );
    assert_eq!(world.store.inbox.message(world.scope, id).await.unwrap().unwrap().status, MessageStatus::Received);
    let missing = world.store.inbox.conclude(world.scope, unknown, MessageStatus::Received).await;
    assert!(matches!(missing, Err(StoreError::NotFound(_))));
}
