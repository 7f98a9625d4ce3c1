//! Shipments: the list, one shipment, one event.

use super::{
    ApiResult, When,
    bookings::{BookingsView, NewBooking},
    choice::{choice, known},
    claims::ClaimRow,
    unknown::{RemedyAct, UnknownView},
};
use async_trait::async_trait;
use domain::{Direction, Severity, State, Visibility, labels::LabelState, unknown::Cause};
use serde::{Deserialize, Serialize};

choice! {
    /// Which shipments a list shows.
    ListTab {
        /// Of an order, and not ended.
        Open = "open",
        /// With an open exception.
        Exceptions = "exceptions",
        /// Past the promise.
        Late = "late",
        /// Without updates for too long.
        Silent = "silent",
        /// Delivered.
        Delivered = "delivered",
        /// Of no order.
        Unclaimed = "unclaimed",
        /// Every one.
        All = "all",
    }
}

choice! {
    /// How recent what is known of them is.
    Freshness {
        /// However recent.
        Any = "",
        /// With an event within 48 h.
        Current = "current",
        /// Without one.
        Outdated = "outdated",
        /// Something was received within 48 h.
        Received = "received",
        /// Nothing was received.
        NotReceived = "not_received",
    }
}

choice! {
    /// Whether they are linked to an order.
    Linked {
        /// Either.
        Any = "",
        /// Only those that are.
        Order = "order",
    }
}

/// A question to the list; everything is in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// The view.
    #[serde(default)]
    pub tab: ListTab,
    /// Words to find.
    #[serde(default)]
    pub text: String,
    /// In this state.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Going this way.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Linked to an order.
    #[serde(default)]
    pub linked: Linked,
    /// With a number of this carrier.
    #[serde(default)]
    pub carrier: String,
    /// With a label that stands so.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelState>,
    /// Of which nothing current is known for this cause.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Cause>,
    /// How recent what is known of them is.
    #[serde(default)]
    pub fresh: Freshness,
    /// Delivered on this day of the viewer's zone: `2026-11-25`.
    #[serde(default)]
    pub delivered: String,
    /// Where the page begins.
    #[serde(default)]
    pub cursor: String,
}

impl ListQuery {
    /// Whether a status is a filter of a view: some of its shipments may have it, and others not.
    pub fn filters_by(tab: ListTab, state: State) -> bool {
        match tab {
            // a shipment that has ended is not late any more, and no updates are missed
            ListTab::Open | ListTab::Late | ListTab::Silent => !state.is_terminal(),
            ListTab::Delivered => false,
            ListTab::Exceptions | ListTab::Unclaimed | ListTab::All => true,
        }
    }

    /// Whether anything narrows the view: its count is then not the number of rows.
    pub fn is_narrowed(&self) -> bool {
        let written = [&self.text, &self.carrier, &self.delivered].iter().any(|filter| !filter.is_empty());
        let chosen =
            self.state.is_some() || self.direction.is_some() || self.labels.is_some() || self.unknown.is_some();
        written || chosen || self.linked != Linked::Any || self.fresh != Freshness::Any
    }
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListPage {
    /// The views with the counts of all their shipments.
    pub tabs: Vec<Tab>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// The page is not full: it ends because the limit of shipments that one page searches was reached. Later pages may have
    /// matches or none.
    pub cut_short: bool,
    /// Whether a label was ever booked: shipments can be chosen by them.
    pub labels: bool,
    /// When an update was last received.
    pub newest: Option<When>,
}

/// A view of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tab {
    /// Which.
    pub key: ListTab,
    /// How many.
    pub count: u64,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The shipment.
    pub id: String,
    /// Where it is.
    pub state: State,
    /// The feed.
    pub visibility: Visibility,
    /// The worst open exception.
    pub exception: Option<(Severity, String)>,
    /// Its number.
    pub number: String,
    /// Further numbers.
    pub more_numbers: usize,
    /// The carrier.
    pub carrier: String,
    /// The order.
    pub order: Option<String>,
    /// The transfer.
    pub transfer: Option<String>,
    /// Which way it goes.
    pub direction: Direction,
    /// Where to.
    pub destination: Option<String>,
    /// Delivery, or its estimate.
    pub eta: Option<When>,
    /// Whether that is the delivery.
    pub delivered: bool,
    /// Promise.
    pub promise: Option<When>,
    /// Whether the promise is kept, in words, and how bad it is.
    pub late: Option<(Lateness, String)>,
    /// The newest event.
    pub last_event: Option<String>,
    /// Where it was.
    pub last_place: Option<String>,
    /// When it was.
    pub last_at: Option<When>,
    /// The case.
    pub case: Option<String>,
}

/// Against the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lateness {
    /// There is no promise.
    None,
    /// In time.
    OnTime,
    /// A little late.
    Warn,
    /// Late.
    Bad,
}

/// One shipment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentView {
    /// The shipment, as it is now or was known.
    pub row: Row,
    /// Counts commits.
    pub revision: u64,
    /// Every number with its carrier.
    pub numbers: Vec<NumberView>,
    /// Pieces with their states.
    pub pieces: Vec<(String, State)>,
    /// The way, in steps.
    pub steps: Vec<Step>,
    /// What happened, newest first.
    pub timeline: Vec<Entry>,
    /// Why it is in this state.
    pub why: Vec<Reason>,
    /// How many facts were folded.
    pub facts: usize,
    /// The state's hash.
    pub hash: String,
    /// What does not fit.
    pub anomalies: Vec<String>,
    /// Its exceptions, open ones first.
    pub exceptions: Vec<ExceptionView>,
    /// Why nothing current is known of it, where that is so.
    #[serde(default)]
    pub unknown: Option<UnknownView>,
    /// What we expect of it; none where too little is known of its like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<OursView>,
    /// The page of the delivery in Odoo.
    pub order_url: Option<String>,
    /// The transfer that it follows, and how: as its return, or as its backorder.
    pub follows: Vec<(String, String)>,
    /// Customer's data, masked unless the viewer may see it.
    pub customer: Option<CustomerView>,
    /// Proof of delivery.
    pub proofs: Vec<ProofView>,
    /// Deliveries, beyond a limit, of which nobody looked who signed.
    pub unread_deliveries: usize,
    /// The cases.
    pub cases: Vec<CaseView>,
    /// Its labels, and where its numbers are registered.
    #[serde(default)]
    pub bookings: BookingsView,
    /// Its claims against carriers, now.
    pub claims: Vec<ClaimRow>,
    /// Shipments under the same number of another carrier, of which one has no order.
    pub same_number: Vec<SameNumberView>,
    /// Set when this is not now: as known at.
    pub as_known_at: Option<When>,
    /// Moments at which something was recorded, to the second and newest first, up to now even where the page is as known
    /// before: (for the address, as shown).
    pub moments: Vec<(String, String)>,
}

/// What we expect of a shipment that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OursView {
    /// Half of such shipments have arrived by then.
    pub p50: When,
    /// 80 of 100 have.
    pub p80: When,
    /// Which deliveries that rests on.
    pub basis: String,
    /// Why it is expected late; none where it is not.
    pub late: Option<String>,
}

/// A shipment under the same number of another carrier: one has an order, the other none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SameNumberView {
    /// The other shipment's id.
    pub id: String,
    /// The shipment with the order.
    pub claimed: String,
    /// The one without.
    pub unlinked: String,
    /// The other's order or delivery; none where it has no order.
    pub order: Option<String>,
    /// The number, as the other one has it.
    pub number: String,
    /// The other's carrier.
    pub carrier: Option<String>,
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberView {
    /// As written.
    pub number: String,
    /// The carrier.
    pub carrier: Option<String>,
}

/// A step of the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub label: String,
    /// When it was reached, or is expected.
    pub at: Option<When>,
    /// Whether that is an estimate.
    pub estimated: bool,
    /// Reached, here, skipped, or still to come.
    pub standing: StepStanding,
}

/// Whether a step is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStanding {
    /// Behind.
    Done,
    /// Here, and well.
    Here,
    /// Here, and a person is needed, or it goes no further.
    Trouble,
    /// Passed without an event.
    Skipped,
    /// Ahead.
    Todo,
}

/// Something that happened, is planned, or was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Unique on the page.
    pub key: String,
    /// Whose.
    pub kind: EntryKind,
    /// The day, as a heading.
    pub day: String,
    /// The time of day.
    pub clock: String,
    /// What is to be known of that time; empty where it is in the page's zone.
    pub remark: String,
    /// The time in full.
    pub when: When,
    /// What.
    pub title: String,
    /// Where.
    pub place: Option<String>,
    /// More.
    pub detail: String,
    /// How certain, as a word: actual, estimated, planned, retracted, replaced, set aside.
    pub standing: String,
    /// How it is drawn.
    pub mark: Mark,
    /// The exception it carries.
    pub exception: Option<(Severity, String)>,
    /// The observation, where its raw message can be opened.
    pub observation: Option<String>,
    /// The correlation id.
    pub correlation: Option<String>,
}

/// Whose entry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// An event of the carrier.
    Carrier,
    /// A call to Odoo.
    Odoo,
    /// A call to the desk.
    Desk,
    /// A person did it.
    Person,
}

/// How an entry is drawn: certainty has a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It happened.
    Actual,
    /// It decides the state.
    Deciding,
    /// Estimated.
    Estimated,
    /// Planned.
    Planned,
    /// Does not count.
    Void,
    /// Trouble.
    Trouble,
    /// Not the carrier's.
    System,
}

/// A fact and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What.
    pub title: String,
    /// Where and when.
    pub detail: String,
    /// The sentence.
    pub because: String,
    /// The rule.
    pub rule: String,
    /// Decides, counts or lost.
    pub standing: Standing,
}

/// How a fact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It decides.
    Decides,
    /// It lies over the state.
    Overlay,
    /// It counts.
    Counts,
    /// It lost or does not count.
    Lost,
}

/// An exception of the shipment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionView {
    /// Its id.
    pub id: String,
    /// Why.
    pub label: String,
    /// How much a person is needed.
    pub severity: Severity,
    /// Who is responsible.
    pub responsible: String,
    /// Since when.
    pub opened: When,
    /// Where an agent closed the ticket while the exception goes on: what happened, so that somebody decides.
    pub question: Option<String>,
    /// Why it has no ticket, where it should have one.
    pub no_ticket: Option<String>,
    /// How and when it ended.
    pub closed: Option<(String, When)>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether somebody has seen it.
    pub acknowledged: bool,
}

/// The customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerView {
    /// Name.
    pub name: Option<String>,
    /// Place.
    pub place: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Language and zone.
    pub locale: Option<String>,
    /// Whether name and e-mail are masked.
    pub masked: bool,
}

/// Who signed for a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofView {
    /// The name, masked unless the viewer may see it.
    pub signed_by: String,
    /// Whether it is masked.
    pub masked: bool,
    /// When it was delivered.
    pub when: When,
    /// The number that was delivered, where there are several.
    pub number: Option<String>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseView {
    /// The desk's number, once it is known.
    pub number: Option<String>,
    /// What people call the desk.
    pub desk: String,
    /// The desk's page.
    pub url: Option<String>,
    /// Open, resolved by whom, deleted, being opened.
    pub status: String,
    /// Since when.
    pub opened: When,
}

/// An event's raw message beside what was made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawView {
    /// The observation.
    pub observation: String,
    /// The message as received; for a viewer who may not read it, only what is known to be harmless.
    pub raw: String,
    /// Whether something is left out of it for this viewer.
    pub masked: bool,
    /// How it was verified.
    pub verified: String,
    /// When it came.
    pub received: When,
    /// The message: the first that said it, as the timeline names it.
    pub message: String,
    /// The latest of the later messages that said it again.
    pub later: Option<String>,
    /// How many later messages there are.
    pub later_messages: usize,
    /// The correlation id.
    pub correlation: String,
    /// What was made of it: label, value.
    pub canonical: Vec<(String, String)>,
    /// The mapping's version.
    pub mapping: String,
}

/// Shipments.
#[async_trait]
pub trait ShipmentsPort: Send + Sync {
    /// A page of the list.
    async fn list(&self, query: ListQuery) -> ApiResult<ListPage>;
    /// One shipment, now or as known at a moment.
    async fn get(&self, id: String, as_known_at: Option<String>) -> ApiResult<ShipmentView>;
    /// Links an order's shipment with an unlinked one of the same number.
    async fn link(&self, claimed: String, unlinked: String) -> ApiResult<()>;
    /// Does something about a shipment without a current status, on a connection where the act names one.
    async fn remedy(&self, id: String, act: RemedyAct, on: String) -> ApiResult<()>;
    /// Puts the right number in the place of a wrong one in the order system.
    async fn correct(&self, id: String, wrong: String, number: String) -> ApiResult<()>;
    /// A person decides about a booking: `adopt` with its number, `again`, `give_up`, `void`.
    async fn decide_booking(&self, id: String, decision: String, number: String) -> ApiResult<()>;
    /// A person books a label beside the rules.
    async fn book(&self, new: NewBooking) -> ApiResult<()>;
    /// One event's raw message.
    async fn raw(&self, id: String, observation: String) -> ApiResult<RawView>;
    /// The shipment that goes under exactly this, if there is just one.
    async fn find(&self, text: String) -> ApiResult<Option<String>>;
}
