//! The demo does not disagree with itself: after a quarter of an hour of it the systems agree, apart from what is wrong in it on purpose, and
//! booked parcels go where their labels say, with the carriers that they name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use application::{
    caller::Caller,
    clock::{Clock, ManualClock},
    context::Context,
    jobs::{self, Runner},
    reconcile::{self, Started},
    tracking::ingest::{self, Delivery},
};
use carriers::RawRequest;
use domain::{
    ExceptionReason,
    ids::CorrelationId,
    numbers::{Check, Hints, Number},
    reconcile::Topic,
};
use http::{HeaderMap, HeaderValue};
use jiff::Span;
use server::{
    cli::demo::{Installed, release_orders},
    config::Settings,
};
use simulator::{booking::Label, carrier::Message};
use std::sync::Arc;
use storage::{
    Scope,
    jobs::Lane,
    reconciliations::{Difference, DifferenceQuery, Run, RunState, Which},
    shipments::{ShipmentQuery, ShipmentTab},
};

/// Seconds between two live events, as in the demo.
const TICK_S: i64 = 4;
/// Ticks between two rounds of work: an import comes every five seconds.
const WORK_EVERY: i64 = 8;
const LIVED_S: i64 = 900;

struct Demo {
    installed: Installed,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl Demo {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = ManualClock::at("2026-03-10T09:00:00Z".parse().unwrap());
        let settings = Settings { data: Some(folder.path().to_owned()), ..Settings::default() };
        let config = settings.resolve().unwrap();
        let shared: Arc<dyn Clock> = clock.clone();
        let installed = Installed::new(config, shared, 7).await.unwrap();
        Self { installed, clock, _folder: folder }
    }

    fn context(&self) -> &Arc<Context> {
        &self.installed.context
    }

    fn scope(&self) -> Scope {
        self.context().scope()
    }

    async fn receive(&self, message: &Message) {
        let mut headers = HeaderMap::new();
        for (name, value) in &message.headers {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let path = format!("/ingest/{}", message.source);
        let body = &message.body;
        let request = RawRequest { method: "POST", path: &path, query: "", peer: None, headers: &headers, body };
        let delivery = Delivery { source: message.source, request, correlation: CorrelationId(self.clock.id()) };
        ingest::accept(self.context(), delivery).await.unwrap();
    }

    async fn work(&self) {
        jobs::tick(self.context()).await.unwrap();
        for lane in [Lane::RealTime, Lane::Batch, Lane::RealTime] {
            Runner::new(Arc::clone(self.context()), lane).run_until_idle().await.unwrap();
        }
    }

    async fn advance(&self, seconds: i64) {
        self.clock.advance(Span::new().seconds(seconds));
        self.work().await;
    }

    /// A quarter of an hour of the demo.
    async fn live_for_a_while(&self) {
        for message in self.installed.world.past() {
            self.receive(&message).await;
        }
        self.work().await;
        release_orders(self.context()).await.unwrap();
        self.advance(10).await;
        let mut live = self.installed.world.live();
        for tick in 1..=LIVED_S / TICK_S {
            self.clock.advance(Span::new().seconds(TICK_S));
            for message in live.tick(self.clock.now()) {
                self.receive(&message).await;
            }
            if tick % WORK_EVERY == 0 {
                self.work().await;
            }
        }
        // what is written in Odoo is grouped, and read again after that
        for _ in 0..10 {
            self.advance(60).await;
        }
    }

    async fn reconciled(&self) -> Run {
        let (context, caller) = (self.context(), Caller::trusted(self.scope()));
        let Started::Run(id) = reconcile::start(context, &caller, None, true).await.unwrap() else {
            panic!("another one is running")
        };
        for _ in 0..60 {
            self.advance(1).await;
            let run = context.store.reconciliations.run(self.scope(), id).await.unwrap().unwrap();
            if run.state != RunState::Running {
                assert_eq!(run.state, RunState::Done);
                return run;
            }
        }
        panic!("the run does not end")
    }

    async fn differences(&self) -> Vec<Difference> {
        let query = DifferenceQuery { which: Which::Open, ..DifferenceQuery::default() };
        let caller = Caller::trusted(self.scope());
        let listed = reconcile::differences(self.context(), &caller, query).await.unwrap();
        listed.rows.into_iter().map(|row| row.difference).collect()
    }

    /// The shipments that have, or had, an exception for this reason.
    async fn with_exception(&self, reason: ExceptionReason) -> Vec<String> {
        let (store, now) = (&self.context().store, self.clock.now());
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let query = ShipmentQuery { tab: ShipmentTab::All, cursor, ..ShipmentQuery::default() };
            let page = store.shipments.list(self.scope(), query, now).await.unwrap();
            for row in page.rows {
                let loaded = store.shipments.load(self.scope(), row.id, None).await.unwrap().unwrap();
                if loaded.exceptions.iter().any(|exception| exception.reason == reason) {
                    found.push(format!("{:?} to {:?}", row.origin.map(|of| of.name), loaded.shipment.destination));
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    }
}

fn number_is_of_its_carrier(label: &Label) -> bool {
    let family = domain::carriers::known("odoo", label.carrier).map(|entry| entry.family.as_str());
    let read = Number::read_with(&label.number, Hints { carrier: family, country: None });
    let form = read.formats().first().filter(|_| read.is_valid());
    form.is_some_and(|form| form.family == family && form.check != Check::Bad)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_while_the_demos_systems_agree() {
    let demo = Demo::start().await;
    demo.live_for_a_while().await;

    let labels = demo.installed.world.booking().labels();
    assert!(labels.len() > 8, "{} labels", labels.len());
    let carriers: std::collections::BTreeSet<_> = labels.iter().map(|label| label.carrier).collect();
    assert!(carriers.len() >= 3, "{carriers:?}");
    for label in &labels {
        assert!(number_is_of_its_carrier(label), "{} of {}", label.number, label.carrier);
        assert!(label.to.is_some(), "a parcel goes nowhere");
    }

    let run = demo.reconciled().await;
    let differences = demo.differences().await;
    let shown: Vec<_> = differences.iter().map(|one| (one.found.topic, &one.found.odoo, &one.found.ours)).collect();
    // parcels of no order are in the demo on purpose
    let own = differences.iter().filter(|one| one.found.topic != Topic::NoOrder).count() as u64;
    assert!(run.counts.compared > 120, "{:?}", run.counts);
    assert!(own * 100 <= run.counts.compared, "{own} of {}: {shown:#?}", run.counts.compared);
    assert_eq!(demo.with_exception(ExceptionReason::WrongDestination).await, Vec::<String>::new());
}
