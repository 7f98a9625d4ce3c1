//! Shipments: what they are, their state, and what follows from it.

use crate::{
    AuditEntry, Page, Result, Scope, Sealed, WrappedKey,
    figures::Span,
    jobs::{Cause, NewJob},
    orders::{Amended, Imported, ImportedShipment, Origin, OriginStanding},
    rollups::{NewContribution, Stored},
    trackers::NumberRecord,
    work::{CaseRecord, ExceptionRecord},
};
use async_trait::async_trait;
use domain::{
    Direction, ExceptionReason, Milestone, Severity, State, Visibility,
    calendar::Calendar,
    commit::ExceptionChange,
    effects::{EffectOutcome, EffectTarget},
    event_time::EventTime,
    fold::{FoldInput, Folded, NextUse, Plan},
    ids::{BindingId, CorrelationId, EffectId, ExceptionId, MessageId, ObservationId, ShipmentId, TrackerId},
    labels::LabelState,
    unknown,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A shipment.
#[derive(Clone, Debug)]
pub struct ShipmentRecord {
    /// Its id.
    pub id: ShipmentId,
    /// Counts commits.
    pub revision: u64,
    /// Its record in the order system; none for an unlinked one.
    pub origin: Option<Origin>,
    /// The status of that record.
    pub standing: OriginStanding,
    /// Numbers of its open bindings: number as written, carrier as a person reads it, family, piece.
    pub numbers: Vec<NumberRecord>,
    /// Destination for lists.
    pub destination: Option<String>,
    /// The plan.
    pub plan: Plan,
    /// The latest fold.
    pub folded: Folded,
    /// What was last written to the order system, as JSON.
    pub written: Option<String>,
    /// When that was, or failed.
    pub written_at: Option<Timestamp>,
    /// Whether everything about it is simulated.
    pub sandbox: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state was last committed.
    pub updated_at: Timestamp,
    /// Set when a claimed shipment took over an unclaimed one.
    pub merged_into: Option<ShipmentId>,
}

/// A shipment under the same number of another carrier: one of an order, the other of none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameNumber {
    /// The other shipment.
    pub shipment: ShipmentId,
    /// Its record in the order system; none for the unlinked one.
    pub origin: Option<Origin>,
    /// The number as the other one has it.
    pub number: String,
    /// The other one's carrier, as a person reads it.
    pub carrier_label: Option<String>,
}

/// A person links an order with an unlinked shipment of the same number, whatever carrier the order system names.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// The order's shipment.
    pub claimed: ShipmentId,
    /// The unlinked one.
    pub unlinked: ShipmentId,
    /// Id of the binding that is made.
    pub binding: BindingId,
    /// The correlation id.
    pub correlation: CorrelationId,
}

/// A shipment with all that a fold reads.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The shipment.
    pub shipment: ShipmentRecord,
    /// What the fold reads.
    pub input: FoldInput,
    /// Since when each of its trackers is bound to a shipment, whichever was bound last.
    pub bound_last: BTreeMap<TrackerId, Timestamp>,
    /// When each of its trackers was recorded as its own: events before that are history to it.
    pub bound_at: BTreeMap<TrackerId, Timestamp>,
    /// Its committed exceptions, open and closed.
    pub exceptions: Vec<ExceptionRecord>,
    /// What must happen once for it, waiting and done, as it is now; oldest first.
    pub effects: Vec<EffectRecord>,
    /// Its cases at the desk, as they are now; oldest first.
    pub cases: Vec<CaseRecord>,
    /// What it adds to figures, as it is now.
    pub contributed: Stored,
}

/// What a fold leads to, in one transaction.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The shipment.
    pub shipment: ShipmentId,
    /// The revision that was loaded.
    pub expected: u64,
    /// Why it was folded.
    pub cause: Cause,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// When.
    pub at: Timestamp,
    /// The new state.
    pub folded: Folded,
    /// For lists: the last event's milestone, place and time.
    pub last_event: Option<LastEvent>,
    /// Exceptions that open, close or go on.
    pub exceptions: Vec<ExceptionChange>,
    /// Those of them without notification, since they are history; the others that open or go on are notified.
    pub withheld: Vec<ExceptionId>,
    /// What must happen once; those that exist already are left alone.
    pub effects: Vec<NewEffect>,
    /// What is to be done.
    pub jobs: Vec<NewJob>,
    /// Later uses of its numbers: one to which no shipment is bound gets an unclaimed one, bound from its beginning, with
    /// a fold job.
    pub next_uses: Vec<NextUse>,
    /// The working days by which exceptions are due.
    pub calendar: Calendar,
    /// The teams that get exceptions that open.
    pub teams: BTreeMap<ExceptionId, String>,
    /// What changes of why nothing current is known of it.
    pub unknown: Option<UnknownChange>,
    /// What it adds to figures, where that changes.
    pub contributed: Option<NewContribution>,
}

/// A change of why nothing current is known of a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownChange {
    /// It is known again.
    Known,
    /// This is why.
    Because(unknown::Cause),
}

/// The newest actual fact, for lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEvent {
    /// What.
    pub milestone: Milestone,
    /// What is wrong, where the event is a report of trouble.
    #[serde(default)]
    pub exception: Option<ExceptionReason>,
    /// The provider's own code where it is unmapped.
    pub code: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// Whether the place came in parts; else it is free text. Not known of what an earlier build committed.
    #[serde(default)]
    pub place_in_parts: bool,
    /// Sorting instant.
    pub at: Option<Timestamp>,
    /// When, as certain as it is; none in what an earlier build committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<EventTime>,
}

/// Whether a commit took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It did; the new revision.
    Done(u64),
    /// Somebody else committed first: load again.
    Conflict,
    /// A fold with a stronger cause waits: what this one would withhold, that one tells.
    Superseded,
}

/// Something that must happen once: unique by (shipment, target, key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEffect {
    /// Its id; the message id at the target is made from it.
    pub id: EffectId,
    /// Where it goes.
    pub target: EffectTarget,
    /// What makes it one: `DELIVERED/-/1`, `exception/<id>`, `correction/…/2`.
    pub key: String,
    /// The content, as JSON; codes and times only, no personal data.
    pub body: String,
    /// Pending; or withheld, so that no later fold posts it.
    pub outcome: EffectOutcome,
}

/// An effect, waiting or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectRecord {
    /// Its id.
    pub id: EffectId,
    /// Where it goes.
    pub target: EffectTarget,
    /// What makes it one.
    pub key: String,
    /// The content.
    pub body: String,
    /// When it was decided.
    pub created_at: Timestamp,
    /// What became of it.
    pub outcome: EffectOutcome,
    /// When that was; none while it is pending.
    pub done_at: Option<Timestamp>,
}

impl EffectRecord {
    /// Whether it is an activity that is open in the order system.
    pub fn is_open_activity(&self) -> bool {
        self.target == EffectTarget::OrderActivity && self.outcome.is_open_record()
    }
}

/// Which shipments a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentTab {
    /// Claimed, not ended.
    #[default]
    Open,
    /// With an open exception.
    Exceptions,
    /// Past the promise.
    Late,
    /// No updates for too long.
    Silent,
    /// Delivered.
    Delivered,
    /// Nobody claims them.
    Unclaimed,
    /// Every one.
    All,
}

/// How recent what is known of a shipment is; see [`crate::figures::CURRENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Its last event is recent.
    Current,
    /// Its last event is older, or there is none.
    Outdated,
    /// Something was received recently, be it of an older event.
    Received,
    /// Nothing was received recently.
    NotReceived,
}

/// A question to the list: what is given here narrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShipmentQuery {
    /// Which.
    pub tab: ShipmentTab,
    /// Only those that are linked to an order.
    pub linked: bool,
    /// With a number of this carrier, as people read its name.
    pub carrier: Option<String>,
    /// How recent what is known of them is.
    pub freshness: Option<Freshness>,
    /// Delivered within this time.
    pub delivered: Option<Span>,
    /// Words to find in numbers, orders, records; any of several pasted numbers matches.
    pub text: Option<String>,
    /// HMAC tokens of the words, to find customers.
    pub tokens: Vec<String>,
    /// States; empty = any.
    pub states: Vec<State>,
    /// Going this way.
    pub direction: Option<Direction>,
    /// With a label that stands so, the newest of each parcel.
    pub labels: Option<LabelState>,
    /// Of which nothing current is known for this cause.
    pub unknown: Option<unknown::Cause>,
    /// Where the page begins.
    pub cursor: Option<String>,
}

/// A row of the list.
#[derive(Clone, Debug)]
pub struct ShipmentRow {
    /// The shipment.
    pub id: ShipmentId,
    /// Its revision.
    pub revision: u64,
    /// Its record in the order system.
    pub origin: Option<Origin>,
    /// Its numbers.
    pub numbers: Vec<NumberRecord>,
    /// Destination.
    pub destination: Option<String>,
    /// State.
    pub state: State,
    /// Feed.
    pub visibility: Visibility,
    /// The worst open exception.
    pub exception: Option<(ExceptionReason, Severity)>,
    /// Estimate of the delivery.
    pub eta: Option<EventTime>,
    /// Promise.
    pub promised_by: Option<Timestamp>,
    /// Delivery.
    pub delivered_at: Option<EventTime>,
    /// The newest event.
    pub last_event: Option<LastEvent>,
    /// When an update was last received.
    pub heard_at: Option<Timestamp>,
    /// The open case's number.
    pub case: Option<String>,
}

/// How many shipments each tab has: as many as its list has rows ([`TabCounts::each`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "one figure for each tab, named as the tab")]
pub struct TabCounts {
    pub open: u64,
    pub exceptions: u64,
    pub late: u64,
    pub silent: u64,
    pub delivered: u64,
    pub unclaimed: u64,
    pub all: u64,
}

/// A commit that happened: what live streams resume from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Grows.
    pub seq: u64,
    /// The shipment.
    pub shipment: ShipmentId,
    /// Its revision after it.
    pub revision: u64,
    /// When.
    pub at: Timestamp,
}

/// A committed state change, for the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The revision.
    pub revision: u64,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// Before.
    pub from: State,
    /// After.
    pub to: State,
}

/// A message about a shipment, for the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenIn {
    /// The observation.
    pub observation: ObservationId,
    /// The first message with it.
    pub message: MessageId,
    /// That message's correlation id.
    pub correlation: CorrelationId,
    /// That message's source.
    pub source_name: String,
}

/// What was last written to a record of the order system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenValues {
    /// The record's id there.
    pub record: i64,
    /// The shipment of it.
    pub shipment: ShipmentId,
    /// The values (JSON).
    pub values: String,
}

/// What was last written to an order of the order system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFields {
    /// The values (JSON); none where they are not known.
    pub values: Option<String>,
    /// When they were written, or that failed.
    pub at: Option<Timestamp>,
}

/// The record whose fields were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetBackOn {
    /// The shipment's own.
    Delivery,
    /// The order that it is of.
    Order {
        /// The order system.
        system: String,
        /// The order's id there.
        record: i64,
    },
}

/// Fields that were changed in the order system are to be written again, or left.
#[derive(Clone, Debug)]
pub struct SetBack {
    /// Where.
    pub on: SetBackOn,
    /// The shipment that has the note.
    pub shipment: ShipmentId,
    /// What was written when they were compared.
    pub expected: String,
    /// What counts as written from now on: none, so that all is written again, or the same.
    pub after: Option<String>,
    /// The note about it.
    pub effect: NewEffect,
    /// The job that does it; while one of its kind and target waits or runs nothing is set back.
    pub job: NewJob,
}

/// Shipments and what follows from their facts.
#[async_trait]
pub trait Shipments: Send + Sync {
    /// Takes in what the order system has, in one transaction: shipments made or changed, bindings opened and closed,
    /// the unclaimed shipment of a claimed tracker merged into its claimant (its history and what people decided about it
    /// come along; one of another use of the number stays), fold jobs (batch lane) for all whose facts changed. What could
    /// not be read stays as it is stored ([`ImportedShipment::merged_with`]).
    async fn import(&self, scope: Scope, shipments: Vec<ImportedShipment>, at: Timestamp) -> Result<Imported>;

    /// Keeps what became known of a delivery without its being read: a new version of its plan, and a fold job as for an
    /// import. The next import of the delivery counts as a change. None where there is no shipment of it, or nothing is new.
    async fn amend(&self, scope: Scope, amended: Amended, at: Timestamp) -> Result<Option<ShipmentId>>;

    /// The shipments under the same numbers of other carriers: of an order's shipment those of no order, of an
    /// unlinked one those of orders.
    async fn same_number(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SameNumber>>;

    /// Links an order's shipment to the tracker of an unlinked one of the same number; that one's history comes along, as with
    /// a claim, and a fold job for it. Imports keep it while the order goes under that number. The audit entry commits with it.
    ///
    /// # Errors
    /// `NotFound` when they have no number in common, or one of them is not what it should be.
    async fn link(&self, scope: Scope, link: NewLink, audit: AuditEntry) -> Result<()>;

    /// Which of these records of an order system there are shipments of.
    async fn known_records(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<BTreeSet<i64>>;

    /// The records of an order system above `after`, in order, of deliveries that are not over: their shipments have not ended, or have an
    /// open exception.
    async fn open_records(&self, scope: Scope, system: &str, after: i64, limit: u32) -> Result<Vec<i64>>;

    /// A shipment with all that a fold reads; with `known_at`, only what was recorded by then.
    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>>;

    /// A shipment alone.
    async fn shipment(&self, scope: Scope, id: ShipmentId) -> Result<Option<ShipmentRecord>>;

    /// Commits a fold under its revision: state, exceptions, effects, jobs, the change and the shipments of its numbers'
    /// later uses, together or not at all.
    async fn commit(&self, scope: Scope, commit: Commit) -> Result<Committed>;

    /// Shipments whose `review_at` has come, oldest first.
    async fn due(&self, scope: Scope, now: Timestamp, limit: u32) -> Result<Vec<ShipmentId>>;

    /// A page of the list; `open` and the like sort by need for action (severity, then lateness, then newest event).
    async fn list(&self, scope: Scope, query: ShipmentQuery, now: Timestamp) -> Result<Page<ShipmentRow>>;

    /// The rows of these shipments, in any order; of one that is not there none.
    async fn rows_of(&self, scope: Scope, ids: Vec<ShipmentId>) -> Result<Vec<ShipmentRow>>;

    /// How many each tab has.
    async fn counts(&self, scope: Scope, now: Timestamp) -> Result<TabCounts>;

    /// Shipments that go under exactly this normalised number, order or record name: the first by id.
    async fn find(&self, scope: Scope, text: &str) -> Result<Vec<ShipmentId>>;

    /// The same by id behind one, for those of an order with many: a page; empty behind the last one.
    async fn find_after(&self, scope: Scope, text: &str, after: Option<ShipmentId>) -> Result<Vec<ShipmentId>>;

    /// The sealed customer data.
    async fn customer(&self, scope: Scope, id: ShipmentId) -> Result<Option<(Sealed, Option<WrappedKey>)>>;

    /// What became of an effect that was pending; of two ids at the target the first stays. One that is posted may be completed.
    async fn effect_done(&self, scope: Scope, id: EffectId, outcome: EffectOutcome, at: Timestamp) -> Result<()>;

    /// Gives an effect another outcome, where it has this one; whether it had. `Pending` is to be done again.
    async fn effect_moved(
        &self,
        scope: Scope,
        id: EffectId,
        from: EffectOutcome,
        to: EffectOutcome,
        at: Timestamp,
    ) -> Result<bool>;

    /// Ends proofs of delivery that are awaited since before then, some at a time: they expired; how many.
    async fn expire_proofs(&self, scope: Scope, before: Timestamp, at: Timestamp) -> Result<u64>;

    /// What was written to the order system (JSON); compared before the next write. None where that is not known.
    async fn written(&self, scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Result<()>;

    /// What was last written to those of these records of a system of which it is known, by their ids.
    async fn written_of(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<Vec<WrittenValues>>;

    /// Forgets what was written to a system's deliveries and orders: their fields there are new, or gone.
    async fn forget_written(&self, scope: Scope, system: &str) -> Result<()>;

    /// What was last written to an order (JSON), whose fields show what all of its shipments come to; none where that is not
    /// known.
    async fn order_fields(&self, scope: Scope, system: &str, order: i64) -> Result<OrderFields>;

    /// What was last written to those of these orders of a system of which it is known (JSON), by their ids.
    async fn written_of_orders(&self, scope: Scope, system: &str, orders: Vec<i64>) -> Result<BTreeMap<i64, String>>;

    /// Keeps what was written to an order. None where that is not known.
    async fn keep_order_fields(
        &self,
        scope: Scope,
        system: &str,
        order: i64,
        values: Option<String>,
        at: Timestamp,
    ) -> Result<()>;

    /// Sets fields back, unless something else was written meanwhile or a job is about to; whether it did.
    async fn set_back(&self, scope: Scope, set_back: SetBack, at: Timestamp) -> Result<bool>;

    /// The state changes of a shipment, oldest first.
    async fn history(&self, scope: Scope, id: ShipmentId) -> Result<Vec<StateChange>>;

    /// The first message of each observation of a shipment.
    async fn seen_in(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SeenIn>>;

    /// Changes after `seq`, oldest first.
    async fn changes(&self, scope: Scope, after: u64, limit: u32) -> Result<Vec<Change>>;

    /// The newest change's number; 0 where there is none.
    async fn newest_change(&self, scope: Scope) -> Result<u64>;
}
