//! What a chart is made of: marks with places and classes, the stops that the keyboard goes through, the table beside it.

use super::scale::{Axis, CHARACTER};

/// How wide a drawing is, and its class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Canvas {
    pub width: f64,
    pub class: &'static str,
}

/// For screens and paper.
pub(super) const WIDE: Canvas = Canvas { width: 640.0, class: "chart chart--wide" };
/// For phones.
pub(super) const NARROW: Canvas = Canvas { width: 344.0, class: "chart chart--narrow" };

/// Hatches, by which series differ without colour; all readable in grey and on paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hatch {
    /// Lines upwards.
    Diagonal,
    /// Lines downwards.
    Back,
    /// Dots.
    Dots,
    /// Both diagonals.
    Cross,
    /// Lines across.
    Rows,
}

impl Hatch {
    /// All.
    pub const ALL: [Self; 5] = [Self::Diagonal, Self::Back, Self::Dots, Self::Cross, Self::Rows];

    /// Its id in the document.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Diagonal => "p-diag",
            Self::Back => "p-back",
            Self::Dots => "p-dots",
            Self::Cross => "p-cross",
            Self::Rows => "p-rows",
        }
    }

    /// The size of its tile, what is drawn on it, and its class.
    pub(super) const fn tile(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Diagonal => (6, "M-1 7L7-1M-1 1L1-1M5 7L7 5", "pt"),
            Self::Back => (6, "M-1-1L7 7M-1 5L1 7M5-1L7 1", "pt"),
            Self::Dots => (5, "M1.5 1.5h.1M4 4h.1", "pt pt--dot"),
            Self::Cross => (6, "M-1 7L7-1M-1-1L7 7", "pt"),
            Self::Rows => (5, "M0 2.5h5", "pt pt--ink"),
        }
    }
}

/// How an area is filled: ordered by lightness, so that it survives grey paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The darkest of the blues.
    Dark,
    /// The middle one.
    Middle,
    /// The lightest.
    Light,
    /// Nearly black.
    Ink,
    /// Paper, with an edge.
    Paper,
    /// Needs a person.
    Bad,
    /// Needs attention.
    Warn,
}

impl Tone {
    /// Its class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Dark => "b1",
            Self::Middle => "b2",
            Self::Light => "b3",
            Self::Ink => "bk",
            Self::Paper => "b0",
            Self::Bad => "bbad",
            Self::Warn => "bwarn",
        }
    }
}

/// A period that is shaded, with its name: a storm, a strike.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The first point in it.
    pub from: usize,
    /// The last point in it.
    pub until: usize,
    /// What it was.
    pub words: String,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Rect { x: f64, y: f64, width: f64, height: f64 },
    Circle { x: f64, y: f64, radius: f64 },
    Path(String),
    Text { x: f64, y: f64, anchor: Anchor, words: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing in a drawing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drawn {
    pub shape: Shape,
    pub class: &'static str,
    pub hatch: Option<Hatch>,
    /// In words with the number, for a pointer that rests on it.
    pub tip: String,
    /// The rows behind it.
    pub href: Option<String>,
}

/// A point that the keyboard stops at: where, and what is said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stop {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub words: String,
}

/// A drawing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drawing {
    pub width: f64,
    pub height: f64,
    pub class: &'static str,
    pub marks: Vec<Drawn>,
    pub stops: Vec<Stop>,
}

/// A line of the legend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub(super) words: String,
    pub(super) class: &'static str,
    pub(super) hatch: Option<Hatch>,
    pub(super) sample: Sample,
}

/// What a legend shows of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    Area,
    Line,
}

/// The same figures as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The heads; the first one is that of the rows' names.
    pub heads: Vec<String>,
    /// The rows, each with its name first.
    pub rows: Vec<Vec<String>>,
}

/// A chart, ready to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub(super) title: String,
    pub(super) wide: Drawing,
    pub(super) narrow: Drawing,
    pub(super) legend: Vec<Key>,
    pub(super) table: Table,
}

impl Figure {
    /// What it shows, in words with the numbers.
    pub fn title(&self) -> &str {
        &self.title
    }
}

impl Drawing {
    pub fn new(canvas: Canvas, height: f64) -> Self {
        Self { width: canvas.width, height, class: canvas.class, marks: Vec::new(), stops: Vec::new() }
    }

    /// A drawing of nothing says why.
    pub fn blank(canvas: Canvas, height: f64, why: &str) -> Self {
        let mut drawing = Self::new(canvas, height);
        drawing.text(canvas.width / 2.0, height / 2.0, why, "", Anchor::Middle);
        drawing
    }

    fn push(&mut self, shape: Shape, class: &'static str) -> &mut Drawn {
        self.marks.push(Drawn { shape, class, hatch: None, tip: String::new(), href: None });
        let last = self.marks.len() - 1;
        &mut self.marks[last]
    }

    pub fn path(&mut self, d: String, class: &'static str) {
        self.push(Shape::Path(d), class);
    }

    pub fn text(&mut self, x: f64, y: f64, words: &str, class: &'static str, anchor: Anchor) {
        self.push(Shape::Text { x, y, anchor, words: words.to_owned() }, class);
    }

    pub fn circle(&mut self, x: f64, y: f64, radius: f64, class: &'static str, tip: &str) {
        self.push(Shape::Circle { x, y, radius }, class).tip = tip.to_owned();
    }

    /// A rectangle; nothing where it has no size.
    pub fn rect(&mut self, at: [f64; 4], class: &'static str, hatch: Option<Hatch>, tip: &str) {
        self.linked(at, class, hatch, tip, None);
    }

    /// A rectangle that leads to its rows.
    pub fn linked(
        &mut self,
        [x, y, width, height]: [f64; 4],
        class: &'static str,
        hatch: Option<Hatch>,
        tip: &str,
        href: Option<&str>,
    ) {
        if width > 0.0 && height > 0.0 {
            let mark = self.push(Shape::Rect { x, y, width, height }, class);
            (mark.hatch, mark.tip, mark.href) = (hatch, tip.to_owned(), href.map(str::to_owned));
        }
    }

    pub fn stop(&mut self, [x, y, width, height]: [f64; 4], words: String) {
        self.stops.push(Stop { x, y, width, height, words });
    }

    /// The lines of an axis across, with their values; the uppermost one has the unit.
    pub fn grid(&mut self, left: f64, right: f64, axis: &Axis, y: impl Fn(f64) -> f64, unit: &str) {
        let ticks = axis.ticks();
        for (i, value) in ticks.iter().enumerate() {
            let at = y(*value);
            self.path(format!("M{} {}H{}", places(left), places(at), places(right)), "grid");
            let unit = if i + 1 == ticks.len() { unit } else { "" };
            self.text(left - 8.0, at + 4.0, &format!("{}{unit}", axis.label(*value)), "", Anchor::End);
        }
    }

    /// Names below the axis, from the last one on each so many-th.
    pub fn names(&mut self, names: &[String], x: impl Fn(usize) -> f64, y: f64, every: usize) {
        for i in (0..names.len()).rev().step_by(every.max(1)) {
            self.text(x(i), y, &names[i], "", Anchor::Middle);
        }
    }
}

/// The room that the values of an axis take on its left.
pub(super) fn left_of(axis: &Axis, unit: &str) -> f64 {
    let longest = axis.ticks().into_iter().map(|tick| axis.label(tick).chars().count()).max().unwrap_or(0);
    let top = axis.label(axis.high).chars().count() + unit.chars().count();
    longest.max(top) as f64 * CHARACTER + 12.0
}

/// A place, to a tenth of a unit.
pub(super) fn places(x: f64) -> String {
    let tenths = (x * 10.0).round() as i64;
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, part) = (tenths.abs() / 10, tenths.abs() % 10);
    if part == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A line through points; a gap breaks it.
pub(super) fn line_through(points: impl IntoIterator<Item = Option<(f64, f64)>>) -> String {
    let (mut d, mut lifted) = (String::new(), true);
    for point in points {
        if let Some((x, y)) = point {
            d += &format!("{}{},{}", if lifted { 'M' } else { 'L' }, places(x), places(y));
        }
        lifted = point.is_none();
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_a_line() {
        let points = [Some((0.0, 1.0)), Some((10.0, 2.25)), None, Some((30.0, -0.04)), None];
        assert_eq!(line_through(points), "M0,1L10,2.3M30,0");
        assert_eq!(line_through([]), "");
        assert_eq!(places(-3.26), "-3.3");
    }

    #[test]
    fn what_has_no_size_is_not_drawn() {
        let mut drawing = Drawing::new(NARROW, 100.0);
        drawing.rect([0.0, 0.0, 0.0, 5.0], "b1", None, "");
        drawing.rect([0.0, 0.0, 5.0, -1.0], "b1", None, "");
        assert!(drawing.marks.is_empty());
    }
}
