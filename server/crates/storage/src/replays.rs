//! Replays: failed jobs or kept messages that a person retries. Counted first, then done step by step, each step
//! one transaction, so that a stop or a dead node loses nothing and does nothing twice.

use crate::{
    Actor, AuditEntry, Result, Scope,
    inbox::MessageSelection,
    jobs::{JobSelection, NewJob},
    tally::Tally,
};
use async_trait::async_trait;
use domain::ids::{MessageId, ReplayId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a replay takes up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Failed jobs, to be tried again.
    Jobs(JobSelection),
    /// Kept messages, to be read again.
    Messages(MessageSelection),
}

/// A replay that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReplay {
    /// Its id.
    pub id: ReplayId,
    /// What it takes up.
    pub selection: Selection,
    /// As counted before.
    pub planned: Tally,
    /// When.
    pub at: Timestamp,
}

/// The status of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// Steps follow.
    Running,
    /// Everything is taken up.
    Done,
    /// A person stopped it.
    Stopped,
}

/// A replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// What it takes up.
    pub selection: Selection,
    /// Who started it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// As counted before it began.
    pub planned: Tally,
    /// What it has come to.
    pub done: Tally,
    /// The place in the list of messages that it has come to.
    pub cursor: Option<String>,
    /// Its status.
    pub state: ReplayState,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The next step of a replay.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it begins; another step may have been there.
    pub from: Option<String>,
    /// The messages of this step with the jobs that read them. Failed jobs are found by the store.
    pub messages: Vec<(MessageId, NewJob)>,
    /// Where the next one begins; none where these messages were the last.
    pub to: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The job that makes the next step.
    pub next: NewJob,
}

/// Replays.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Begins one; its first job and the audit entry commit with it.
    async fn start(&self, scope: Scope, replay: NewReplay, job: NewJob, audit: AuditEntry) -> Result<()>;

    /// Takes up the next of its jobs ([`crate::limits::RETRY_JOBS`], the newest first) or the messages given, unless the
    /// replay has ended or is elsewhere by now. The job of the next step commits with it. Returns its status.
    async fn step(&self, scope: Scope, id: ReplayId, step: Step) -> Result<Replay>;

    /// A person stops one; what it took up stays taken up. Whether it was running.
    async fn stop(&self, scope: Scope, id: ReplayId, audit: AuditEntry) -> Result<bool>;

    /// One.
    async fn replay(&self, scope: Scope, id: ReplayId) -> Result<Option<Replay>>;

    /// The newest ([`crate::limits::REPLAY_ROWS`]), newest first.
    async fn newest(&self, scope: Scope) -> Result<Vec<Replay>>;
}
