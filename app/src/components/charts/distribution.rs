//! Distributions: bars that touch, with lines at percentiles, and another one over them as an outline.

use super::{
    drawing::{Anchor, Canvas, Drawing, Figure, Hatch, Key, NARROW, Sample, Table, WIDE, left_of, places},
    scale::{Axis, every, number},
};

const HEIGHT: f64 = 200.0;
/// A small one, for a card.
const SMALL: Canvas = Canvas { width: 196.0, class: "chart chart--mini" };
const SMALL_HEIGHT: f64 = 58.0;

/// A line at a place, with words: P50, P90.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// The place, in edges: 2.5 is in the middle of the third bar.
    pub at: f64,
    /// What it is.
    pub words: String,
}

/// A distribution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// What it shows.
    pub name: String,
    /// What is counted: "deliveries".
    pub of: String,
    /// The unit of the values, with a space before it where it has one.
    pub unit: String,
    /// What the edges are: "hours later than the ETA".
    pub along: String,
    /// The edges of the bars, one more than values.
    pub edges: Vec<String>,
    /// The bars.
    pub values: Vec<f64>,
    /// Lines at percentiles.
    pub markers: Vec<Marker>,
    /// Another distribution over the same edges, and what it is.
    pub second: Option<(String, Vec<f64>)>,
    /// The bar from which on they are hatched: too late, too old.
    pub tail: Option<usize>,
}

impl Distribution {
    /// The chart as it is shown.
    pub fn figure(&self) -> Figure {
        Figure {
            title: self.title(),
            wide: self.draw(WIDE),
            narrow: self.draw(NARROW),
            legend: self.legend(),
            table: self.table(),
        }
    }

    /// A small one for a card, without values at its side; `most` is the scale, the same in every card that is compared.
    pub fn small(&self, most: f64) -> Figure {
        let drawing = self.draw_small(most);
        Figure { title: self.title(), narrow: drawing.clone(), wide: drawing, legend: Vec::new(), table: self.table() }
    }

    fn is_empty(&self) -> bool {
        self.edges.len() != self.values.len() + 1 || self.values.iter().all(|value| *value <= 0.0)
    }

    fn said(&self, i: usize) -> String {
        let second = self.second.as_ref().and_then(|(name, values)| Some((name, values.get(i)?)));
        let second =
            second.map_or_else(String::new, |(name, value)| format!(", {name} {}{}", number(*value), self.unit));
        format!("{} to {}: {}{}{second}", self.edges[i], self.edges[i + 1], number(self.values[i]), self.unit)
    }

    fn title(&self) -> String {
        if self.is_empty() {
            return format!("{}: no data for this period.", self.name);
        }
        let most = (0..self.values.len()).reduce(|a, b| if self.values[b] > self.values[a] { b } else { a });
        let most = most.map_or_else(String::new, |i| {
            format!("most, {}{}, from {} to {}", number(self.values[i]), self.unit, self.edges[i], self.edges[i + 1])
        });
        let markers = self.markers.iter().map(|marker| format!("; {}", marker.words)).collect::<String>();
        format!("{}: {most}{markers}.", self.name)
    }

    fn legend(&self) -> Vec<Key> {
        let key = |words: &str, class| Key { words: words.to_owned(), class, hatch: None, sample: Sample::Area };
        let second = self.second.as_ref().map(|(name, _)| [key(&self.of, "b2"), key(name, "outline")]);
        second.map(Vec::from).unwrap_or_default()
    }

    fn table(&self) -> Table {
        if self.is_empty() {
            return Table::default();
        }
        let second = self.second.as_ref();
        let heads = [self.along.clone(), self.of.clone()].into_iter().chain(second.map(|(name, _)| name.clone()));
        let with_unit = |value: &f64| format!("{}{}", number(*value), self.unit);
        let row = |i: usize| {
            let other = second.map(|(_, values)| values.get(i).map_or_else(|| "no data".to_owned(), with_unit));
            let edges = format!("{} to {}", self.edges[i], self.edges[i + 1]);
            [edges, with_unit(&self.values[i])].into_iter().chain(other).collect()
        };
        Table { heads: heads.collect(), rows: (0..self.values.len()).map(row).collect() }
    }

    /// A bar, and what is said of it.
    fn bar(&self, drawing: &mut Drawing, i: usize, at: [f64; 4]) {
        let is_tail = self.tail.is_some_and(|tail| i >= tail);
        let (class, hatch) = if is_tail { ("bwarn", Some(Hatch::Diagonal)) } else { ("b2", None) };
        drawing.rect(at, class, hatch, &self.said(i));
        drawing.stop(at, self.said(i));
    }

    fn draw(&self, canvas: Canvas) -> Drawing {
        if self.is_empty() {
            return Drawing::blank(canvas, HEIGHT, "No data for this period");
        }
        let second = self.second.iter().flat_map(|(_, values)| values.iter().copied());
        let axis = Axis::from_zero(self.values.iter().copied().chain(second).fold(0.0, f64::max));
        let (left, right) = (left_of(&axis, &self.unit), canvas.width - 10.0);
        let (top, base) = (30.0, HEIGHT - 34.0);
        let width = (right - left) / self.values.len() as f64;
        let x = |edge: f64| left + edge * width;
        let y = |value: f64| axis.place(value, base, top);
        let mut drawing = Drawing::new(canvas, HEIGHT);
        drawing.grid(left, right, &axis, y, &self.unit);
        for (i, value) in self.values.iter().enumerate() {
            self.bar(&mut drawing, i, [x(i as f64) + 0.5, y(*value), width - 1.0, base - y(*value)]);
        }
        if let Some((_, values)) = &self.second {
            let step = |(i, value): (usize, &f64)| {
                let (from, to, at) = (places(x(i as f64)), places(x(i as f64 + 1.0)), places(y(*value)));
                format!("L{from},{at}L{to},{at}")
            };
            let steps: String = values.iter().take(self.values.len()).enumerate().map(step).collect();
            drawing.path(format!("M{},{base}{steps}L{},{base}", places(left), places(right)), "outline");
        }
        for (row, marker) in self.markers.iter().enumerate() {
            let (at, above) = (x(marker.at.clamp(0.0, self.values.len() as f64)), top - 14.0 + row as f64 * 13.0);
            drawing.path(format!("M{} {}V{}", places(at), places(above), places(base)), "pct");
            // near the right end there is room on the left only
            let (anchor, side) = if at > right - 90.0 { (Anchor::End, -5.0) } else { (Anchor::Start, 5.0) };
            drawing.text(at + side, above + 9.0, &marker.words, "v", anchor);
        }
        drawing.path(format!("M{} {}H{}", places(left), places(base), places(right)), "axis");
        let each = every(&self.edges, right - left);
        for (i, edge) in self.edges.iter().enumerate().step_by(each) {
            drawing.text(x(i as f64), base + 16.0, edge, "", Anchor::Middle);
        }
        drawing.text(right, HEIGHT - 3.0, &self.along, "", Anchor::End);
        drawing
    }

    fn draw_small(&self, most: f64) -> Drawing {
        if self.is_empty() || most <= 0.0 {
            return Drawing::blank(SMALL, SMALL_HEIGHT, "No data");
        }
        let (base, top) = (SMALL_HEIGHT - 16.0, 6.0);
        let width = (SMALL.width - 4.0) / self.values.len() as f64;
        let x = |edge: f64| 2.0 + edge * width;
        let mut drawing = Drawing::new(SMALL, SMALL_HEIGHT);
        for (i, value) in self.values.iter().enumerate() {
            let height = (value / most).clamp(0.0, 1.0) * (base - top);
            self.bar(&mut drawing, i, [x(i as f64) + 0.5, base - height, width - 1.0, height]);
        }
        for marker in &self.markers {
            drawing.path(format!("M{} 2V{}", places(x(marker.at)), places(base)), "pct");
        }
        drawing.path(format!("M2 {}H{}", places(base), places(SMALL.width - 2.0)), "axis");
        let each = every(&self.edges, SMALL.width);
        for (i, edge) in self.edges.iter().enumerate().step_by(each) {
            let anchor = match i {
                0 => Anchor::Start,
                i if i + 1 == self.edges.len() => Anchor::End,
                _ => Anchor::Middle,
            };
            drawing.text(x(i as f64), SMALL_HEIGHT - 3.0, edge, "", anchor);
        }
        drawing
    }
}
