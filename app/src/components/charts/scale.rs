//! Axes: round lines, places on them, and numbers as people read them.

use crate::components::parts::grouped;

/// Lines of an axis, at most.
const LINES_MAX: f64 = 5.0;
/// Decimals of an axis, at most.
const DECIMALS_MAX: i32 = 4;
/// The width of a character of a chart's text, in units of the drawing; a little more than most have.
pub(super) const CHARACTER: f64 = 6.2;

/// An axis from one round number to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    pub step: f64,
}

impl Axis {
    /// From zero: for bars, whose length is what is read.
    pub fn from_zero(most: f64) -> Self {
        let step = round_step(most.max(0.0));
        Self { low: 0.0, high: step * (most / step).ceil().max(1.0), step }
    }

    /// Around all of them: for lines. What has one value only lies in the middle.
    pub fn around(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = values
            .into_iter()
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self::from_zero(1.0);
        }
        if low == 0.0 && high == 0.0 {
            return Self::from_zero(1.0);
        }
        let step = round_step(if high > low { high - low } else { high.abs() / 10.0 });
        let (from, to) = ((low / step).floor() * step, (high / step).ceil() * step);
        // one value on a line lies between two others
        if from < to { Self { low: from, high: to, step } } else { Self { low: from - step, high: to + step, step } }
    }

    /// Its lines, ascending.
    pub fn ticks(&self) -> Vec<f64> {
        let lines = ((self.high - self.low) / self.step).round().max(1.0) as usize;
        (0..=lines).map(|i| self.low + self.step * i as f64).collect()
    }

    /// A line's value, with as many decimals as the lines differ in.
    pub fn label(&self, tick: f64) -> String {
        let decimals = (0..=DECIMALS_MAX).find(|decimals| {
            let scaled = self.step * 10.0_f64.powi(*decimals);
            (scaled - scaled.round()).abs() < 1e-6
        });
        with_decimals(tick, decimals.unwrap_or(DECIMALS_MAX))
    }

    /// Where a value lies between two places; what lies outside, at the nearer end.
    pub fn place(&self, value: f64, at_low: f64, at_high: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        at_low + share * (at_high - at_low)
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, so that a range has few lines.
fn round_step(range: f64) -> f64 {
    let least = if range > 0.0 && range.is_finite() { range / LINES_MAX } else { 1.0 / LINES_MAX };
    let power = 10.0_f64.powf(least.log10().floor());
    // powers of ten have rounding errors of their own
    let enough = |step: &f64| step * 1.000_001 >= least;
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power).find(enough).unwrap_or(10.0 * power)
}

/// A number with thousands apart and one decimal where it has any, two below 1; a real minus sign.
pub fn number(value: f64) -> String {
    let text = with_decimals(value, if value.abs() < 1.0 { 2 } else { 1 });
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn with_decimals(value: f64, decimals: i32) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let power = 10_u64.pow(decimals.unsigned_abs());
    let scaled = (value.abs() * power as f64).round() as u64;
    let sign = if value < 0.0 && scaled > 0 { "−" } else { "" };
    let (whole, part) = (grouped(scaled / power), scaled % power);
    match decimals {
        0 => format!("{sign}{whole}"),
        decimals => format!("{sign}{whole}.{part:0width$}", width = decimals as usize),
    }
}

/// Each how many-th label has room: `room` units for labels of which the longest has so many characters.
pub(super) fn every(labels: &[String], room: f64) -> usize {
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let fit = (room / (longest as f64 * CHARACTER + 10.0)).floor().max(1.0) as usize;
    labels.len().div_ceil(fit).max(1)
}

/// The units that the longest of some texts takes.
pub(super) fn text_width<'a>(texts: impl IntoIterator<Item = &'a str>) -> f64 {
    texts.into_iter().map(|text| text.chars().count()).max().unwrap_or(0) as f64 * CHARACTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_lines_and_hold_all_values() {
        let ticks = |axis: Axis| axis.ticks().into_iter().map(|tick| axis.label(tick)).collect::<Vec<_>>().join(" ");
        for (most, expected) in [
            (955.0, "0 200 400 600 800 1,000"),
            (3.0, "0 1 2 3"),
            (0.0, "0.0 0.2"),
            (1.0, "0.0 0.2 0.4 0.6 0.8 1.0"),
            (0.09, "0.00 0.02 0.04 0.06 0.08 0.10"),
            (10.0, "0 2 4 6 8 10"),
            (47.0, "0 10 20 30 40 50"),
        ] {
            assert_eq!(ticks(Axis::from_zero(most)), expected, "{most}");
        }
        for (values, expected) in [
            (vec![90.2, 95.3], "90 92 94 96"),
            (vec![95.0], "94 96"),
            (vec![96.0], "94 96 98"),
            (vec![0.0], "0.0 0.2 0.4 0.6 0.8 1.0"),
            (vec![-24.0, 48.0], "−40 −20 0 20 40 60"),
            (vec![], "0.0 0.2 0.4 0.6 0.8 1.0"),
            (vec![f64::NAN, 2.0], "1.95 2.00 2.05"),
        ] {
            let axis = Axis::around(values.iter().copied());
            assert_eq!(ticks(axis), expected, "{values:?}");
            assert!(values.iter().all(|value| value.is_nan() || (axis.low..=axis.high).contains(value)));
        }
    }

    #[test]
    fn places_stay_within_the_axis() {
        let axis = Axis { low: 10.0, high: 20.0, step: 5.0 };
        assert_eq!((axis.place(10.0, 200.0, 0.0), axis.place(15.0, 200.0, 0.0)), (200.0, 100.0));
        assert_eq!((axis.place(-3.0, 200.0, 0.0), axis.place(99.0, 200.0, 0.0)), (200.0, 0.0));
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        for (value, expected) in [
            (1_234.0, "1,234"),
            (93.94, "93.9"),
            (-12.0, "−12"),
            (-0.004, "0"),
            (0.05, "0.05"),
            (0.3, "0.3"),
            (1.0, "1"),
            (100.0, "100"),
            (0.004, "0"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), expected, "{value}");
        }
    }

    #[test]
    fn labels_are_left_out_where_there_is_no_room() {
        let labels: Vec<String> = (35..48).map(|week| format!("W{week}")).collect();
        assert_eq!((every(&labels, 500.0), every(&labels, 200.0), every(&[], 100.0)), (1, 3, 1));
    }
}
