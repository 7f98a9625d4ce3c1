//! Calls to Odoo and the desk with their answers; messages that wait for a person.

use super::{ApiResult, When, choice::choice, connections::Health};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

choice! {
    /// Which jobs or messages are shown.
    SyncTab {
        /// Failed jobs.
        Failed = "failed",
        /// Jobs to be tried again.
        Retrying = "retrying",
        /// Jobs that wait or run.
        Pending = "pending",
        /// Jobs that succeeded.
        Done = "done",
        /// Messages that cannot be read.
        Quarantine = "quarantine",
        /// Every message.
        Messages = "messages",
    }
}

impl SyncTab {
    /// Whether it shows messages.
    pub const fn of_messages(self) -> bool {
        matches!(self, Self::Quarantine | Self::Messages)
    }
}

choice! {
    /// Since when a job is there.
    RetryingFor {
        /// However long.
        Any = "",
        /// For more than an hour.
        Hour = "1h",
    }
}

/// A question to the list of jobs and messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncQuery {
    /// The view.
    #[serde(default)]
    pub view: SyncTab,
    /// Jobs of this destination; empty: of any.
    #[serde(default)]
    pub destination: String,
    /// Jobs with this class of error; empty: with any.
    #[serde(default)]
    pub class: String,
    /// Messages of this source, by its name; empty: of any.
    #[serde(default)]
    pub source: String,
    /// At most so old: `1h`, `24h`, `7d`, or since a time; empty: of any age.
    #[serde(default)]
    pub since: String,
    /// Jobs that are there for so long.
    #[serde(default)]
    pub longer: RetryingFor,
    /// Where the page begins.
    #[serde(default)]
    pub cursor: String,
    /// Whether to count what could be retried, where that takes time.
    #[serde(default)]
    pub count: bool,
}

/// The sync page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncView {
    /// By destination.
    pub destinations: Vec<Destination>,
    /// The jobs of the view.
    pub jobs: Vec<JobView>,
    /// The messages of the view.
    pub messages: Vec<MessageView>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// What a bulk retry of everything that the filters select would come to, where it was counted.
    pub planned: Option<Planned>,
    /// Bulk retries, newest first.
    pub replays: Vec<ReplayView>,
    /// Deliveries of Odoo that could not be read, or only in part, newest first.
    pub unread: Vec<UnreadView>,
}

/// A delivery that could not be read, or only in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadView {
    /// Its name, else its id, in Odoo.
    pub name: String,
    /// What is wrong.
    pub problem: String,
    /// Whether it was imported without what could not be read.
    pub imported: bool,
    /// What a person can do.
    pub what_to_do: String,
    /// Its page in Odoo.
    pub url: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when.
    pub since: When,
    /// When it is tried again.
    pub next_try: When,
}

/// What would be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Taken up.
    pub take: u64,
    /// Left out.
    pub skip: u64,
}

/// A bulk retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayView {
    /// Its id.
    pub id: String,
    /// What, in words.
    pub what: String,
    /// Who started it.
    pub by: String,
    /// When.
    pub started: When,
    /// How many were counted before.
    pub planned: u64,
    /// How many it has taken up or left out.
    pub done: u64,
    /// Of those, how many it has left out.
    pub skipped: u64,
    /// Whether it goes on.
    pub running: bool,
    /// How it stands, in words.
    pub state: String,
}

/// What is to be retried: what is selected, or all that the filters select.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The question.
    #[serde(default)]
    pub query: SyncQuery,
    /// The ids chosen; empty with `all`.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Everything.
    #[serde(default)]
    pub all: bool,
}

/// Whether jobs go out to a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerView {
    /// Its name in requests.
    pub name: String,
    /// How it stands.
    pub stands: Health,
    /// Why, and until when, in words; empty while it is open.
    pub detail: String,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Why its jobs wait, where no connection has its name.
    pub no_connection: Option<String>,
    /// Its circuit breaker; none for internal work.
    pub breaker: Option<BreakerView>,
    /// Its name in requests.
    pub name: String,
    /// As shown.
    pub label: String,
    /// Done in the last 24 h.
    pub done: u64,
    /// Whether there are more than were counted.
    pub done_more: bool,
    /// Waiting.
    pub pending: u64,
    /// To be tried again.
    pub retrying: u64,
    /// Given up until a person acts.
    pub dead: u64,
    /// Classes of errors, most frequent first: the view that shows them, the class, how many.
    pub errors: Vec<(SyncTab, String, u64)>,
    /// When it last succeeded.
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
    /// How often it was tried, in words.
    pub attempts: String,
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
    /// The correlation id.
    pub correlation: String,
    /// The calls it made, oldest first; on a page of its own.
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

/// A message as received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its id.
    pub id: String,
    /// The source, by its name.
    pub source: String,
    /// The source, as shown.
    pub source_label: String,
    /// Where it stands, in a word.
    pub status: String,
    /// What became of it, or why it waits.
    pub reason: String,
    /// When it came.
    pub received: When,
    /// Its size in bytes.
    pub size: u64,
    /// The correlation id.
    pub correlation: String,
}

/// A message with its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// The message.
    pub message: MessageView,
    /// How it was verified.
    pub verified: String,
    /// The connector that reads it.
    pub connector: String,
    /// How often it was repeated.
    pub repeats: u32,
    /// As received; for a viewer who may not read it, only what is known to be harmless; none once it is no longer kept.
    pub raw: Option<String>,
    /// Whether something is left out of it for this viewer.
    pub masked: bool,
}

/// Syncs.
#[async_trait]
pub trait SyncPort: Send + Sync {
    /// The page.
    async fn view(&self, query: SyncQuery) -> ApiResult<SyncView>;
    /// One job with every call that it made.
    async fn job(&self, job: String) -> ApiResult<JobView>;
    /// One message.
    async fn message(&self, message: String) -> ApiResult<MessagePage>;
    /// Takes one dead job up again.
    async fn retry(&self, job: String) -> ApiResult<()>;
    /// Starts a bulk retry of what is selected; how many.
    async fn start_replay(&self, chosen: Chosen) -> ApiResult<Planned>;
    /// Stops that.
    async fn stop_replay(&self, replay: String) -> ApiResult<()>;
    /// Stops a destination: its jobs wait.
    async fn pause(&self, destination: String, why: String) -> ApiResult<()>;
    /// Lets a destination go on.
    async fn resume(&self, destination: String) -> ApiResult<()>;
    /// Tries to read deliveries again that could not be read.
    async fn read_deliveries(&self) -> ApiResult<()>;
    /// Reads a message again.
    async fn replay(&self, message: String) -> ApiResult<()>;
}
