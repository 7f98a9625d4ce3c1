//! What people look after: exceptions, cases, figures.

use crate::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError,
    figures::{Figures, Span},
    jobs::NewJob,
    orders::Origin,
    trackers::NumberRecord,
};
use async_trait::async_trait;
use domain::{
    Category, ExceptionReason, Party, Severity, State,
    exceptions::CommittedException,
    fold::Resolution,
    ids::{CaseId, ExceptionId, ObservationId, ShipmentId, UserId},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// An exception, committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionRecord {
    /// Its id.
    pub id: ExceptionId,
    /// The shipment.
    pub shipment: ShipmentId,
    /// Why.
    pub reason: ExceptionReason,
    /// The piece.
    pub piece: Option<String>,
    /// How much a person is needed.
    pub severity: Severity,
    /// Who is responsible.
    pub responsible: Party,
    /// When it began, sorting instant.
    pub opened_at: Timestamp,
    /// When we committed it.
    pub recorded_at: Timestamp,
    /// How it ended.
    pub closed: Option<(Timestamp, Resolution)>,
    /// The facts behind it.
    pub evidence: Vec<ObservationId>,
    /// Who looks after it.
    pub owner: Option<UserId>,
    /// When somebody said "I have seen it".
    pub acknowledged_at: Option<Timestamp>,
    /// Out of the queue until then.
    pub snoozed_until: Option<Timestamp>,
    /// When somebody has to have acted.
    pub due_at: Timestamp,
    /// Whether it was history when it was recorded: it is shown, and no notification is sent.
    pub withheld: bool,
}

impl ExceptionRecord {
    /// As folds compare it.
    pub fn committed(&self) -> CommittedException {
        CommittedException {
            id: self.id,
            reason: self.reason,
            piece: self.piece.clone(),
            severity: self.severity,
            evidence: self.evidence.clone(),
            opened_at: self.opened_at,
            recorded_at: self.recorded_at,
            closed: self.closed,
            withheld: self.withheld,
        }
    }
}

/// What a person does with an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExceptionAction {
    /// Seen.
    Acknowledge,
    /// Look after it.
    Assign {
        /// Who; nobody gives it back.
        owner: Option<UserId>,
    },
    /// Out of the queue for a while.
    Snooze {
        /// Until when.
        until: Timestamp,
    },
    /// Settled. Becomes a decision that the fold reads.
    Resolve,
    /// Not settled after all. Becomes a decision that the fold reads.
    Reopen,
}

/// Which exceptions a queue shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueView {
    /// Open, not snoozed.
    #[default]
    Open,
    /// Mine.
    Mine,
    /// Nobody's.
    Unassigned,
    /// Snoozed.
    Snoozed,
    /// Ended in the last 30 days, the newest first.
    Closed,
    /// Open, snoozed and ended, the last recorded first.
    All,
}

/// A question to the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueQuery {
    /// Which.
    pub view: QueueView,
    /// Of this category.
    pub category: Option<Category>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Of these due times: overdue is what is due before now.
    pub due: Option<Due>,
    /// Began, by the event, within this time.
    pub opened: Option<Span>,
    /// Recorded within this time.
    pub recorded: Option<Span>,
    /// With such a ticket.
    pub case: Option<CaseFilter>,
    /// Where the page begins.
    pub cursor: Option<String>,
}

/// Which tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseFilter {
    /// Opened within this time.
    pub opened: Span,
    /// Only those that are resolved and whose exception ended without a person.
    pub self_resolved: bool,
}

/// A row of the queue.
#[derive(Clone, Debug)]
pub struct QueueRow {
    /// The exception.
    pub exception: ExceptionRecord,
    /// The owner's name.
    pub owner_name: Option<String>,
    /// The shipment's state.
    pub state: State,
    /// The record it stands for.
    pub origin: Option<Origin>,
    /// Its numbers.
    pub numbers: Vec<NumberRecord>,
    /// Its destination.
    pub destination: Option<String>,
    /// The case.
    pub case: Option<CaseRecord>,
}

/// How many open exceptions of each category and severity.
pub type QueueCounts = Vec<(Category, Severity, u64)>;

/// From an engine's counters of open exceptions, by `CATEGORY/SEVERITY`, and how many of each a person put off: the most
/// severe first, then the most frequent.
///
/// # Errors
/// `Damaged` when a counter counts something else.
pub fn queue_counts(open: Vec<(String, u64)>, snoozed: &HashMap<String, u64>) -> Result<QueueCounts> {
    let mut counts = Vec::with_capacity(open.len());
    for (key, number) in open {
        let read = key
            .split_once('/')
            .and_then(|(category, severity)| Some((Category::from_code(category)?, Severity::from_code(severity)?)));
        let (category, severity) = read.ok_or_else(|| StoreError::Damaged(format!("counter of {key}")))?;
        let number = number.saturating_sub(snoozed.get(&key).copied().unwrap_or(0));
        if number > 0 {
            counts.push((category, severity, number));
        }
    }
    counts.sort_by(|(a, x, n), (b, y, m)| y.cmp(x).then(m.cmp(n)).then_with(|| a.code().cmp(b.code())));
    Ok(counts)
}

/// A case at the service desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRecord {
    /// Our id.
    pub id: CaseId,
    /// The exception it was opened for; a new episode within seven days is added there, too.
    pub exception: ExceptionId,
    /// The shipment.
    pub shipment: ShipmentId,
    /// The desk's connector.
    pub desk: String,
    /// Our key at the desk, under which the case is looked up before another is made.
    pub external_key: String,
    /// The desk's number; none until it is known.
    pub number: Option<String>,
    /// A page for people.
    pub url: Option<String>,
    /// The desk's status as last seen.
    pub status: CaseStatus,
    /// When we decided to open it.
    pub opened_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// The keys of the notes posted.
    pub notes: Vec<String>,
    /// The agent who closed the ticket at the desk; none while it is open, and where Milepost closed it.
    pub closed_by: Option<Agent>,
    /// The ticket that this one follows up.
    pub follows: Option<String>,
    /// What a poll last saw of the ticket. Where it differs from the status, the ticket has to be looked at.
    pub seen: Option<CaseStatus>,
    /// Counts the changes: of two writers the second one fails.
    pub revision: u64,
}

/// An agent of the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The name, sealed under a key of the agent; none where it is not kept.
    pub name: Option<Sealed>,
}

impl CaseRecord {
    /// Whether a poll saw something that is not known here yet.
    pub fn is_to_be_looked_at(&self) -> bool {
        self.seen.is_some_and(|seen| seen != self.status)
    }

    /// Whether an agent closed the ticket.
    pub fn is_closed_by_agent(&self) -> bool {
        match self.status {
            CaseStatus::Pending | CaseStatus::Open => false,
            CaseStatus::Resolved => self.closed_by.is_some(),
            CaseStatus::Rejected | CaseStatus::Deleted | CaseStatus::Hidden => true,
        }
    }
}

/// A case's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// Decided, not yet made.
    Pending,
    /// At work.
    Open,
    /// Settled.
    Resolved,
    /// An agent rejected the ticket: it is not worked on.
    Rejected,
    /// The ticket was deleted.
    Deleted,
    /// The ticket cannot be read any more: moved to a queue that the token may not see, or gone for good.
    Hidden,
}

/// What a case job reads.
#[derive(Clone, Debug)]
pub struct CaseContext {
    /// The exception.
    pub exception: ExceptionRecord,
    /// Its case.
    pub case: Option<CaseRecord>,
    /// The newest case of an earlier episode: same shipment, reason and piece.
    pub earlier: Option<CaseRecord>,
}

/// Whether an exception is past its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Time is left.
    Within,
    /// Overdue.
    Over,
}

/// Exceptions, cases, figures.
#[async_trait]
pub trait Work: Send + Sync {
    /// A page of the queue: by severity, then due time; what is closed by when it ended, and [`QueueView::All`] by when it
    /// was recorded, the newest first.
    async fn queue(&self, scope: Scope, query: QueueQuery, now: Timestamp) -> Result<Page<QueueRow>>;

    /// Open exceptions by category and severity, snoozed ones left out.
    async fn queue_counts(&self, scope: Scope, now: Timestamp) -> Result<QueueCounts>;

    /// One exception.
    async fn exception(&self, scope: Scope, id: ExceptionId) -> Result<Option<ExceptionRecord>>;

    /// A person acts; the audit entry and the jobs commit with it. `Resolve` and `Reopen` append a decision.
    async fn act(
        &self,
        scope: Scope,
        id: ExceptionId,
        action: ExceptionAction,
        audit: AuditEntry,
        jobs: Vec<NewJob>,
    ) -> Result<()>;

    /// What a case job reads.
    async fn case_context(&self, scope: Scope, id: ExceptionId) -> Result<Option<CaseContext>>;

    /// Keeps a case as its next revision. `Conflict` where another one was kept since it was read.
    async fn put_case(&self, scope: Scope, case: CaseRecord) -> Result<()>;

    /// Keeps a case as [`Work::put_case`], with what is decided about its exception, the audit entry and the jobs.
    async fn move_case(
        &self,
        scope: Scope,
        case: CaseRecord,
        action: Option<ExceptionAction>,
        audit: AuditEntry,
        jobs: Vec<NewJob>,
    ) -> Result<()>;

    /// The cases with these ticket numbers at a desk; of several episodes in one ticket the newest.
    async fn cases_by_number(&self, scope: Scope, desk: String, numbers: Vec<String>) -> Result<Vec<CaseRecord>>;

    /// Cases whose ticket is at work or cannot be read, those that were not polled for longest first; of several episodes
    /// in one ticket the newest.
    async fn cases_to_poll(&self, scope: Scope, desk: String, limit: u32) -> Result<Vec<CaseRecord>>;

    /// Keeps what a poll saw of cases, none where nothing is new; the jobs commit with it.
    async fn polled(
        &self,
        scope: Scope,
        seen: Vec<(CaseId, Option<CaseStatus>)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()>;

    /// The figures of the overview, each the number of the rows that [`Figures::each`] names; days as in this zone.
    async fn figures(&self, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Figures>;
}
