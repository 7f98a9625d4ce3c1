//! Operational alerts, what happened to them, and the notices of them that go out over channels. What follows from a look at a condition
//! is decided in `domain::alerts`; here one change is one transaction: the alert, its history, its notices and their jobs.

use crate::{
    Actor, AuditEntry, Result, Scope,
    jobs::{Lane, NewJob},
    shipments::LastEvent,
};
use async_trait::async_trait;
use domain::{
    alerts::{
        AlertKind,
        machine::{Notice, Standing},
    },
    ids::{AlertId, NoticeId, ShipmentId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Open alerts of one read.
pub const OPEN_ROWS: u32 = 500;
/// Resolved alerts of one read.
pub const RESOLVED_ROWS: u32 = 100;
/// Entries of the history of one alert.
pub const EVENT_ROWS: u32 = 50;
/// Notices of one read.
pub const NOTICE_ROWS: u32 = 2_000;
/// Resolved alerts are kept so long.
pub const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What is older and goes with one change.
pub const PRUNED_ROWS: u32 = 100;
/// Due jobs of a lane that are counted.
pub const DUE_ROWS: u32 = 100_000;
/// Held shipments of one read.
pub const HELD_ROWS: u32 = 20_000;

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRecord {
    /// Its id.
    pub id: AlertId,
    /// Its kind.
    pub kind: AlertKind,
    /// What it is about: a connection's name, a lane, a place. With the kind it is what makes two the same.
    pub subject: String,
    /// How it stands.
    pub standing: Standing,
    /// One line, in our own words.
    pub title: String,
    /// Why it is there, in our own words.
    pub detail: String,
    /// What it affects, in the plural: `updates`.
    pub unit: String,
    /// The page that shows what to do about it.
    pub link: String,
    /// The channels that a rule names; empty: those that take it.
    pub channels: Vec<String>,
    /// Who looks after it.
    pub owner: Option<UserId>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<Actor>,
    /// Who snoozed it, and why.
    pub snoozed: Option<(Actor, String)>,
    /// When and how it ended.
    pub resolved: Option<Resolved>,
    /// How often channels were notified.
    pub notices: u32,
    /// Counts the changes.
    pub revision: u64,
}

/// How an alert ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// When.
    pub at: Timestamp,
    /// Who resolved it; [`Actor::System`]: it cleared by itself.
    pub by: Actor,
    /// Why; empty where nothing was said.
    pub why: String,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// It opened.
    Opened,
    /// It became more severe.
    Raised,
    /// It affects more than before.
    Grew,
    /// It was not acknowledged in time.
    Escalated,
    /// A person acknowledged it.
    Acknowledged,
    /// A person took it over, or gave it up.
    Assigned,
    /// A person snoozed it.
    Snoozed,
    /// Its snooze ended.
    Back,
    /// It ended.
    Resolved,
}

/// An entry of an alert's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: EventKind,
    /// By whom.
    pub by: Actor,
    /// The details, in our own words.
    pub detail: String,
}

/// A notice to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// Its id: what is sent under it is one message.
    pub id: NoticeId,
    /// Of what.
    pub notice: Notice,
    /// Over which channel.
    pub channel: String,
    /// When: later than now in quiet hours.
    pub due_at: Timestamp,
}

/// How a notice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// It was not sent yet.
    Waiting,
    /// It is being sent; if the process dies now, its outcome is unknown.
    Sending,
    /// It was sent.
    Sent,
    /// It may have been sent, and is not sent again.
    Unknown,
    /// It cannot be sent.
    Failed,
    /// It was no longer needed.
    Dropped,
}

impl NoticeState {
    /// Whether who reads the channel may have it.
    pub const fn may_be_there(self) -> bool {
        matches!(self, Self::Sending | Self::Sent | Self::Unknown)
    }
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRecord {
    /// Its id.
    pub id: NoticeId,
    /// Of which alert.
    pub alert: AlertId,
    /// Of what.
    pub notice: Notice,
    /// Over which channel.
    pub channel: String,
    /// When it is to be sent.
    pub due_at: Timestamp,
    /// How it stands.
    pub state: NoticeState,
    /// When it came to that.
    pub ended_at: Option<Timestamp>,
}

/// A change of an alert.
#[derive(Clone, Debug)]
pub struct AlertChange {
    /// The revision that was read; none: it is new.
    pub expected: Option<u64>,
    /// As it is from now on; its revision is given by the store.
    pub after: AlertRecord,
    /// What happened, oldest first.
    pub events: Vec<AlertEvent>,
    /// What channels are notified of; those that still wait for an earlier one are dropped where this is not empty.
    pub notices: Vec<NewNotice>,
    /// Whether notices that wait are dropped: they are no longer true.
    pub drops_waiting: bool,
    /// The jobs that send them.
    pub jobs: Vec<NewJob>,
    /// The audit line of a person's change.
    pub audit: Option<AuditEntry>,
    /// When.
    pub at: Timestamp,
}

/// How many alerts stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertCounts {
    /// Open ones that are neither acknowledged nor snoozed.
    pub unacknowledged: u64,
    /// Open ones that were acknowledged.
    pub acknowledged: u64,
    /// Snoozed ones.
    pub snoozed: u64,
}

/// Jobs that are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueJobs {
    /// The lane.
    pub lane: Lane,
    /// Their destination, or [`crate::jobs::INSIDE`].
    pub destination: String,
    /// How many; of a lane [`DUE_ROWS`] are counted at most.
    pub number: u64,
    /// Since when the oldest is due.
    pub oldest: Timestamp,
}

/// What the engine says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Bytes of the database.
    pub bytes: u64,
    /// Its clock; none where it has that of this process.
    pub clock: Option<Timestamp>,
}

/// Alerts.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Those that are open, the most severe first, then the newest; no more than [`OPEN_ROWS`].
    async fn open(&self, scope: Scope) -> Result<Vec<AlertRecord>>;

    /// The open one of this kind and subject.
    async fn open_of(&self, scope: Scope, kind: AlertKind, subject: &str) -> Result<Option<AlertRecord>>;

    /// One of them.
    async fn one(&self, scope: Scope, id: AlertId) -> Result<Option<AlertRecord>>;

    /// Those that ended since then, newest first; no more than [`RESOLVED_ROWS`].
    async fn resolved(&self, scope: Scope, since: Timestamp) -> Result<Vec<AlertRecord>>;

    /// Keeps a change with its history, notices, jobs and audit line; whether it did: it was not changed meanwhile, and no other one of
    /// its kind and subject is open.
    async fn change(&self, scope: Scope, change: AlertChange) -> Result<bool>;

    /// The newest entries of the history of some alerts, newest first.
    async fn events(&self, scope: Scope, of: Vec<AlertId>) -> Result<Vec<(AlertId, AlertEvent)>>;

    /// The notices of some alerts, oldest first.
    async fn notices(&self, scope: Scope, of: Vec<AlertId>) -> Result<Vec<NoticeRecord>>;

    /// One of them.
    async fn notice(&self, scope: Scope, id: NoticeId) -> Result<Option<NoticeRecord>>;

    /// A notice came from one state to another; whether it was in the first.
    async fn notice_moved(
        &self,
        scope: Scope,
        id: NoticeId,
        from: NoticeState,
        to: NoticeState,
        at: Timestamp,
    ) -> Result<bool>;

    /// How many are open, of [`OPEN_ROWS`] at most.
    async fn counts(&self, scope: Scope, now: Timestamp) -> Result<AlertCounts>;

    /// How often each kind opened since then.
    async fn fired(&self, scope: Scope, since: Timestamp) -> Result<Vec<(AlertKind, u64)>>;

    /// Jobs that are due, by lane and destination.
    async fn due_jobs(&self, scope: Scope, now: Timestamp) -> Result<Vec<DueJobs>>;

    /// Shipments with an open exception of the category *hold*, each with its last event; no more than [`HELD_ROWS`].
    async fn held(&self, scope: Scope) -> Result<Vec<(ShipmentId, Option<LastEvent>)>>;

    /// What the engine says of itself.
    async fn engine(&self) -> Result<Engine>;
}
