//! The overview.

use super::{AnnotationView, ChoiceView, FigureView, FiguresQuery};
use crate::contract::{When, exceptions::Age};
use domain::{State, unknown::Cause};
use serde::{Deserialize, Serialize};

/// The overview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewView {
    /// The period, and what narrows it.
    pub choice: ChoiceView,
    /// On time against promise.
    pub on_time: FigureView,
    /// The carrier without which it would be better.
    pub without: Option<WithoutView>,
    /// What was unlike other weeks.
    pub annotations: Vec<AnnotationView>,
    /// What needs a person's decision, the most urgent first.
    pub decisions: Vec<Decision>,
    /// What is promised for today.
    pub due: DueView,
    /// The figures below, in their order.
    pub tiles: Vec<FigureView>,
    /// What is so at this moment.
    pub live: LiveView,
}

/// On time without one carrier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithoutView {
    /// The carrier.
    pub carrier: String,
    /// The question for it alone.
    pub query: FiguresQuery,
    /// Its late ones.
    pub late: u64,
    /// On time without it: `95.1`.
    pub shown: String,
    /// Whether the target is reached without it, and missed with it.
    pub makes_the_difference: bool,
    /// On time without it over the points of the trend.
    pub values: Vec<Option<f64>>,
}

/// Something to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The question.
    pub question: String,
    /// What speaks for it, in numbers.
    pub because: String,
    /// The page with the rows.
    pub page: Leads,
    /// What its link says.
    pub label: String,
}

/// Where a decision leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leads {
    /// To rows of a figure.
    Rows(super::FigureQuery),
    /// To the board of service levels.
    Sla(FiguresQuery),
    /// To another page.
    Page(String),
}

/// What is promised for today.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DueView {
    /// The question for today alone.
    pub query: FiguresQuery,
    /// All of them.
    pub due: u64,
    /// Delivered in time.
    pub delivered: u64,
    /// Open, and nothing speaks against the promise.
    pub on_track: u64,
    /// Open, with an exception or an estimate after the promise.
    pub at_risk: u64,
    /// Late.
    pub breached: u64,
    /// How many shipments were looked at for what is at risk, where there were more.
    pub looked_at: Option<u64>,
    /// Expected on time: `93.9`; none where nothing is due.
    pub expected: Option<String>,
    /// The least: as if everything at risk came late.
    pub least: Option<String>,
    /// The most: as if everything at risk came in time.
    pub most: Option<String>,
    /// Whether the expected share reaches the target.
    pub met: Option<bool>,
    /// The target: `95 %`.
    pub target: String,
    /// When that was.
    pub as_of: When,
}

/// What is so at this moment, of all shipments. Every count is the number of the rows that the page links to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveView {
    /// When the figures were taken.
    pub as_of: When,
    /// Shipments in transit: linked to an order and not ended.
    pub open: u64,
    /// Of these, with an event within 48 h.
    pub current: u64,
    /// Of these, of which something was received within 48 h.
    pub received: u64,
    /// Open exceptions, snoozed ones left out.
    pub exceptions: u64,
    /// Of these, overdue.
    pub overdue: u64,
    /// Snoozed ones.
    pub snoozed: u64,
    /// Recorded in the last 7 days.
    pub exceptions_7d: u64,
    /// Open exceptions by age, snoozed ones left out.
    pub ageing: Vec<Bucket>,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that retry for more than an hour.
    pub retrying: u64,
    /// Whether the viewer may see the jobs.
    pub operates: bool,
    /// Tickets opened for exceptions in the last 7 days.
    pub cases: u64,
    /// Of these, resolved without a person.
    pub self_healed: u64,
    /// Deliveries by day, oldest first.
    pub days: Vec<Day>,
    /// Shipments linked to an order, by status.
    pub states: Vec<(State, u64)>,
    /// Shipments linked to an order, by carrier.
    pub carriers: Vec<CarrierRow>,
    /// Shipments without a current status, by why; the most frequent first.
    #[serde(default)]
    pub unknown: Vec<(Cause, u64)>,
    /// Codes without a mapping; zero for a viewer who may not map them.
    pub unmapped: u64,
}

/// Exceptions of one age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// As shown.
    pub label: String,
    /// The age.
    pub age: Age,
    /// Not yet due.
    pub within: u64,
    /// Overdue.
    pub over: u64,
}

/// One day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// As shown.
    pub label: String,
    /// As in the address.
    pub date: String,
    /// Deliveries.
    pub delivered: u64,
}

/// One carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierRow {
    /// The carrier.
    #[serde(with = "crate::contract::verbatim")]
    pub carrier: String,
    /// Shipments.
    pub shipments: u64,
    /// Of these in transit.
    pub open: u64,
    /// Of these with an event within 48 h.
    pub current: u64,
    /// With an open exception.
    pub exceptions: u64,
    /// Delivered.
    pub delivered: u64,
}
