//! Trackers, what was said about them, and whom they concern.

use super::{Said, World, at};
use crate::{
    Sealed, Store,
    facts::{Progress, Recording, SealedText, TrackerKey},
    inbox::MessageStatus,
    jobs::{JobKind, Lane},
    orders::Claim,
    shipments::{Loaded, ShipmentTab},
};
use domain::{
    fold::Trust,
    ids::{ObservationId, ShipmentId, SnapshotId, SourceId, SubjectId, content_id},
    numbers::{self, Check, Hints, Number},
    observation::ProviderCode,
};
use std::collections::BTreeMap;

async fn loaded(world: &World, id: ShipmentId) -> Loaded {
    world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap()
}

pub async fn recording_twice_changes_nothing(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let message = world.accept(world.message(source, "a", 3)).await.message;
    let said = [Said { snapshot: Some(2), ..Said::of("NUM1", &["A", "BB", "A"], 3) }, Said::of("NUM2", &["?X"], 3)];
    let record =
        async || world.store.facts.record(world.scope, world.recording_of(message, source, &said)).await.unwrap();
    let first = record().await;
    assert_eq!((first.shipments.len(), first.new_observations), (2, 3));
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 2);
    let before = loaded(&world, first.shipments[0]).await.input;
    let newest = world.store.shipments.newest_change(world.scope).await.unwrap();
    let again = record().await;
    assert_eq!((again.shipments.len(), again.new_observations), (0, 0));
    assert_eq!(loaded(&world, first.shipments[0]).await.input, before);
    assert_eq!(world.store.shipments.newest_change(world.scope).await.unwrap(), newest);
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 0);
    let kept = world.store.inbox.message(world.scope, message).await.unwrap().unwrap();
    assert_eq!(kept.status, MessageStatus::Normalised { observations: 4, problems: 0 });
}

pub async fn an_interchange_is_recorded_in_parts_that_a_stop_does_not_lose(store: Store) {
    let world = World::new(store).await;
    let source = world.source("edi").await;
    let message = world.accept(world.message(source, "a", 3)).await.message;
    let all = [Said::of("NUM1", &["A"], 3), Said::of("NUM2", &["A"], 3), Said::of("NUM3", &["A"], 3)];
    let part = |said: &[Said], done| Recording {
        lane: Lane::Batch,
        progress: Progress::Part(done),
        ..world.recording_of(message, source, said)
    };
    let kept = async || world.store.inbox.message(world.scope, message).await.unwrap().unwrap();
    world.store.facts.record(world.scope, part(&all[..1], 1)).await.unwrap();
    assert_eq!((kept().await.status, kept().await.cursor), (MessageStatus::Received, 1));
    world.store.facts.record(world.scope, part(&all[1..2], 2)).await.unwrap();
    assert_eq!(kept().await.cursor, 2);
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 0, "nobody who waits is held up");
    assert_eq!(world.drain(Lane::Batch, JobKind::FOLD).await.len(), 2);
    world.store.facts.record(world.scope, world.recording_of(message, source, &all[2..])).await.unwrap();
    assert_eq!(kept().await.status, MessageStatus::Normalised { observations: 1, problems: 0 });
    let job = world.job(JobKind::NORMALISE, message, 9);
    world.store.inbox.replay(world.scope, vec![(message, job)], world.audit("message.replay", "x", 9)).await.unwrap();
    assert_eq!((kept().await.status, kept().await.cursor), (MessageStatus::Received, 0), "from the beginning");
    assert!(kept().await.read_before, "and it is no news");
}

pub async fn sealed_texts_come_with_the_keys_of_their_messages(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let mut recording = world.recording(source, &[Said::of("NUM1", &["A", "B"], 3)]).await;
    let subject = SubjectId(recording.message.0);
    let sealed = Sealed { subject, bytes: b"sealed".to_vec() };
    let observations = &mut recording.reports[0].observations;
    observations[0].text = Some(sealed.clone());
    let ids: Vec<_> = observations.iter().map(|observation| observation.id).collect();
    world.store.facts.record(world.scope, recording).await.unwrap();
    let key = world.store.people.key(world.scope, subject).await.unwrap().unwrap();
    let texts = async |ids: &[ObservationId]| world.store.facts.texts(world.scope, ids.to_vec()).await.unwrap();
    assert_eq!(texts(&ids).await, [SealedText { observation: ids[0], text: sealed, key }], "of those that have one");
    assert_eq!(texts(&[]).await, []);
    let audit = world.audit("erase", "message", 4);
    world.store.people.destroy_key(world.scope, subject, audit).await.unwrap();
    assert_eq!(texts(&ids).await, [], "nothing opens them any more");
}

pub async fn a_statement_stays_on_its_tracker_with_what_is_told_beside_it(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let first = world.say(source, Said::of("NUM1", &["CCC"], 3)).await.shipments[0];
    let nobodys = |codes, minutes| Said::of("NUM1", codes, minutes).by(None);
    assert_eq!(world.say(source, nobodys(&["A"], 4)).await.shipments, [first], "there is no other of that number");
    world.say(source, Said::of("NUM1", &["CCC"], 5).by(Some("ups"))).await;
    // a list that begins with something new: whose that is nobody could say, were it not for what follows
    let again = world.say(source, nobodys(&["BB", "A"], 6)).await;
    assert_eq!((again.shipments, again.new_observations), (vec![first], 1));
    let facts = loaded(&world, first).await.input.facts;
    let statement: BTreeMap<_, _> =
        facts.iter().map(|f| (f.observation.codes.raw.as_str(), f.sightings.len())).collect();
    assert_eq!(statement, BTreeMap::from([("A", 2), ("BB", 1), ("CCC", 1)]));
}

pub async fn a_retraction_finds_its_event_wherever_it_hangs(store: Store) {
    let world = World::new(store).await;
    let (source, other) = (world.source("dcsa").await, world.source("other").await);
    let statement = async |source, event: &str, number, minutes| {
        let mut recording = world.recording(source, &[Said::of(number, &["A"], minutes)]).await;
        recording.reports[0].observations[0].body.provider_event_id = Some(event.into());
        world.store.facts.record(world.scope, recording).await.unwrap()
    };
    let take_back = async |source, event: &str, number, minutes| {
        let mut recording = world.recording(source, &[Said::of(number, &["BACK"], minutes)]).await;
        recording.reports[0].observations[0].body.retracts = Some(event.into());
        world.store.facts.record(world.scope, recording).await.unwrap()
    };
    let retractions = async |shipment| {
        let input = loaded(&world, shipment).await.input;
        input.facts.iter().filter(|f| f.observation.retracts.is_some()).count()
    };
    let first = statement(source, "e1", "BOX1", 3).await.shipments[0];
    assert_eq!(take_back(source, "e1", "ELSEWHERE", 4).await.shipments, [first], "it is folded again");
    assert_eq!(retractions(first).await, 1);
    let early = take_back(source, "e2", "NOWHERE", 5).await;
    assert!(early.shipments.is_empty(), "nothing is there yet, and nobody's shipment is made of it");
    let second = statement(source, "e2", "BOX2", 6).await.shipments[0];
    assert_eq!(retractions(second).await, 1, "it has waited");
    let third = statement(other, "e1", "BOX3", 7).await.shipments[0];
    assert_eq!(retractions(third).await, 0, "another source's event of the same id");
    let then = world.store.shipments.load(world.scope, first, Some(at(3))).await.unwrap().unwrap();
    assert!(then.input.facts.iter().all(|f| f.observation.retracts.is_none()), "it was not known then");
}

pub async fn ids_and_codes_of_any_length_are_kept_and_found(store: Store) {
    let world = World::new(store).await;
    let source = world.source("dcsa").await;
    // of no pattern that a database could make smaller
    let long = |seed: &str| -> String {
        (0_u32..300).map(|n| content_id(seed, &[&n.to_be_bytes()]).simple().to_string()).collect()
    };
    let mut statement = world.recording(source, &[Said::of("BOX1", &["A"], 3)]).await;
    let said = &mut statement.reports[0].observations[0];
    said.body.provider_event_id = Some(long("event"));
    said.body.codes.status = vec![ProviderCode::new(&long("list"), long("value"))];
    said.reading.unmapped = true;
    let first = world.store.facts.record(world.scope, statement).await.unwrap().shipments[0];
    assert_eq!(world.store.mappings.unmapped_count(world.scope).await.unwrap(), 1);
    let mut back = world.recording(source, &[Said::of("ELSEWHERE", &["BACK"], 4)]).await;
    back.reports[0].observations[0].body.retracts = Some(long("event"));
    assert_eq!(world.store.facts.record(world.scope, back).await.unwrap().shipments, [first]);
    assert_eq!(loaded(&world, first).await.input.facts.len(), 2);
}

pub async fn a_statement_said_twice_is_one_observation_with_two_sightings(store: Store) {
    let world = World::new(store).await;
    let (shop, other) = (world.source("shop").await, world.source("other").await);
    let shipment = world.say(shop, Said { snapshot: Some(1), ..Said::of("NUM1", &["A"], 3) }).await.shipments[0];
    let mut recording =
        world.recording(other, &[Said { snapshot: Some(2), ..Said::of("NUM1", &["A", "BB"], 2) }]).await;
    recording.trust = Trust::Carrier;
    assert_eq!(world.store.facts.record(world.scope, recording).await.unwrap().new_observations, 1);
    let input = loaded(&world, shipment).await.input;
    assert_eq!(input.facts.len(), 2);
    let fact = input.facts.iter().find(|f| f.observation.codes.raw == "A").unwrap();
    assert_eq!(fact.sightings.len(), 2);
    assert_eq!((fact.source, fact.trust), (other, Trust::Carrier), "who said it first, by the time it was taken in");
    let named =
        |source: SourceId, stamp: u8| SnapshotId(content_id("snapshot", &[source.0.as_bytes(), b"NUM1", &[stamp]]));
    assert_eq!(input.snapshots.iter().map(|s| s.stamp).max(), Some(Some(at(2))));
    assert!(
        input.snapshots.iter().any(|s| s.id == named(shop, 1))
            && input.snapshots.iter().any(|s| s.id == named(other, 2))
    );
}

pub async fn an_unbound_tracker_makes_an_unclaimed_shipment(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let first = world.say(source, Said::of("NUM1", &["A"], 1)).await;
    let second = world.say(source, Said::of("NUM1", &["BB"], 2)).await;
    assert_eq!(first.shipments, second.shipments, "one for the tracker");
    let record = world.store.shipments.shipment(world.scope, first.shipments[0]).await.unwrap().unwrap();
    assert_eq!((record.origin, record.revision), (None, 0));
    assert_eq!(
        record
            .numbers
            .iter()
            .map(|n| (n.number.as_str(), n.carrier.as_deref(), n.carrier_label.as_deref()))
            .collect::<Vec<_>>(),
        [("num1", Some("dhl"), Some("DHL"))]
    );
    assert_eq!(world.store.shipments.counts(world.scope, at(3)).await.unwrap().unclaimed, 1);
    let query = crate::shipments::ShipmentQuery { tab: ShipmentTab::Unclaimed, ..Default::default() };
    assert_eq!(world.store.shipments.list(world.scope, query, at(3)).await.unwrap().rows[0].id, first.shipments[0]);
}

pub async fn a_missing_carrier_is_filled_in(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let nobody = world.say(source, Said::of("NUM1", &["A"], 1).by(None)).await.shipments[0];
    let named = world.say(source, Said::of("NUM1", &["BB"], 2)).await.shipments[0];
    let nobody_again = world.say(source, Said::of("NUM1", &["CCC"], 3).by(None)).await.shipments[0];
    assert_eq!((nobody, nobody), (named, nobody_again));
    let record = world.store.shipments.shipment(world.scope, named).await.unwrap().unwrap();
    assert_eq!(record.numbers[0].carrier.as_deref(), Some("dhl"));
    assert_eq!(loaded(&world, named).await.input.facts.len(), 3);
}

pub async fn two_carriers_with_one_number_are_two_trackers(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let dhl = world.say(source, Said::of("NUM1", &["A"], 1)).await.shipments[0];
    let ups = world.say(source, Said::of("NUM1", &["A"], 2).by(Some("ups"))).await.shipments[0];
    assert_ne!(dhl, ups);
    let either = world.say(source, Said::of("NUM1", &["A"], 3).by(None)).await.shipments[0];
    assert!(either != dhl && either != ups, "not guessed");
}

pub async fn a_failing_recording_leaves_nothing(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    // a message that was never kept
    let recording = world.recording_of(world.id(), source, &[Said::of("NUM1", &["A"], 1)]);
    assert!(world.store.facts.record(world.scope, recording).await.is_err());
    assert_eq!(world.store.shipments.counts(world.scope, at(1)).await.unwrap().all, 0);
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 0);
    assert_eq!(world.say(source, Said::of("NUM1", &["A"], 1)).await.new_observations, 1);
}

pub async fn fold_jobs_coalesce(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    for (code, minutes) in [("A", 1), ("BB", 1), ("CCC", 2)] {
        world.say(source, Said::of("NUM1", &[code], minutes)).await;
    }
    let leased = world.claim("a", &[JobKind::FOLD], at(5)).await;
    assert_eq!(leased.len(), 1);
    assert_eq!(leased[0].job.run_at, at(1));
    world.say(source, Said::of("NUM1", &["DDDD"], 1)).await;
    world.store.jobs.finish("a", leased[0].job.id, crate::jobs::Finish::Done, at(5)).await.unwrap();
    let next = world.claim("a", &[JobKind::FOLD], at(5)).await;
    assert_eq!(next.len(), 1, "what came during the fold is folded after it");
    assert_eq!(next[0].job.target, leased[0].job.target);
}

pub async fn an_observation_comes_with_where_it_was_seen(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let shipment = world.say(source, Said::of("NUM1", &["A"], 1)).await.shipments[0];
    world.say(source, Said::of("NUM1", &["BB", "A"], 2)).await;
    let id = loaded(&world, shipment).await.input.facts.iter().find(|f| f.observation.codes.raw == "A").unwrap().id;
    let record = world.store.facts.observation(world.scope, shipment, id).await.unwrap().unwrap();
    assert_eq!((record.number.as_str(), record.body.codes.raw.as_str()), ("NUM1", "A"));
    assert_eq!(
        record.seen.iter().map(|(_, position, when)| (*position, *when)).collect::<Vec<_>>(),
        [(1, at(2)), (0, at(1))]
    );
    let stranger = world.say(source, Said::of("NUM2", &["A"], 1)).await.shipments[0];
    assert!(world.store.facts.observation(world.scope, stranger, id).await.unwrap().is_none());
}

/// A number as it is written, and the carrier that is named with it.
type Written<'a> = (&'a str, Option<&'a str>);

fn key((text, carrier): Written<'_>) -> TrackerKey {
    TrackerKey { carrier: carrier.map(str::to_owned), number: numbers::normalise_of(text, carrier).unwrap() }
}

/// What a message says of it; its shipment.
async fn statement(world: &World, source: SourceId, written: Written<'_>, minutes: i64) -> ShipmentId {
    let mut recording = world.recording(source, &[Said::of("NUM", &["AF"], minutes)]).await;
    let report = &mut recording.reports[0];
    (report.tracker, report.number_raw) = (key(written), written.0.to_owned());
    report.observations[0].id = world.id();
    world.store.facts.record(world.scope, recording).await.unwrap().shipments[0]
}

/// A delivery under it; its shipment.
async fn ordered(world: &World, record: i64, written: Written<'_>, minutes: i64) -> ShipmentId {
    let claim = Claim { tracker: key(written), number_raw: written.0.to_owned(), ..world.claimed(None, "NUM") };
    let mut order = world.order(record, &[]);
    order.claims = vec![claim];
    order.digest = format!("{record}");
    world.import(order, minutes).await
}

/// A number with the check digit that makes it one.
fn with_check(body: &str, carrier: &str) -> String {
    let right = |number: &String| {
        let hints = Hints { carrier: Some(carrier), country: None };
        Number::read_with(number, hints).formats().iter().any(|c| c.check == Check::Good && c.family == Some(carrier))
    };
    (0..10).map(|digit| format!("{body}{digit}")).find(right).unwrap()
}

/// A number, and the carrier that is named with it.
type Reported = (String, Option<&'static str>);

/// Forms of one number, or of two, and whether they are one shipment. Other numbers for each `n`.
fn pairs(n: u32) -> Vec<(Reported, Reported, bool)> {
    let usps = with_check(&format!("94001000000005449{n:04}"), "usps");
    let handed_over = with_check(&format!("926129999999873{n:06}"), "usps");
    let (gls, other_gls) = (format!("9134115{n:04}"), format!("9134116{n:04}"));
    let pallets = (0..10).map(|digit| format!("3401234564677{n:04}{digit}"));
    let sscc = pallets.into_iter().find(|sscc| Number::read(&format!("00{sscc}")).is_valid()).unwrap();
    let dhl = format!("N{n}");
    let (gls_check, other_check) = (with_check(&gls, "gls"), with_check(&other_gls, "gls"));
    vec![
        ((format!("42020260{usps}"), None), (usps, Some("usps")), true),
        ((gls_check, None), (gls, Some("gls")), true),
        ((other_check, Some("gls")), (other_gls, None), true),
        ((handed_over.clone(), Some("ups")), (handed_over.clone(), Some("usps")), true),
        // twenty digits that may be GLS' own, and a pallet's number
        ((format!("00{sscc}"), Some("gls")), (format!("(00){sscc}"), None), false),
        ((dhl.clone(), Some("dhl")), (dhl.clone(), Some("ups")), false),
    ]
}

pub async fn forms_of_one_number_are_one_shipment_whichever_comes_first(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let mut record = 0;
    for (n, order_first) in [(1, true), (2, false)] {
        for (one, other, is_one) in pairs(n) {
            record += 1;
            let (one, other) = ((one.0.as_str(), one.1), (other.0.as_str(), other.1));
            let (said, order);
            if order_first {
                order = ordered(&world, record, one, 1).await;
                said = statement(&world, source, other, 2).await;
            } else {
                said = statement(&world, source, one, 1).await;
                order = ordered(&world, record, other, 2).await;
            }
            let said = world.store.shipments.shipment(world.scope, said).await.unwrap().unwrap();
            let of = said.merged_into.unwrap_or(said.id);
            assert_eq!(of == order, is_one, "{one:?} {other:?}, the order first: {order_first}");
            // what either reports again belongs to the same one
            assert_eq!(statement(&world, source, other, 3).await == order, is_one || !order_first, "{one:?} {other:?}");
        }
    }
}

pub async fn of_two_forms_that_come_at_once_one_tracker_is_made(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    for n in 10..20 {
        let pair = pairs(n).swap_remove(1);
        let (one, other) = ((pair.0.0.as_str(), pair.0.1), (pair.1.0.as_str(), pair.1.1));
        let (a, b) = tokio::join!(statement(&world, source, one, 1), statement(&world, source, other, 1));
        assert_eq!(a, b, "{one:?} {other:?}");
    }
}
