//! Carriers side by side, and the review of one.

use super::{
    ApiResult, When,
    choice::choice,
    figures::{AnnotationView, ChangeView, ChoiceView, DefinitionView, FigureTab, FiguresQuery, TargetView},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

choice! {
    /// By what carriers are ordered.
    SortBy {
        /// Their place in the ranking.
        Rank = "",
        /// Shipments handed over.
        Volume = "volume",
        /// On time, carrier's responsibility.
        Responsibility = "on_time_carrier",
        /// P90 of transit times.
        Transit = "transit_time",
        /// First attempts that succeeded.
        FirstAttempt = "first_attempt",
        /// Returned.
        Returned = "return_rate",
        /// Damaged.
        Damaged = "damage_rate",
        /// Lost.
        Lost = "loss_rate",
        /// Exceptions per 1,000 shipments.
        Exceptions = "exception_rate",
        /// Shipments whose end is reported.
        Confirmed = "confirmation_rate",
        /// P90 of the time until an event is reported.
        Latency = "event_latency",
    }
}

impl SortBy {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rank => "on time (rank)",
            Self::Volume => "shipments",
            Self::Responsibility => "on time, carrier’s responsibility",
            Self::Transit => "transit time",
            Self::FirstAttempt => "first attempt",
            Self::Returned => "returned",
            Self::Damaged => "damaged",
            Self::Lost => "lost",
            Self::Exceptions => "exceptions",
            Self::Confirmed => "confirmed",
            Self::Latency => "carrier latency",
        }
    }
}

choice! {
    /// By what the table of a carrier's review is split.
    SplitBy {
        /// Warehouse and country of destination.
        Lane = "",
        /// Country of destination.
        Country = "country",
        /// Warehouse.
        Warehouse = "warehouse",
    }
}

impl SplitBy {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Lane => "Lane",
            Self::Country => "Country",
            Self::Warehouse => "Warehouse",
        }
    }
}

/// The question of the page of all carriers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CarriersQuery {
    /// The order.
    pub sort: SortBy,
    /// The period, and what narrows it.
    pub figures: FiguresQuery,
}

/// The question of a carrier's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CarrierQuery {
    /// The carrier's family.
    #[serde(with = "super::verbatim")]
    pub code: String,
    /// How the table is split.
    pub by: SplitBy,
    /// The period, and what narrows it.
    pub figures: FiguresQuery,
}

/// A number of a carrier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The figure's id: `transit_time`.
    pub kpi: String,
    /// Which of its rows the number leads to; empty: the first that it has.
    pub tab: String,
    /// What it is: "Transit P90".
    pub label: String,
    /// The number, without its unit; "No data" where there is none.
    pub shown: String,
    /// The unit.
    pub unit: String,
    /// Of how many.
    pub of: u64,
    /// Whether these are too few to be compared.
    pub few: bool,
    /// How it changed.
    pub change: Option<ChangeView>,
    /// What is to be reached.
    pub target: Option<TargetView>,
    /// Whether the target is missed, and chance alone does not explain it.
    pub missed: bool,
}

/// How long shipments took, by working days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TransitView {
    /// The edges: `0`, `1`, … `8 d`.
    pub edges: Vec<String>,
    /// The share of each day, in per cent; the last one has what took longer too.
    pub shares: Vec<f64>,
    /// The same of the period that it is compared with; empty where nothing was measured then.
    pub before: Vec<f64>,
    /// The median: its place in days, and in words.
    pub p50: Option<(f64, String)>,
    /// P90.
    pub p90: Option<(f64, String)>,
}

/// On time over some weeks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CourseView {
    /// The weeks: `W47`.
    pub labels: Vec<String>,
    /// Per cent, and of how many; none where nothing was due.
    pub points: Vec<Option<(f64, u64)>>,
}

/// A carrier among others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CardView {
    /// Its family; empty: shipments whose carrier is not known.
    #[serde(with = "super::verbatim")]
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its place; none where it has none.
    pub rank: Option<u32>,
    /// Why it has none; empty where it has one.
    pub unranked: String,
    /// Its place in the period that it is compared with: `was 2`.
    pub rank_before: String,
    /// On time against promise.
    pub on_time: Measure,
    /// Between what that lies: `94.9 and 96.1 %`.
    pub sure: String,
    /// On time by week.
    pub course: CourseView,
    /// Transit times.
    pub transit: TransitView,
    /// The other numbers, the same ones on each card in the same order.
    pub measures: Vec<Measure>,
    /// Whether this is the one that keeps the company from its target by most.
    pub attention: bool,
}

/// Who keeps the company from its target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExcessView {
    /// The target: `95 %`.
    pub target: String,
    /// Late ones, and how many the target allows: `852 late, 699 allowed`.
    pub summary: String,
    /// What stands out, in a sentence.
    pub lead: String,
    /// Each carrier by its code and name, with how many more are late than the target allows.
    pub bars: Vec<(String, String, f64)>,
}

/// The page of all carriers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CarriersView {
    /// The period, and what narrows it.
    pub choice: ChoiceView,
    /// The order.
    pub sort: SortBy,
    /// `1,240 shipments of 6 carriers`.
    pub summary: String,
    /// The carriers that are ranked.
    pub cards: Vec<CardView>,
    /// Those that are not.
    pub others: Vec<CardView>,
    /// What is to be reached of each figure that has a target: `First attempt 95 %`.
    pub targets: Vec<String>,
    /// Who keeps the company from its target; none where nothing was due.
    pub excess: Option<ExcessView>,
    /// On time is to reach this, per cent.
    pub target: Option<f64>,
    /// What was unlike other weeks, by the weeks of the cards' courses.
    pub annotations: Vec<AnnotationView>,
    /// The definitions of what the cards show: title and definition.
    pub definitions: Vec<(String, DefinitionView)>,
    /// Up to when it is counted.
    pub as_of: When,
}

/// Something to raise with a carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    /// What it is about: "On time".
    pub title: String,
    /// What the figures say, and what to ask for.
    pub words: String,
    /// The figure whose rows show it; empty where no list has exactly these: of events, of a lane that is not known whole.
    pub kpi: String,
    /// Which of its rows.
    pub tab: String,
    /// How the rows are narrowed.
    pub query: FiguresQuery,
}

/// Why shipments of a carrier had exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonsView {
    /// Each reason with how many, the most frequent first.
    pub rows: Vec<(String, u64)>,
    /// What was counted: `344 that began in the period`.
    pub summary: String,
}

/// A cell of the map of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneCell {
    /// On time, per cent.
    pub percent: f64,
    /// Of how many.
    pub due: u64,
    /// Whether the target is missed there, and chance alone does not explain it.
    pub missed: bool,
}

/// On time from warehouses to countries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LaneMap {
    /// The warehouses.
    pub rows: Vec<String>,
    /// The countries with the most shipments.
    pub columns: Vec<String>,
    /// The cells, row by row; none where nothing was due.
    pub cells: Vec<Vec<Option<LaneCell>>>,
    /// How many countries more there are.
    pub more: usize,
    /// Fewer due than this are too few to judge.
    pub few_under: u64,
}

/// A row of the table of lanes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LaneRow {
    /// `WH → PL`.
    pub name: String,
    /// The question for it alone; none where a part of it is not known, which no question asks for.
    pub query: Option<FiguresQuery>,
    /// Of how many something was promised that is due.
    pub due: u64,
    /// On time: `65.2 %`.
    pub on_time: String,
    /// Whether the target is missed, and chance alone does not explain it.
    pub missed: bool,
    /// Whether these are too few to be judged.
    pub few: bool,
    /// Late ones.
    pub late: u64,
    /// Their share of all late ones: `34 %`.
    pub of_late: String,
    /// P90 of transit times: `2.8 d`.
    pub p90: String,
    /// First attempts that succeeded.
    pub first_attempt: String,
    /// Exceptions.
    pub exceptions: u64,
    /// The most frequent reason of exceptions there; empty where there were none.
    pub reason: String,
}

/// How shipments stand to their promises.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PromisesView {
    /// Each part with how many, and its rows.
    pub parts: Vec<FigureTab>,
    /// How many shipments these are.
    pub all: u64,
}

/// The review of a carrier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CarrierView {
    /// The period, and what narrows it.
    pub choice: ChoiceView,
    /// How the table is split.
    pub by: SplitBy,
    /// Its numbers.
    pub card: CardView,
    /// How many carriers are ranked.
    pub ranked: u32,
    /// On time is to reach this, per cent.
    pub target: Option<f64>,
    /// How many first weeks make the mean of the control chart.
    pub base: usize,
    /// What the control chart says, in a sentence.
    pub course_lead: String,
    /// What was unlike other weeks.
    pub annotations: Vec<AnnotationView>,
    /// What to raise.
    pub findings: Vec<FindingView>,
    /// Lanes.
    pub lanes: LaneMap,
    /// The table, those with the most late ones first.
    pub rows: Vec<LaneRow>,
    /// `332 of 548 late on 6 of 30 lanes`.
    pub rows_summary: String,
    /// Why its shipments had exceptions.
    pub reasons: ReasonsView,
    /// Promises.
    pub promises: PromisesView,
    /// How good its data is.
    pub data: Vec<Measure>,
    /// The definitions of what is shown: title and definition.
    pub definitions: Vec<(String, DefinitionView)>,
    /// Up to when it is counted.
    pub as_of: When,
    /// Whose page it is, for paper: `Northwind Parts GmbH · Mon 23 Nov 2026, 14:32 · Clara Hoffmann`.
    pub printed: String,
}

/// Carriers.
#[async_trait]
pub trait CarriersPort: Send + Sync {
    /// All of them.
    async fn all(&self, query: CarriersQuery) -> ApiResult<CarriersView>;
    /// One of them.
    async fn one(&self, query: CarrierQuery) -> ApiResult<CarrierView>;
    /// The scorecards as comma-separated values.
    async fn csv(&self, query: CarriersQuery) -> ApiResult<String>;
}
