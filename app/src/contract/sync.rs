//! What was told to Odoo and the desk, and what they answered; messages that wait for a person.

use super::{Answer, When};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A question to the list of jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncQuery {
    /// The view: failed, retrying, pending, done, quarantine.
    #[serde(default)]
    pub view: String,
    /// Where the page begins.
    #[serde(default)]
    pub cursor: String,
}

/// The sync page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncView {
    /// By destination.
    pub destinations: Vec<Destination>,
    /// The jobs of the view.
    pub jobs: Vec<JobView>,
    /// The messages of the view quarantine.
    pub quarantine: Vec<MessageView>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// How many "retry all" would take up.
    pub failed: u64,
}

/// Whether jobs go out to a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateView {
    /// Its name in requests.
    pub name: String,
    /// How it stands.
    pub stands: Stands,
    /// Why, and until when, in words; empty while it is open.
    pub detail: String,
}

/// How a destination stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// Jobs go out.
    Open,
    /// A person stopped it.
    Paused,
    /// It asked not to be called for a while.
    Held,
    /// It fails: jobs wait.
    Shut,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its gate; none for work inside.
    pub gate: Option<GateView>,
    /// As shown.
    pub label: String,
    /// Done in the last 24 h.
    pub done: u64,
    /// Waiting.
    pub pending: u64,
    /// To be tried again.
    pub retrying: u64,
    /// Given up until a person acts.
    pub dead: u64,
    /// Classes of errors, most frequent first.
    pub errors: Vec<(String, u64)>,
    /// When something last went well.
    pub last_ok: Option<When>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// What it does.
    pub what: String,
    /// To whom.
    pub destination: String,
    /// The shipment concerned.
    pub shipment: Option<String>,
    /// Tries.
    pub attempts: u32,
    /// Where it stands, in words.
    pub status: String,
    /// Whether a person can take it up again.
    pub retryable: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// The error's class.
    pub class: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
    /// When it is tried next.
    pub next: Option<When>,
    /// When it last moved.
    pub updated: When,
    /// The thread.
    pub correlation: String,
    /// The calls it made.
    pub calls: Vec<CallView>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// What was called, how it went, how long it took.
    pub title: String,
    /// When.
    pub at: When,
    /// The request, masked.
    pub request: String,
    /// The answer, masked.
    pub response: String,
}

/// A message that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its id.
    pub id: String,
    /// From where.
    pub source: String,
    /// Why it waits.
    pub reason: String,
    /// When it came.
    pub received: When,
    /// Its size in bytes.
    pub size: u64,
    /// The thread.
    pub correlation: String,
}

/// Syncs.
#[async_trait]
pub trait SyncPort: Send + Sync {
    /// The page.
    async fn view(&self, query: SyncQuery) -> Answer<SyncView>;
    /// Takes one dead job up again.
    async fn retry(&self, job: String) -> Answer<()>;
    /// Takes every dead job up again; how many.
    async fn retry_all(&self) -> Answer<u64>;
    /// Stops a destination: its jobs wait.
    async fn pause(&self, destination: String, why: String) -> Answer<()>;
    /// Lets a destination go on.
    async fn resume(&self, destination: String) -> Answer<()>;
    /// Reads a message again.
    async fn replay(&self, message: String) -> Answer<()>;
}
