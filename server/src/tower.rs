//! What every use case works with: the store, the clock, the vault, the configuration and the systems outside.

use crate::{clock::Clock, config::Config, vault::Vault};
use connectors::{desks::Desk, odoo::OdooClient};
use domain::{
    ids::{CompanyId, CorrelationId, JobId, ShipmentId},
    mapping::Mapping,
    reading::Reader,
};
use jiff::Timestamp;
use std::sync::{Arc, RwLock};
use storage::{
    Actor, Scope, Store,
    jobs::{Cause, JobKind, Lane, NewJob},
};
use tokio::sync::{Notify, Semaphore, watch};

/// The running installation.
pub struct Tower {
    /// What is stored.
    pub store: Store,
    /// Time and randomness.
    pub clock: Arc<dyn Clock>,
    /// Encryption.
    pub vault: Vault,
    /// Settings.
    pub config: Config,
    /// The company of this installation.
    pub company: CompanyId,
    /// The newest published mapping; see [`Tower::mapping`].
    pub published: RwLock<Arc<Mapping>>,
    /// Odoo, where it is set up.
    pub odoo: Option<OdooClient>,
    /// The service desk, where it is set up.
    pub desk: Option<Arc<dyn Desk>>,
    /// Wakes the workers.
    pub wake: Wake,
    /// The newest change; live streams watch it.
    pub changes: watch::Sender<u64>,
    /// Configured sources, kept for a moment.
    pub sources: crate::usecases::ingest::SourceCache,
    /// Files that may be taken in at once; see [`FILES_AT_ONCE`].
    pub files: Semaphore,
}

/// A file of the largest kind is held three times while it is taken in: as read, sealed, and on its way to the disk.
pub const FILES_AT_ONCE: usize = 2;

/// Wakes the workers of a lane.
#[derive(Default)]
pub struct Wake {
    /// Real-time.
    pub real_time: Notify,
    /// Batch.
    pub batch: Notify,
}

impl Wake {
    /// There is work in this lane.
    pub fn lane(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::RealTime => &self.real_time,
            Lane::Batch => &self.batch,
        }
    }
}

impl Tower {
    /// The system's own scope.
    pub fn scope(&self) -> Scope {
        Scope { company: self.company, actor: Actor::System }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
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

    /// A new thread.
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
            lane: if cause == Cause::Live { Lane::RealTime } else { Lane::Batch },
            cause,
            run_at: self.now(),
            correlation,
            shipment,
        }
    }
}
