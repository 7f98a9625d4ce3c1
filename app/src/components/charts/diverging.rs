//! Bars on both sides of zero: more and less than what is allowed. Right of zero needs a person: red and hatched.

use super::{
    drawing::{Anchor, Canvas, Drawing, Figure, Hatch, NARROW, Table, WIDE, places},
    ranked::fitting,
    scale::{Axis, number, text_width},
};

const ROW: f64 = 26.0;
/// What a number beside its bar takes.
const NUMBER: f64 = 40.0;

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct DivergingBar {
    /// What it is.
    pub name: String,
    /// How many more than allowed; less than 0: fewer.
    pub value: f64,
    /// The rows behind it.
    pub href: Option<String>,
}

/// Bars on both sides of zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DivergingChart {
    /// What it shows.
    pub name: String,
    /// What each bar is: "Carrier".
    pub of: String,
    /// What is counted: "late against what is allowed".
    pub counted: String,
    /// The bars, as they are shown from above.
    pub bars: Vec<DivergingBar>,
}

impl DivergingChart {
    /// The chart as it is shown.
    pub fn figure(&self) -> Figure {
        Figure {
            title: self.title(),
            wide: self.draw(WIDE),
            narrow: self.draw(NARROW),
            legend: Vec::new(),
            table: self.table(),
        }
    }

    fn title(&self) -> String {
        let most = self.bars.iter().max_by(|a, b| a.value.total_cmp(&b.value));
        match most {
            None => format!("{}: no data for this period.", self.name),
            Some(bar) => format!("{}: most {}, {}.", self.name, bar.name, signed(bar.value)),
        }
    }

    fn table(&self) -> Table {
        let rows = self.bars.iter().map(|bar| vec![bar.name.clone(), signed(bar.value)]);
        Table { heads: vec![self.of.clone(), self.counted.clone()], rows: rows.collect() }
    }

    fn draw(&self, canvas: Canvas) -> Drawing {
        if self.bars.is_empty() {
            return Drawing::blank(canvas, 5.0 * ROW, "No data for this period");
        }
        let height = self.bars.len() as f64 * ROW + 30.0;
        let axis = Axis::around(self.bars.iter().map(|bar| bar.value).chain([0.0]));
        let widest = text_width(self.bars.iter().map(|bar| bar.name.as_str()));
        let label = (widest + 10.0).min(canvas.width * 0.38);
        let x = |value: f64| axis.place(value, label + NUMBER, canvas.width - NUMBER - 4.0);
        let mut drawing = Drawing::new(canvas, height);
        let ticks = axis.ticks();
        // two lines are enough where there is little room
        let each = if canvas == WIDE { 1 } else { 2 };
        for (i, value) in ticks.iter().enumerate() {
            let is_zero = value.abs() < axis.step / 1_000.0;
            drawing.path(
                format!("M{} 4V{}", places(x(*value)), places(height - 24.0)),
                if is_zero { "axis" } else { "grid" },
            );
            if is_zero || i % each == 0 {
                drawing.text(x(*value), height - 8.0, &signed(*value), "", Anchor::Middle);
            }
        }
        for (i, bar) in self.bars.iter().enumerate() {
            let (y, middle) = (4.0 + i as f64 * ROW, 8.0 + (i as f64 + 0.5) * ROW);
            let said = format!("{}: {}", bar.name, signed(bar.value));
            let (left, right) = (x(bar.value.min(0.0)), x(bar.value.max(0.0)));
            let at = [left, y + 5.0, (right - left).max(1.0), ROW - 10.0];
            let (class, hatch) = if bar.value > 0.0 { ("bbad", Some(Hatch::Diagonal)) } else { ("b2", None) };
            drawing.text(label - 4.0, middle, &fitting(&bar.name, label - 8.0), "n", Anchor::End);
            drawing.linked(at, class, hatch, &said, bar.href.as_deref());
            match bar.value > 0.0 {
                true => drawing.text(right + 6.0, middle, &signed(bar.value), "v", Anchor::Start),
                false => drawing.text(left - 6.0, middle, &signed(bar.value), "v", Anchor::End),
            }
            drawing.stop(at, said);
        }
        drawing
    }
}

/// A number with its sign.
fn signed(value: f64) -> String {
    let words = number(value);
    if value > 0.0 && words != "0" { format!("+{words}") } else { words }
}
