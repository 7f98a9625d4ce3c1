//! Predicted against actual: on the diagonal is honest, below it too optimistic.

use super::{
    drawing::{Anchor, Canvas, Drawing, Figure, Key, NARROW, Sample, Table, WIDE, line_through, places},
    scale::{Axis, number},
};
use crate::components::parts::grouped;

const HEIGHT: f64 = 300.0;
/// Points by which a share may be off.
const WANTED: f64 = 3.0;
/// The shares whose points have labels.
const NAMED: [u8; 2] = [50, 80];

/// A point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// The share that was predicted to be there by then, percent.
    pub predicted: u8,
    /// The share that was, percent.
    pub actual: f64,
    /// Of how many.
    pub n: u64,
}

/// Predicted against actual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reliability {
    /// What it shows.
    pub name: String,
    /// The points, ascending.
    pub points: Vec<Held>,
}

impl Held {
    fn said(&self) -> String {
        format!("P{} held for {} % of {}", self.predicted, number(self.actual), grouped(self.n))
    }
}

impl Reliability {
    /// The chart as it is shown.
    pub fn figure(&self) -> Figure {
        let key = |words: &str, class, sample| Key { words: words.to_owned(), class, hatch: None, sample };
        Figure {
            title: self.title(),
            wide: self.draw(WIDE),
            narrow: self.draw(NARROW),
            legend: vec![key("held", "l1", Sample::Line), key("wanted: within 3 points", "limits", Sample::Area)],
            table: self.table(),
        }
    }

    fn title(&self) -> String {
        let named: Vec<String> =
            self.points.iter().filter(|point| NAMED.contains(&point.predicted)).map(Held::said).collect();
        match (self.points.first(), named.is_empty()) {
            (None, _) => format!("{}: no data for this period.", self.name),
            (Some(first), true) => format!("{}: {}.", self.name, first.said()),
            (Some(_), false) => format!("{}: {}.", self.name, named.join("; ")),
        }
    }

    fn table(&self) -> Table {
        let heads = vec!["Predicted".into(), "Held".into(), "Of".into()];
        let row = |point: &Held| {
            vec![format!("{} %", point.predicted), format!("{} %", number(point.actual)), grouped(point.n)]
        };
        Table { heads, rows: self.points.iter().map(row).collect() }
    }

    fn draw(&self, canvas: Canvas) -> Drawing {
        if self.points.is_empty() {
            return Drawing::blank(canvas, HEIGHT, "No data for this period");
        }
        let axis = Axis { low: 0.0, high: 100.0, step: 25.0 };
        let (left, right, top, base) = (46.0, canvas.width - 14.0, 12.0, HEIGHT - 38.0);
        let x = |value: f64| axis.place(value, left, right);
        let y = |value: f64| axis.place(value, base, top);
        let mut drawing = Drawing::new(canvas, HEIGHT);
        drawing.grid(left, right, &axis, y, " %");
        for value in axis.ticks() {
            drawing.path(format!("M{} {}V{}", places(x(value)), places(top), places(base)), "grid");
            drawing.text(x(value), base + 16.0, &number(value), "", Anchor::Middle);
        }
        let far = 100.0 - WANTED;
        let corners = [(0.0, 0.0), (0.0, WANTED), (far, 100.0), (100.0, 100.0), (100.0, far), (WANTED, 0.0)];
        let area = line_through(corners.map(|(a, b)| Some((x(a), y(b)))));
        drawing.path(area + "z", "limits");
        drawing.path(line_through([Some((x(0.0), y(0.0))), Some((x(100.0), y(100.0)))]), "target");
        let at = |point: &Held| (x(f64::from(point.predicted)), y(point.actual));
        drawing.path(line_through(self.points.iter().map(|point| Some(at(point)))), "l1");
        for point in &self.points {
            let (at_x, at_y) = at(point);
            drawing.circle(at_x, at_y, 4.5, "dot", &point.said());
            drawing.stop([at_x - 7.0, at_y - 7.0, 14.0, 14.0], point.said());
            if NAMED.contains(&point.predicted) {
                let words = format!("P{} held {} %", point.predicted, number(point.actual));
                drawing.text(at_x - 10.0, at_y - 6.0, &words, "v", Anchor::End);
            }
        }
        drawing.text(left + 4.0, top + 10.0, "delivered by then", "", Anchor::Start);
        drawing.text((left + right) / 2.0, HEIGHT - 4.0, "predicted to be delivered by then, %", "", Anchor::Middle);
        drawing.path(format!("M{} {}V{}H{}", places(left), places(top), places(base), places(right)), "axis");
        drawing
    }
}
