//! What is stored, as traits and records; no SQL here.
//!
//! No transaction crosses a trait: one method is one transaction, an owned command in, an owned result out. Every method
//! takes a [`Scope`], so that no query can forget the company. Engines: `storage-sqlite` (embedded default) and
//! `storage-postgres` (several nodes); both pass [`conformance`].
//!
//! Personal data arrives sealed ([`Sealed`]) under a key of its own subject; storage never sees it in clear.

pub mod alerts;
pub mod audit;
pub mod bookings;
pub mod cases;
pub mod chain;
pub mod claims;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod connections;
pub mod counted;
pub mod destinations;
pub mod erasure;
pub mod exceptions;
pub mod facts;
pub mod figures;
pub mod inbox;
pub mod jobs;
pub mod keys;
pub mod learned;
pub mod mappings;
pub mod order_problems;
pub mod orders;
pub mod people;
pub mod queue;
pub mod reconciliations;
pub mod replays;
pub mod reports;
pub mod rollups;
pub mod rules;
pub mod schedules;
pub mod sessions;
pub mod settings;
pub mod shipments;
pub mod signals;
pub mod tally;
pub mod trackers;
pub mod transfer;
pub mod upkeep;
pub mod users;
pub mod work;

pub use audit::{AuditEntry, AuditKey};
use domain::ids::{CompanyId, SubjectId, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An engine: its parts, each one trait.
#[derive(Clone)]
pub struct Store {
    /// Operational alerts.
    pub alerts: Arc<dyn alerts::Alerts>,
    /// The systems that messages come from and that jobs go out to.
    pub connections: Arc<dyn connections::Connections>,
    /// Messages as received.
    pub inbox: Arc<dyn inbox::Inbox>,
    /// Trackers, observations, bindings.
    pub facts: Arc<dyn facts::Facts>,
    /// Published mappings and the codes that they are for.
    pub mappings: Arc<dyn mappings::Mappings>,
    /// Shipments and their state.
    pub shipments: Arc<dyn shipments::Shipments>,
    /// Deliveries that could not be taken in, or only in part.
    pub order_problems: Arc<dyn order_problems::OrderProblems>,
    /// Bookings, and numbers that are registered for tracking.
    pub bookings: Arc<dyn bookings::Bookings>,
    /// Claims against carriers.
    pub claims: Arc<dyn claims::Claims>,
    /// Units of work and the calls they made.
    pub jobs: Arc<dyn jobs::Jobs>,
    /// Comparisons of the systems, and their differences.
    pub reconciliations: Arc<dyn reconciliations::Reconciliations>,
    /// Replays.
    pub replays: Arc<dyn replays::Replays>,
    /// Saved reports and annotations.
    pub reports: Arc<dyn reports::Reports>,
    /// What is learned of transit times.
    pub learned: Arc<dyn learned::Learned>,
    /// Figures, added up.
    pub rollups: Arc<dyn rollups::Rollups>,
    /// Rules, their versions and dry runs.
    pub rules: Arc<dyn rules::Rules>,
    /// When the clock starts which work.
    pub schedules: Arc<dyn schedules::Schedules>,
    /// The gates in front of other systems.
    pub destinations: Arc<dyn destinations::Destinations>,
    /// What people look after: exceptions, cases, figures.
    pub work: Arc<dyn work::Work>,
    /// Users, sessions, keys, settings, audit trail.
    pub people: Arc<dyn people::People>,
    /// What an erasure rewrites.
    pub erasure: Arc<dyn erasure::Erasure>,
    /// Retention, and what follows a restore.
    pub upkeep: Arc<dyn upkeep::Upkeep>,
    /// Wake-ups between nodes.
    pub signals: Arc<dyn signals::Signals>,
    /// Whether opening it brought the tables of an earlier version up to the audit trail's chain: its lines have no MAC yet,
    /// and the process that opened it begins the chain. No other does: MACs that are missing otherwise were removed.
    pub chain_is_new: bool,
}

/// For whom a query runs. Each row belongs to a company; no method answers across companies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The company.
    pub company: CompanyId,
    /// On whose behalf.
    pub actor: Actor,
}

/// On whose behalf something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// A signed-in person.
    User(UserId),
    /// The command line of the machine.
    Operator,
    /// The system itself.
    System,
}

/// Bytes encrypted under the key of a subject; when that key is destroyed they are noise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Whose key.
    pub subject: SubjectId,
    /// Nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
}

impl Sealed {
    /// As one value, for a column of its own.
    pub fn packed(&self) -> Vec<u8> {
        [self.subject.0.as_bytes().as_slice(), &self.bytes].concat()
    }

    /// From such a value; none where it is too short to be one.
    pub fn unpacked(packed: &[u8]) -> Option<Self> {
        let (subject, bytes) = packed.split_first_chunk::<16>()?;
        Some(Self { subject: SubjectId(uuid::Uuid::from_bytes(*subject)), bytes: bytes.to_vec() })
    }
}

/// A subject's data key, itself encrypted under the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Whose.
    pub subject: SubjectId,
    /// Nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
}

/// Why a storage call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row for this company.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Somebody else changed it, or it exists already.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The write queue is full: try again later.
    #[error("the store is busy")]
    Busy,
    /// The engine cannot be reached or has no space.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What is stored cannot be read as what it should be.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

/// What a storage call gives.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A page of a list, by keyset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
}

/// Limits of the storage layer.
pub mod limits {
    use jiff::SignedDuration;

    /// After a try that failed the other side gets this long to settle, whatever news come for its target: the try may
    /// have been applied, and a burst of news must not use up the tries.
    pub const SETTLE: SignedDuration = SignedDuration::from_secs(20);
    /// Rows of one page.
    pub const PAGE_ROWS: u32 = 50;
    /// Finished jobs of a destination that are counted.
    pub const DONE_COUNTED: u32 = 10_000;
    /// Failed jobs that are taken up at once.
    pub const RETRY_JOBS: u32 = 200;
    /// Replays of one read.
    pub const REPLAY_ROWS: u32 = 10;
    /// Jobs of one claim.
    pub const CLAIM_JOBS: u32 = 64;
    /// Changes of one read of the change table.
    pub const CHANGE_ROWS: u32 = 500;
    /// Published mappings of one read.
    pub const MAPPING_ROWS: u32 = 100;
    /// Samples of an unmapped code.
    pub const SAMPLES: u32 = 5;
    /// Messages about a shipment of one read.
    pub const ERASED_MESSAGES: u32 = 50;
    /// Texts that an erasure reads or empties at once.
    pub const ERASED_TEXTS: u32 = 500;
    /// Observations that are read again at once.
    pub const REREAD_ROWS: u32 = 200;
    /// Proofs of delivery whose wait ends at once.
    pub const EXPIRED_ROWS: u32 = 1_000;
}
