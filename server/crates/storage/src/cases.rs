//! Cases at the service desk.

use crate::{
    AuditEntry, Result, Scope, Sealed,
    exceptions::{ExceptionAction, ExceptionRecord},
    jobs::NewJob,
};
use async_trait::async_trait;
use domain::{
    Severity,
    ids::{CaseId, ExceptionId, ShipmentId},
    rule::RuleId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A case at the service desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRecord {
    /// Our id.
    pub id: CaseId,
    /// The exception it was opened for; a new episode within seven days is added there, too.
    pub exception: ExceptionId,
    /// The shipment.
    pub shipment: ShipmentId,
    /// The desk's connection.
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
    /// The ticket that this one follows up: its number, at another desk with that desk's name.
    pub follows: Option<String>,
    /// What a poll or a report last saw of the ticket: it has to be looked at. None where nothing new was seen.
    pub seen: Option<CaseStatus>,
    /// What else is known of the ticket.
    pub ticket: TicketFacts,
    /// Counts the changes: of two writers the second one fails.
    pub revision: u64,
}

/// What is known of a ticket beside its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketFacts {
    /// When it was about to be made, where it is not known how that ended: until the desk must show it, no second one is made.
    pub tried_at: Option<Timestamp>,
    /// The digest of the context that it was given last.
    pub context: Option<String>,
    /// Up to when its changes are known, by the desk's clock.
    pub looked_at: Option<Timestamp>,
    /// Public replies of agents.
    pub replies: u32,
    /// Internal notes of agents.
    pub notes: u32,
    /// When an agent last wrote, by the desk's clock.
    pub agent_at: Option<Timestamp>,
    /// The agent who has it, sealed under a key of the agent.
    pub assignee: Option<Sealed>,
    /// The desk's group that has it.
    pub team: Option<String>,
    /// The severity by which its priority was set last; none: before that was kept.
    pub severity: Option<Severity>,
    /// The rule that closed it while its exception was open.
    pub closed_by_rule: Option<RuleId>,
}

/// An agent of the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The name, sealed under a key of the agent; none where it is not kept.
    pub name: Option<Sealed>,
}

impl CaseRecord {
    /// Whether a poll or a report saw something that is not known here yet.
    pub fn is_to_be_looked_at(&self) -> bool {
        self.seen.is_some()
    }

    /// Whether it stays closed while its exception is open: an agent or a rule decided that.
    pub fn is_left_closed(&self) -> bool {
        self.is_closed_by_agent() || (self.status == CaseStatus::Resolved && self.ticket.closed_by_rule.is_some())
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

/// Cases.
#[async_trait]
pub trait Cases: Send + Sync {
    /// What a case job reads.
    async fn case_context(&self, scope: Scope, id: ExceptionId) -> Result<Option<CaseContext>>;

    /// Keeps a case as its next revision, with jobs. `Conflict` where another one was kept since it was read.
    async fn put_case(&self, scope: Scope, case: CaseRecord, jobs: Vec<NewJob>) -> Result<()>;

    /// Keeps a case as [`Cases::put_case`], with what is decided about its exception, the audit entry and the jobs.
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

    /// Takes a report of a desk: keeps what it saw of cases, with the jobs, as [`Cases::polled`]. One whose delivery was taken
    /// before changes nothing; whether it is new. Deliveries are remembered for [`DELIVERY_KEPT`].
    async fn take_report(&self, scope: Scope, report: DeskReport, at: Timestamp, jobs: Vec<NewJob>) -> Result<bool>;
}

/// For so long a delivery is remembered: longer than any platform repeats one.
pub const DELIVERY_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// A report of a desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskReport {
    /// The desk's connection.
    pub desk: String,
    /// What the platform calls the delivery, as a digest; none where it has no name.
    pub delivery: Option<String>,
    /// The cases that it is about, with what is known of them.
    pub seen: Vec<(CaseId, CaseStatus)>,
}
