//! Bars across, the largest first, with the running share on the right (Pareto).

use super::{
    drawing::{Anchor, Canvas, Drawing, Figure, Hatch, NARROW, Table, Tone, WIDE, places},
    scale::{Axis, number, text_width},
};

const ROW: f64 = 26.0;

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedBar {
    /// What it is.
    pub name: String,
    /// How many.
    pub value: f64,
    /// How it is filled.
    pub tone: Tone,
    /// Its hatch.
    pub hatch: Option<Hatch>,
    /// The rows behind it.
    pub href: Option<String>,
}

/// Bars by size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankedChart {
    /// What it shows.
    pub name: String,
    /// What each bar is: "Reason".
    pub of: String,
    /// The unit, with a space before it where it has one.
    pub unit: String,
    /// The bars, in any order.
    pub bars: Vec<RankedBar>,
}

impl RankedChart {
    /// The chart as it is shown.
    pub fn figure(&self) -> Figure {
        let rows = self.rows();
        Figure {
            title: self.title(&rows),
            wide: self.draw(WIDE, &rows),
            narrow: self.draw(NARROW, &rows),
            legend: Vec::new(),
            table: self.table(&rows),
        }
    }

    /// The bars that have a size, the largest one first, each with the share of it and those before it in percent.
    fn rows(&self) -> Vec<(&RankedBar, f64)> {
        let mut bars: Vec<&RankedBar> = self.bars.iter().filter(|bar| bar.value > 0.0).collect();
        bars.sort_by(|a, b| b.value.total_cmp(&a.value));
        let all: f64 = bars.iter().map(|bar| bar.value).sum();
        let running = bars.iter().scan(0.0, |running, bar| {
            *running += bar.value;
            Some(100.0 * *running / all)
        });
        bars.iter().copied().zip(running).collect()
    }

    fn title(&self, rows: &[(&RankedBar, f64)]) -> String {
        match rows.first() {
            None => format!("{}: no data for this period.", self.name),
            Some((bar, share)) => {
                format!("{}: most {}, {}{}, {share:.0} % of all.", self.name, bar.name, number(bar.value), self.unit)
            }
        }
    }

    fn table(&self, rows: &[(&RankedBar, f64)]) -> Table {
        let heads = vec![self.of.clone(), "Number".into(), "Running share".into()];
        let row = |(bar, share): &(&RankedBar, f64)| {
            vec![bar.name.clone(), format!("{}{}", number(bar.value), self.unit), format!("{share:.0} %")]
        };
        Table { heads, rows: rows.iter().map(row).collect() }
    }

    fn draw(&self, canvas: Canvas, rows: &[(&RankedBar, f64)]) -> Drawing {
        let Some((largest, _)) = rows.first() else {
            return Drawing::blank(canvas, 5.0 * ROW, "No data for this period");
        };
        let height = rows.len() as f64 * ROW + 30.0;
        let axis = Axis::from_zero(largest.value);
        let widest = text_width(rows.iter().map(|(bar, _)| bar.name.as_str()));
        let left = (widest + 10.0).min(canvas.width * 0.42);
        // beside the longest bar stand its value and the running share
        let x = |value: f64| axis.place(value, left, canvas.width - 104.0);
        let mut drawing = Drawing::new(canvas, height);
        let ticks = axis.ticks();
        // two lines are enough where there is little room
        let each = if canvas == WIDE { 1 } else { 2 };
        for value in ticks.iter().step_by(each) {
            let unit = if *value > 0.0 { self.unit.as_str() } else { "" };
            drawing.path(format!("M{} 6V{}", places(x(*value)), places(height - 22.0)), "grid");
            drawing.text(x(*value), height - 7.0, &format!("{}{unit}", axis.label(*value)), "", Anchor::Middle);
        }
        for (i, (bar, share)) in rows.iter().enumerate() {
            let (y, middle) = (6.0 + i as f64 * ROW, 10.0 + (i as f64 + 0.5) * ROW);
            let said = format!("{}: {}{}, running share {share:.0} %", bar.name, number(bar.value), self.unit);
            let at = [left, y + 4.0, (x(bar.value) - left).max(1.0), ROW - 8.0];
            drawing.text(left - 8.0, middle, &fitting(&bar.name, left - 8.0), "n", Anchor::End);
            drawing.linked(at, bar.tone.class(), bar.hatch, &said, bar.href.as_deref());
            drawing.text(x(bar.value) + 6.0, middle, &number(bar.value), "v", Anchor::Start);
            drawing.text(canvas.width - 4.0, middle, &format!("{share:.0} %"), "", Anchor::End);
            drawing.stop(at, said);
        }
        drawing.text(canvas.width - 4.0, height - 7.0, "running share", "", Anchor::End);
        drawing.path(format!("M{} 6V{}", places(left), places(height - 22.0)), "axis");
        drawing
    }
}

/// A name, cut where there is no room for it; the table has all of it.
pub(super) fn fitting(name: &str, room: f64) -> String {
    let fit = (room / super::scale::CHARACTER).max(1.0) as usize;
    if name.chars().count() <= fit {
        return name.to_owned();
    }
    let cut: String = name.chars().take(fit.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}
