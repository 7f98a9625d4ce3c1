//! A world with a simulated Odoo and a simulated desk.

use super::{World, fresh_store};
use application::caller::Caller;
use application::{
    clock::Clock,
    config::{CallLimits, DeskSettings, OdooSettings},
    connections,
    destinations::{self, Standing},
    odoo::{self, IMPORT_PAGES_MAX},
};
use domain::ids::ShipmentId;
use jiff::{SignedDuration, Timestamp};
use outbound::Discard;
use server::config::Settings;
use simulator::{
    desk::SandboxDesk,
    journey::Place,
    odoo::{DATABASE, NewOrder, SandboxOdoo},
};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use storage::{
    Store,
    jobs::{JobFilter, JobSelection},
    orders::Imported,
};

const KEY: &str = "key-of-the-tests";
/// Orders of [`Systems::orders`].
pub const MANY: usize = 12;

pub struct Systems {
    pub world: World,
    pub odoo: SandboxOdoo,
    pub desk: SandboxDesk,
    pub odoo_at: Arc<AtomicI64>,
}

impl Systems {
    /// The first shipment with this number.
    pub async fn shipment(&self, number: &str) -> ShipmentId {
        self.world.context.store.shipments.find(self.world.context.scope(), number).await.unwrap()[0]
    }

    /// Odoo's clock, which stands still, goes as ours.
    pub fn odoo_clock_is_right(&self) {
        self.odoo_at.store(self.world.context.now().as_second(), Ordering::SeqCst);
    }

    pub async fn new() -> Self {
        Self::configured(Settings::default()).await
    }

    /// With these settings, and the simulated systems.
    pub async fn configured(settings: Settings) -> Self {
        Self::on(settings, fresh_store().await).await
    }

    /// With updates in Odoo as far apart as they are in use.
    pub async fn paced() -> Self {
        Self::start(Settings::default(), fresh_store().await, true).await
    }

    /// The same on this store.
    pub async fn on(settings: Settings, store: Store) -> Self {
        Self::start(settings, store, false).await
    }

    async fn start(settings: Settings, store: Store, paced: bool) -> Self {
        let begun: Timestamp = "2026-03-05T12:00:00Z".parse().unwrap();
        let odoo_at = Arc::new(AtomicI64::new(begun.as_second()));
        let reads = Arc::clone(&odoo_at);
        let clock = move || Timestamp::from_second(reads.load(Ordering::SeqCst)).unwrap();
        let odoo = SandboxOdoo::start(KEY, Arc::new(clock)).await.unwrap();
        let desk = SandboxDesk::start(KEY).await.unwrap();
        let mut config = settings.resolve().unwrap();
        config.system.odoo = Some(OdooSettings {
            url: odoo.url(),
            database: DATABASE.into(),
            key: KEY.to_owned().into(),
            login: None,
            import_seconds: 1_000_000_000,
            limits: CallLimits::default(),
        });
        config.system.desk = Some(DeskSettings {
            connector: "request_tracker".into(),
            url: desk.url(),
            token: KEY.to_owned().into(),
            queue: "Shipments".into(),
            poll_seconds: application::config::DESK_POLL_SECONDS,
            limits: CallLimits::default(),
        });
        let world = if paced { World::paced(store, config).await } else { World::on(store, config).await };
        world.context.odoo("odoo").unwrap().setup(&Discard).await.unwrap();
        Self { world, odoo, desk, odoo_at }
    }

    /// A person sets how Milepost works in Odoo.
    pub async fn set_odoo(&self, settings: &[(&str, &str)]) {
        let context = &self.world.context;
        let (_, record, _) = context.store.connections.by_name("odoo").await.unwrap().unwrap();
        let mut new = connections::NewConnection::of(&record);
        // the tests import when they want to
        new.fields.insert("import_seconds".into(), "86400".into());
        new.fields.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        connections::put(context, &Caller::trusted(context.scope()), new).await.unwrap();
    }

    /// A delivery in Odoo under this number, taken in; its id there.
    pub async fn order(&self, number: &str) -> i64 {
        let picking = self.add_order(number);
        self.import(IMPORT_PAGES_MAX).await;
        self.world.settle().await;
        picking
    }

    /// Takes in what Odoo changed, so many pages of it.
    pub async fn import(&self, pages: u32) -> Imported {
        let context = &self.world.context;
        odoo::import(context, context.scope(), "odoo", context.correlation(), pages, &Discard).await.unwrap()
    }

    /// A delivery in Odoo that left four days ago, was promised for yesterday, and of which nothing was heard; taken in.
    pub async fn overdue(&self, number: &str) -> i64 {
        let picking = self.add_delivery(number, -24, Some(-100));
        self.import(IMPORT_PAGES_MAX).await;
        self.world.settle().await;
        picking
    }

    /// A delivery in Odoo under this number; its id there.
    pub fn add_order(&self, number: &str) -> i64 {
        self.add_delivery(number, 24_000, None)
    }

    /// Promised, and shipped, so many hours from now.
    fn add_delivery(&self, number: &str, promised: i64, shipped: Option<i64>) -> i64 {
        let now = self.world.clock.now();
        self.odoo.add_order(&NewOrder {
            promised: now + SignedDuration::from_hours(promised),
            shipped: shipped.map(|hours| now + SignedDuration::from_hours(hours)),
            ..delivery(number, now)
        })
    }

    pub async fn orders(&self) -> Vec<i64> {
        let mut pickings = Vec::new();
        for n in 0..MANY {
            pickings.push(self.order(&format!("N{n}")).await);
        }
        pickings
    }

    pub async fn say(&self, checkpoints: &[(&str, &str)]) {
        for n in 0..MANY {
            self.world.deliver_to(&self.world.context, &format!("N{n}"), checkpoints).await;
        }
        self.world.settle().await;
    }

    pub async fn standing(&self, name: &str) -> Standing {
        let context = &self.world.context;
        let all = destinations::standings(context, &Caller::trusted(context.scope())).await.unwrap();
        all.into_iter().find(|s| s.name == name).unwrap()
    }

    pub async fn dead(&self) -> usize {
        let context = &self.world.context;
        context
            .store
            .jobs
            .list(context.scope(), JobFilter::Failed, JobSelection::default(), None)
            .await
            .unwrap()
            .rows
            .len()
    }

    pub async fn advance(&self, seconds: i64) {
        self.world.clock.advance(jiff::Span::new().seconds(seconds));
        self.world.settle().await;
    }

    pub fn status(&self, picking: i64) -> Option<String> {
        self.odoo.value(picking, "x_milepost_status").as_str().map(str::to_owned)
    }
}

/// A delivery for an Odoo under this number, written now and promised for a time far away.
pub fn delivery(number: &str, now: Timestamp) -> NewOrder {
    NewOrder {
        order: format!("S-{number}"),
        picking: format!("WH/OUT/{number}"),
        customer: "Somebody".into(),
        place: Place { city: "Lyon", state: None, zip: "69001", country: "FR", country3: "FRA", zone: "Europe/Paris" },
        carrier: "DHL",
        tracking: Some(number.into()),
        promised: now + SignedDuration::from_hours(24_000),
        shipped: None,
        written: now,
    }
}
