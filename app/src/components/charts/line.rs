//! Lines over time. The axis need not begin at zero: what is read is how they go.

use super::{
    drawing::{Anchor, Band, Canvas, Drawing, Figure, Key, NARROW, Sample, Table, WIDE, left_of, line_through, places},
    scale::{Axis, every, number, text_width},
};

const HEIGHT: f64 = 232.0;
/// The distance below which labels at the ends of lines would overlap.
const LABEL_HEIGHT: f64 = 13.0;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// What the chart is about.
    Solid,
    /// Compared with it.
    Dashed,
    /// A third one.
    Dotted,
    /// A fourth one.
    DashDotted,
}

impl Stroke {
    const fn class(self) -> &'static str {
        match self {
            Self::Solid => "l1",
            Self::Dashed => "l2",
            Self::Dotted => "l3",
            Self::DashDotted => "l4",
        }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct LineSeries {
    /// What it is.
    pub name: String,
    /// Its values, one for each label; none is a gap.
    pub values: Vec<Option<f64>>,
    /// How it is drawn.
    pub stroke: Stroke,
}

/// The range in which the values should lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// From.
    pub low: f64,
    /// To.
    pub high: f64,
    /// What it is called.
    pub words: String,
}

/// Lines over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineChart {
    /// What it shows: "On-time delivery".
    pub name: String,
    /// What each point is: "Week".
    pub of: String,
    /// The unit, with a space before it where it has one: " %".
    pub unit: String,
    /// The points.
    pub labels: Vec<String>,
    /// The lines.
    pub series: Vec<LineSeries>,
    /// What should be reached.
    pub target: Option<f64>,
    /// In which range it should lie.
    pub wanted: Option<Wanted>,
    /// Periods that were unlike the others.
    pub bands: Vec<Band>,
}

impl LineChart {
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

    fn known(&self) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(|series| series.values.iter().copied().flatten())
    }

    fn with_unit(&self, value: f64) -> String {
        format!("{}{}", number(value), self.unit)
    }

    fn title(&self) -> String {
        let mut parts: Vec<String> = self.series.iter().filter_map(|series| self.course(series)).collect();
        if parts.is_empty() {
            return format!("{}: no data for this period.", self.name);
        }
        parts.extend(self.target.map(|target| format!("target {}", self.with_unit(target))));
        parts.extend(self.wanted.as_ref().map(|wanted| wanted.words.clone()));
        format!("{}: {}.", self.name, parts.join("; "))
    }

    /// How a line goes, in words.
    fn course(&self, series: &LineSeries) -> Option<String> {
        let known: Vec<(&String, f64)> =
            self.labels.iter().zip(&series.values).filter_map(|(label, value)| Some((label, (*value)?))).collect();
        let ((first, from), (last, to)) = (known.first()?, known.last()?);
        let name = if self.series.len() > 1 { format!("{} ", series.name) } else { String::new() };
        if known.len() == 1 {
            return Some(format!("{name}{} in {first}", self.with_unit(*from)));
        }
        let (low_at, low) = known.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let (high_at, high) = known.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(format!(
            "{name}{} in {first}, {} in {last}, lowest {} in {low_at}, highest {} in {high_at}",
            self.with_unit(*from),
            self.with_unit(*to),
            self.with_unit(*low),
            self.with_unit(*high)
        ))
    }

    fn legend(&self) -> Vec<Key> {
        let key = |series: &LineSeries| Key {
            words: series.name.clone(),
            class: series.stroke.class(),
            hatch: None,
            sample: Sample::Line,
        };
        if self.series.len() > 1 { self.series.iter().map(key).collect() } else { Vec::new() }
    }

    fn table(&self) -> Table {
        let heads = [self.of.clone()].into_iter().chain(self.series.iter().map(|series| series.name.clone())).collect();
        let cell = |series: &LineSeries, i: usize| match series.values.get(i).copied().flatten() {
            Some(value) => self.with_unit(value),
            None => "no data".to_owned(),
        };
        let row = |(i, label): (usize, &String)| {
            [label.clone()].into_iter().chain(self.series.iter().map(|series| cell(series, i))).collect()
        };
        Table { heads, rows: self.labels.iter().enumerate().map(row).collect() }
    }

    fn draw(&self, canvas: Canvas) -> Drawing {
        if self.known().next().is_none() {
            return Drawing::blank(canvas, HEIGHT, "No data for this period");
        }
        let wanted = self.wanted.iter().flat_map(|wanted| [wanted.low, wanted.high]);
        let axis = Axis::around(self.known().chain(self.target).chain(wanted));
        let ends: Vec<String> = self.series.iter().filter_map(|series| self.end_label(series, canvas)).collect();
        let (left, right) =
            (left_of(&axis, &self.unit), canvas.width - text_width(ends.iter().map(String::as_str)) - 16.0);
        let (top, base) = (if self.bands.is_empty() { 12.0 } else { 24.0 }, HEIGHT - 24.0);
        let last = self.labels.len().saturating_sub(1);
        // a single point lies in the middle
        let x = |i: usize| match last {
            0 => (left + right) / 2.0,
            last => left + (right - left) * i as f64 / last as f64,
        };
        let y = |value: f64| axis.place(value, base, top);
        let mut drawing = Drawing::new(canvas, HEIGHT);
        let half = (right - left) / last.max(1) as f64 / 2.0;
        self.shade(&mut drawing, (left, right, half), (top, base), x);
        if let Some(wanted) = &self.wanted {
            let (low, high) = (y(wanted.low), y(wanted.high));
            drawing.rect([left, high, right - left, low - high], "limits", None, "");
            drawing.text(left + 5.0, high - 5.0, &wanted.words, "tg", Anchor::Start);
        }
        drawing.grid(left, right, &axis, y, &self.unit);
        if let Some(target) = self.target {
            drawing.path(format!("M{} {}H{}", places(left), places(y(target)), places(right)), "target");
        }
        self.lines(&mut drawing, canvas, base, right, x, y);
        if let Some(target) = self.target {
            // after the lines: its edge keeps it readable
            let words = format!("target {}", self.with_unit(target));
            drawing.text(left + 5.0, y(target) - 5.0, &words, "tg", Anchor::Start);
        }
        drawing.path(format!("M{} {}H{}", places(left), places(base), places(right)), "axis");
        drawing.names(&self.labels, x, base + 17.0, every(&self.labels, right - left));
        for (i, label) in self.labels.iter().enumerate() {
            let values = self.series.iter().filter_map(|series| {
                let name = if self.series.len() > 1 { format!("{} ", series.name) } else { String::new() };
                Some(format!("{name}{}", self.with_unit(series.values.get(i).copied().flatten()?)))
            });
            let values: Vec<String> = values.collect();
            let said = if values.is_empty() { "no data".to_owned() } else { values.join(", ") };
            drawing.stop([x(i) - 1.0, top, 2.0, base - top], format!("{label}: {said}"));
        }
        drawing
    }

    fn shade(
        &self,
        drawing: &mut Drawing,
        (left, right, half): (f64, f64, f64),
        (top, base): (f64, f64),
        x: impl Fn(usize) -> f64,
    ) {
        for band in &self.bands {
            let (from, until) = ((x(band.from) - half).max(left), (x(band.until) + half).min(right));
            drawing.rect([from, top, until - from, base - top], "band", None, &band.words);
            let edge = |at: f64| format!("M{} {}V{}", places(at), places(top), places(base));
            drawing.path(edge(from) + &edge(until), "bandline");
            drawing.text((from + until) / 2.0, top - 8.0, &band.words, "bandt", Anchor::Middle);
        }
    }

    fn lines(
        &self,
        drawing: &mut Drawing,
        canvas: Canvas,
        base: f64,
        right: f64,
        x: impl Fn(usize) -> f64,
        y: impl Fn(f64) -> f64,
    ) {
        let mut ends: Vec<(f64, f64, &LineSeries)> = Vec::new();
        for (at, series) in self.series.iter().enumerate() {
            let points: Vec<Option<(f64, f64)>> =
                series.values.iter().enumerate().map(|(i, value)| value.map(|value| (x(i), y(value)))).collect();
            let d = line_through(points.iter().copied());
            let whole = points.len() > 1 && points.iter().all(Option::is_some);
            if let (0, Stroke::Solid, true, Some(Some((first, _))), Some(Some((last, _)))) =
                (at, series.stroke, whole, points.first(), points.last())
            {
                let floor = places(base);
                drawing.path(format!("{d}L{},{floor}L{},{floor}z", places(*last), places(*first)), "a1");
            }
            drawing.path(d, series.stroke.class());
            // a value between two gaps has no line
            let alone = |i: usize| {
                let gap = |i: Option<usize>| i.and_then(|i| points.get(i)).is_none_or(Option::is_none);
                gap(i.checked_sub(1)) && gap(Some(i + 1))
            };
            for (i, point) in points.iter().enumerate().filter(|(i, _)| alone(*i) && i + 1 < points.len()) {
                if let Some((x, y)) = point {
                    drawing.circle(*x, *y, 3.0, dot(series.stroke), &self.labels.get(i).cloned().unwrap_or_default());
                }
            }
            if let Some(Some((x, y))) = points.last() {
                ends.push((*y, *x, series));
            }
        }
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut above = f64::NEG_INFINITY;
        for (y, x, series) in ends {
            let at = y.max(above + LABEL_HEIGHT);
            above = at;
            drawing.circle(x, y, if series.stroke == Stroke::Solid { 4.0 } else { 3.0 }, dot(series.stroke), "");
            let class = if series.stroke == Stroke::Solid { "v" } else { "n" };
            let label = self.end_label(series, canvas).unwrap_or_default();
            // a single point has its label beside it
            drawing.text(right.min(x) + 9.0, at + 4.0, &label, class, Anchor::Start);
        }
    }

    /// What stands at the end of a line: on a phone the value alone.
    fn end_label(&self, series: &LineSeries, canvas: Canvas) -> Option<String> {
        let value = self.with_unit(series.values.last().copied().flatten()?);
        let named = self.series.len() > 1 && canvas == WIDE;
        Some(if named { format!("{} {value}", series.name) } else { value })
    }
}

const fn dot(stroke: Stroke) -> &'static str {
    match stroke {
        Stroke::Solid => "dot",
        Stroke::Dashed | Stroke::Dotted | Stroke::DashDotted => "dot dot--o",
    }
}
