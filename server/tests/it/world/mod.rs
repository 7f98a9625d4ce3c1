//! What the tests of awkward sequences share.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod site;
pub mod systems;

use application::caller::Caller;
use application::{
    clock::{Clock, ManualClock},
    connections::sources::{self, NewSource},
    context::Context,
    jobs::Runner,
    tracking::ingest::{self, Delivery, Receipt, Refused},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use carriers::RawRequest;
use domain::access::Role;
use domain::{
    State,
    fold::Plan,
    ids::{BindingId, CorrelationId, ShipmentId, TrackerId, UserId},
};
use http::{HeaderMap, HeaderValue};
use ring::hmac;
use server::{
    bootstrap,
    config::{Config, Settings},
    http::Front,
    views,
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use storage::{
    Store,
    facts::TrackerKey,
    jobs::{Cause, Lane},
    orders::{Claim, ImportedShipment, Origin, OriginStanding, Transfer},
    people::UserRecord,
    shipments::Loaded,
};

pub const SECRET: &str = "a secret of the tests";

/// On SQLite; with MILEPOST_TEST_ENGINE=postgres on PostgreSQL, in a database of its own.
pub async fn fresh_store() -> Store {
    match std::env::var("MILEPOST_TEST_ENGINE").as_deref() {
        Ok("postgres") => {
            let admin = std::env::var("MILEPOST_TEST_POSTGRES").expect("the cluster of tests/peers/postgres-peer.sh");
            storage_postgres::PostgresStore::temporary(&admin).await.unwrap()
        }
        Ok(engine) => panic!("there is no engine {engine}"),
        Err(_) => storage_sqlite::SqliteStore::temporary().await.unwrap(),
    }
}

/// An installation on a store of its own, with a clock that moves only on request.
pub struct World {
    pub context: Arc<Context>,
    pub config: Arc<Config>,
    pub clock: Arc<ManualClock>,
    pub leaves_jobs: AtomicBool,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings::default().resolve().unwrap()).await
    }

    pub async fn with(config: Config) -> Self {
        Self::on(fresh_store().await, config).await
    }

    pub async fn on(store: Store, mut config: Config) -> Self {
        config.system.rules.update_seconds = 0;
        Self::paced(store, config).await
    }

    /// The same, with updates in Odoo as far apart as they are in use.
    pub async fn paced(store: Store, config: Config) -> Self {
        let clock = ManualClock::at("2026-03-05T12:00:00Z".parse().unwrap());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shared: Arc<dyn Clock> = clock.clone();
        let context = bootstrap::assemble(config.clone(), shared, store, &[7; 32]).await.unwrap();
        application::connections::seed(&context).await.unwrap();
        let world = Self { context, config: Arc::new(config), clock, leaves_jobs: AtomicBool::default() };
        world.source_of("aftership", "aftership", SECRET, carriers::Settings::default()).await;
        world
    }

    /// Another process on the same store: a command, or this one after a restart.
    pub async fn beside(&self) -> Arc<Context> {
        self.with_store(self.context.store.clone()).await
    }

    /// Another process on a store that stands before this one's.
    pub async fn with_store(&self, store: Store) -> Arc<Context> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let mut config = Settings::default().resolve().unwrap();
        config.system.rules.update_seconds = 0;
        bootstrap::assemble(config, clock, store, &[7; 32]).await.unwrap()
    }

    /// What a server of this world answers with.
    pub fn front(&self) -> Front {
        Front { context: Arc::clone(&self.context), config: Arc::clone(&self.config) }
    }

    /// A source that proves itself the connector's usual way.
    pub async fn source_of(&self, name: &str, connector: &str, secret: &str, settings: carriers::Settings) {
        self.put_source(name, connector, None, secret, settings).await;
    }

    /// A source with the tests' secret that proves itself this way.
    pub async fn source_with(&self, name: &str, connector: &str, scheme: &str) {
        self.put_source(name, connector, Some(scheme.into()), SECRET, carriers::Settings::default()).await;
    }

    /// A source, made or changed.
    pub async fn put_source(
        &self,
        name: &str,
        connector: &str,
        scheme: Option<String>,
        secret: &str,
        settings: carriers::Settings,
    ) {
        let settings = carriers::Settings { weakness_known: true, ..settings };
        let source =
            NewSource { name: name.into(), connector: connector.into(), scheme, secret: secret.into(), settings };
        sources::put(&self.context, &Caller::trusted(self.context.scope()), source).await.unwrap();
    }

    /// A message with the tests' secret as bearer token, through ingest; nothing is done with it yet.
    pub async fn bring(&self, source: &str, body: &[u8]) -> Receipt {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {SECRET}")).unwrap());
        let request = RawRequest { method: "POST", path: "/", query: "", peer: None, headers: &headers, body };
        let delivery = Delivery { source, request, correlation: CorrelationId(self.clock.id()) };
        ingest::accept(&self.context, delivery).await.unwrap()
    }

    /// Does the work of one lane.
    pub async fn work(&self, lane: Lane) {
        Runner::new(Arc::clone(&self.context), lane).run_until_idle().await.unwrap();
    }

    /// What the pages ask, for somebody with this role.
    pub fn ports(&self, role: Role) -> app::contract::Ports {
        let user = UserRecord {
            id: UserId(self.clock.id()),
            company: self.context.company,
            login: "somebody".into(),
            name: "Somebody".into(),
            password: String::new(),
            roles: vec![role],
            enabled: true,
            created_at: self.clock.now(),
        };
        views::ports(&self.context, Some(&user), &views::session::BrowserSession::default())
    }

    /// An AfterShip message with these checkpoints, through ingest, and the work that follows.
    pub async fn receives(&self, number: &str, checkpoints: &[(&str, &str)]) -> Receipt {
        let receipt = self.deliver_to(&self.context, number, checkpoints).await;
        self.settle().await;
        receipt
    }

    /// An AfterShip message with these checkpoints, through the ingest of a node; nothing is done with it yet.
    pub async fn deliver_to(&self, node: &Context, number: &str, checkpoints: &[(&str, &str)]) -> Receipt {
        let list: Vec<_> = checkpoints
            .iter()
            .map(|(subtag, time)| serde_json::json!({"tag": subtag.split('_').next(), "subtag": subtag, "checkpoint_time": time, "city": "Lyon"}))
            .collect();
        let (last, stamp) = checkpoints.last().unwrap();
        let msg = serde_json::json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "tag": last.split('_').next(), "subtag": last,
            "updated_at": format!("{stamp}+00:00"), "checkpoints": list});
        let body = serde_json::json!({"event_id": format!("{number}-{stamp}"), "msg": msg}).to_string();
        self.deliver_with(node, body.as_bytes()).await.unwrap()
    }

    /// A signed AfterShip message, and the work that follows.
    pub async fn offer(&self, body: &[u8]) -> Result<Receipt, Refused> {
        let receipt = self.deliver(body).await?;
        self.settle().await;
        Ok(receipt)
    }

    /// A signed AfterShip message, through ingest; nothing is done with it yet.
    pub async fn deliver(&self, body: &[u8]) -> Result<Receipt, Refused> {
        self.deliver_with(&self.context, body).await
    }

    async fn deliver_with(&self, node: &Context, body: &[u8]) -> Result<Receipt, Refused> {
        self.deliver_signed(node, SECRET, body).await
    }

    /// An AfterShip message signed with this secret, through ingest.
    pub async fn deliver_signed(&self, node: &Context, secret: &str, body: &[u8]) -> Result<Receipt, Refused> {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
        let mut headers = HeaderMap::new();
        headers.insert("aftership-hmac-sha256", HeaderValue::from_str(&STANDARD.encode(tag.as_ref())).unwrap());
        let request =
            RawRequest { method: "POST", path: "/ingest/aftership", query: "", peer: None, headers: &headers, body };
        let delivery = Delivery { source: "aftership", request, correlation: CorrelationId(self.clock.id()) };
        ingest::accept(node, delivery).await
    }

    /// Does all work that is due. Fails when a job is left that is due or dead, unless the test said so.
    pub async fn settle(&self) {
        for lane in [Lane::RealTime, Lane::Batch, Lane::RealTime] {
            self.work(lane).await;
        }
        if !self.leaves_jobs.load(Ordering::Relaxed) {
            self.assert_nothing_is_left().await;
        }
    }

    /// From now on jobs may be left that are due or dead: the test looks at them itself.
    pub fn leaves_jobs(&self) {
        self.leaves_jobs.store(true, Ordering::Relaxed);
    }

    async fn assert_nothing_is_left(&self) {
        let (jobs, now) = (&self.context.store.jobs, self.clock.now());
        for lane in [Lane::RealTime, Lane::Batch] {
            let due = jobs.next_due(lane).await.unwrap();
            assert!(due.is_none_or(|due| due > now), "a job of the {lane:?} lane is left that is due since {due:?}");
        }
        for destination in jobs.summary(self.context.scope(), now).await.unwrap() {
            assert_eq!(destination.dead, 0, "a job is dead: {destination:?}");
        }
    }

    /// Everything that is scheduled is due.
    pub async fn tick(&self) {
        self.context.store.schedules.hurry(self.context.scope(), self.clock.now()).await.unwrap();
        application::jobs::tick(&self.context).await.unwrap();
    }

    /// Time passes, minute by minute is not needed: what is due is done.
    pub async fn passes(&self, hours: i64) {
        self.clock.advance(jiff::Span::new().hours(hours));
        self.tick().await;
        self.settle().await;
    }

    /// The order system says that this delivery goes under these numbers.
    pub async fn order(&self, record: i64, numbers: &[&str]) -> ShipmentId {
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
                customer_record: None,
                value: None,
                segments: BTreeSet::new(),
                company: None,
                url: None,
                transfer: Transfer::default(),
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
            cause: Cause::Import,
            kept: BTreeSet::new(),
        };
        self.context.store.shipments.import(self.context.scope(), vec![imported], self.context.now()).await.unwrap();
        self.settle().await;
        let name = format!("WH/OUT/{record:05}");
        self.context.store.shipments.find(self.context.scope(), &name).await.unwrap()[0]
    }

    pub async fn load(&self, id: ShipmentId) -> Loaded {
        self.context.store.shipments.load(self.context.scope(), id, None).await.unwrap().unwrap()
    }

    pub async fn state(&self, id: ShipmentId) -> State {
        self.load(id).await.shipment.folded.state
    }

    pub async fn unclaimed(&self) -> u64 {
        self.context.store.shipments.counts(self.context.scope(), self.context.now()).await.unwrap().unclaimed
    }
}
