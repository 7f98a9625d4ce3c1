//! Calls to other systems: what went out, what failed, what can be taken up again.

use super::{
    Answer, CorrelationId, Instant, JobId, MessageId, Page, ShipmentId,
    session::Viewer,
    shipments::{Destination, Outcome},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Which jobs the list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobTab {
    /// Given up until a person acts.
    #[default]
    Failed,
    /// To be tried again.
    Retrying,
    /// Waiting for the first try, or at it.
    Pending,
    /// Done.
    Done,
}

impl JobTab {
    /// Every tab, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Retrying, Self::Pending, Self::Done];

    /// The word in the URL.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Retrying => "retrying",
            Self::Pending => "pending",
            Self::Done => "done",
        }
    }

    /// The tab with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Retrying => "Retrying",
            Self::Pending => "Pending",
            Self::Done => "Delivered",
        }
    }
}

/// A question to the page. The whole of it is in its URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SyncQuery {
    /// Which jobs.
    #[serde(default)]
    pub tab: JobTab,
    /// Of this destination.
    #[serde(default)]
    pub destination: Option<Destination>,
    /// Where the page of jobs begins.
    #[serde(default)]
    pub cursor: Option<String>,
    /// The job whose calls are shown.
    #[serde(default)]
    pub job: Option<JobId>,
}

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncView {
    /// When this was read.
    pub now: Instant,
    /// Each destination that is set up.
    pub destinations: Vec<DestinationRow>,
    /// Jobs, newest movement first.
    pub jobs: Page<JobRow>,
    /// The calls of the job that was asked for, newest first.
    pub attempts: Option<Vec<Attempt>>,
    /// Messages that nobody could read, newest first; at most 50.
    pub quarantine: Vec<QuarantinedMessage>,
    /// How many of those there are.
    pub quarantined: u64,
}

/// Figures of one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationRow {
    /// Which.
    pub destination: Destination,
    /// What it is: `Odoo 19 · JSON-2`, `Request Tracker`.
    pub detail: String,
    /// Done in the last 24 h.
    pub done: u64,
    /// Waiting or at it.
    pub pending: u64,
    /// To be tried again.
    pub retrying: u64,
    /// Given up until a person acts.
    pub failed: u64,
    /// Error classes of failed and retrying ones, most frequent first.
    pub errors: Vec<(String, u64)>,
    /// When something last went well.
    pub last_ok: Option<Instant>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// Whose door it knocks at.
    pub destination: Destination,
    /// What it does, in words: `Status and notes`, `Case`, `Import of orders`.
    pub what: String,
    /// On what: the order, transfer or exception as a person knows it.
    pub target: String,
    /// The shipment it concerns.
    pub shipment: Option<ShipmentId>,
    /// Where it stands.
    pub status: JobStatus,
    /// Tries so far.
    pub attempts: u32,
    /// After how many a person has to look.
    pub attempts_max: u32,
    /// When it is tried next.
    pub next_at: Option<Instant>,
    /// The class of the last error: `rejected_value`.
    pub error_class: Option<String>,
    /// The last error, without personal data.
    pub error: Option<String>,
    /// When it last moved.
    pub moved_at: Instant,
    /// Its thread.
    pub correlation: CorrelationId,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waiting for its first try.
    Ready,
    /// Waiting for another try.
    Retrying,
    /// Somebody is at it.
    Running,
    /// Done.
    Done,
    /// Given up until a person acts.
    Failed,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Instant,
    /// What was called.
    pub operation: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// For how long, in milliseconds.
    pub duration_ms: u64,
    /// The request, personal data masked.
    pub request: String,
    /// The answer, personal data masked.
    pub response: String,
}

/// A message that nobody could read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedMessage {
    /// Its id.
    pub id: MessageId,
    /// The source's name.
    pub source: String,
    /// When it came.
    pub received_at: Instant,
    /// Size in bytes.
    pub size: u64,
    /// Why nobody could read it.
    pub reason: String,
    /// Its thread.
    pub correlation: CorrelationId,
}

/// Failed jobs to take up again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RetryAll {
    /// Those that failed within so many hours, 1 to 720.
    pub hours: u32,
    /// Of this destination; none for every one.
    #[serde(default)]
    pub destination: Option<Destination>,
}

/// Calls to other systems.
#[async_trait]
pub trait SyncPort: Send + Sync {
    /// The page.
    async fn sync(&self, viewer: &Viewer, query: SyncQuery) -> Answer<SyncView>;

    /// Takes up one failed job again.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has not failed, or newer work has done the same.
    async fn retry(&self, viewer: &Viewer, job: &JobId) -> Answer<()>;

    /// How many jobs [`SyncPort::retry_all`] would take up.
    async fn count_retry_all(&self, viewer: &Viewer, which: RetryAll) -> Answer<u64>;

    /// Takes up failed jobs again; returns how many.
    async fn retry_all(&self, viewer: &Viewer, which: RetryAll) -> Answer<u64>;

    /// Reads a quarantined message again.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not in quarantine any more.
    async fn replay(&self, viewer: &Viewer, message: &MessageId) -> Answer<()>;
}
