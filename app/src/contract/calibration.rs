//! How well our estimates of the arrival held, against the carriers' own.

use super::{
    ApiResult, When,
    figures::{ChangeView, ChoiceView, DefinitionView, FiguresQuery},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// How well they held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationView {
    /// The period, and the carrier that narrows it.
    pub choice: ChoiceView,
    /// Deliveries with an estimate.
    pub deliveries: u64,
    /// Up to when is learned; none before the first night.
    pub as_of: Option<When>,
    /// The model in force, in words.
    pub model: String,
    /// What is learned now, in words; empty where nothing is.
    pub learning: String,
    /// The numbers at the top.
    pub numbers: Vec<NumberView>,
    /// The carrier whose estimates held worst, where that is outside of the wanted range.
    pub worst: Option<WorstView>,
    /// How often P80 held, week by week, in per cent.
    pub weeks: Vec<(String, Option<f64>)>,
    /// The same by carrier and month.
    pub months: MonthsView,
    /// By how many hours deliveries came after the estimate.
    pub errors: ErrorsView,
    /// How often each of the nine quantiles held.
    pub held: Vec<HeldView>,
    /// Carriers, those with the most deliveries first.
    pub carriers: Vec<CarrierAccuracy>,
    /// The largest cells of the model.
    pub cells: Vec<CellView>,
    /// What "P80 held" is.
    pub definition: DefinitionView,
}

/// A number at the top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberView {
    /// A stable name.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The number, or "No data".
    pub shown: String,
    /// Its unit.
    pub unit: String,
    /// Whether it is of too few to be judged, or none.
    pub weak: bool,
    /// How it changed.
    pub change: Option<ChangeView>,
    /// What stands beside it.
    pub beside: String,
    /// What it is, in a sentence.
    pub definition: String,
}

/// The carrier whose estimates held worst.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorstView {
    /// The question for it alone.
    pub query: FiguresQuery,
    /// What is so.
    pub fact: String,
    /// What that means.
    pub meaning: String,
}

/// P80 held by carrier and month.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MonthsView {
    /// The months, oldest first.
    pub months: Vec<String>,
    /// The carriers.
    pub carriers: Vec<String>,
    /// Per cent held, of how many; a row for each carrier.
    pub held: Vec<Vec<Option<(f64, u64)>>>,
}

/// By how many hours deliveries came after the estimate: shares in per cent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorsView {
    /// The edges of the bars, in hours.
    pub edges: Vec<String>,
    /// Ours.
    pub ours: Vec<f64>,
    /// The carriers'; empty where none had an estimate.
    pub theirs: Vec<f64>,
    /// What it comes to.
    pub words: String,
}

/// How often a quantile held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldView {
    /// The share that was predicted, per cent.
    pub predicted: u8,
    /// The share that came by then.
    pub actual: f64,
    /// Of how many.
    pub n: u64,
}

/// How well the estimates of a carrier's deliveries held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierAccuracy {
    /// The carrier, as people read it.
    #[serde(with = "super::verbatim")]
    pub name: String,
    /// The question for it alone.
    pub query: FiguresQuery,
    /// Deliveries with an estimate.
    pub deliveries: u64,
    /// The median error of the carrier's estimates.
    pub theirs: String,
    /// That of ours.
    pub ours: String,
    /// How often P80 held.
    pub held: String,
    /// Whether that is outside of the wanted range.
    pub outside: bool,
    /// What that means.
    pub remark: String,
}

/// A cell of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellView {
    /// What it is of.
    #[serde(with = "super::verbatim")]
    pub name: String,
    /// How coarse it is.
    pub level: String,
    /// Deliveries in its window.
    pub deliveries: u64,
    /// How many they weigh.
    pub effective: String,
    /// By when half have arrived.
    pub p50: String,
    /// By when 80 of 100 have.
    pub p80: String,
    /// How much it weighs in an estimate, and how much coarser cells do.
    pub own: String,
}

/// How well estimates held.
#[async_trait]
pub trait CalibrationPort: Send + Sync {
    /// In a period, of all carriers or of one.
    async fn accuracy(&self, query: FiguresQuery) -> ApiResult<CalibrationView>;
}
