//! Figures: which period, what each is, its target and how it goes, and the rows behind it.

mod overview;
mod query;
mod rows;
mod sla;

pub use overview::{Bucket, CarrierRow, Day, Decision, DueView, Leads, LiveView, OverviewView, WithoutView};
pub use query::{Compared, FiguresQuery, Length};
pub use rows::{Elsewhere, FigureQuery, FigureRow, FigureTab, OneFigureView};
pub use sla::{AtRiskRow, BoardGroup, BoardRow, SlaView};

use super::{ApiResult, When};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A question as it was understood, and what it can be narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceView {
    /// The question.
    pub query: FiguresQuery,
    /// The period, short: `week 47`.
    pub period: String,
    /// In full: `Mon 16 to Sun 22 November 2026`.
    pub days: String,
    /// What it is compared with: `week 46`.
    pub compared: String,
    /// Its first day, `2026-11-16`.
    pub first: String,
    /// Its last day.
    pub last: String,
    /// The question for the period before.
    pub earlier: FiguresQuery,
    /// The question for the period after; none where that is still to come.
    pub later: Option<FiguresQuery>,
    /// Whether it goes on: its numbers are of the part that has passed.
    pub unfinished: bool,
    /// The companies.
    pub companies: Vec<Narrowing>,
    /// The warehouses.
    pub warehouses: Vec<Narrowing>,
    /// The carriers.
    pub carriers: Vec<Narrowing>,
    /// The countries of destination.
    pub countries: Vec<Narrowing>,
    /// The segments of customers.
    pub segments: Vec<Narrowing>,
}

/// One of what a question can be narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowing {
    /// As in the address.
    #[serde(with = "super::verbatim")]
    pub code: String,
    /// As people read it.
    pub label: String,
}

/// Why a figure has no number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has one.
    #[default]
    Known,
    /// It is of too few to be compared or ranked: in grey, with their number.
    Few,
    /// Nothing was measured in the period.
    NoData,
    /// Nothing records yet what it needs.
    NotCounted,
}

/// A figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FigureView {
    /// Its stable id: `on_time`.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The number as shown, without its unit: `93.9`; "No data" and the like where there is none.
    pub shown: String,
    /// The unit, as it stands behind the number: `%`.
    pub unit: String,
    /// The number; none where there is none.
    pub value: Option<f64>,
    /// Whether it has a number, and why not.
    pub standing: Standing,
    /// Of how many: `of 13,974`.
    pub of: u64,
    /// What stands beside it: the upper percentile, the lowest value: `P90 41.5 h`.
    pub beside: String,
    /// How it changed against the period that it is compared with; none where either is not known or of too few.
    pub change: Option<ChangeView>,
    /// What should be reached.
    pub target: Option<TargetView>,
    /// How it went over several periods, this one last.
    pub trend: TrendView,
    /// What it is made of, each with its rows.
    pub parts: Vec<FigureTab>,
    /// Its definition.
    pub definition: DefinitionView,
    /// Up to when it is counted.
    pub as_of: When,
}

/// A change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// How much: `0.4 pt`; "no change".
    pub shown: String,
    /// Which way the number went.
    pub way: Way,
    /// Whether that is better; none where it did not change.
    pub better: Option<bool>,
    /// Against what: `week 46`.
    pub on: String,
}

/// Which way a number went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Nowhere.
    #[default]
    Same,
    /// Up.
    Up,
    /// Down.
    Down,
}

/// What should be reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetView {
    /// The value in the figure's unit.
    pub value: f64,
    /// Of the number itself, so that a chart of it can have its line; else of the upper percentile.
    pub of_number: bool,
    /// In words: `95 %`, `P90 at most 12 h`.
    pub shown: String,
    /// Whether it is reached; none where there is no number, or one of too few.
    pub met: Option<bool>,
    /// By how much it is missed: `1.1 points below`; empty where it is not.
    pub missed: String,
}

/// A number over several periods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrendView {
    /// What each point is: "Week".
    pub of: String,
    /// `13 weeks`.
    pub span: String,
    /// What the points are called.
    pub labels: Vec<String>,
    /// Their numbers.
    pub values: Vec<Option<f64>>,
}

/// A definition, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionView {
    /// Counts changes of it.
    pub version: u16,
    /// The formula.
    pub reads: String,
    /// Who counts.
    pub counts: String,
    /// Which day something lies on.
    pub bucket: String,
    /// Whether later facts restate past days.
    pub restated: bool,
    /// Where it comes from.
    pub source: String,
}

/// A period in a chart that was unlike the others: a storm, a strike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationView {
    /// The first point of the trend in it.
    pub from: usize,
    /// The last one.
    pub until: usize,
    /// What it was.
    pub words: String,
}

/// Figures.
#[async_trait]
pub trait FiguresPort: Send + Sync {
    /// The overview.
    async fn overview(&self, query: FiguresQuery) -> ApiResult<OverviewView>;
    /// The board of service levels.
    async fn sla(&self, query: FiguresQuery) -> ApiResult<SlaView>;
    /// One figure with its rows.
    async fn one(&self, query: FigureQuery) -> ApiResult<OneFigureView>;
    /// The rows of one figure as comma-separated values.
    async fn rows_csv(&self, query: FigureQuery) -> ApiResult<String>;
}
