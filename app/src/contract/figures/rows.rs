//! One figure and the rows behind it.

use super::{AnnotationView, ChoiceView, FigureView, FiguresQuery, TrendView};
use crate::contract::When;
use domain::State;
use serde::{Deserialize, Serialize};

/// The question of a figure's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FigureQuery {
    /// The figure: `on_time`.
    pub kpi: String,
    /// Which of its rows; empty: the first that it has.
    pub tab: String,
    /// Where the page of rows begins.
    pub cursor: String,
    /// The period, and what narrows it.
    pub figures: FiguresQuery,
}

/// Some of the rows behind a figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureTab {
    /// As in the address: `for`, `against`, `outside-no_promise`.
    pub code: String,
    /// What they are: "In time".
    pub label: String,
    /// How many.
    pub count: u64,
    /// Whether they count against the figure.
    pub bad: bool,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneFigureView {
    /// The period, and what narrows it.
    pub choice: ChoiceView,
    /// The figure.
    pub figure: FigureView,
    /// Its days in the period.
    pub days: TrendView,
    /// What was unlike other days.
    pub annotations: Vec<AnnotationView>,
    /// The tab whose rows are shown; empty where it has none.
    pub tab: String,
    /// The rows.
    pub rows: Vec<FigureRow>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Why there are no rows here, and where they are.
    pub elsewhere: Option<Elsewhere>,
}

/// Where the rows of a figure are that has none of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Why.
    pub why: String,
    /// The page.
    pub href: String,
    /// What its link says.
    pub label: String,
}

/// A row behind a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FigureRow {
    /// What tells it from the others of the page.
    pub key: String,
    /// The shipment.
    pub shipment: String,
    /// Its number, or its record where it has none.
    #[serde(with = "crate::contract::verbatim")]
    pub number: String,
    /// The order.
    pub order: String,
    /// Carrier.
    pub carrier: String,
    /// Destination.
    pub destination: String,
    /// Its state now.
    pub state: State,
    /// The day that it counts on.
    pub day: String,
    /// What it counts: `41.5 h`, "in time".
    pub counts: String,
    /// How many times.
    pub n: i64,
    /// The promise.
    pub promised: Option<When>,
    /// The delivery.
    pub delivered: Option<When>,
}
