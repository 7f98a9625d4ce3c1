//! Shipments: what they are, their state, and what follows from it.

use crate::{
    AuditEntry, Page, Result, Scope, Sealed, WrappedKey,
    figures::Span,
    jobs::{Cause, NewJob},
    work::{CaseRecord, ExceptionRecord},
};
use async_trait::async_trait;
use domain::{
    ExceptionReason, Milestone, Severity, State, Visibility,
    commit::ExceptionChange,
    event_time::EventTime,
    fold::{DeliveryStanding, FoldInput, Folded, NextUse, Plan, PromiseSource},
    ids::{BindingId, CorrelationId, EffectId, ExceptionId, MessageId, ObservationId, ShipmentId, TrackerId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{facts::TrackerKey, trackers::Wanted};

/// The record in the order system that a shipment stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The system: `odoo`.
    pub system: String,
    /// The record's model: `stock.picking`.
    pub model: String,
    /// The record's id there.
    pub record: i64,
    /// The record's name: `WH/OUT/00042`.
    pub name: String,
    /// The order's name: `S00123`.
    pub order: Option<String>,
    /// The order's id there.
    pub order_record: Option<i64>,
    /// The customer's id there: whose name, address and destination are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_record: Option<i64>,
    /// A page for people.
    pub url: Option<String>,
}

/// A shipment as the order system has it.
#[derive(Clone, Debug)]
pub struct ImportedShipment {
    /// Id, if it has to be made.
    pub id: ShipmentId,
    /// The record it stands for; its identity.
    pub origin: Origin,
    /// Digest of all below: an equal one changes nothing.
    pub digest: String,
    /// Numbers it goes under. What is no longer named is closed, what is new is opened.
    pub claims: Vec<Claim>,
    /// What was meant to happen.
    pub plan: Plan,
    /// Whether the order system has it cancelled.
    pub standing: OriginStanding,
    /// Place of destination for lists: city and country, no address.
    pub destination: Option<String>,
    /// Sealed JSON with the customer's name, address, language.
    pub customer: Option<Sealed>,
    /// That key, if the subject is new.
    pub key: Option<WrappedKey>,
    /// HMAC tokens under which the customer can be found.
    pub tokens: Vec<String>,
    /// The correlation id of the import.
    pub correlation: CorrelationId,
    /// Why its shipment is folded: `Import`, or `History` for the first import of all.
    pub cause: Cause,
    /// What could not be read: of a shipment that is there already it stays as it is.
    pub kept: BTreeSet<Kept>,
}

/// What of a shipment stays while the order system does not let it be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Which order it is of, and what that promised.
    Order,
    /// The customer, the destination, and the words to find the customer by.
    Customer,
    /// When it should leave, and when it left.
    Dates,
    /// What a rule promised.
    RulePromise,
}

impl ImportedShipment {
    /// Merged with what is stored: what could not be read stays as it is stored, unless it is of another order or customer.
    /// A new shipment has what could be read.
    #[must_use]
    pub fn merged_with(&self, stored: Option<(Origin, Plan)>) -> Self {
        let mut merged = self.clone();
        let Some((origin, plan)) = stored else {
            merged.kept.clear();
            return merged;
        };
        let of_order = self.kept.contains(&Kept::Order);
        if of_order && self.origin.order_record.is_none_or(|order| origin.order_record == Some(order)) {
            merged.origin.order_record = origin.order_record;
            merged.origin.order = merged.origin.order.or(origin.order);
        }
        let other_customer =
            self.origin.customer_record.zip(origin.customer_record).is_some_and(|(now, stored)| now != stored);
        if other_customer {
            merged.kept.retain(|kept| !matches!(kept, Kept::Customer | Kept::RulePromise));
        }
        if merged.kept.contains(&Kept::Customer) {
            merged.origin.customer_record = origin.customer_record;
        }
        if self.kept.contains(&Kept::Dates) {
            merged.plan.ship_by = merged.plan.ship_by.or(plan.ship_by);
            merged.plan.expected_from = merged.plan.expected_from.or(plan.expected_from);
        }
        let promise_stays = match &plan.promise {
            _ if plan.promised_by.is_none() => false,
            Some(PromiseSource::Rule { .. }) => {
                merged.kept.contains(&Kept::RulePromise) && self.plan.promise != Some(PromiseSource::Commitment)
            }
            // what another order promised is not this one's
            Some(PromiseSource::Commitment) | None => of_order && merged.origin.order_record == origin.order_record,
        };
        if promise_stays {
            (merged.plan.promised_by, merged.plan.promise) = (plan.promised_by, plan.promise);
        }
        merged
    }
}

/// Where the order system has the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginStanding {
    /// Not yet validated.
    Open,
    /// Validated.
    Done,
    /// Cancelled.
    Cancelled,
}

/// A number that a shipment goes under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The tracker.
    pub tracker: TrackerKey,
    /// Id, if it has to be made.
    pub tracker_id: TrackerId,
    /// Id of the binding, if it has to be made.
    pub binding_id: BindingId,
    /// The piece of the plan it stands for.
    pub piece: Option<String>,
    /// The number as written.
    pub number_raw: String,
    /// The carrier as written.
    pub carrier_label: Option<String>,
}

impl Claim {
    /// The tracker that is asked for.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { key: &self.tracker, number_raw: &self.number_raw }
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// New shipments.
    pub created: u32,
    /// Changed ones.
    pub changed: u32,
    /// Equal ones.
    pub unchanged: u32,
    /// Shipments to fold; their jobs are enqueued.
    pub to_fold: Vec<ShipmentId>,
}

/// What becomes known of a delivery without its being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// It was deleted in the order system.
    Deleted,
    /// It could not be read, for these reasons: what is known of it stays.
    Unread(Vec<String>),
}

/// An amendment of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    /// The record in the order system.
    pub record: i64,
    /// What becomes known.
    pub amendment: Amendment,
    /// The correlation id of the import.
    pub correlation: CorrelationId,
}

impl Amendment {
    /// The plan with it; none where it says so already.
    pub fn applied(&self, plan: &Plan, at: Timestamp) -> Option<Plan> {
        match self {
            Self::Deleted if plan.standing == DeliveryStanding::Deleted => None,
            Self::Deleted => Some(Plan {
                standing: DeliveryStanding::Deleted,
                standing_since: Some(at),
                unread: Vec::new(),
                unread_since: None,
                ..plan.clone()
            }),
            Self::Unread(problems) if plan.unread == *problems => None,
            Self::Unread(problems) => {
                Some(Plan { unread: problems.clone(), unread_since: plan.unread_since.or(Some(at)), ..plan.clone() })
            }
        }
    }
}

/// A shipment.
#[derive(Clone, Debug)]
pub struct ShipmentRecord {
    /// Its id.
    pub id: ShipmentId,
    /// Counts commits.
    pub revision: u64,
    /// The record it stands for; none for an unclaimed one.
    pub origin: Option<Origin>,
    /// Where that record stands.
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
    /// Whether everything about it is simulated.
    pub sandbox: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state was last committed.
    pub updated_at: Timestamp,
    /// Set when a claimed shipment took over an unclaimed one.
    pub merged_into: Option<ShipmentId>,
}

/// A number of a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRecord {
    /// The tracker.
    pub tracker: TrackerId,
    /// As written.
    pub number: String,
    /// The carrier's family.
    pub carrier: Option<String>,
    /// The carrier as a person reads it.
    pub carrier_label: Option<String>,
    /// The piece.
    pub piece: Option<String>,
}

/// A shipment under the same number of another carrier: one of an order, the other nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameNumber {
    /// The other shipment.
    pub shipment: ShipmentId,
    /// The record it stands for; none for the unlinked one.
    pub origin: Option<Origin>,
    /// The number as the other one has it.
    pub number: String,
    /// The other one's carrier, as a person reads it.
    pub carrier_label: Option<String>,
}

/// A person says that an order's number is the one of an unlinked shipment, whatever carrier the order system names.
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
    /// When each of its trackers was recorded as its own: what was heard before is history to it.
    pub bound_at: BTreeMap<TrackerId, Timestamp>,
    /// Its committed exceptions, open and closed.
    pub exceptions: Vec<ExceptionRecord>,
    /// What must happen once for it, waiting and done, as it is now; oldest first.
    pub effects: Vec<EffectRecord>,
    /// Its cases at the desk, as they are now; oldest first.
    pub cases: Vec<CaseRecord>,
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

/// Where an effect goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// A note in the order system's chatter.
    OrderNote,
    /// An activity for somebody in the order system.
    OrderActivity,
}

/// Something that must happen once: unique by (shipment, kind, key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEffect {
    /// Its id; the message id at the target is made from it.
    pub id: EffectId,
    /// Where it goes.
    pub kind: EffectKind,
    /// What makes it one: `DELIVERED/-/1`, `exception/<id>`, `correction/…/2`.
    pub key: String,
    /// What to say, as JSON; codes and times only, no personal data.
    pub body: String,
    /// Whether it is to be done at all.
    pub posting: Posting,
}

/// Whether an effect is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// It is.
    Wanted,
    /// Its fact is history: stored as done with the external id `withheld`, so that a later
    /// live fold does not tell it as news.
    Withheld,
}

/// An effect, waiting or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectRecord {
    /// Its id.
    pub id: EffectId,
    /// Where it goes.
    pub kind: EffectKind,
    /// What makes it one.
    pub key: String,
    /// What to say.
    pub body: String,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it was done, and its id at the target.
    pub done: Option<(Timestamp, String)>,
}

/// The id at the target of an effect that was never to be posted.
pub const WITHHELD: &str = "withheld";

impl EffectRecord {
    /// Whether it is history without notification.
    pub fn is_withheld(&self) -> bool {
        self.done.as_ref().is_some_and(|(_, external)| external == WITHHELD)
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
    /// Nothing heard for too long.
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
    /// The record it stands for.
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
    /// When we last heard.
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

/// A message that speaks about a shipment, for the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenIn {
    /// The observation.
    pub observation: ObservationId,
    /// The first message that said it.
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
    /// The shipment that stands for it.
    pub shipment: ShipmentId,
    /// The values (JSON).
    pub values: String,
}

/// Fields in the order system that somebody else changed are to be written again, or left.
#[derive(Clone, Debug)]
pub struct SetBack {
    /// The shipment.
    pub shipment: ShipmentId,
    /// What was written when they were compared.
    pub expected: String,
    /// What counts as written from now on: none, so that all is written again, or the same.
    pub after: Option<String>,
    /// The note that says so.
    pub effect: NewEffect,
    /// The job that does it.
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

    /// The shipments under the same numbers of other carriers: of an order's shipment those that nobody claims, of an
    /// unlinked one those of orders.
    async fn same_number(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SameNumber>>;

    /// Links an order's shipment to the tracker of an unlinked one of the same number; that one's history comes along, as with
    /// a claim, and a fold job for it. Imports keep it while the order goes under that number. The audit entry commits with it.
    ///
    /// # Errors
    /// `NotFound` when they have no number in common, or one of them is not what it should be.
    async fn link(&self, scope: Scope, link: NewLink, audit: AuditEntry) -> Result<()>;

    /// Which of these records there are shipments of.
    async fn known_records(&self, scope: Scope, records: Vec<i64>) -> Result<BTreeSet<i64>>;

    /// The records above `after`, in order, of deliveries that are not over: their shipments have not ended, or have an
    /// open exception.
    async fn open_records(&self, scope: Scope, after: i64, limit: u32) -> Result<Vec<i64>>;

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

    /// How many each tab has.
    async fn counts(&self, scope: Scope, now: Timestamp) -> Result<TabCounts>;

    /// Shipments that go under exactly this normalised number, order or record name.
    async fn find(&self, scope: Scope, text: &str) -> Result<Vec<ShipmentId>>;

    /// The sealed customer data.
    async fn customer(&self, scope: Scope, id: ShipmentId) -> Result<Option<(Sealed, Option<WrappedKey>)>>;

    /// An effect happened: its id at the target, of which the first stays, or `completed`.
    async fn effect_done(&self, scope: Scope, id: EffectId, external: String, at: Timestamp) -> Result<()>;

    /// What was written to the order system (JSON); compared before the next write. None where that is not known.
    async fn written(&self, scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Result<()>;

    /// What was last written to those of these records of a system of which it is known, by their ids.
    async fn written_of(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<Vec<WrittenValues>>;

    /// Sets fields back, unless something else was written meanwhile or a job is about to; whether it did.
    async fn set_back(&self, scope: Scope, set_back: SetBack, at: Timestamp) -> Result<bool>;

    /// The state changes of a shipment, oldest first.
    async fn history(&self, scope: Scope, id: ShipmentId) -> Result<Vec<StateChange>>;

    /// Which message first said each observation of a shipment.
    async fn seen_in(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SeenIn>>;

    /// Changes after `seq`, oldest first.
    async fn changes(&self, scope: Scope, after: u64, limit: u32) -> Result<Vec<Change>>;

    /// The newest change's number; 0 where there is none.
    async fn newest_change(&self, scope: Scope) -> Result<u64>;
}

/// Names an exception in an effect's key.
pub fn exception_effect_key(id: ExceptionId) -> String {
    format!("exception/{id}")
}
