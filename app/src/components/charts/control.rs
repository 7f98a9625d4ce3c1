//! Control charts of shares (p-charts): the mean of some first points, and limits of three standard errors around it, which step
//! with the number behind each point. Source: W. A. Shewhart, Economic Control of Quality of Manufactured Product, 1931.

use super::{
    drawing::{Anchor, Band, Canvas, Drawing, Figure, Key, NARROW, Sample, Table, WIDE, left_of, line_through, places},
    scale::{Axis, every, number, text_width},
};
use crate::components::parts::grouped;

const HEIGHT: f64 = 240.0;
/// Standard errors of the limits.
const SIGMAS: f64 = 3.0;

/// A control chart of a share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ControlChart {
    /// What it shows.
    pub name: String,
    /// What each point is: "Week".
    pub of: String,
    /// The points: label, percent, and of how many; none where nothing was counted.
    pub points: Vec<(String, Option<(f64, u64)>)>,
    /// So many first points make the mean and the limits.
    pub base: usize,
    /// Those of them that are left out of it: a storm week.
    pub left_out: Vec<usize>,
    /// What should be reached, percent.
    pub target: Option<f64>,
    /// Periods that were unlike the others.
    pub bands: Vec<Band>,
}

/// The mean of the base, percent.
struct Centre(f64);

impl Centre {
    /// Half of the range between the limits of a point, in percent.
    fn limit(&self, n: u64) -> f64 {
        let share = (self.0 / 100.0).clamp(0.0, 1.0);
        if n == 0 { 0.0 } else { SIGMAS * 100.0 * (share * (1.0 - share) / n as f64).sqrt() }
    }

    fn is_outside(&self, percent: f64, n: u64) -> bool {
        (percent - self.0).abs() > self.limit(n)
    }
}

impl ControlChart {
    /// The chart as it is shown.
    pub fn figure(&self) -> Figure {
        let key = |words: &str, class| Key { words: words.to_owned(), class, hatch: None, sample: Sample::Area };
        let is_outside = self.centre().is_some_and(|centre| self.outside(&centre).next().is_some());
        let legend = is_outside.then(|| vec![key("within the limits", "limits"), key("outside of them", "out")]);
        Figure {
            title: self.title(),
            wide: self.draw(WIDE),
            narrow: self.draw(NARROW),
            legend: legend.unwrap_or_default(),
            table: self.table(),
        }
    }

    fn known(&self) -> impl Iterator<Item = (usize, &String, f64, u64)> {
        let known = self.points.iter().enumerate();
        known.filter_map(|(i, (label, point))| point.filter(|(_, n)| *n > 0).map(|(value, n)| (i, label, value, n)))
    }

    /// None where the base has nothing.
    fn centre(&self) -> Option<Centre> {
        let base = self.known().filter(|(i, ..)| *i < self.base && !self.left_out.contains(i));
        let (sum, all) = base.fold((0.0, 0), |(sum, all), (_, _, percent, n)| (sum + percent * n as f64, all + n));
        (all > 0).then(|| Centre(sum / all as f64))
    }

    fn outside<'a>(&'a self, centre: &'a Centre) -> impl Iterator<Item = (usize, &'a String, f64, u64)> {
        self.known().filter(|(_, _, percent, n)| centre.is_outside(*percent, *n))
    }

    fn title(&self) -> String {
        let (Some(centre), Some((_, label, last, _))) = (self.centre(), self.known().last()) else {
            return format!("{}: no data for this period.", self.name);
        };
        let outside: Vec<&str> = self.outside(&centre).map(|(_, label, ..)| label.as_str()).collect();
        let outside = match outside.is_empty() {
            true => "all within the limits".to_owned(),
            false => format!("outside the limits: {}", outside.join(", ")),
        };
        format!("{}: {} % in {label}, mean {} %; {outside}.", self.name, number(last), number(centre.0))
    }

    fn table(&self) -> Table {
        let heads = [self.of.as_str(), "Share", "Of", "Limits"].map(str::to_owned).to_vec();
        let centre = self.centre();
        let row = |(label, point): &(String, Option<(f64, u64)>)| {
            let Some((percent, n)) = point.filter(|(_, n)| *n > 0) else {
                return vec![label.clone(), "no data".into(), "0".into(), String::new()];
            };
            let limits = centre.as_ref().map(|centre| {
                let (low, high) = limits(centre, n);
                let outside = if centre.is_outside(percent, n) { ", outside" } else { "" };
                format!("{} to {} %{outside}", number(low), number(high))
            });
            vec![label.clone(), format!("{} %", number(percent)), grouped(n), limits.unwrap_or_default()]
        };
        Table { heads, rows: self.points.iter().map(row).collect() }
    }

    fn draw(&self, canvas: Canvas) -> Drawing {
        let Some(centre) = self.centre() else {
            return Drawing::blank(canvas, HEIGHT, "No data for this period");
        };
        let edges = self.known().flat_map(|(_, _, percent, n)| {
            let (low, high) = limits(&centre, n);
            [percent, low, high]
        });
        let axis = Axis::around(edges.chain(self.target));
        let last_n = self.known().last().map_or(0, |(.., n)| n);
        let low = limits(&centre, last_n).0;
        let mut sides =
            vec![(centre.0, format!("mean {}", number(centre.0)), ""), (low, format!("limit {}", number(low)), "")];
        sides.extend(self.target.map(|target| (target, format!("target {}", number(target)), "tg")));
        let left = left_of(&axis, " %");
        let right = canvas.width - text_width(sides.iter().map(|(_, words, _)| words.as_str())) - 10.0;
        let (top, base) = (26.0, HEIGHT - 24.0);
        let half = (right - left) / self.points.len() as f64 / 2.0;
        let x = |i: usize| left + half * (2.0 * i as f64 + 1.0);
        let y = |value: f64| axis.place(value, base, top);
        let mut drawing = Drawing::new(canvas, HEIGHT);
        self.limit_area(&mut drawing, &centre, half, x, y);
        for band in &self.bands {
            let (from, until) = (x(band.from) - half, x(band.until) + half);
            drawing.rect([from, top, until - from, base - top], "band", None, &band.words);
            drawing.text((from + until) / 2.0, top - 10.0, &band.words, "bandt", Anchor::Middle);
        }
        drawing.grid(left, right, &axis, y, " %");
        let across = |value: f64| format!("M{} {}H{}", places(left), places(y(value)), places(right));
        drawing.path(across(centre.0), "centre");
        if let Some(target) = self.target {
            drawing.path(across(target), "target");
        }
        side_labels(&mut drawing, sides, right, y);
        let line = self
            .points
            .iter()
            .enumerate()
            .map(|(i, (_, point))| point.filter(|(_, n)| *n > 0).map(|(v, _)| (x(i), y(v))));
        drawing.path(line_through(line), "l1");
        self.dots(&mut drawing, &centre, x, y);
        drawing.path(format!("M{} {}H{}", places(left), places(base), places(right)), "axis");
        let labels: Vec<String> = self.points.iter().map(|(label, _)| label.clone()).collect();
        drawing.names(&labels, x, base + 17.0, every(&labels, right - left));
        drawing
    }

    /// The area between the limits, which steps with the number behind each point.
    fn limit_area(
        &self,
        drawing: &mut Drawing,
        centre: &Centre,
        half: f64,
        x: impl Fn(usize) -> f64,
        y: impl Fn(f64) -> f64,
    ) {
        for (i, _, _, n) in self.known() {
            let (low, high) = limits(centre, n);
            drawing.rect([x(i) - half, y(high), 2.0 * half, y(low) - y(high)], "limits", None, "");
        }
    }

    fn dots(&self, drawing: &mut Drawing, centre: &Centre, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) {
        for (i, label, percent, n) in self.known() {
            let outside = if centre.is_outside(percent, n) { ", outside the limits" } else { "" };
            let said = format!("{label}: {} % of {}{outside}", number(percent), grouped(n));
            let (at_x, at_y) = (x(i), y(percent));
            match outside.is_empty() {
                true => drawing.circle(at_x, at_y, 3.5, "dot", &said),
                false => {
                    drawing.rect([at_x - 4.5, at_y - 4.5, 9.0, 9.0], "out", None, &said);
                    // away from the line: above a peak, else below, and beside it where the axis is in the way
                    let near = [i.checked_sub(1), Some(i + 1)].into_iter().flatten();
                    let near = near.filter_map(|i| self.points.get(i)?.1).map(|(value, _)| value);
                    let is_peak = near.fold(f64::NEG_INFINITY, f64::max) < percent;
                    let (x, y, anchor) = match () {
                        () if is_peak => (at_x, at_y - 10.0, Anchor::Middle),
                        () if at_y + 19.0 > HEIGHT - 24.0 => (at_x - 9.0, at_y + 4.0, Anchor::End),
                        () => (at_x, at_y + 19.0, Anchor::Middle),
                    };
                    drawing.text(x, y, &number(percent), "v", anchor);
                }
            }
            drawing.stop([at_x - 6.0, at_y - 6.0, 12.0, 12.0], said);
        }
    }
}

/// A share is never below none nor above all.
fn limits(centre: &Centre, n: u64) -> (f64, f64) {
    let limit = centre.limit(n);
    ((centre.0 - limit).max(0.0), (centre.0 + limit).min(100.0))
}

/// Labels on the right of their lines, pushed apart where they would overlap.
fn side_labels(drawing: &mut Drawing, mut sides: Vec<(f64, String, &'static str)>, right: f64, y: impl Fn(f64) -> f64) {
    sides.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut above = f64::NEG_INFINITY;
    for (value, words, class) in sides {
        above = (y(value) + 4.0).max(above + 12.0);
        drawing.text(right + 6.0, above, &words, class, Anchor::Start);
    }
}
