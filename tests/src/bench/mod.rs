//! `make bench`: what the installation costs, compared in one run on one machine with the bare thing that it stands on. Absolute
//! figures are of this machine and this run; goals are ratios wherever the machine decides.

pub mod bare;
pub mod child;
pub mod endpoint;
pub mod figures;
pub mod import;
pub mod ingest;
pub mod latency;
pub mod load;
pub mod outbox;
pub mod pages;
pub mod queue;
pub mod reading;
pub mod report;
pub mod volume;

use serde::Serialize;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it should reach; none where it is only for information.
    pub goal: Option<f64>,
    /// Whether it does.
    pub ok: bool,
    /// In which direction the goal lies.
    #[serde(skip)]
    pub bound: Bound,
}

/// In which direction a goal lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// There is none.
    Info,
    /// Not more.
    AtMost,
    /// Not less.
    AtLeast,
}

impl Line {
    /// A figure without a goal.
    pub fn info(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value: rounded(value), unit, goal: None, ok: true, bound: Bound::Info }
    }

    /// A figure that should not be more.
    pub fn at_most(name: impl Into<String>, value: f64, unit: &'static str, goal: f64) -> Self {
        let ok = value <= goal;
        Self { name: name.into(), value: rounded(value), unit, goal: Some(goal), ok, bound: Bound::AtMost }
    }

    /// A figure that should not be less.
    pub fn at_least(name: impl Into<String>, value: f64, unit: &'static str, goal: f64) -> Self {
        let ok = value >= goal;
        Self { name: name.into(), value: rounded(value), unit, goal: Some(goal), ok, bound: Bound::AtLeast }
    }
}

fn rounded(value: f64) -> f64 {
    if value.abs() >= 1000.0 { value.round() } else { (value * 100.0).round() / 100.0 }
}

/// The middle of some figures; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The 99th percentile; 0 of none.
pub fn p99(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * 99).div_ceil(100).saturating_sub(1);
    values.get(at).copied().unwrap_or(0.0)
}
