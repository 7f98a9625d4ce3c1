//! Executive figures. Every number carries its definition and the time it was read.

use super::{Answer, Instant, Severity, State, session::Viewer};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// The overview.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverviewView {
    /// When this was read: the freshness stamp of every figure on it.
    pub now: Instant,
    /// Claimed shipments that have not ended and were heard from within `current_hours`.
    pub current: Share,
    /// The window of `current`, in hours.
    pub current_hours: u32,
    /// Open exceptions by age.
    pub ageing: Vec<AgeBucket>,
    /// Open exceptions by severity, worst first.
    pub severities: Vec<(Severity, u64)>,
    /// When the oldest open exception began.
    pub oldest_exception: Option<Instant>,
    /// Jobs dead, or retrying for more than an hour, of all jobs of the last 7 days.
    pub failed_syncs: Share,
    /// Cases opened for an exception in the last 7 days, of all cases that Milepost opened then.
    pub cases: CaseFigures,
    /// Claimed shipments by state, in the order of a journey.
    pub states: Vec<(State, u64)>,
    /// Carriers, by shipments.
    pub carriers: Vec<CarrierRow>,
    /// The last 14 days, oldest first; empty where the data has none.
    pub days: Vec<Day>,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The part.
    pub part: u64,
    /// The whole.
    pub whole: u64,
}

impl Share {
    /// In tenths of a percent; none of nothing.
    pub fn permille(self) -> Option<u64> {
        (self.whole > 0).then(|| (self.part * 1000 + self.whole / 2) / self.whole)
    }
}

/// Open exceptions of one age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeBucket {
    /// What a person reads: `8–24 h`.
    pub label: String,
    /// Within their due time.
    pub within: u64,
    /// Past it.
    pub over: u64,
}

/// Cases triggered by logistics events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFigures {
    /// Opened for an exception in the last 7 days.
    pub opened: u64,
    /// Exceptions that began in the last 7 days: what the cases are a part of.
    pub exceptions: u64,
    /// Of the cases, settled without a person: the exception ended by itself.
    pub self_healed: u64,
}

/// One carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierRow {
    /// The carrier as a person reads it.
    pub carrier: String,
    /// Shipments.
    pub shipments: u64,
    /// Not ended and heard from, of those not ended.
    pub current: Share,
    /// Open exceptions.
    pub open_exceptions: u64,
    /// Delivered.
    pub delivered: u64,
}

/// One day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Its first instant.
    pub begins: Instant,
    /// Exceptions that began.
    pub exceptions: u64,
    /// Deliveries.
    pub delivered: u64,
    /// Cases opened.
    pub cases: u64,
}

/// Executive figures.
#[async_trait]
pub trait OverviewPort: Send + Sync {
    /// All of them.
    async fn overview(&self, viewer: &Viewer) -> Answer<OverviewView>;
}
