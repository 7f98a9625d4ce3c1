//! Figures for executives: few, each with its definition.

use super::{ApiResult, When, exceptions::Age};
use async_trait::async_trait;
use domain::{State, unknown::Cause};
use serde::{Deserialize, Serialize};

/// The overview. Every count is the number of the rows that the page links to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewView {
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
    #[serde(with = "super::verbatim")]
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

/// Figures.
#[async_trait]
pub trait OverviewPort: Send + Sync {
    /// The overview.
    async fn overview(&self) -> ApiResult<OverviewView>;
}
