//! Charts as plain SVG. Each kind is its figures (`LineChart`, `StackedChart`, …) and a pure function that makes a [`Figure`] of
//! them: what is drawn, twice, wide for screens and paper and narrow for phones, so that text keeps its size; the same figures
//! as a table; the legend. [`Chart`] shows it.
//!
//! A number never depends on colour alone: its label, hatch or shape says it too. One chart has one unit. Bars start at
//! zero. A gap breaks a line. Neither colour nor style is written here, only classes (`style/charts.css`) and the hatches of
//! [`Patterns`], which a page with charts has once.

mod control;
mod distribution;
mod diverging;
mod drawing;
mod figure;
mod heat;
mod line;
mod ranked;
mod reliability;
mod scale;
mod small;
mod stacked;
#[cfg(all(test, feature = "ssr"))]
mod tests;

pub use control::ControlChart;
pub use distribution::{Distribution, Marker};
pub use diverging::{DivergingBar, DivergingChart};
pub use drawing::{Band, Figure, Hatch, Key, Table, Tone};
pub use figure::{Chart, Patterns, Spark, Strip};
pub use heat::{HeatCell, HeatMap, Mark};
pub use line::{LineChart, LineSeries, Stroke, Wanted};
pub use ranked::{RankedBar, RankedChart};
pub use reliability::{Held, Reliability};
pub use scale::number;
pub use small::{Part, Sparkline, Stack};
pub use stacked::{Bars, StackedChart};
