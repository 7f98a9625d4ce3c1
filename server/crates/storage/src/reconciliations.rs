//! Reconciliation: runs that compare the systems, and the differences that they found. A difference is one topic of one record
//! of one system: it is opened once, keeps its age over the runs, and closes when a later look no longer finds it.

use crate::{
    Actor, AuditEntry, Page, Result, Scope,
    jobs::{JobKind, JobStatus, NewJob},
    orders::Origin,
};
use async_trait::async_trait;
use domain::{
    State,
    ids::{DifferenceId, ReconciliationId, ShipmentId, UserId},
    reconcile::{Cause, Choice, Fix, Group, Topic},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The system of what Milepost alone has: numbers without an order.
pub const OWN: &str = "milepost";
/// Runs that are listed.
pub const RUN_ROWS: u32 = 50;
/// Runs of one read of the history: three weeks of one each 15 minutes.
pub const HISTORY_ROWS: u32 = 2_016;
/// Shipments of one page of a run at most.
pub const SUBJECT_ROWS: u32 = 200;
/// Runs, and differences that are closed, are kept so long.
pub const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What is older and goes with the start of one run.
pub const PRUNED_ROWS: u32 = 1_000;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Steps follow.
    Running,
    /// Everything was compared.
    Done,
    /// A person stopped it.
    Stopped,
    /// It came no further, since a system did not answer.
    Stalled,
}

/// What a run has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records compared.
    pub compared: u64,
    /// Those on which the systems differ.
    pub differing: u64,
    /// Differences that are new.
    pub opened: u64,
    /// Differences that are gone.
    pub closed: u64,
    /// Fixes that were begun.
    pub fixes: u64,
    /// Tickets among what was compared.
    pub tickets: u64,
}

impl Counts {
    /// With those of a step.
    #[must_use]
    pub const fn plus(self, step: Self) -> Self {
        Self {
            compared: self.compared + step.compared,
            differing: self.differing + step.differing,
            opened: self.opened + step.opened,
            closed: self.closed + step.closed,
            fixes: self.fixes + step.fixes,
            tickets: self.tickets + step.tickets,
        }
    }
}

/// A run that begins.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id.
    pub id: ReconciliationId,
    /// Shipments that ended since then are compared beside those that are open.
    pub since: Timestamp,
    /// Whether it mends nothing.
    pub dry_run: bool,
    /// How many shipments there are to compare, as far as is known.
    pub total: u64,
    /// Where it begins.
    pub cursor: String,
    /// When.
    pub at: Timestamp,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: ReconciliationId,
    /// How it stands.
    pub state: RunState,
    /// Who started it.
    pub by: Actor,
    /// When.
    pub started_at: Timestamp,
    /// When it last came further.
    pub stepped_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Shipments that ended since then are compared too.
    pub since: Timestamp,
    /// Whether it mends nothing.
    pub dry_run: bool,
    /// How far it has come: the use case's own word.
    pub cursor: String,
    /// How many shipments there were to compare when it began.
    pub total: u64,
    /// What it has come to.
    pub counts: Counts,
}

/// The share of a run that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// When it ended.
    pub at: Timestamp,
    /// What it compared.
    pub compared: u64,
    /// Those that differ.
    pub differing: u64,
}

/// What one system says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// It.
    pub what: What,
    /// Whether a fix would change it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub odd: bool,
    /// Beside it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A value, as far as it is one of ours; another system's own words are not kept here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The system was not asked about it.
    #[default]
    Silent,
    /// It has none.
    Nothing,
    /// In our own words.
    Words(String),
    /// A status.
    State(State),
    /// A time.
    At(Timestamp),
    /// A ticket.
    Ticket {
        /// Its number.
        number: String,
        /// The desk's connection.
        desk: String,
        /// How it stands, in words.
        status: String,
    },
}

/// A record whose differences are compared as a whole: what is not found again is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The connection, or [`OWN`].
    pub system: String,
    /// The record's id there.
    pub record: String,
}

/// A difference as a look found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id, should it be new.
    pub id: DifferenceId,
    /// Of which record.
    pub subject: Subject,
    /// What differs.
    pub topic: Topic,
    /// The shipment.
    pub shipment: Option<ShipmentId>,
    /// What people call it: a tracking number, else a transfer.
    pub name: String,
    /// The order.
    pub order: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
    /// Why.
    pub cause: Cause,
    /// What mends it.
    pub fix: Fix,
    /// What the order system says.
    pub odoo: Said,
    /// What Milepost says.
    pub ours: Said,
    /// What the desk says.
    pub desk: Said,
    /// The newest event of the goods: a decision from before it is void.
    pub event_at: Option<Timestamp>,
}

/// How a difference ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// A fix of Milepost's mended it.
    Fixed,
    /// It was gone at a later look.
    Gone,
    /// A person let the other system's value stand.
    Kept,
}

/// A fix that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requested {
    /// When.
    pub at: Timestamp,
    /// Whose value is to be written; none: what the fix says.
    pub choice: Option<Choice>,
    /// Whether it was carried out, so that what is left is to look.
    pub applied: bool,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// As it was found last.
    pub found: Found,
    /// When it was first found.
    pub opened_at: Timestamp,
    /// When it was found last.
    pub seen_at: Timestamp,
    /// When and how it ended.
    pub closed: Option<(Timestamp, Resolution)>,
    /// The fix that was begun.
    pub requested: Option<Requested>,
    /// Who looks after it.
    pub owner: Option<UserId>,
    /// Counts the changes.
    pub revision: u64,
}

/// What a look at some records found.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The run; none for a look at one record.
    pub run: Option<ReconciliationId>,
    /// The records that were looked at.
    pub subjects: Vec<Subject>,
    /// What differs.
    pub found: Vec<Found>,
    /// The records that could not be read this time: what differs of them stays as it is.
    pub unread: Vec<Subject>,
    /// What was not compared of records that were looked at: it stays as it is.
    pub stays: Vec<(Subject, Topic)>,
}

/// The next step of a run.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it began; another one may have been there.
    pub from: String,
    /// Where the next one begins; none: this was the last.
    pub to: Option<String>,
    /// What it found.
    pub look: Look,
    /// What it adds beside what the look counts.
    pub counts: Counts,
    /// When.
    pub at: Timestamp,
    /// Jobs that commit with it: the next step, and fixes.
    pub jobs: Vec<NewJob>,
}

/// Which shipments a page of a run has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Not over, by record, behind this one.
    Open(i64),
    /// Ended since then, the longest ago first, behind this place.
    Ended(Timestamp, Option<(i64, ShipmentId)>),
    /// With differences that this run has not looked at, by record.
    Left(ReconciliationId),
}

/// A shipment to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// It.
    pub id: ShipmentId,
    /// Its record in the order system.
    pub record: i64,
    /// When it was last committed, in microseconds.
    pub updated_us: i64,
}

/// A number that no order names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlinked {
    /// Its shipment.
    pub id: ShipmentId,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// The shipment of an order that had the number before, with its record.
    pub before: Option<(ShipmentId, Origin)>,
    /// Where the next page begins.
    pub cursor: (i64, i64, ShipmentId),
}

/// Which differences a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Open.
    #[default]
    Open,
    /// Open, for whom.
    Of(Group),
    /// Mended since then.
    FixedSince(Timestamp),
}

/// A question to the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DifferenceQuery {
    /// Which.
    pub which: Which,
    /// Of this topic.
    pub topic: Option<Topic>,
    /// Of this system.
    pub system: Option<String>,
    /// Of this cause.
    pub cause: Option<Cause>,
    /// Of this carrier.
    pub carrier: Option<String>,
    /// Of this person; `Some(None)`: of no person.
    pub owner: Option<Option<UserId>>,
    /// Found first before.
    pub opened_before: Option<Timestamp>,
    /// Found first since.
    pub opened_since: Option<Timestamp>,
    /// Where the page begins.
    pub cursor: Option<String>,
}

/// How many differences there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DifferenceCounts {
    /// Open, by group and cause.
    pub open: Vec<(Group, Cause, u64)>,
    /// Mended since the time asked for.
    pub fixed: u64,
    /// When the oldest open one was first found.
    pub oldest: Option<Timestamp>,
}

/// What is decided of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// A person looks after it; none: no longer.
    Assign(Option<UserId>),
    /// A fix begins.
    Request(Option<Choice>),
    /// The fix was carried out.
    Applied,
    /// The fix failed: it may be requested again.
    Withdrawn,
    /// The other system's value stands.
    Keep,
}

/// A decision about a difference.
#[derive(Clone, Debug)]
pub struct Decision {
    /// About which.
    pub id: DifferenceId,
    /// As it was when it was decided about.
    pub revision: u64,
    /// What.
    pub decided: Decided,
    /// Jobs that commit with it.
    pub jobs: Vec<NewJob>,
    /// The audit entry; none where no person decided.
    pub audit: Option<AuditEntry>,
    /// When.
    pub at: Timestamp,
}

/// Reconciliation.
#[async_trait]
pub trait Reconciliations: Send + Sync {
    /// Begins a run with its first jobs, unless one is running; whether it did. What is older than [`KEPT`] goes.
    async fn begin(&self, scope: Scope, run: NewRun, jobs: Vec<NewJob>, audit: Option<AuditEntry>) -> Result<bool>;

    /// Keeps a step of a run, unless it has ended or is elsewhere by now; how the run stands then.
    async fn step(&self, scope: Scope, id: ReconciliationId, step: Step) -> Result<Run>;

    /// Keeps what a look outside of a run found.
    async fn look(&self, scope: Scope, look: Look, at: Timestamp) -> Result<Counts>;

    /// Ends a run that has not ended; whether it did.
    async fn end(
        &self,
        scope: Scope,
        id: ReconciliationId,
        state: RunState,
        at: Timestamp,
        audit: Option<AuditEntry>,
    ) -> Result<bool>;

    /// One.
    async fn run(&self, scope: Scope, id: ReconciliationId) -> Result<Option<Run>>;

    /// The newest ([`RUN_ROWS`]), newest first.
    async fn runs(&self, scope: Scope) -> Result<Vec<Run>>;

    /// The shares of runs that were done since, oldest first.
    async fn history(&self, scope: Scope, since: Timestamp) -> Result<Vec<Share>>;

    /// A page of the shipments of a system.
    async fn subjects(&self, scope: Scope, system: &str, walk: Walk, limit: u32) -> Result<Vec<Compared>>;

    /// How many shipments of a system a run compares.
    async fn total(&self, scope: Scope, systems: Vec<String>, since: Timestamp) -> Result<u64>;

    /// A page of the numbers without an order that were reported, behind this place.
    async fn unlinked(&self, scope: Scope, after: Option<(i64, i64, ShipmentId)>, limit: u32) -> Result<Vec<Unlinked>>;

    /// How the jobs of a kind for these targets stand that are not done; of one target there may be several.
    async fn updates(&self, scope: Scope, kind: JobKind, targets: Vec<String>) -> Result<Vec<(String, JobStatus)>>;

    /// The shipment of an order that had the number of an unlinked one before.
    async fn before(&self, scope: Scope, unlinked: ShipmentId) -> Result<Option<(ShipmentId, Origin)>>;

    /// The numbers, as written, that a shipment of an order got when it lost that of an unlinked one, and still has.
    async fn in_place_of(&self, scope: Scope, unlinked: ShipmentId, before: ShipmentId) -> Result<Vec<String>>;

    /// Closes what was there before the run began and it has not found again of systems that it has looked through; how many.
    async fn close_unseen(
        &self,
        scope: Scope,
        run: ReconciliationId,
        systems: Vec<String>,
        began: Timestamp,
        at: Timestamp,
    ) -> Result<u64>;

    /// A page of the differences, oldest first; of mended ones the newest first.
    async fn list(&self, scope: Scope, query: DifferenceQuery) -> Result<Page<Difference>>;

    /// How many there are.
    async fn counts(&self, scope: Scope, fixed_since: Timestamp) -> Result<DifferenceCounts>;

    /// The carriers of open ones, for filters.
    async fn carriers(&self, scope: Scope) -> Result<Vec<String>>;

    /// Some, by their ids.
    async fn differences(&self, scope: Scope, ids: Vec<DifferenceId>) -> Result<Vec<Difference>>;

    /// Decides about one as its next revision, with the jobs and the audit entry; whether it was still open and the same.
    async fn decide(&self, scope: Scope, decision: Decision) -> Result<bool>;
}
