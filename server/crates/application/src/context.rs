//! What every use case works with: the store, the clock, the vault, the configuration and the systems outside.

use crate::{clock::Clock, config::Config, connections::live::Live, machine::Machine, texts::Texts, vault::Vault};
use carriers::{api::Platform, booking::Mode};
use desks::Desk;
use domain::{
    ids::{CompanyId, CorrelationId, JobId, ShipmentId},
    mapping::Mapping,
    reading::Reader,
};
use jiff::Timestamp;
use odoo::OdooClient;
use std::sync::{Arc, RwLock};
use storage::{
    Actor, Scope, Store,
    jobs::{Cause, JobKind, Lane, NewJob},
    signals::{Signal, Signals},
};
use tokio::sync::{Notify, Semaphore, broadcast::error::RecvError, watch};
use tokio_util::sync::CancellationToken;

/// The running installation.
pub struct Context {
    /// What is stored.
    pub store: Store,
    /// Time and randomness.
    pub clock: Arc<dyn Clock>,
    /// Encryption.
    pub vault: Vault,
    /// Seals and opens texts of other systems.
    pub texts: Texts,
    /// Settings.
    pub config: Config,
    /// The company of this installation.
    pub company: CompanyId,
    /// The newest published mapping; see [`Context::mapping`].
    pub published: RwLock<Arc<Mapping>>,
    /// The connections, as this process works with them.
    pub connections: Live,
    /// Wakes workers and live streams.
    pub notifier: Notifier,
    /// Configured sources, kept for a moment.
    pub sources: crate::tracking::source_cache::SourceCache,
    /// The model of transit times that is in force, kept for a moment.
    pub learned: crate::learned::kept_model::KeptModel,
    /// The company's calendar, kept for a moment.
    pub calendar: crate::exceptions::kept_calendar::KeptCalendar,
    /// The gates of the destinations, as the workers here know them.
    pub breakers: crate::destinations::breaker::Breakers,
    /// Files that may be taken in at once; see [`FILES_AT_ONCE`].
    pub files: Semaphore,
    /// Room for bodies that are not answered yet, in KiB; see [`ROOM_KIB`].
    pub room: Semaphore,
    /// The rules that run, kept for a moment.
    pub rules: crate::rules::book::Rules,
    /// The pace of hints.
    pub hints: crate::odoo::pace::Hints,
    /// The machine that this runs on.
    pub machine: Arc<dyn Machine>,
    /// Passwords that may be worked on at once; see [`crate::people::slow_lane::HASHES_AT_ONCE`].
    pub hashing: Arc<Semaphore>,
    /// Where sign-ins wait that are beyond the usual number.
    pub slow_lane: Arc<crate::people::slow_lane::SlowLane>,
}

/// A file of the largest kind is held three times while it is taken in: as read, sealed, and on its way to the disk.
pub const FILES_AT_ONCE: usize = 2;

/// Of each body the first MiB counts; what does not fit comes again.
pub const ROOM_KIB: usize = 64 * 1024;

/// Wakes those who wait: the workers of a lane, live streams; here at once, and on the other nodes through the store.
pub struct Notifier {
    real_time: Notify,
    batch: Notify,
    changed: watch::Sender<()>,
    connections: Notify,
    others: Arc<dyn Signals>,
}

impl Notifier {
    /// Nobody waits yet.
    pub fn new(others: Arc<dyn Signals>) -> Self {
        Self {
            real_time: Notify::new(),
            batch: Notify::new(),
            changed: watch::Sender::new(()),
            connections: Notify::new(),
            others,
        }
    }

    /// There is work in this lane.
    pub fn work(&self, lane: Lane) {
        self.notify(Signal::work(lane));
    }

    /// There may be work in both lanes.
    pub fn all_work(&self) {
        self.work(Lane::RealTime);
        self.work(Lane::Batch);
    }

    /// A shipment changed.
    pub fn changed(&self) {
        self.notify(Signal::Changed);
    }

    /// A connection changed.
    pub fn connections(&self) {
        self.notify(Signal::Connections);
    }

    /// What waits for changes of connections.
    pub const fn connection_changes(&self) -> &Notify {
        &self.connections
    }

    /// What the workers of a lane wait for.
    pub fn lane(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::RealTime => &self.real_time,
            Lane::Batch => &self.batch,
        }
    }

    /// What live streams wait for.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn notify(&self, signal: Signal) {
        self.here(signal);
        self.others.send(signal);
    }

    fn here(&self, signal: Signal) {
        match signal {
            Signal::RealTime => self.real_time.notify_waiters(),
            Signal::Batch => self.batch.notify_waiters(),
            Signal::Changed => drop(self.changed.send(())),
            Signal::Connections => self.connections.notify_waiters(),
        }
    }

    /// Passes on other nodes' signals, until shutdown.
    pub async fn listen(&self, shutdown: CancellationToken) {
        let mut received = self.others.subscribe();
        loop {
            let signal = tokio::select! {
                () = shutdown.cancelled() => return,
                signal = received.recv() => signal,
            };
            match signal {
                Ok(signal) => self.here(signal),
                // too many to keep: each kind was among them
                Err(RecvError::Lagged(_)) => Signal::ALL.iter().for_each(|signal| self.here(*signal)),
                Err(RecvError::Closed) => return,
            }
        }
    }
}

impl Context {
    /// The system's own scope.
    pub fn scope(&self) -> Scope {
        Scope { company: self.company, actor: Actor::System }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An order system that is in use.
    pub fn odoo(&self, name: &str) -> Option<Arc<OdooClient>> {
        self.connections.odoo(name)
    }

    /// A service desk that is in use.
    pub fn desk(&self, name: &str) -> Option<Arc<dyn Desk>> {
        self.connections.desk(name)
    }

    /// The API of a platform that is in use, and whether it is for tests or live.
    pub fn platform(&self, name: &str) -> Option<(Arc<dyn Platform>, Mode)> {
        self.connections.platform(name)
    }

    /// The newest published mapping that is known here.
    pub fn mapping(&self) -> Arc<Mapping> {
        Arc::clone(&self.published.read().expect("no panic while held"))
    }

    /// From now on this mapping reads, unless a newer one does.
    pub fn adopt(&self, mapping: Mapping) {
        let mut published = self.published.write().expect("no panic while held");
        if mapping.version() > published.version() {
            *published = Arc::new(mapping);
        }
    }

    /// A new correlation id.
    pub fn correlation(&self) -> CorrelationId {
        CorrelationId(self.clock.id())
    }

    /// Work for now, in the lane that its cause calls for.
    pub fn job(
        &self,
        kind: JobKind,
        target: impl ToString,
        cause: Cause,
        correlation: CorrelationId,
        shipment: Option<ShipmentId>,
    ) -> NewJob {
        NewJob {
            id: JobId(self.clock.id()),
            kind,
            target: target.to_string(),
            destination: None,
            lane: if cause == Cause::Live { Lane::RealTime } else { Lane::Batch },
            cause,
            run_at: self.now(),
            correlation,
            shipment,
        }
    }
}
