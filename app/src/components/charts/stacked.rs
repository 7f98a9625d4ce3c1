//! Bars, plain or stacked, from zero.

use super::{
    drawing::{Anchor, Canvas, Drawing, Figure, Hatch, Key, NARROW, Sample, Table, Tone, WIDE, left_of, places},
    scale::{Axis, every, number},
};

const HEIGHT: f64 = 232.0;
/// The share of a bar's place that is left open.
const GAP: f64 = 0.28;
/// What a part takes at least, so that it is seen at all.
const PART_MIN: f64 = 0.6;

/// The bars of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// What it is.
    pub name: String,
    /// One value for each label, none where there is no data.
    pub values: Vec<Option<f64>>,
    /// How they are filled.
    pub tone: Tone,
    /// Their hatch.
    pub hatch: Option<Hatch>,
}

/// Bars, drawn from the axis upwards in their order. With one kind they are plain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StackedChart {
    /// What it shows.
    pub name: String,
    /// What each bar is: "Week".
    pub of: String,
    /// The unit, with a space before it where it has one.
    pub unit: String,
    /// The bars.
    pub labels: Vec<String>,
    /// What they are made of.
    pub bars: Vec<Bars>,
    /// Words over a bar.
    pub notes: Vec<(usize, String)>,
    /// The rows behind each bar; empty, or one address for each label.
    pub hrefs: Vec<String>,
}

impl StackedChart {
    /// The chart as it is shown.
    pub fn figure(&self) -> Figure {
        let key = |bars: &Bars| Key {
            words: bars.name.clone(),
            class: bars.tone.class(),
            hatch: bars.hatch,
            sample: Sample::Area,
        };
        Figure {
            title: self.title(),
            wide: self.draw(WIDE),
            narrow: self.draw(NARROW),
            legend: if self.bars.len() > 1 { self.bars.iter().map(key).collect() } else { Vec::new() },
            table: self.table(),
        }
    }

    /// All parts of a bar; none where nothing is known of any.
    fn total(&self, i: usize) -> Option<f64> {
        let known = self.bars.iter().filter_map(|bars| bars.values.get(i).copied().flatten());
        known.map(|value| value.max(0.0)).reduce(|a, b| a + b)
    }

    fn with_unit(&self, value: f64) -> String {
        format!("{}{}", number(value), self.unit)
    }

    fn title(&self) -> String {
        let totals: Vec<(&String, f64)> =
            self.labels.iter().enumerate().filter_map(|(i, label)| Some((label, self.total(i)?))).collect();
        let Some((last, now)) = totals.last() else { return format!("{}: no data for this period.", self.name) };
        let now = format!("{}: {} in {last}", self.name, self.with_unit(*now));
        match totals.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((at, most)) if totals.len() > 1 => format!("{now}, most {} in {at}.", self.with_unit(*most)),
            _ => format!("{now}."),
        }
    }

    fn table(&self) -> Table {
        let stacked = self.bars.len() > 1;
        let names = self.bars.iter().map(|bars| bars.name.clone());
        let heads = [self.of.clone()].into_iter().chain(names).chain(stacked.then(|| "All".to_owned())).collect();
        let cell = |value: Option<f64>| value.map_or_else(|| "no data".to_owned(), |value| self.with_unit(value));
        let row = |(i, label): (usize, &String)| {
            let parts = self.bars.iter().map(|bars| cell(bars.values.get(i).copied().flatten()));
            [label.clone()].into_iter().chain(parts).chain(stacked.then(|| cell(self.total(i)))).collect()
        };
        Table { heads, rows: self.labels.iter().enumerate().map(row).collect() }
    }

    fn draw(&self, canvas: Canvas) -> Drawing {
        let totals: Vec<Option<f64>> = (0..self.labels.len()).map(|i| self.total(i)).collect();
        let Some(most) = totals.iter().flatten().copied().reduce(f64::max) else {
            return Drawing::blank(canvas, HEIGHT, "No data for this period");
        };
        let axis = Axis::from_zero(most);
        let (left, right) = (left_of(&axis, &self.unit), canvas.width - 6.0);
        let (top, base) = (34.0, HEIGHT - 24.0);
        let step = (right - left) / self.labels.len() as f64;
        let (start, width) = (|i: usize| left + step * (i as f64 + GAP / 2.0), step * (1.0 - GAP));
        let middle = |i: usize| start(i) + width / 2.0;
        let y = |value: f64| axis.place(value, base, top);
        let mut drawing = Drawing::new(canvas, HEIGHT);
        drawing.grid(left, right, &axis, y, &self.unit);
        let widest = totals.iter().flatten().map(|total| number(*total)).collect::<Vec<_>>();
        let totals_fit = every(&widest, right - left) == 1;
        for (i, total) in totals.iter().enumerate() {
            let Some(total) = total else {
                drawing.stop([start(i), top, width, base - top], format!("{}: no data", self.labels[i]));
                continue;
            };
            let said = self.bar(&mut drawing, i, (start(i), width), y);
            drawing.stop([start(i), y(*total), width, base - y(*total)], said);
            if totals_fit {
                drawing.text(middle(i), y(*total) - 6.0, &number(*total), "v", Anchor::Middle);
            }
            for (_, words) in self.notes.iter().filter(|(at, _)| *at == i) {
                let above = if totals_fit { 20.0 } else { 6.0 };
                drawing.text(middle(i), y(*total) - above, words, "", Anchor::Middle);
            }
        }
        drawing.path(format!("M{} {}H{}", places(left), places(base), places(right)), "axis");
        drawing.names(&self.labels, middle, base + 17.0, every(&self.labels, right - left));
        drawing
    }

    /// The parts of one bar, and what is said of it.
    fn bar(&self, drawing: &mut Drawing, i: usize, (x, width): (f64, f64), y: impl Fn(f64) -> f64) -> String {
        let (mut below, mut said) = (0.0, Vec::new());
        let href = self.hrefs.get(i).map(String::as_str);
        for bars in &self.bars {
            let Some(value) = bars.values.get(i).copied().flatten() else { continue };
            let name = if self.bars.len() > 1 { format!("{} ", bars.name) } else { String::new() };
            let words = format!("{name}{}", self.with_unit(value));
            if value > 0.0 {
                let (foot, head) = (y(below), y(below + value));
                let tip = format!("{}: {words}", self.labels[i]);
                let height = (foot - head - 1.0).max(PART_MIN);
                drawing.linked([x, foot - height, width, height], bars.tone.class(), bars.hatch, &tip, href);
                below += value;
            }
            said.push(words);
        }
        format!("{}: {}", self.labels[i], said.join(", "))
    }
}
