//! From the rows of a roll-up to the number that a page shows.

use crate::{
    contribution::row::{Key, Part},
    definition::{Definition, Formula, Kind},
    learned::bins::{Bins, Percentile},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Fewer units than this are shown in grey, without rank and trend.
pub const FEW: i64 = 30;

/// What the rows of a period add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Count for it.
    pub yes: i64,
    /// Count for it, undecided.
    pub maybe: i64,
    /// Count against it.
    pub no: i64,
    /// Open and past the deadline: count against it.
    pub overdue: i64,
    /// Open before the deadline, or open without one: beside the figure.
    pub pending: i64,
    /// What a rate, a share of a snapshot or a mean is compared with.
    pub base: i64,
    /// A sum.
    pub sum: i64,
    /// Marked, and counted all the same: clocks ahead, early ones.
    pub marked: i64,
    /// Outside, by reason.
    pub outside: BTreeMap<Part, i64>,
    /// Values by bin.
    pub values: Bins,
    /// Values known by whole days only, by days.
    pub days: Bins,
}

/// The minute of an instant, counted from 1970.
pub fn minute(at: Timestamp) -> i32 {
    i32::try_from(at.as_second().div_euclid(60)).unwrap_or(i32::MAX)
}

impl Tally {
    /// With a row more, as of a minute.
    pub fn add(&mut self, key: &Key, n: i64, now: i32) {
        match key.part {
            Part::Yes => self.yes += n,
            Part::Maybe => self.maybe += n,
            Part::No => self.no += n,
            Part::Open if key.bin.is_some_and(|late_from| late_from <= now) => self.overdue += n,
            Part::Open => self.pending += n,
            Part::Value => self.values.add(key.bin.unwrap_or_default(), n),
            Part::Days => self.days.add(key.bin.unwrap_or_default(), n),
            Part::Base => self.base += n,
            Part::Sum => self.sum += n,
            Part::Early | Part::ClockAhead => self.marked += n,
            outside => *self.outside.entry(outside).or_default() += n,
        }
    }

    /// With all of another.
    pub fn merge(&mut self, other: &Self) {
        self.yes += other.yes;
        self.maybe += other.maybe;
        self.no += other.no;
        self.overdue += other.overdue;
        self.pending += other.pending;
        self.base += other.base;
        self.sum += other.sum;
        self.marked += other.marked;
        for (part, n) in &other.outside {
            *self.outside.entry(*part).or_default() += n;
        }
        self.values.merge(&other.values);
        self.days.merge(&other.days);
    }

    /// The number that it comes to.
    pub fn value(&self, of: &Definition) -> Value {
        let ratio = |part: i64, whole: i64, times: f64| (whole > 0).then(|| part as f64 * times / whole as f64);
        let counted = self.yes + self.maybe;
        let none = Value { main: None, lowest: None, upper: None, of: 0 };
        match of.formula {
            Formula::Share if of.kind == Kind::Snapshot => {
                Value { main: ratio(self.yes, self.base, 100.0), of: self.base, ..none }
            }
            Formula::Share => {
                let due = counted + self.no + self.overdue;
                Value { main: ratio(counted, due, 100.0), lowest: ratio(self.yes, due, 100.0), of: due, ..none }
            }
            Formula::Rate => Value { main: ratio(self.yes, self.base, 1_000.0), of: self.base, ..none },
            Formula::Count => Value { main: Some(self.yes as f64), of: self.yes, ..none },
            Formula::Percentiles => {
                let read = |percentile| self.values.percentile(percentile).and_then(|bin| of.value(bin));
                let n = i64::try_from(self.values.total()).unwrap_or(i64::MAX);
                Value { main: read(Percentile::P50), upper: read(of.upper()), of: n, ..none }
            }
            Formula::Mean => Value { main: ratio(self.sum, self.base, 1.0), of: self.base, ..none },
            Formula::Sum => Value { main: (self.base > 0).then_some(self.sum as f64), of: self.base, ..none },
            Formula::Learned => none,
        }
    }
}

/// A number, in the definition's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The number; none where nothing is measured: "No data", never 0 or 100 per cent.
    pub main: Option<f64>,
    /// The least that it can be, where something is undecided.
    pub lowest: Option<f64>,
    /// The upper percentile, of a figure that has percentiles.
    pub upper: Option<f64>,
    /// Of how many.
    pub of: i64,
}

impl Value {
    /// Whether it is of too few to be ranked or compared.
    pub const fn is_of_few(&self) -> bool {
        self.of < FEW
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contribution::row::Bucket, definition::Kpi};
    use jiff::civil::date;

    fn tally(kpi: Kpi, rows: &[(Part, Option<i32>, i64)], now: i32) -> Value {
        let mut tally = Tally::default();
        for (part, bin, n) in rows {
            let bucket = Bucket::day(date(2026, 3, 1));
            tally.add(&Key { kpi, version: 1, part: *part, bucket, bin: *bin }, *n, now);
        }
        tally.value(kpi.definition())
    }

    #[test]
    fn nothing_measured_is_no_data() {
        for kpi in Kpi::ALL {
            let expected = (kpi.definition().formula == Formula::Count).then_some(0.0);
            assert_eq!(tally(*kpi, &[], 0).main, expected, "{}", kpi.id());
        }
        assert_eq!(tally(Kpi::OnTime, &[(Part::NoPromise, None, 9)], 0).main, None);
    }

    #[test]
    fn open_ones_count_from_their_minute_on() {
        let rows = [(Part::Yes, None, 3), (Part::Open, Some(100), 1)];
        assert_eq!(tally(Kpi::OnTime, &rows, 99), Value { main: Some(100.0), lowest: Some(100.0), upper: None, of: 3 });
        assert_eq!(tally(Kpi::OnTime, &rows, 100), Value { main: Some(75.0), lowest: Some(75.0), upper: None, of: 4 });
    }

    #[test]
    fn a_rate_is_per_thousand_of_what_it_is_compared_with() {
        let value = tally(Kpi::ExceptionRate, &[(Part::Yes, None, 14), (Part::Base, None, 820)], 0);
        assert_eq!(format!("{:.2}", value.main.unwrap()), "17.07");
    }
}
