//! Exceptions of shipments, and what people do with them.

use crate::{AuditEntry, Result, Scope, jobs::NewJob};
use async_trait::async_trait;
use domain::{
    ExceptionReason, Party, Severity,
    calendar::Calendar,
    exceptions::{CommittedException, PAUSED, act_by},
    fold::{Decision, Resolution},
    ids::{ExceptionId, ObservationId, ShipmentId, UserId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// When that was recorded.
    pub closed_recorded_at: Option<Timestamp>,
    /// The facts behind it.
    pub evidence: Vec<ObservationId>,
    /// Who looks after it.
    pub owner: Option<UserId>,
    /// The team that does.
    pub team: Option<String>,
    /// When it was acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// Out of the queue until then.
    pub snoozed_until: Option<Timestamp>,
    /// When it is due; [`PAUSED`] while its reason stops the clock.
    pub due_at: Timestamp,
    /// Whether it was history when it was recorded: it is shown, and no notification is sent.
    pub withheld: bool,
}

impl ExceptionRecord {
    /// Whether its clock stands still.
    pub fn is_paused(&self) -> bool {
        self.due_at >= PAUSED
    }

    /// By when a person should look at it, whether or not the clock stands still.
    pub fn look_by(&self) -> Timestamp {
        if self.is_paused() { act_by(self.severity, self.recorded_at, &Calendar::default()) } else { self.due_at }
    }

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
    /// Acknowledge.
    Acknowledge,
    /// Look after it.
    Assign {
        /// To whom; none: unassigned.
        owner: Option<UserId>,
    },
    /// Out of the queue for a while.
    Snooze {
        /// Until when.
        until: Timestamp,
    },
    /// A team looks after it.
    Team {
        /// Which; none: no team.
        team: Option<String>,
    },
    /// Back in the queue.
    Unsnooze,
    /// Settled. Becomes a decision that the fold reads.
    Resolve,
    /// Not settled after all. Becomes a decision that the fold reads.
    Reopen,
}

/// Exceptions.
#[async_trait]
pub trait Exceptions: Send + Sync {
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

    /// Open exceptions of a team have none from now on; how many there were.
    async fn without_team(&self, scope: Scope, team: String) -> Result<u64>;

    /// Since when a shipment has an open exception of a reason; none where it has none.
    async fn open_since(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        reason: ExceptionReason,
    ) -> Result<Option<Timestamp>>;

    /// Another system refused for good, or accepted after all, what it was to be given of a shipment: a decision that the fold
    /// reads, with the job that does.
    async fn answered(&self, scope: Scope, shipment: ShipmentId, answer: Decision, fold: NewJob) -> Result<()>;
}
