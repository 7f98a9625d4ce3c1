//! What the page of a shipment says: whose payload is shown, which moments are offered, what is still expected.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use app::contract::shipments::{Entry, EntryKind, Mark, ShipmentView, Standing, StepStanding};
use application::{clock::Clock, context::Context};
use async_trait::async_trait;
use domain::access::Role;
use domain::{
    State,
    ids::{ObservationId, ShipmentId},
};
use server::views;
use std::sync::Arc;
use storage::{
    Result, Scope, Sealed, Store,
    facts::{Facts, ObservationRecord, Recorded, Recording, SealedText},
    people::UserRecord,
};

const SCAN: (&str, &str) = ("InTransit_003", "2026-03-04T10:00:00");

async fn page(world: &World, shipment: ShipmentId, at: Option<&str>) -> ShipmentView {
    world.ports(Role::Admin).shipments.get(shipment.to_string(), at.map(str::to_owned)).await.unwrap()
}

fn events(page: &ShipmentView) -> impl Iterator<Item = &Entry> {
    page.timeline.iter().filter(|entry| entry.kind == EntryKind::Carrier)
}

/// A message with an estimate of the delivery beside one event.
async fn estimates(world: &World, number: &str, subtag: &str, time: &str, expected: &str) {
    let tag = subtag.split('_').next();
    let point = serde_json::json!({"tag": tag, "subtag": subtag, "checkpoint_time": time, "city": "Lyon"});
    let msg = serde_json::json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "tag": tag, "subtag": subtag,
        "updated_at": format!("{time}+00:00"), "expected_delivery": expected, "checkpoints": [point]});
    let body = serde_json::json!({"event_id": format!("{number}-{time}"), "msg": msg}).to_string();
    world.offer(body.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn the_payload_is_of_the_message_that_the_timeline_names() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    let first = world.receives("N1", &[SCAN]).await;
    world.clock.advance(jiff::Span::new().hours(1));
    let second = world.receives("N1", &[SCAN, ("InTransit_002", "2026-03-05T12:30:00")]).await;
    let shown = page(&world, shipment, None).await;
    let mut seen = Vec::new();
    for event in events(&shown) {
        let id = event.observation.clone().unwrap();
        let raw = world.ports(Role::Admin).shipments.raw(shipment.to_string(), id).await.unwrap();
        assert_eq!(Some(&raw.correlation), event.correlation.as_ref(), "{}", event.title);
        seen.push((raw.message, raw.later, raw.later_messages, raw.raw.contains("InTransit_002")));
    }
    let (first, second) = (first.message.to_string(), second.message.to_string());
    let (of_first, of_second) = ((first, Some(second.clone()), 1, false), (second, None, 0, true));
    assert!(seen.contains(&of_first) && seen.contains(&of_second), "{seen:?}");
    assert!(seen.iter().all(|one| *one == of_first || *one == of_second), "{seen:?}");
}

#[tokio::test]
async fn each_second_is_one_moment_to_look_back_to_and_stays_one() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1", "N2"]).await;
    world.receives("N1", &[SCAN]).await;
    world.clock.advance(jiff::Span::new().milliseconds(300));
    world.receives("N2", &[SCAN]).await;
    world.clock.advance(jiff::Span::new().hours(1));
    world.receives("N1", &[SCAN, ("OutForDelivery_001", "2026-03-05T12:30:00")]).await;
    let now = page(&world, shipment, None).await;
    let labels: Vec<_> = now.moments.iter().map(|(_, label)| label.as_str()).collect();
    assert!(labels.len() == 2 && labels[0].ends_with(" · Out for delivery"), "{labels:?}");
    assert!(
        labels[0].starts_with("Thu 5 Mar, 13:00:00") && labels[1].starts_with("Thu 5 Mar, 12:00:00 · "),
        "{labels:?}"
    );
    let then = page(&world, shipment, Some(&now.moments[1].0)).await;
    assert_eq!(then.moments, now.moments, "the choice stays the same");
    assert!(then.as_known_at.is_some() && events(&then).all(|event| event.title != "Out for delivery"));
    let both = then.numbers.iter().map(|n| n.number.as_str()).collect::<Vec<_>>();
    assert!(events(&then).count() >= 2, "all of that second is shown: {both:?}");
}

#[tokio::test]
async fn an_estimate_is_called_one_and_nothing_is_expected_of_what_has_ended() {
    let world = World::new().await;
    let expected = "2026-03-09T15:00:00+00:00";
    let shipment = world.order(1, &["N1"]).await;
    estimates(&world, "N1", SCAN.0, SCAN.1, expected).await;
    let open = page(&world, shipment, None).await;
    let estimate = events(&open).next().unwrap();
    assert_eq!((estimate.title.as_str(), estimate.mark), ("Estimated delivery", Mark::Estimated), "it is ahead");
    assert!(open.why.iter().any(|reason| reason.title == "Estimated delivery"), "{:?}", open.why);

    for (record, end, state) in [
        (2, "Delivered_001", State::Delivered),
        (3, "Exception_010", State::Returning),
        (4, "Exception_011", State::Returned),
    ] {
        let number = format!("N{record}");
        let shipment = world.order(record, &[&number]).await;
        estimates(&world, &number, SCAN.0, SCAN.1, expected).await;
        world.clock.advance(jiff::Span::new().minutes(1));
        let ended = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        // one carrier leaves the estimate out of its last message, the others repeat it
        let standing = if record == 2 {
            world.receives(&number, &[SCAN, (end, &ended)]).await;
            "replaced by a newer list"
        } else {
            estimates(&world, &number, end, &ended, expected).await;
            "superseded"
        };
        assert_eq!(world.state(shipment).await, state, "{end}");
        let shown = page(&world, shipment, None).await;
        let titles: Vec<_> =
            events(&shown).map(|event| (event.title.as_str(), event.mark, event.when.iso.as_str())).collect();
        let now = world.clock.now().to_string();
        assert!(
            titles.iter().all(|(_, mark, at)| !matches!(mark, Mark::Estimated | Mark::Planned) && *at <= now.as_str()),
            "{titles:?}"
        );
        let old = events(&shown).find(|event| event.title == "Estimated delivery").unwrap();
        assert_eq!((old.standing.as_str(), old.remark.as_str()), (standing, "received"));
        assert!(old.detail.starts_with("for Mon 9 Mar, 15:00 · "), "{}", old.detail);
        let ahead = shown.steps.iter().find(|step| step.standing == StepStanding::Todo && step.at.is_some());
        assert!(ahead.is_none(), "{ahead:?}");
    }
}

#[tokio::test]
async fn what_happened_before_is_not_crossed_out() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    world
        .receives("N1", &[SCAN, ("InTransit_007", "2026-03-04T18:00:00"), ("Delivered_001", "2026-03-05T12:30:00")])
        .await;
    let standings: Vec<_> = page(&world, shipment, None).await.why.iter().map(|reason| reason.standing).collect();
    assert_eq!(standings, [Standing::Decides, Standing::Counts, Standing::Counts]);
}

/// A store in which every text of an event is damaged, or every key of a message.
struct Damaged {
    facts: Arc<dyn Facts>,
    is_key: bool,
}

impl Damaged {
    fn text(&self, text: Sealed) -> Sealed {
        if self.is_key { text } else { Sealed { bytes: text.bytes.iter().map(|byte| !byte).collect(), ..text } }
    }
}

#[async_trait]
impl Facts for Damaged {
    async fn record(&self, scope: Scope, recording: Recording) -> Result<Recorded> {
        self.facts.record(scope, recording).await
    }

    async fn observation(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        id: ObservationId,
    ) -> Result<Option<ObservationRecord>> {
        let found = self.facts.observation(scope, shipment, id).await?;
        Ok(found.map(|found| ObservationRecord { text: found.text.map(|text| self.text(text)), ..found }))
    }

    async fn texts(&self, scope: Scope, observations: Vec<ObservationId>) -> Result<Vec<SealedText>> {
        let mut texts = self.facts.texts(scope, observations).await?;
        for text in &mut texts {
            text.text = self.text(text.text.clone());
            if self.is_key {
                text.key.bytes = text.key.bytes.iter().map(|byte| !byte).collect();
            }
        }
        Ok(texts)
    }
}

#[tokio::test]
async fn what_is_damaged_hides_itself_and_nothing_else() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    let place = "behind the shed of Jane Doe";
    let point = |tag: &str, subtag: &str, at: &str| serde_json::json!({"tag": tag, "subtag": subtag, "checkpoint_time": at, "location": place, "message": "some words"});
    let points = [
        point("InTransit", "InTransit_003", "2026-03-05T08:00:00"),
        point("Delivered", "Delivered_001", "2026-03-05T10:00:00"),
    ];
    let msg = serde_json::json!({"id": "t-1", "tracking_number": "N1", "slug": "dhl", "tag": "Delivered", "subtag": "Delivered_001",
        "updated_at": "2026-03-05T10:00:00+00:00", "signed_by": "Jane Doe", "checkpoints": points});
    world.offer(serde_json::json!({"event_id": "e-1", "msg": msg}).to_string().as_bytes()).await.unwrap();
    let whole = page(&world, shipment, None).await;
    assert!(events(&whole).any(|event| event.place.as_deref() == Some(place)), "{:?}", whole.timeline);
    let admin = UserRecord {
        id: domain::ids::UserId(world.clock.id()),
        company: world.context.company,
        login: "somebody".into(),
        name: "Somebody".into(),
        password: String::new(),
        roles: vec![Role::Admin],
        enabled: true,
        created_at: world.clock.now(),
    };
    for is_key in [false, true] {
        let facts = Arc::new(Damaged { facts: Arc::clone(&world.context.store.facts), is_key });
        let node: Arc<Context> = world.with_store(Store { facts, ..world.context.store.clone() }).await;
        let ports = views::ports(&node, Some(&admin), &views::session::BrowserSession::default());
        let shown = ports.shipments.get(shipment.to_string(), None).await.unwrap();
        assert_eq!(shown.timeline.len(), whole.timeline.len(), "key: {is_key}");
        assert!(events(&shown).all(|event| event.place.is_none()), "{:?}", shown.timeline);
        for event in events(&shown) {
            ports.shipments.raw(shipment.to_string(), event.observation.clone().unwrap()).await.unwrap();
        }
    }
}
