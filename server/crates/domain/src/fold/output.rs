//! The result of the fold: the state, and why.

use crate::{
    ExceptionReason, Milestone, Severity, State, Visibility,
    event_time::EventTime,
    ids::{ObservationId, TrackerId},
    unknown::Cause,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state of a shipment and everything that explains it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Folded {
    /// Where it is.
    pub state: State,
    /// The fact that decides the state.
    pub decided_by: Option<ObservationId>,
    /// Whether the feed is alive.
    pub visibility: Visibility,
    /// Time of the delivery that counts (for several pieces, the last).
    pub delivered_at: Option<EventTime>,
    /// Time of the return that counts.
    pub returned_at: Option<EventTime>,
    /// The latest estimate (else plan) of the delivery.
    pub eta: Option<EventTime>,
    /// The newest actual fact by event time: what people call "last event".
    pub last_event: Option<ObservationId>,
    /// When we last took in a statement about it.
    pub heard_at: Option<Timestamp>,
    /// State of each piece of the plan.
    pub pieces: BTreeMap<String, State>,
    /// Plans, estimates and actuals by milestone (and `@place`, where one is named).
    pub schedule: BTreeMap<String, ScheduleEntry>,
    /// Delivery attempts, the successful one included.
    pub attempts: u32,
    /// Numbers of events by standing.
    pub counts: Counts,
    /// Exceptions, open and closed, oldest first.
    pub exceptions: Vec<FoldedException>,
    /// What does not fit and is kept and shown.
    pub anomalies: Vec<Anomaly>,
    /// For every event: its standing and the rule behind it.
    pub verdicts: Vec<Verdict>,
    /// Milestones to announce, each once.
    pub announcements: Vec<Announcement>,
    /// The how-manieth use of its numbers it is, as far as is known, counted from 1 (R16).
    #[serde(default)]
    pub incarnation: u32,
    /// Other parcels that go under its numbers by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next_uses: Vec<NextUse>,
    /// Why nothing current is known of it, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Cause>,
    /// When the clock alone may change the state or an exception.
    pub review_at: Option<Timestamp>,
    /// Digest of everything above that the clock alone does not decide (so not of late, silent, review_at).
    pub hash: String,
}

/// Plan, estimate and actual of one milestone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleEntry {
    /// The latest plan.
    pub planned: Option<EventTime>,
    /// The latest estimate, frozen at the actual.
    pub estimated: Option<EventTime>,
    /// What happened.
    pub actual: Option<EventTime>,
}

/// A number that is another parcel's by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextUse {
    /// The tracker of the number.
    pub tracker: TrackerId,
    /// Events and bindings of the tracker from here on belong to another shipment.
    pub since: Timestamp,
    /// The first event of the next parcel.
    pub begins: Timestamp,
}

/// Numbers of events by standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// They count (planned and estimated ones too); an event that several sources report counts once.
    pub active: u32,
    /// Evidence for an event that another source reports.
    #[serde(default)]
    pub merged: u32,
    /// Replaced by a newer snapshot.
    pub superseded: u32,
    /// Retracted by the provider.
    pub retracted: u32,
    /// Kept out for an impossible time.
    pub quarantined: u32,
    /// Of those that count, the ones whose code is not mapped.
    pub unmapped: u32,
    /// Facts that had moved the state and were taken back, by a retraction or by a newer list that goes back behind them:
    /// corrections for those who were notified.
    pub corrections: u32,
}

/// How an exception ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The shipment moved on.
    Progress,
    /// It was delivered.
    Delivered,
    /// It came back.
    Returned,
    /// It was cancelled.
    Cancelled,
    /// The carrier reported that it is resolved.
    Explicit,
    /// A person settled it.
    Person,
    /// The clock's condition no longer holds.
    Cleared,
}

/// An exception as the facts have it. It gets an id when first committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldedException {
    /// Why.
    pub reason: ExceptionReason,
    /// The piece concerned; none for the whole shipment.
    pub piece: Option<String>,
    /// How much a person is needed.
    pub severity: Severity,
    /// When it began, by the event.
    pub opened: EventTime,
    /// When we could first know.
    pub opened_recorded: Timestamp,
    /// When and how it ended.
    pub closed: Option<(EventTime, Resolution)>,
    /// The facts behind it; empty for exceptions that only the clock makes.
    pub evidence: Vec<ObservationId>,
    /// For how long the carrier's clock stood still, in minutes.
    pub clock_stopped_minutes: i64,
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Anomaly {
    /// Progress with a time after the delivery (R4).
    ProgressAfterDelivery,
    /// The same source reports a delivery on another day (R3).
    DeliveredAgain,
    /// A physical scan after a cancellation (R5).
    ScanAfterCancellation,
    /// A physical scan after a loss (R5).
    ScanAfterLoss,
    /// A piece that the plan does not have (R12).
    UnexpectedPiece,
    /// A time that cannot be (R15).
    ImpossibleTime,
    /// The coarse status and the event contradict each other (R17).
    Contradiction,
    /// An unmapped code.
    UnmappedCode,
    /// What is reported under the number is another delivery's, which left the house (R16).
    NumberOfAnother,
}

/// The precedence rules, as numbered in ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the rules are numbered; their text is in `Rule::text`")]
pub enum Rule {
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    R16,
    R17,
}

/// The standing of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It decides the state.
    Decides,
    /// It counts and does not decide.
    Counts,
    /// It counts and lost to another fact.
    Overruled,
    /// It is evidence for the same physical event as another fact.
    Merged,
    /// It is a plan or an estimate.
    Schedule,
    /// It opened or carries an exception.
    Overlay,
    /// It is about the feed only.
    Feed,
    /// A newer list no longer has it.
    Superseded,
    /// The provider took it back.
    Retracted,
    /// It waits for the event that it takes back, or has taken one back.
    Retraction,
    /// Its time is impossible.
    Quarantined,
    /// It is about another parcel that had or has the number.
    OtherUse,
}

/// The standing of an event, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The fact.
    pub fact: ObservationId,
    /// Its standing.
    pub standing: Standing,
    /// By which rule.
    pub rule: Rule,
    /// In one sentence.
    pub because: String,
}

/// A milestone to announce, once per shipment, piece and ordinal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The piece; none for the whole shipment.
    pub piece: Option<String>,
    /// What.
    pub milestone: Milestone,
    /// The how-manieth of its kind (second attempt), counted from 1.
    pub ordinal: u32,
    /// The fact to read it from.
    pub fact: ObservationId,
}

impl Announcement {
    /// What identifies it in every system.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.milestone.code(), self.piece.as_deref().unwrap_or("-"), self.ordinal)
    }
}
