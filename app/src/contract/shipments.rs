//! The list of shipments, one shipment with its timeline, and what a carrier really sent.

use super::{
    Answer, Category, Classifier, CorrelationId, EventTime, ExceptionId, ExceptionReason, Instant, Link, MessageId, Milestone, ObservationId,
    Page, Party, Severity, ShipmentId, State, Visibility, session::Viewer,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Which shipments the list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    /// Claimed by an order, not ended.
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

impl Tab {
    /// Every tab, in the order of the page.
    pub const ALL: [Self; 7] = [Self::Open, Self::Exceptions, Self::Late, Self::Silent, Self::Delivered, Self::Unclaimed, Self::All];

    /// The word in the URL.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Exceptions => "exceptions",
            Self::Late => "late",
            Self::Silent => "silent",
            Self::Delivered => "delivered",
            Self::Unclaimed => "unclaimed",
            Self::All => "all",
        }
    }

    /// The tab with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Exceptions => "With exceptions",
            Self::Late => "Late",
            Self::Silent => "Silent",
            Self::Delivered => "Delivered",
            Self::Unclaimed => "Unclaimed",
            Self::All => "All",
        }
    }
}

/// A question to the list. The whole of it is in the URL of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListQuery {
    /// Which shipments.
    #[serde(default)]
    pub tab: Tab,
    /// Words to find in tracking numbers, orders, transfers and references; any of several pasted numbers matches.
    #[serde(default)]
    pub text: Option<String>,
    /// States; empty for any.
    #[serde(default)]
    pub states: Vec<State>,
    /// Where the page begins.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A page of the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListView {
    /// When this was read.
    pub now: Instant,
    /// The rows, by need for action.
    pub page: Page<Row>,
    /// How many shipments each tab has (search and state filter left out).
    pub counts: TabCounts,
}

/// How many shipments each tab has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

impl TabCounts {
    /// The figure of a tab.
    pub const fn of(&self, tab: Tab) -> u64 {
        match tab {
            Tab::Open => self.open,
            Tab::Exceptions => self.exceptions,
            Tab::Late => self.late,
            Tab::Silent => self.silent,
            Tab::Delivered => self.delivered,
            Tab::Unclaimed => self.unclaimed,
            Tab::All => self.all,
        }
    }
}

/// A number that a shipment goes under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// As written.
    pub number: String,
    /// The carrier as a person reads it.
    pub carrier: Option<String>,
    /// The piece it stands for; none for the whole shipment.
    pub piece: Option<String>,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The shipment.
    pub id: ShipmentId,
    /// Counts commits: a row with a greater one is fresh.
    pub revision: u64,
    /// Its numbers; may be empty while an order has none yet.
    pub numbers: Vec<Number>,
    /// The order's name.
    pub order: Option<String>,
    /// The transfer's name.
    pub transfer: Option<String>,
    /// Where it goes: city and country.
    pub destination: Option<String>,
    /// Where it is.
    pub state: State,
    /// How alive the feed is.
    pub visibility: Visibility,
    /// The worst open exception.
    pub exception: Option<ExceptionBadge>,
    /// The estimate of the delivery.
    pub eta: Option<Instant>,
    /// What was promised.
    pub promised_by: Option<Instant>,
    /// When it was delivered.
    pub delivered_at: Option<Instant>,
    /// How it stands against the promise.
    pub lateness: Lateness,
    /// The newest event.
    pub last_event: Option<LastEvent>,
    /// When we last took in a statement about it.
    pub heard_at: Option<Instant>,
    /// The open case.
    pub case: Option<Link>,
}

/// How a shipment stands against its promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "minutes", rename_all = "snake_case")]
pub enum Lateness {
    /// No promise, or nothing to compare it with.
    Unknown,
    /// In time, or expected to be.
    OnTime,
    /// Late, or expected to be, by so many minutes.
    Late(i64),
}

/// An exception in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionBadge {
    /// Why.
    pub reason: ExceptionReason,
    /// How much a person is needed.
    pub severity: Severity,
}

/// The newest event of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEvent {
    /// What.
    pub milestone: Milestone,
    /// The provider's own code where nobody has mapped it.
    pub unmapped_code: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// When.
    pub at: Option<Instant>,
}

/// What a search leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "shipment", rename_all = "snake_case")]
pub enum Found {
    /// Exactly one shipment goes under this number, order or transfer.
    One(ShipmentId),
    /// None or several: show the list with this text.
    Several,
}

/// One shipment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentView {
    /// When this was read.
    pub now: Instant,
    /// The past moment whose knowledge is shown; none for the present.
    pub as_known_at: Option<Instant>,
    /// Moments at which something was recorded, oldest first, for "as known at". At most 200.
    pub recorded: Vec<Instant>,
    /// Its id.
    pub id: ShipmentId,
    /// Counts commits.
    pub revision: u64,
    /// Facts for the head of the page.
    pub head: Head,
    /// The progress track.
    pub progress: Vec<Step>,
    /// Everything that happened or is expected; any order, the page sorts.
    pub timeline: Vec<Entry>,
    /// Why it is in this state.
    pub why: Why,
    /// Its exceptions, open ones first.
    pub exceptions: Vec<ExceptionView>,
    /// What Odoo has.
    pub odoo: Option<OdooPanel>,
    /// Cases at the service desk, newest first.
    pub cases: Vec<CaseView>,
}

/// Facts for the head of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Where it is.
    pub state: State,
    /// How alive the feed is.
    pub visibility: Visibility,
    /// Where it goes: city and country.
    pub destination: Option<String>,
    /// Its numbers.
    pub numbers: Vec<Number>,
    /// The carrier of most of its numbers.
    pub carrier: Option<String>,
    /// What was promised.
    pub promised_by: Option<EventTime>,
    /// The estimate of the delivery.
    pub eta: Option<EventTime>,
    /// When it was delivered.
    pub delivered_at: Option<EventTime>,
    /// How it stands against the promise.
    pub lateness: Lateness,
    /// When we last took in a statement.
    pub heard_at: Option<Instant>,
    /// State of each piece, where there are several.
    pub pieces: Vec<(String, State)>,
    /// Delivery attempts, the successful one included.
    pub attempts: u32,
    /// Whether an order claims it.
    pub claim: Claim,
    /// Whether everything about it is simulated.
    pub origin: Origin,
    /// The thread of the newest commit.
    pub correlation: Option<CorrelationId>,
}

/// Whether an order stands behind a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// One does.
    Claimed,
    /// None yet: it counts in no figure and nobody is told.
    Unclaimed,
}

/// Whether a shipment is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is.
    Real,
    /// From a simulated source.
    Sandbox,
}

/// A station of the progress track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What a person reads: `Picked up`.
    pub label: String,
    /// Where it stands.
    pub status: StepStatus,
    /// When it happened, or is expected to.
    pub time: Option<EventTime>,
    /// What kind of time that is.
    pub classifier: Option<Classifier>,
}

/// Where a station of the progress track stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Passed.
    Done,
    /// The shipment is here.
    Here,
    /// Still to come.
    Todo,
}

/// An entry of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Stable, unique on the page; for a fact the observation's id.
    pub id: String,
    /// Where it belongs in time.
    pub at: Instant,
    /// The time to show.
    pub time: EventTime,
    /// When we recorded it, where that differs.
    pub recorded_at: Option<Instant>,
    /// What it is.
    pub body: EntryBody,
    /// Its thread.
    pub correlation: Option<CorrelationId>,
}

/// What an entry of the timeline is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryBody {
    /// What a carrier said.
    Fact(Fact),
    /// The state changed.
    StateChanged {
        /// Before.
        from: State,
        /// After.
        to: State,
        /// Why it was folded: `live`, `replay`, `import`, `reconcile`.
        cause: String,
    },
    /// A call to Odoo or the desk.
    Called(Call),
    /// A note that Milepost leaves in Odoo's chatter, once.
    OrderNote {
        /// What it says.
        text: String,
        /// Whether it is posted.
        posting: Posting,
    },
    /// An exception began.
    ExceptionOpened(ExceptionBadge),
    /// An exception ended.
    ExceptionClosed {
        /// Which.
        badge: ExceptionBadge,
        /// How, in words: `the shipment moved on`.
        how: String,
    },
    /// A case was opened at the desk.
    CaseOpened {
        /// Its number and page.
        case: Link,
    },
    /// A case was settled.
    CaseResolved {
        /// Its number and page.
        case: Link,
    },
    /// What a person did in Milepost.
    Human {
        /// Who.
        who: Option<String>,
        /// What, in words: `resolved the exception`.
        what: String,
        /// The reason that they gave.
        why: Option<String>,
    },
}

/// The four kinds of entries that people filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// What carriers said and what follows from it.
    Carrier,
    /// What Odoo was told.
    Odoo,
    /// What the desk was told.
    Case,
    /// What people did.
    People,
}

impl EntryKind {
    /// Every kind, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Carrier, Self::Odoo, Self::Case, Self::People];

    /// The word in the URL.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Carrier => "carrier",
            Self::Odoo => "odoo",
            Self::Case => "case",
            Self::People => "people",
        }
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Carrier => "Carrier",
            Self::Odoo => "Odoo",
            Self::Case => "Case",
            Self::People => "People",
        }
    }
}

impl EntryBody {
    /// The kind that people filter by.
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Fact(_) | Self::StateChanged { .. } | Self::ExceptionOpened(_) | Self::ExceptionClosed { .. } => EntryKind::Carrier,
            Self::Called(call) => match call.destination {
                Destination::Odoo => EntryKind::Odoo,
                Destination::Desk => EntryKind::Case,
            },
            Self::OrderNote { .. } => EntryKind::Odoo,
            Self::CaseOpened { .. } | Self::CaseResolved { .. } => EntryKind::Case,
            Self::Human { .. } => EntryKind::People,
        }
    }
}

/// Whether a note is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// It will be.
    Pending,
    /// It is.
    Posted,
    /// It never will be: the fact is history.
    Withheld,
}

/// A system that Milepost writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Odoo.
    Odoo,
    /// The service desk.
    Desk,
}

impl Destination {
    /// Every destination.
    pub const ALL: [Self; 2] = [Self::Odoo, Self::Desk];

    /// The word on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Odoo => "odoo",
            Self::Desk => "desk",
        }
    }

    /// The destination with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Odoo => "Odoo",
            Self::Desk => "Service desk",
        }
    }
}

/// Whether a call went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did.
    Ok,
    /// It was refused or failed.
    Failed,
    /// Nobody knows: the answer did not come. Milepost looks before it writes again.
    Unknown,
}

/// A call to another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Whom.
    pub destination: Destination,
    /// What was called: `stock.picking/write`.
    pub operation: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// For how long, in milliseconds.
    pub duration_ms: u64,
}

/// What a carrier said, as the mapping reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The statement.
    pub observation: ObservationId,
    /// What it means.
    pub milestone: Milestone,
    /// The provider's own code.
    pub code: String,
    /// Whether a mapping knows that code.
    pub mapping: Mapped,
    /// Plan, estimate or actual.
    pub classifier: Classifier,
    /// How it stands in the fold.
    pub standing: Standing,
    /// The rule behind that, with its reason.
    pub rule: Option<RuleNote>,
    /// The trouble that it reports.
    pub exception: Option<ExceptionBadge>,
    /// Where.
    pub place: Option<String>,
    /// The carrier as a person reads it.
    pub carrier: Option<String>,
    /// The source's name.
    pub source: String,
    /// The piece concerned.
    pub piece: Option<String>,
    /// Further sources that said the same: counted once.
    pub also_from: Vec<String>,
}

/// Whether a mapping knows a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mapped {
    /// One does.
    Known,
    /// None does: kept, shown, counted, never guessed.
    Unmapped,
}

/// How a fact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It decides the state.
    Decides,
    /// It counts and does not decide.
    Counts,
    /// It counts and lost to another fact.
    Overruled,
    /// It tells of the same physical event as another fact.
    Merged,
    /// It is a plan or an estimate.
    Schedule,
    /// It opened or carries an exception.
    Overlay,
    /// It only speaks about the feed.
    Feed,
    /// A newer list no longer has it.
    Superseded,
    /// The provider took it back.
    Retracted,
    /// It takes another one back.
    Retraction,
    /// Its time cannot be.
    Quarantined,
}

impl Standing {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Decides => "decides",
            Self::Counts => "actual",
            Self::Overruled => "overruled",
            Self::Merged => "same event",
            Self::Schedule => "schedule",
            Self::Overlay => "exception",
            Self::Feed => "feed",
            Self::Superseded => "superseded",
            Self::Retracted => "retracted",
            Self::Retraction => "retraction",
            Self::Quarantined => "quarantined",
        }
    }

    /// Whether it no longer counts: drawn struck through.
    pub const fn is_void(self) -> bool {
        matches!(self, Self::Superseded | Self::Retracted | Self::Quarantined)
    }
}

/// A precedence rule and why it applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleNote {
    /// `R4`.
    pub rule: String,
    /// In one sentence.
    pub because: String,
}

/// Why a shipment is in its state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// How many facts the fold read.
    pub facts: u32,
    /// A short digest of the result, to compare with what others have.
    pub digest: String,
    /// Verdicts: the deciding fact first, then overruled and void ones; those that merely count may be left out.
    pub verdicts: Vec<Verdict>,
    /// What does not fit and is kept, in words.
    pub anomalies: Vec<String>,
}

/// How one fact stands, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The entry of the timeline.
    pub entry: String,
    /// What the fact says.
    pub label: String,
    /// Where.
    pub place: Option<String>,
    /// When.
    pub time: EventTime,
    /// The source's name.
    pub source: String,
    /// How it stands.
    pub standing: Standing,
    /// By which rule.
    pub rule: RuleNote,
}

/// An exception of a shipment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionView {
    /// Its id.
    pub id: ExceptionId,
    /// Why.
    pub reason: ExceptionReason,
    /// The kind of trouble.
    pub category: Category,
    /// How much a person is needed.
    pub severity: Severity,
    /// Who is answerable.
    pub responsible: Party,
    /// The piece concerned.
    pub piece: Option<String>,
    /// When it began.
    pub opened_at: Instant,
    /// When somebody has to have acted.
    pub due_at: Instant,
    /// How it ended.
    pub closed: Option<Closed>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether that is the viewer.
    pub owned_by: Ownership,
    /// When somebody said "I have seen it".
    pub acknowledged_at: Option<Instant>,
    /// Out of the queue until then.
    pub snoozed_until: Option<Instant>,
    /// Its case.
    pub case: Option<Link>,
}

/// Whose an exception is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// Nobody's.
    Nobody,
    /// The viewer's.
    Viewer,
    /// A colleague's.
    Colleague,
}

/// How an exception ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Instant,
    /// How, in words.
    pub how: String,
}

/// What Odoo has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OdooPanel {
    /// The order.
    pub order: Option<Link>,
    /// The transfer.
    pub transfer: Link,
    /// Where the transfer stands: `open`, `done`, `cancelled`.
    pub standing: String,
    /// What Odoo was last told, label and value.
    pub written: Vec<(String, String)>,
    /// Whether that is what is true now.
    pub agreement: Agreement,
    /// The last call.
    pub last_call: Option<(Instant, Call)>,
}

/// Whether the other side has what we have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// It has.
    Agreed,
    /// A write is on its way.
    Pending,
    /// The last write failed; a person may have to look.
    Failed,
    /// Nothing was written yet.
    Nothing,
}

/// A case at the service desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseView {
    /// Its number and page.
    pub link: Link,
    /// The desk: `Request Tracker`.
    pub desk: String,
    /// Where it stands.
    pub status: CaseStatus,
    /// The exception it is for.
    pub reason: Option<ExceptionReason>,
    /// When it was opened.
    pub opened_at: Instant,
    /// When it was settled.
    pub resolved_at: Option<Instant>,
    /// How many notes Milepost left there.
    pub notes: u32,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// Decided, not yet made.
    Pending,
    /// At work.
    Open,
    /// Settled.
    Resolved,
}

/// What a carrier sent, beside what we read in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawView {
    /// The statement.
    pub observation: ObservationId,
    /// The message.
    pub message: MessageId,
    /// Its thread.
    pub correlation: CorrelationId,
    /// The source's name.
    pub source: String,
    /// When it came.
    pub received_at: Instant,
    /// How often it was repeated.
    pub repeats: u32,
    /// Whether its origin is proven.
    pub signature: Signature,
    /// The body, pretty-printed, personal data masked, with the places that were read marked.
    pub raw: Vec<RawPart>,
    /// What it was read as.
    pub fields: Vec<MappedField>,
    /// The names of fields that nobody reads.
    pub not_mapped: Vec<String>,
    /// The mapping's name and version: `base v1`.
    pub mapping: String,
}

/// Whether a message's origin is proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "scheme", rename_all = "snake_case")]
pub enum Signature {
    /// By this scheme.
    Verified(String),
    /// An admin allowed this source without one.
    Unsigned,
}

/// A part of a raw body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RawPart {
    /// Text that was not read.
    Plain {
        /// The text.
        text: String,
    },
    /// Text that was read; the number is that of the field.
    Read {
        /// The text.
        text: String,
        /// The mark, counted from 1.
        mark: u32,
    },
}

/// A canonical field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedField {
    /// The field's name: `Milestone`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// A remark beside it: `keeps In transit`.
    pub remark: Option<String>,
    /// The marks of the raw body that it was read from.
    pub marks: Vec<u32>,
    /// Whether the value is certain.
    pub certainty: FieldCertainty,
}

/// Whether a canonical value is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldCertainty {
    /// The message says so.
    Stated,
    /// We assumed a part of it (a zone): marked.
    Assumed,
}

/// Shipments.
#[async_trait]
pub trait ShipmentsPort: Send + Sync {
    /// A page of the list.
    async fn list(&self, viewer: &Viewer, query: ListQuery) -> Answer<ListView>;

    /// One shipment, as known now or at a past moment.
    ///
    /// # Errors
    /// `NotFound`.
    async fn get(&self, viewer: &Viewer, id: &ShipmentId, as_known_at: Option<Instant>) -> Answer<ShipmentView>;

    /// What a carrier sent, beside what we read in it.
    ///
    /// # Errors
    /// `NotFound` when the statement is not one of this shipment's, or retention has dropped its body.
    async fn raw(&self, viewer: &Viewer, id: &ShipmentId, observation: &ObservationId) -> Answer<RawView>;

    /// What the search box leads to.
    async fn find(&self, viewer: &Viewer, text: &str) -> Answer<Found>;
}
