//! Figures added up. What units add to them commits with the units as signed numbers ([`NewContribution`]); some seconds later
//! they are added to roll-ups and to the rows behind them, together, so that a figure is always the number of its rows.

use crate::{Page, Result, Scope, StoreError};
use async_trait::async_trait;
use domain::{ExceptionReason, Severity, State, event_time::EventTime, ids::ShipmentId};
use jiff::{Timestamp, civil::Date};
use kpi::{
    contribution::row::{Contributed, Dims, Key, Part},
    definition::Kpi,
};

/// What a unit adds from now on, and what that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContribution {
    /// All of it.
    pub after: Stored,
    /// The numbers to add.
    pub changes: Vec<Contributed>,
}

impl NewContribution {
    /// The change from what it added before; none where it is the same.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    pub fn since(after: Contributed, before: &Stored) -> Result<Option<Self>> {
        let stored = Stored::from(&after);
        if stored == *before || (before.0.is_none() && after.rows.is_empty()) {
            return Ok(None);
        }
        Ok(Some(Self { changes: after.since(&before.read()?), after: stored }))
    }
}

/// What a unit adds, as it is stored. It is long, and read only where it changes: most of those that load a shipment do not need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored(pub Option<String>);

impl Stored {
    /// What it says.
    ///
    /// # Errors
    /// When it is not what [`Stored::from`] wrote.
    pub fn read(&self) -> Result<Contributed> {
        let Some(text) = &self.0 else { return Ok(Contributed::default()) };
        serde_json::from_str(text)
            .map_err(|error| StoreError::Damaged(format!("column contributed: {:?}", error.classify())))
    }
}

impl From<&Contributed> for Stored {
    fn from(contributed: &Contributed) -> Self {
        Self(Some(serde_json::to_string(contributed).expect("plain data serialises")))
    }
}

/// By what rows are kept: the coarser, the fewer there are to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by what it is kept by")]
pub enum Grain {
    Day,
    Hour,
    DayCarrier,
    DayDims,
    Month,
    MonthCarrier,
    MonthDims,
}

impl Grain {
    /// Those of every figure.
    pub const FLOW: &'static [Self] = &[Self::Day, Self::Hour, Self::DayCarrier, Self::DayDims];
    /// Those of what is known at an hour, whose numbers are added up from the beginning: by months, too. The hour is in the bin.
    pub const SNAPSHOT: &'static [Self] =
        &[Self::Day, Self::DayCarrier, Self::DayDims, Self::Month, Self::MonthCarrier, Self::MonthDims];

    /// As stored.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// Whether its rows have months for days.
    pub const fn is_monthly(self) -> bool {
        matches!(self, Self::Month | Self::MonthCarrier | Self::MonthDims)
    }
}

/// What narrows a figure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The company, as the order system names it.
    pub company: Option<String>,
    /// The warehouse.
    pub warehouse: Option<String>,
    /// The carrier's family.
    pub carrier: Option<String>,
    /// Country of destination.
    pub country: Option<String>,
    /// A segment that the customer has.
    pub segment: Option<String>,
}

impl Filter {
    /// Whether anything but the carrier narrows it.
    pub const fn is_beyond_carrier(&self) -> bool {
        self.company.is_some() || self.warehouse.is_some() || self.country.is_some() || self.segment.is_some()
    }
}

/// How finely rows are split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Not at all.
    #[default]
    Nothing,
    /// By carrier.
    Carrier,
    /// By everything that narrows.
    Dims,
}

/// Which roll-ups are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupQuery {
    /// The figures, with the versions of their definitions.
    pub kpis: Vec<(Kpi, u16)>,
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// What narrows them.
    pub filter: Filter,
    /// How finely they are split.
    pub by: By,
    /// Whether whole months are read: of what is known at an hour, before the month of the period.
    pub monthly: Monthly,
}

/// Days or months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Monthly {
    /// Days.
    #[default]
    Days,
    /// Months that begin within the time.
    Months,
}

impl RollupQuery {
    /// The coarsest rows that can answer it.
    pub const fn grain(&self) -> Grain {
        let (months, dims) = (matches!(self.monthly, Monthly::Months), matches!(self.by, By::Dims));
        let carrier = matches!(self.by, By::Carrier) || self.filter.carrier.is_some();
        match (months, dims || self.filter.is_beyond_carrier(), carrier) {
            (false, true, _) => Grain::DayDims,
            (false, false, true) => Grain::DayCarrier,
            (false, false, false) => Grain::Day,
            (true, true, _) => Grain::MonthDims,
            (true, false, true) => Grain::MonthCarrier,
            (true, false, false) => Grain::Month,
        }
    }
}

/// A row of a roll-up, without its hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRow {
    /// By what it is kept; of rows that are not split nothing.
    pub dims: Dims,
    /// What it counts.
    pub key: Key,
    /// How many.
    pub n: i64,
}

/// The rows behind a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitQuery {
    /// The figure, with the version of its definition.
    pub kpi: (Kpi, u16),
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// What narrows it.
    pub filter: Filter,
    /// The parts that are counted.
    pub parts: Vec<Part>,
    /// Of what is open: those whose minute is not after it, or those whose minute is.
    pub open: Option<Open>,
    /// Where the page begins.
    pub cursor: Option<String>,
}

/// Which of what is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Late by this minute, counted from 1970.
    LateBy(i32),
    /// Not late yet by this minute, or without a deadline.
    NotLateBy(i32),
}

/// A unit behind a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRow {
    /// The shipment.
    pub shipment: ShipmentId,
    /// What it adds.
    pub key: Key,
    /// How many.
    pub n: i64,
}

/// A unit behind a figure, with what is known of its shipment.
#[derive(Clone, Debug, PartialEq)]
pub struct DueRow {
    /// The shipment.
    pub shipment: ShipmentId,
    /// The minute from which it is late, counted from 1970; none where it has no deadline.
    pub late_from: Option<i32>,
    /// Its state.
    pub state: State,
    /// Its worst open exception.
    pub exception: Option<(ExceptionReason, Severity)>,
    /// The estimate of its delivery.
    pub eta: Option<EventTime>,
    /// Its promise.
    pub promised_by: Option<Timestamp>,
}

/// Up to when roll-ups are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Since when the oldest change waits; none where none does.
    pub since: Option<Timestamp>,
}

/// A day of a figure on which the roll-up and the rows behind it did not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupDifference {
    /// When it was found.
    pub found_at: Timestamp,
    /// The figure, with the version of its definition.
    pub kpi: (Kpi, u16),
    /// The day.
    pub day: Date,
    /// What the roll-up had.
    pub rolled_up: i64,
    /// What its rows come to.
    pub contributed: i64,
}

/// Roll-ups and the rows behind them.
#[async_trait]
pub trait Rollups: Send + Sync {
    /// Adds changes that wait to the roll-ups and to the rows behind them, the oldest first, so many at most; how many it took.
    async fn add_up(&self, scope: Scope, limit: u32) -> Result<u64>;

    /// Whether changes wait.
    async fn waiting(&self, scope: Scope) -> Result<Waiting>;

    /// The rows of roll-ups.
    async fn rows(&self, scope: Scope, query: RollupQuery) -> Result<Vec<RollupRow>>;

    /// The rows of all together on one day, with their hours.
    async fn hours(&self, scope: Scope, kpis: Vec<(Kpi, u16)>, day: Date) -> Result<Vec<RollupRow>>;

    /// A page of the units behind a figure, by day and unit.
    async fn units(&self, scope: Scope, query: UnitQuery) -> Result<Page<UnitRow>>;

    /// How many those are, over all pages: the sum of their numbers.
    async fn count(&self, scope: Scope, query: UnitQuery) -> Result<i64>;

    /// Units behind a figure with what is known of their shipments, the shortest time left first; so many at most.
    async fn due(&self, scope: Scope, query: UnitQuery, limit: u32) -> Result<Vec<DueRow>>;

    /// What there is to narrow by: every combination that ever was.
    async fn dims(&self, scope: Scope) -> Result<Vec<Dims>>;

    /// The shipments of orders after one, in the order of their ids, which changed since a time.
    async fn shipments_after(
        &self,
        scope: Scope,
        after: Option<ShipmentId>,
        changed_since: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<ShipmentId>>;

    /// Replaces what a shipment adds, unless it was committed meanwhile; whether it did.
    async fn replace(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        revision: u64,
        new: NewContribution,
        at: Timestamp,
    ) -> Result<bool>;

    /// The days of a figure, from the first to before the last, on which a roll-up differs from the rows behind it. Reads only.
    async fn differing(
        &self,
        scope: Scope,
        kpi: (Kpi, u16),
        days: (Date, Date),
        at: Timestamp,
    ) -> Result<Vec<RollupDifference>>;

    /// Makes the roll-ups of a day anew from the rows behind them where they still differ, and keeps the difference.
    async fn mend(&self, scope: Scope, kpi: (Kpi, u16), day: Date, at: Timestamp) -> Result<Option<RollupDifference>>;

    /// The newest differences that were found.
    async fn differences(&self, scope: Scope, limit: u32) -> Result<Vec<RollupDifference>>;
}
