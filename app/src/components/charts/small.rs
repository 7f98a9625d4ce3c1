//! What stands in a line of text or in a cell: a course, and the parts of a whole.

use super::{
    drawing::{Canvas, Drawing, Hatch, Tone, line_through, places},
    scale::number,
};

const SPARK: Canvas = Canvas { width: 128.0, class: "spark spark--l" };
const SPARK_HEIGHT: f64 = 38.0;
const STRIP: Canvas = Canvas { width: 220.0, class: "chart strip" };
const STRIP_HEIGHT: f64 = 12.0;
/// What a part takes at least, so that it is seen at all.
const PART_MIN: f64 = 1.2;

/// The course of the very measure beside it. Its low and high stand beside it as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sparkline {
    /// What it is: "Transit time P90, 13 weeks".
    pub name: String,
    /// The unit, with a space before it where it has one.
    pub unit: String,
    /// The values; none is a gap.
    pub values: Vec<Option<f64>>,
    /// What should be reached.
    pub target: Option<f64>,
}

impl Sparkline {
    /// In words with the numbers.
    pub fn title(&self) -> String {
        let known: Vec<f64> = self.values.iter().copied().flatten().collect();
        let with_unit = |value: f64| format!("{}{}", number(value), self.unit);
        let target = self.target.map_or_else(String::new, |target| format!(", target {}", with_unit(target)));
        match (&known[..], self.range()) {
            ([.., last], Some((low, high))) if known.len() > 1 => {
                format!("{}: {} to {}, now {}{target}", self.name, with_unit(low), with_unit(high), with_unit(*last))
            }
            ([only], _) => format!("{}: {}{target}", self.name, with_unit(*only)),
            _ => format!("{}: no data", self.name),
        }
    }

    /// The lowest and the highest value: what is written beside it.
    pub fn range(&self) -> Option<(f64, f64)> {
        let known = || self.values.iter().copied().flatten();
        Some((known().reduce(f64::min)?, known().reduce(f64::max)?))
    }

    pub(super) fn draw(&self) -> Drawing {
        let mut drawing = Drawing::new(SPARK, SPARK_HEIGHT);
        let Some((low, high)) = self.range() else { return drawing };
        let (low, high) = self.target.map_or((low, high), |target| (low.min(target), high.max(target)));
        // what never changes lies in the middle
        let share = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
        let y = |value: f64| SPARK_HEIGHT - 5.0 - share(value) * (SPARK_HEIGHT - 10.0);
        let step = (SPARK.width - 8.0) / self.values.len().saturating_sub(1).max(1) as f64;
        let x = |i: usize| if self.values.len() == 1 { SPARK.width / 2.0 } else { 3.0 + step * i as f64 };
        if let Some(target) = self.target {
            drawing.path(format!("M2 {}H{}", places(y(target)), places(SPARK.width - 2.0)), "target");
        }
        let points: Vec<_> = self.values.iter().enumerate().map(|(i, value)| value.map(|v| (x(i), y(v)))).collect();
        drawing.path(line_through(points.iter().copied()), "ln");
        if let Some((x, y)) = points.iter().rev().flatten().next() {
            drawing.circle(*x, *y, 2.8, "", "");
        }
        drawing
    }
}

/// A part of a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is.
    pub words: String,
    /// How many.
    pub count: u64,
    /// How it is filled.
    pub tone: Tone,
    /// Its hatch.
    pub hatch: Option<Hatch>,
}

/// One bar of a whole, always with its parts in the same order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stack {
    /// What it is.
    pub name: String,
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Stack {
    /// In words with the numbers.
    pub fn title(&self) -> String {
        let part = |part: &Part| format!("{} {}", part.words, number(part.count as f64));
        let parts: Vec<String> = self.parts.iter().filter(|part| part.count > 0).map(part).collect();
        if parts.is_empty() { format!("{}: none", self.name) } else { format!("{}: {}", self.name, parts.join(", ")) }
    }

    pub(super) fn draw(&self) -> Drawing {
        let mut drawing = Drawing::new(STRIP, STRIP_HEIGHT);
        let all: u64 = self.parts.iter().map(|part| part.count).sum();
        if all == 0 {
            drawing.rect([0.0, 0.0, STRIP.width, STRIP_HEIGHT], "nofill", None, "");
        }
        let mut x = 0.0;
        for part in self.parts.iter().filter(|part| part.count > 0) {
            let width = part.count as f64 / all as f64 * STRIP.width;
            let tip = format!("{}: {}", part.words, number(part.count as f64));
            let at = [x, 0.0, (width - 1.0).max(PART_MIN), STRIP_HEIGHT];
            drawing.rect(at, part.tone.class(), part.hatch, &tip);
            x += width;
        }
        drawing
    }
}
