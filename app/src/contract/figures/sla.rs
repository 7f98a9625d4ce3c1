//! The board of service levels.

use super::{ChoiceView, DueView, FigureView, FiguresQuery};
use crate::contract::When;
use domain::State;
use serde::{Deserialize, Serialize};

/// The board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlaView {
    /// The period, and what narrows it.
    pub choice: ChoiceView,
    /// On time against promise, in the period.
    pub on_time: FigureView,
    /// What is promised for today.
    pub due: DueView,
    /// Shipments at risk and those whose promise is broken already, shortest time first.
    pub at_risk: Vec<AtRiskRow>,
    /// How many those are, listed or not.
    pub at_risk_in_all: u64,
    /// The board.
    pub groups: Vec<BoardGroup>,
}

/// A shipment that is due today and needs a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtRiskRow {
    /// Its id.
    pub id: String,
    /// Its number, or its record.
    #[serde(with = "crate::contract::verbatim")]
    pub number: String,
    /// Carrier and destination.
    pub route: String,
    /// Its state.
    pub state: State,
    /// The promise.
    pub promised: When,
    /// Time left: `1 h 08 min`; "over" where none is.
    pub left: String,
    /// Whether none is left.
    pub breached: bool,
    /// Why it is at risk.
    pub why: String,
    /// The carrier's estimate.
    pub eta: Option<When>,
}

/// The rows of the board by one of what figures are narrowed by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardGroup {
    /// "Carrier".
    pub title: String,
    /// The rows, those that miss the target by most first.
    pub rows: Vec<BoardRow>,
    /// How many more there are.
    pub more: u64,
}

/// A row of the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardRow {
    /// The name.
    pub name: String,
    /// The question for it alone; none where no address asks for it.
    pub query: Option<FiguresQuery>,
    /// On time in the period: `93.9 %`.
    pub on_time: String,
    /// As a number; none where nothing was due.
    pub value: Option<f64>,
    /// Of how many.
    pub due: u64,
    /// Late ones.
    pub late: u64,
    /// Whether they are too few to be judged.
    pub few: bool,
    /// Points against the target: `−1.1`.
    pub gap: String,
    /// Whether the target is reached.
    pub met: Option<bool>,
    /// How it changed: `0.4 pt`, and whether to the better.
    pub change: Option<super::ChangeView>,
    /// What is due today: delivered, open and before its time, over.
    pub today: (u64, u64, u64),
}
