//! Figures for executives: few, each with its definition.

use super::{Answer, When};
use async_trait::async_trait;
use domain::State;
use serde::{Deserialize, Serialize};

/// The overview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewView {
    /// When the figures were taken.
    pub as_of: When,
    /// Shipments that have not ended.
    pub non_terminal: u64,
    /// Of these, heard from within 48 h.
    pub current: u64,
    /// Open exceptions by age.
    pub ageing: Vec<Bucket>,
    /// Open exceptions.
    pub open: u64,
    /// Of these, past due.
    pub over: u64,
    /// Dead or retrying for more than an hour.
    pub failed: u64,
    /// Jobs of the last 7 days.
    pub jobs: u64,
    /// Cases opened for exceptions in the last 7 days.
    pub cases: u64,
    /// Of these, settled without a person.
    pub self_healed: u64,
    /// Exceptions opened in the last 7 days.
    pub exceptions_7d: u64,
    /// By day, oldest first.
    pub days: Vec<Day>,
    /// Shipments by state.
    pub states: Vec<(State, u64)>,
    /// By carrier.
    pub carriers: Vec<CarrierRow>,
    /// Codes that no mapping knows; none to whoever cannot map them.
    pub unmapped: u64,
}

/// Exceptions of one age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The age.
    pub label: String,
    /// In time.
    pub within: u64,
    /// Past due.
    pub over: u64,
}

/// One day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// As shown.
    pub label: String,
    /// Exceptions opened.
    pub exceptions: u64,
    /// Deliveries.
    pub delivered: u64,
    /// Cases opened.
    pub cases: u64,
}

/// One carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierRow {
    /// The carrier.
    pub carrier: String,
    /// Shipments.
    pub shipments: u64,
    /// Of these not ended.
    pub non_terminal: u64,
    /// Of these heard from within 48 h.
    pub current: u64,
    /// Open exceptions.
    pub exceptions: u64,
    /// Delivered.
    pub delivered: u64,
}

/// Figures.
#[async_trait]
pub trait OverviewPort: Send + Sync {
    /// The overview.
    async fn overview(&self) -> Answer<OverviewView>;
}
