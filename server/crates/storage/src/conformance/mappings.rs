//! Published mappings, and the codes that they are for.

use super::{Said, World, at, world::reading};
use crate::{
    Scope, Store, StoreError,
    chain::ChainCheck,
    jobs::{JobKind, Lane},
    limits::{REREAD_ROWS, SAMPLES},
    mappings::NewMapping,
    shipments::Loaded,
};
use domain::{
    Milestone,
    ids::{CompanyId, ObservationId, ShipmentId},
    mapping::Overlay,
    observation::ProviderCode,
    reading::MappingVersion,
};
use std::collections::BTreeMap;
use uuid::Uuid;

fn overlay(meanings: &[(&str, &str)]) -> Overlay {
    let codes = meanings.iter().map(|(code, meaning)| ((*code).to_owned(), (*meaning).to_owned())).collect();
    BTreeMap::from([("test.codes".to_owned(), codes)])
}

fn code(value: &str) -> ProviderCode {
    ProviderCode::new("test.codes", value)
}

async fn publish(
    world: &World,
    previous: MappingVersion,
    overlay: Overlay,
    minutes: i64,
) -> crate::Result<MappingVersion> {
    let job = world.job(JobKind::REREAD, previous + 1, minutes);
    let new = NewMapping { previous, overlay, why: format!("after {previous}"), at: at(minutes), job };
    world.store.mappings.publish(world.scope, new, world.audit("mapping.publish", "mapping", minutes)).await
}

async fn loaded(world: &World, id: ShipmentId) -> Loaded {
    world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap()
}

pub async fn versions_are_published_one_after_the_other(store: Store) {
    let world = World::new(store).await;
    let mappings = &world.store.mappings;
    assert_eq!(mappings.newest(world.scope).await.unwrap(), None);
    let (one, two) = (overlay(&[("?X", "INFO")]), overlay(&[("?X", "INFO"), ("?Y", "DELIVERED")]));
    assert_eq!(publish(&world, 0, one.clone(), 1).await.unwrap(), 1);
    assert_eq!(publish(&world, 1, two.clone(), 2).await.unwrap(), 2);
    let newest = mappings.newest(world.scope).await.unwrap().unwrap();
    assert_eq!((newest.version, &newest.overlay, newest.why.as_str(), newest.at), (2, &two, "after 1", at(2)));
    assert_eq!(newest.actor, world.scope.actor);
    let history = mappings.history(world.scope).await.unwrap();
    assert_eq!(history.iter().map(|m| (m.version, &m.overlay)).collect::<Vec<_>>(), [(2, &two), (1, &one)]);
    assert_eq!(mappings.published(world.scope, 1).await.unwrap().unwrap().overlay, one);
    assert_eq!(mappings.published(world.scope, 3).await.unwrap(), None);
    assert_eq!(world.drain(Lane::RealTime, JobKind::REREAD).await.len(), 2, "each with its work");
    assert_eq!(
        crate::chain::check(&*world.store.people, world.scope, &world.audit_key()).await.unwrap(),
        ChainCheck::Sound(2)
    );
}

pub async fn of_two_who_publish_at_once_one_has_to_look_again(store: Store) {
    let world = World::new(store).await;
    publish(&world, 0, overlay(&[("?X", "INFO")]), 1).await.unwrap();
    for previous in [0, 2] {
        let late = publish(&world, previous, overlay(&[("?X", "DELIVERED")]), 2).await;
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    }
    assert_eq!(world.store.mappings.history(world.scope).await.unwrap().len(), 1);
    assert_eq!(world.drain(Lane::RealTime, JobKind::REREAD).await.len(), 1, "no work of what was not published");
    assert_eq!(
        crate::chain::check(&*world.store.people, world.scope, &world.audit_key()).await.unwrap(),
        ChainCheck::Sound(1),
        "no line either"
    );
}

pub async fn a_newer_reading_counts_from_when_it_was_recorded(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let shipment = world.say(source, Said::of("NUM1", &["?X"], 1)).await.shipments[0];
    let id = loaded(&world, shipment).await.input.facts[0].id;
    world.drain(Lane::RealTime, JobKind::FOLD).await;
    let job = world.job(JobKind::SYNC_ORDER, shipment, 10);
    world
        .store
        .mappings
        .reread(world.scope, vec![(id, reading(1, Some(Milestone::Delivered)))], at(10), vec![job])
        .await
        .unwrap();
    assert_eq!(loaded(&world, shipment).await.input.facts[0].reading.milestone, Milestone::Delivered);
    let before = world.store.shipments.load(world.scope, shipment, Some(at(9))).await.unwrap().unwrap();
    assert_eq!(before.input.facts[0].reading.mapping, 0);
    assert_eq!(world.drain(Lane::RealTime, JobKind::SYNC_ORDER).await.len(), 1);
    let unknown =
        world.store.mappings.reread(world.scope, vec![(world.id(), reading(1, None))], at(10), Vec::new()).await;
    assert!(unknown.is_err());
}

pub async fn unmapped_codes_are_counted_until_they_are_read(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let one = world.say(source, Said::of("NUM1", &["?X", "?YY"], 1)).await.shipments[0];
    let two = world.say(source, Said::of("NUM2", &["?X"], 2)).await.shipments[0];
    let codes = world.store.mappings.unmapped(world.scope).await.unwrap();
    let said: Vec<_> = codes
        .iter()
        .map(|c| (c.code.value.as_str(), c.observations, c.shipments, c.samples[0].shipment, c.first_seen, c.last_seen))
        .collect();
    assert_eq!(said, [("?X", 2, 2, Some(two), at(1), at(2)), ("?YY", 1, 1, Some(one), at(1), at(1))]);
    assert_eq!(world.store.mappings.unmapped_count(world.scope).await.unwrap(), 2);
    let readings: Vec<_> =
        loaded(&world, one).await.input.facts.iter().map(|f| (f.id, reading(1, Some(Milestone::Accepted)))).collect();
    let back = readings.iter().map(|(id, _)| (*id, reading(2, None))).collect();
    world.store.mappings.reread(world.scope, readings, at(5), Vec::new()).await.unwrap();
    let codes = world.store.mappings.unmapped(world.scope).await.unwrap();
    assert_eq!(codes.iter().map(|c| (c.code.value.as_str(), c.observations)).collect::<Vec<_>>(), [("?X", 1)]);
    assert_eq!(world.store.mappings.unmapped_count(world.scope).await.unwrap(), 1);
    world.store.mappings.reread(world.scope, back, at(6), Vec::new()).await.unwrap();
    let codes = world.store.mappings.unmapped(world.scope).await.unwrap();
    let seen: Vec<_> = codes.iter().map(|c| (c.observations, c.first_seen, c.last_seen)).collect();
    assert_eq!(seen, [(2, at(1), at(2)), (1, at(1), at(1))], "seen when it was said, not when it was read");
}

pub async fn a_code_has_a_few_samples_the_newest_first(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let numbers = ["N1", "N2", "N3", "N4", "N5", "N6", "N7"];
    let mut shipments = Vec::new();
    for (number, minutes) in numbers.into_iter().zip(1..) {
        let (text, _) = world.sealed(number.as_bytes());
        let mut recording = world.recording(source, &[Said::of(number, &["?X"], minutes)]).await;
        recording.reports[0].observations[0].text = Some(text);
        shipments.extend(world.store.facts.record(world.scope, recording).await.unwrap().shipments);
    }
    let codes = world.store.mappings.unmapped(world.scope).await.unwrap();
    assert_eq!((codes.len(), codes[0].observations), (1, 7));
    let newest: Vec<_> = shipments.iter().rev().take(SAMPLES as usize).copied().map(Some).collect();
    assert_eq!(codes[0].samples.iter().map(|s| s.shipment).collect::<Vec<_>>(), newest);
    assert_eq!(codes[0].samples[0].text.as_ref().unwrap().bytes, b"N7");
}

pub async fn observations_are_found_by_any_of_their_codes(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let mut recording = world.recording(source, &[Said::of("NUM1", &["A", "BB", "CCC", "DDDD"], 1)]).await;
    let observations = &mut recording.reports[0].observations;
    observations[0].body.codes.status = vec![code("A/LADEN"), code("?X")];
    observations[1].body.codes.coarse = Some(code("?X"));
    observations[2].body.codes.reason = Some(code("?X"));
    observations[3].body.codes.status = vec![ProviderCode::new("other.codes", "?X")];
    let mut expected: Vec<ObservationId> = observations[..3].iter().map(|o| o.id).collect();
    expected.sort();
    let shipment = world.store.facts.record(world.scope, recording).await.unwrap().shipments[0];
    let found = world.store.mappings.with(world.scope, vec![code("?X"), code("nobody")], None).await.unwrap();
    assert_eq!(found.iter().map(|r| r.id).collect::<Vec<_>>(), expected);
    assert!(found.iter().all(|r| r.shipments == [shipment]));
    assert_eq!(world.store.mappings.count_with(world.scope, vec![code("?X")]).await.unwrap(), 3);
    assert_eq!(world.store.mappings.count_with(world.scope, vec![code("nobody")]).await.unwrap(), 0);
    assert_eq!(world.store.mappings.with(world.scope, Vec::new(), None).await.unwrap(), []);
}

pub async fn many_observations_are_found_chunk_by_chunk(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let all = REREAD_ROWS + 10;
    let mut recording = world.recording(source, &[Said::of("NUM1", &["?X"], 1)]).await;
    let first = recording.reports[0].observations[0].clone();
    recording.reports[0].observations = (0..all)
        .map(|n| {
            let mut next = first.clone();
            next.body.provider_event_id = Some(n.to_string());
            next.id = next.body.id("test", "NUM1");
            next
        })
        .collect();
    world.store.facts.record(world.scope, recording).await.unwrap();
    let mut found: Vec<ObservationId> = Vec::new();
    let mut chunks = Vec::new();
    loop {
        let chunk = world.store.mappings.with(world.scope, vec![code("?X")], found.last().copied()).await.unwrap();
        if chunk.is_empty() {
            break;
        }
        chunks.push(chunk.len());
        found.extend(chunk.iter().map(|r| r.id));
    }
    assert_eq!(chunks, [REREAD_ROWS as usize, 10]);
    assert!(found.is_sorted(), "each once, in the order of their ids");
}

pub async fn readings_of_an_older_version_are_refused(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let shipment = world.say(source, Said::of("NUM1", &["?X"], 1)).await.shipments[0];
    let id = loaded(&world, shipment).await.input.facts[0].id;
    let before = world.recording(source, &[Said::of("NUM1", &["?YY"], 2)]).await;
    publish(&world, 0, overlay(&[("?X", "DELIVERED")]), 3).await.unwrap();
    let late = world.store.facts.record(world.scope, before.clone()).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let old = reading(0, Some(Milestone::InTransit));
    let late = world.store.mappings.reread(world.scope, vec![(id, old)], at(4), Vec::new()).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let mut again = before;
    again.reports[0].observations[0].reading = reading(1, None);
    assert_eq!(world.store.facts.record(world.scope, again).await.unwrap().new_observations, 1);
}

pub async fn no_company_sees_anothers(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    world.say(source, Said::of("NUM1", &["?X"], 1)).await;
    publish(&world, 0, overlay(&[("?Z", "DELIVERED")]), 2).await.unwrap();
    let stranger = Scope { company: CompanyId(Uuid::from_u128(8)), ..world.scope };
    let mappings = &world.store.mappings;
    assert_eq!(mappings.newest(stranger).await.unwrap(), None);
    assert_eq!(mappings.history(stranger).await.unwrap(), []);
    assert_eq!(mappings.unmapped(stranger).await.unwrap(), []);
    assert_eq!(mappings.unmapped_count(stranger).await.unwrap(), 0);
    assert_eq!(mappings.count_with(stranger, vec![code("?X")]).await.unwrap(), 0);
    assert_eq!(mappings.with(stranger, vec![code("?X")], None).await.unwrap(), []);
}
