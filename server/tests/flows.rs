//! Messages and orders in awkward sequences, through the real inbox, jobs and store; only the clock is ours.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use base64::{Engine, engine::general_purpose::STANDARD};
use connectors::carriers::RawRequest;
use domain::{
    State,
    fold::Plan,
    ids::{BindingId, CorrelationId, ShipmentId, TrackerId},
};
use http::{HeaderMap, HeaderValue};
use ring::hmac;
use server::{
    clock::{Clock, ManualClock},
    config::Settings,
    jobs::Runner,
    tower::Tower,
    usecases::{
        ingest::{self, Delivery, Receipt, Refused},
        sources::{self, NewSource},
    },
    wire,
};
use std::sync::Arc;
use storage::{
    facts::TrackerKey,
    inbox::{MessageFilter, Novelty},
    jobs::Lane,
    shipments::{Claim, ImportedShipment, Loaded, Origin, OriginStanding, ShipmentQuery, ShipmentTab},
};

const SECRET: &str = "a secret of the tests";

struct World {
    tower: Arc<Tower>,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at("2026-03-05T12:00:00Z".parse().unwrap());
        let store = storage_sqlite::SqliteStore::temporary().await.unwrap();
        let config = Settings::default().resolve().unwrap();
        let tower = wire::assemble(config, Arc::clone(&clock) as Arc<dyn Clock>, store, &[7; 32]).await.unwrap();
        let source =
            NewSource { name: "aftership".into(), connector: "aftership".into(), scheme: None, secret: SECRET.into() };
        sources::put(&tower, tower.scope(), source).await.unwrap();
        Self { tower, clock }
    }

    /// An AfterShip message with these checkpoints, through the door.
    async fn hears(&self, number: &str, checkpoints: &[(&str, &str)]) -> Receipt {
        let list: Vec<_> = checkpoints
            .iter()
            .map(|(subtag, time)| serde_json::json!({"tag": subtag.split('_').next(), "subtag": subtag, "checkpoint_time": time, "city": "Lyon"}))
            .collect();
        let (last, stamp) = checkpoints.last().unwrap();
        let msg = serde_json::json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "tag": last.split('_').next(), "subtag": last,
            "updated_at": format!("{stamp}+00:00"), "checkpoints": list});
        self.offer(serde_json::json!({"event_id": format!("{number}-{stamp}"), "msg": msg}).to_string().as_bytes())
            .await
            .unwrap()
    }

    async fn offer(&self, body: &[u8]) -> Result<Receipt, Refused> {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body);
        let mut headers = HeaderMap::new();
        headers.insert("aftership-hmac-sha256", HeaderValue::from_str(&STANDARD.encode(tag.as_ref())).unwrap());
        let request = RawRequest { method: "POST", path: "/ingest/aftership", headers: &headers, body };
        let delivery = Delivery { source: "aftership", request, correlation: CorrelationId(self.clock.id()) };
        let receipt = ingest::accept(&self.tower, delivery).await?;
        self.settle().await;
        Ok(receipt)
    }

    /// Does all work that is due.
    async fn settle(&self) {
        for lane in [Lane::RealTime, Lane::Batch, Lane::RealTime] {
            Runner::new(Arc::clone(&self.tower), lane).run_until_idle().await.unwrap();
        }
    }

    /// The order system says that this delivery goes under these numbers.
    async fn order(&self, record: i64, numbers: &[&str]) -> ShipmentId {
        let claims = numbers.iter().map(|number| Claim {
            tracker: TrackerKey { carrier: None, number: (*number).into() },
            tracker_id: TrackerId(self.clock.id()),
            binding_id: BindingId(self.clock.id()),
            piece: None,
            number_raw: (*number).into(),
            carrier_label: None,
        });
        let imported = ImportedShipment {
            id: ShipmentId(self.clock.id()),
            origin: Origin {
                system: "odoo".into(),
                model: "stock.picking".into(),
                record,
                name: format!("WH/OUT/{record:05}"),
                order: Some(format!("S{record:05}")),
                order_record: Some(record),
                url: None,
            },
            digest: numbers.join(","),
            claims: claims.collect(),
            plan: Plan::default(),
            standing: OriginStanding::Open,
            destination: None,
            customer: None,
            key: None,
            tokens: Vec::new(),
            correlation: CorrelationId(self.clock.id()),
        };
        self.tower.store.shipments.import(self.tower.scope(), vec![imported], self.tower.now()).await.unwrap();
        self.settle().await;
        let name = format!("WH/OUT/{record:05}");
        self.tower.store.shipments.find(self.tower.scope(), &name).await.unwrap()[0]
    }

    async fn load(&self, id: ShipmentId) -> Loaded {
        self.tower.store.shipments.load(self.tower.scope(), id, None).await.unwrap().unwrap()
    }

    async fn state(&self, id: ShipmentId) -> State {
        self.load(id).await.shipment.folded.state
    }

    async fn unclaimed(&self) -> u64 {
        self.tower.store.shipments.counts(self.tower.scope(), self.tower.now()).await.unwrap().unclaimed
    }
}

const ON_THE_WAY: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-02T10:00:00"), ("InTransit_003", "2026-03-03T01:10:00")];
const DELIVERED: &[(&str, &str)] = &[
    ("InTransit_002", "2026-03-02T10:00:00"),
    ("InTransit_003", "2026-03-03T01:10:00"),
    ("Delivered_001", "2026-03-04T12:30:00"),
];

#[tokio::test]
async fn an_event_that_comes_before_its_order_is_there_when_the_order_comes() {
    let world = World::new().await;
    world.hears("N1", DELIVERED).await;
    assert_eq!(world.unclaimed().await, 1, "visible and counted, nobody's");
    let shipment = world.order(1, &["N1"]).await;
    assert_eq!(world.state(shipment).await, State::Delivered);
    assert_eq!(world.unclaimed().await, 0, "its history came along");
    let effects = world.tower.store.shipments.effects(world.tower.scope(), shipment).await.unwrap();
    assert!(
        !effects.is_empty() && effects.iter().all(|e| e.done.is_some()),
        "history is not told as news: {effects:?}"
    );
}

#[tokio::test]
async fn a_corrected_number_takes_its_delivery_away_again() {
    let world = World::new().await;
    let shipment = world.order(1, &["WRONG"]).await;
    world.hears("WRONG", DELIVERED).await;
    assert_eq!(world.state(shipment).await, State::Delivered);
    assert_eq!(world.order(1, &["RIGHT"]).await, shipment);
    assert_eq!(world.state(shipment).await, State::Unknown, "the delivery was another shipment's");
    world.hears("RIGHT", ON_THE_WAY).await;
    assert_eq!(world.state(shipment).await, State::InTransit);
}

#[tokio::test]
async fn one_container_moves_two_orders() {
    let world = World::new().await;
    let (first, second) = (world.order(1, &["BOX"]).await, world.order(2, &["BOX"]).await);
    world.hears("BOX", ON_THE_WAY).await;
    assert_eq!((world.state(first).await, world.state(second).await), (State::InTransit, State::InTransit));
    world.hears("BOX", DELIVERED).await;
    assert_eq!((world.state(first).await, world.state(second).await), (State::Delivered, State::Delivered));
}

#[tokio::test]
async fn an_older_list_that_comes_late_changes_nothing() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    world.hears("N1", DELIVERED).await;
    let before = world.load(shipment).await.shipment.folded.hash;
    world.hears("N1", ON_THE_WAY).await;
    let after = world.load(shipment).await.shipment;
    assert_eq!((after.folded.state, after.folded.hash), (State::Delivered, before));
}

#[tokio::test]
async fn the_same_message_twice_is_kept_once_and_answered_with_the_first_ones_thread() {
    let world = World::new().await;
    let first = world.hears("N1", ON_THE_WAY).await;
    let again = world.hears("N1", ON_THE_WAY).await;
    assert_eq!(
        (again.novelty, again.message, again.correlation),
        (Novelty::Repeated, first.message, first.correlation)
    );
}

#[tokio::test]
async fn authentic_bytes_that_cannot_be_read_wait_in_quarantine() {
    let world = World::new().await;
    let receipt = world.offer(br#"{"event_id":"x","msg":{"tracking_number":12345678901234567890}}"#).await.unwrap();
    let page = world.tower.store.inbox.messages(world.tower.scope(), MessageFilter::Quarantined, None).await.unwrap();
    assert_eq!(page.rows.iter().map(|m| m.id).collect::<Vec<_>>(), [receipt.message]);
}

#[tokio::test]
async fn a_forged_message_is_refused_and_nothing_of_it_is_kept() {
    let world = World::new().await;
    let headers = HeaderMap::new();
    let request = RawRequest { method: "POST", path: "/ingest/aftership", headers: &headers, body: b"{}" };
    let delivery = Delivery { source: "aftership", request, correlation: CorrelationId(world.clock.id()) };
    assert!(matches!(ingest::accept(&world.tower, delivery).await, Err(Refused::NotVerified(_))));
    let delivery = Delivery { source: "nobody", request, correlation: CorrelationId(world.clock.id()) };
    assert!(matches!(ingest::accept(&world.tower, delivery).await, Err(Refused::UnknownSource)));
    assert!(
        world.tower.store.inbox.messages(world.tower.scope(), MessageFilter::All, None).await.unwrap().rows.is_empty()
    );
}

#[tokio::test]
async fn the_list_finds_a_shipment_by_its_number() {
    let world = World::new().await;
    world.order(1, &["N1"]).await;
    let other = world.order(2, &["N2"]).await;
    let question = ShipmentQuery { tab: ShipmentTab::All, text: Some("N2".into()), ..ShipmentQuery::default() };
    let page = world.tower.store.shipments.list(world.tower.scope(), question, world.tower.now()).await.unwrap();
    assert_eq!(page.rows.iter().map(|r| r.id).collect::<Vec<_>>(), [other]);
}
