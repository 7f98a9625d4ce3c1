//! What an erasure reads and rewrites.

use super::{Said, World, at, text};
use crate::{
    Sealed, Store, WrappedKey,
    erasure::{ERASED, LooseId, Own, Rewritten},
    facts::Recording,
    inbox::{MessageSelection, MessageStatus},
    jobs::{AttemptRecord, Finish, JobKind, NewJob, Outcome},
    limits::ERASED_TEXTS,
    tally::Tally,
};
use domain::ids::{AttemptId, JobId, MessageId, ObservationId, ShipmentId, SubjectId};

/// The same with words to each statement, under the message's key.
fn with_words(mut recording: Recording) -> Recording {
    let subject = SubjectId(recording.message.0);
    for said in recording.reports.iter_mut().flat_map(|report| &mut report.observations) {
        said.text = Some(Sealed { subject, bytes: b"words".to_vec() });
    }
    recording
}

/// A message about these numbers; its id.
async fn said(world: &World, numbers: &[&'static str]) -> MessageId {
    let source = world.store.connections.all(world.scope).await.unwrap()[0].id;
    let said: Vec<Said> = numbers.iter().map(|number| Said::of(number, &["out"], 1)).collect();
    let recording = with_words(world.recording(source, &said).await);
    let message = recording.message;
    world.store.facts.record(world.scope, recording).await.unwrap();
    message
}

async fn words(world: &World, shipment: ShipmentId) -> Vec<ObservationId> {
    let texts = world.store.erasure.texts_about(world.scope, shipment.into(), None).await.unwrap();
    texts.into_iter().map(|(id, _)| id).collect()
}

pub async fn a_message_speaks_of_one_shipment_or_of_others_too(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    // heard of before the order came: what was merged into its shipment is part of it
    let early = said(&world, &["A1"]).await;
    let shipment = world.import(world.order(1, &["A1"]), 2).await;
    world.import(world.order(2, &["B1"]), 2).await;
    let alone = said(&world, &["A1"]).await;
    let both = said(&world, &["A1", "B1", "C1"]).await;
    let other = said(&world, &["B1"]).await;
    let about = world.store.erasure.about(world.scope, shipment.into(), at(0), None).await.unwrap();
    let others: Vec<_> = about.iter().map(|about| (about.message, about.others.len())).collect();
    assert_eq!(others, [(early, 0), (alone, 0), (both, 2)], "and not {other}");
    let rest = world.store.erasure.about(world.scope, shipment.into(), at(0), Some(alone)).await.unwrap();
    assert_eq!(rest.iter().map(|about| about.message).collect::<Vec<_>>(), [both]);
    let later = world.store.erasure.about(world.scope, shipment.into(), at(5), None).await.unwrap();
    assert_eq!(later, [], "all of them came before");
    world.store.erasure.erase_message(world.scope, alone).await.unwrap();
    let left = world.store.erasure.about(world.scope, shipment.into(), at(0), Some(early)).await.unwrap();
    assert_eq!(left.iter().map(|about| about.message).collect::<Vec<_>>(), [both], "what is erased is done");
    let unread = world.accept(world.message(source, "unread", 3)).await.message;
    assert_eq!(world.store.erasure.unread(world.scope, None).await.unwrap(), [], "it may speak of somebody yet");
    let ignored = MessageStatus::Ignored { reason: None };
    world.store.inbox.conclude(world.scope, unread, ignored).await.unwrap();
    assert_eq!(world.store.erasure.unread(world.scope, None).await.unwrap(), [unread]);
}

pub async fn an_erased_message_has_nothing_left_to_open(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let (gone, kept) = (said(&world, &["A1"]).await, said(&world, &["B1"]).await);
    for _ in 0..2 {
        assert!(world.store.erasure.erase_message(world.scope, gone).await.unwrap());
    }
    let record = world.store.inbox.message(world.scope, gone).await.unwrap().unwrap();
    assert!(record.erased && world.body(gone).await.is_none());
    assert_eq!(world.store.people.key(world.scope, SubjectId(gone.0)).await.unwrap(), None);
    assert!(!world.store.inbox.message(world.scope, kept).await.unwrap().unwrap().erased);
    assert!(world.body(kept).await.is_some());
}

pub async fn a_rewritten_message_opens_under_its_new_key_alone(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let shipment = world.import(world.order(1, &["A1"]), 0).await;
    let message = said(&world, &["A1", "B1"]).await;
    let about = world.store.erasure.about(world.scope, shipment.into(), at(0), None).await.unwrap();
    let texts = world.store.erasure.texts_under(world.scope, message, about[0].others.clone()).await.unwrap();
    let [(other, _)] = texts[..] else { panic!("one statement of another: {texts:?}") };
    let before = world.body(message).await.unwrap();
    let subject = SubjectId(message.0);
    let sealed = |bytes: &[u8]| Sealed { subject, bytes: bytes.to_vec() };
    let rewritten = Rewritten {
        body: Some(sealed(b"another body")),
        key: WrappedKey { subject, bytes: vec![4, 5, 6] },
        texts: vec![(other, sealed(b"other words"))],
    };
    let rewrite = async || {
        let erasure = &world.store.erasure;
        erasure.rewrite_message(world.scope, message, before.key.clone(), rewritten.clone()).await.unwrap()
    };
    assert!(rewrite().await);
    let after = world.body(message).await.unwrap();
    assert_eq!((Some(after.body), after.key), (rewritten.body.clone(), rewritten.key.clone()));
    let texts = world.store.erasure.texts_under(world.scope, message, about[0].others.clone()).await.unwrap();
    assert_eq!(texts, rewritten.texts);
    assert!(!rewrite().await, "it was read with a key that it has no more");
    let without = Rewritten { body: None, key: before.key.clone(), texts: Vec::new() };
    let key = rewritten.key.clone();
    assert_eq!(reprocess(&world, message).await, 0, "it may say something else by now");
    let which = MessageSelection { messages: vec![message], ..MessageSelection::default() };
    assert_eq!(world.store.inbox.count(world.scope, which).await.unwrap(), Tally { take: 0, skip: 1 });
    assert!(world.store.inbox.message(world.scope, message).await.unwrap().unwrap().rewritten);
    assert!(world.store.erasure.rewrite_message(world.scope, message, key, without).await.unwrap());
    assert!(world.body(message).await.is_none());
}

/// How many are.
async fn reprocess(world: &World, message: MessageId) -> u32 {
    let job = world.job(JobKind::NORMALISE, message, 2);
    let audit = world.audit("message.replay", "message", 2);
    world.store.inbox.replay(world.scope, vec![(message, job)], audit).await.unwrap()
}

pub async fn a_message_that_is_still_to_be_read_is_left(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let shipment = world.import(world.order(1, &["A1"]), 0).await;
    let message = said(&world, &["A1"]).await;
    let is_unfinished = async || {
        let about = world.store.erasure.about(world.scope, shipment.into(), at(0), None).await.unwrap();
        (about[0].unfinished, about[0].recorded_at)
    };
    assert_eq!(is_unfinished().await, (false, at(1)));
    assert_eq!(reprocess(&world, message).await, 1);
    assert_eq!(is_unfinished().await, (true, at(1)));
    let body = world.body(message).await.unwrap();
    assert!(!world.store.erasure.erase_message(world.scope, message).await.unwrap());
    let without = Rewritten { body: None, key: body.key.clone(), texts: Vec::new() };
    assert!(!world.store.erasure.rewrite_message(world.scope, message, body.key, without).await.unwrap());
    assert!(world.body(message).await.is_some());
}

pub async fn of_a_number_that_others_have_too_a_shipment_has_its_own(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let say = async |codes: &'static [&'static str], minutes| {
        let recording = with_words(world.recording(source, &[Said::of("NUM1", codes, minutes)]).await);
        world.store.facts.record(world.scope, recording).await.unwrap();
    };
    let first = world.import(world.order(1, &["NUM1"]), 0).await;
    say(&["picked up"], 1).await;
    assert_eq!(world.store.erasure.shared(world.scope, first).await.unwrap(), []);
    world.import(world.order(1, &["RIGHT"]), 10).await;
    say(&["on its way"], 11).await;
    assert_eq!(words(&world, first).await.len(), 1, "what is said now is nobody's yet");
    let second = world.import(world.order(2, &["NUM1"]), 12).await;
    say(&["out"], 13).await;
    for shipment in [first, second] {
        assert_eq!(world.store.erasure.shared(world.scope, shipment).await.unwrap().len(), 1);
    }
    let [own] = words(&world, first).await[..] else { panic!("until it had another number") };
    assert_eq!(world.store.erasure.about(world.scope, first.into(), at(0), None).await.unwrap().len(), 1);
    assert_eq!(words(&world, second).await.len(), 3);
    let except = Own { shipment: second, except: vec![own] };
    let texts = world.store.erasure.texts_about(world.scope, except.clone(), None).await.unwrap();
    assert_eq!(texts.len(), 2);
    assert_eq!(world.store.erasure.about(world.scope, except.clone(), at(0), None).await.unwrap().len(), 2);
    while world.store.erasure.empty(world.scope, except.clone()).await.unwrap() {}
    assert_eq!(words(&world, second).await, [own]);
    while world.store.erasure.empty(world.scope, first.into()).await.unwrap() {}
    assert_eq!(words(&world, second).await, []);
}

pub async fn erased_shipments_are_walked(store: Store) {
    let world = World::new(store).await;
    let people = &world.store.people;
    let mut ids: Vec<ShipmentId> = Vec::new();
    for _ in 0..=ERASED_TEXTS {
        let id = world.id();
        people.put_setting(world.scope, &format!("{ERASED}{id}"), "until".into()).await.unwrap();
        ids.push(id);
    }
    for other in ["erase", "erasures.seen", "erased", "eraser"] {
        people.put_setting(world.scope, other, "something else".into()).await.unwrap();
    }
    ids.sort_unstable();
    let first = world.store.erasure.erased(world.scope, None).await.unwrap();
    let rest = world.store.erasure.erased(world.scope, first.last().copied()).await.unwrap();
    assert_eq!((first.len(), rest.len()), (ERASED_TEXTS as usize, 1));
    assert_eq!([first, rest].concat(), ids);
}

pub async fn words_errors_and_calls_are_emptied(store: Store) {
    let world = World::new(store).await;
    world.source("shop").await;
    let shipment = world.import(world.order(1, &["A1"]), 0).await;
    let other = world.import(world.order(2, &["B1"]), 0).await;
    said(&world, &["A1", "B1"]).await;
    let mut jobs = Vec::new();
    for of in [shipment, other] {
        let job = NewJob { shipment: Some(of), ..world.job(JobKind::SYNC_CASE, of, 1) };
        world.enqueue(&job).await;
        world.claim("w", &[JobKind::SYNC_CASE], at(1)).await;
        let dead = Finish::Dead { error: text("Jane"), class: "gone".into() };
        world.store.jobs.finish("w", job.id, dead, at(1)).await.unwrap();
        world.store.jobs.attempt(world.scope, attempt(&world, job.id, Some(of))).await.unwrap();
        jobs.push(job.id);
    }
    while world.store.erasure.empty(world.scope, shipment.into()).await.unwrap() {}
    assert_eq!((words(&world, shipment).await.len(), words(&world, other).await.len()), (0, 1));
    for (job, is_kept) in [(jobs[0], false), (jobs[1], true)] {
        let row = world.store.jobs.job(world.scope, job).await.unwrap().unwrap();
        let call = world.store.jobs.attempts(world.scope, job).await.unwrap().remove(0);
        assert_eq!(row.class.as_deref(), Some("gone"), "how it failed stays");
        assert_eq!([row.error.is_some(), call.request.is_some(), call.response.is_some()], [is_kept; 3]);
    }
}

pub async fn texts_that_may_name_anybody_are_walked_and_emptied(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::IMPORT_ORDERS, "odoo", 1);
    world.enqueue(&job).await;
    world.claim("w", &[JobKind::IMPORT_ORDERS], at(1)).await;
    let failed = Finish::Dead { error: text("Jane"), class: "gone".into() };
    world.store.jobs.finish("w", job.id, failed, at(1)).await.unwrap();
    let call = attempt(&world, job.id, None);
    world.store.jobs.attempt(world.scope, call.clone()).await.unwrap();
    let of_another = attempt(&world, job.id, Some(world.id()));
    world.store.jobs.attempt(world.scope, of_another.clone()).await.unwrap();
    let went_well = AttemptRecord { outcome: Outcome::Ok, ..attempt(&world, job.id, Some(world.id())) };
    world.store.jobs.attempt(world.scope, went_well).await.unwrap();
    let walk = async || {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = world.store.erasure.loose(world.scope, cursor).await.unwrap();
            found.extend(page.rows);
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    };
    let found = walk().await;
    let calls = [LooseId::Attempt(call.id), LooseId::Attempt(of_another.id)];
    assert_eq!(found.iter().map(|l| l.of).collect::<Vec<_>>(), [calls[0], calls[1], LooseId::Job(job.id)]);
    assert_eq!(found[0].texts, [text("asked"), text("answered")]);
    world.store.erasure.empty_loose(world.scope, vec![LooseId::Job(job.id)]).await.unwrap();
    assert_eq!(walk().await.len(), 2);
    world.store.erasure.empty_loose(world.scope, calls.to_vec()).await.unwrap();
    assert_eq!(walk().await, []);
    world.store.erasure.settle().await.unwrap();
}

fn attempt(world: &World, job: JobId, shipment: Option<ShipmentId>) -> AttemptRecord {
    AttemptRecord {
        id: world.id::<AttemptId>(),
        job,
        correlation: world.id(),
        shipment,
        destination: "odoo".into(),
        operation: "write".into(),
        started_at: at(1),
        duration_ms: 1,
        status: Some(400),
        outcome: Outcome::Failed,
        request: Some(text("asked")),
        response: Some(text("answered")),
    }
}
