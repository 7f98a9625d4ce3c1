//! What a cell has seen, as counts by the week of induction: one row grows or shrinks by one for each shipment, so late facts and
//! corrections are exact. Recent weeks weigh more; weights are applied when it is read.

use super::{
    bins::{Bins, Percentile, Scale},
    mixture::Level,
    survival::{Observed, kaplan_meier},
};
use jiff::{
    ToSpan,
    civil::{Date, ISOWeekDate, Weekday, date},
};
use std::collections::BTreeMap;

/// Weeks that are read at most.
pub const WINDOW_WEEKS: i32 = 26;
/// Weeks after which a shipment weighs half.
pub const HALF_LIFE_WEEKS: f64 = 6.0;
/// The same while a cell's predictions do not hold.
pub const DRIFTING_HALF_LIFE_WEEKS: f64 = 2.0;
/// Deliveries of the last peak below which it says nothing about this one.
const PEAK_MIN: u64 = 200;
/// Weeks before a peak that it is compared with.
const BEFORE_PEAK_WEEKS: i32 = 8;
/// By how much a peak may be slower.
const PEAK_FACTORS: std::ops::RangeInclusive<f64> = 1.0..=1.5;
/// The width of a bin.
const BIN_HOURS: f64 = 1.0;

/// A week, Monday to Sunday, counted from that of 1 January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week(pub i32);

/// A Monday.
const FIRST: Date = date(1969, 12, 29);

impl Week {
    /// That of a day.
    pub fn of(day: Date) -> Self {
        // between civil dates spans are whole days
        let days = day.since(FIRST).map_or(0, |span| span.get_days());
        Self(days.div_euclid(7))
    }

    /// Its Monday.
    pub fn monday(self) -> Date {
        FIRST.saturating_add((self.0.saturating_mul(7)).days())
    }
}

/// The weeks in which everything takes longer: by default those that touch week 47 to 24 December.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The first one by ISO 8601.
    pub from_iso_week: i8,
    /// Month and day of the last day.
    pub until: (i8, i8),
}

impl Default for Peak {
    fn default() -> Self {
        Self { from_iso_week: 47, until: (12, 24) }
    }
}

impl Peak {
    /// Its first and last week in a year; none where the year has no such days.
    fn weeks(self, year: i16) -> Option<(Week, Week)> {
        let first = ISOWeekDate::new(year, self.from_iso_week, Weekday::Monday).ok()?.date();
        let last = Date::new(year, self.until.0, self.until.1).ok()?;
        Some((Week::of(first), Week::of(last)))
    }

    fn has(self, week: Week) -> bool {
        self.weeks(week.monday().year()).is_some_and(|(first, last)| (first..=last).contains(&week))
    }

    /// The half-life of a week's weight as seen from a week: in a peak what was before it soon says little.
    pub fn half_life(self, at: Week, usual: f64) -> f64 {
        if self.has(at) { usual / 2.0 } else { usual }
    }
}

/// How a shipment's time ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived, or what was waited for came.
    Ended,
    /// It was open, cancelled, returned or lost then: at least so long.
    Censored,
}

/// What was seen of the shipments of one week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Ended, by working hours.
    pub ended: Bins,
    /// Censored.
    pub censored: Bins,
}

/// What a cell has seen, by week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(BTreeMap<Week, Seen>);

/// How a history is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The week that it is read in.
    pub at: Week,
    /// Weeks after which a shipment weighs half.
    pub half_life: f64,
    /// What the hours of weeks outside of a peak are multiplied by.
    pub slower: f64,
    /// The peaks.
    pub peak: Peak,
}

impl Reading {
    /// As of a week, with the usual half-life.
    pub fn at(at: Week) -> Self {
        let peak = Peak::default();
        Self { at, half_life: peak.half_life(at, HALF_LIFE_WEEKS), slower: 1.0, peak }
    }

    fn weight(&self, week: Week) -> f64 {
        0.5_f64.powf(f64::from((self.at.0 - week.0).max(0)) / self.half_life)
    }
}

impl History {
    /// Adds shipments of a week of induction, or takes them away.
    pub fn add(&mut self, week: Week, outcome: Outcome, working_hours: f64, n: i64) {
        self.add_bin(week, outcome, Scale::WorkingHours.bin(working_hours), n);
    }

    /// The same by the bin, as it is stored.
    pub fn add_bin(&mut self, week: Week, outcome: Outcome, bin: i32, n: i64) {
        let seen = self.0.entry(week).or_default();
        match outcome {
            Outcome::Ended => seen.ended.add(bin, n),
            Outcome::Censored => seen.censored.add(bin, n),
        }
        if *seen == Seen::default() {
            self.0.remove(&week);
        }
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Self) {
        for (week, seen) in &other.0 {
            seen.ended.iter().for_each(|(bin, n)| self.add_bin(*week, Outcome::Ended, bin, n));
            seen.censored.iter().for_each(|(bin, n)| self.add_bin(*week, Outcome::Censored, bin, n));
        }
    }

    /// The same without one week.
    pub fn without(&self, week: Week) -> Self {
        Self(self.0.iter().filter(|(of, _)| **of != week).map(|(of, seen)| (*of, seen.clone())).collect())
    }

    /// The weeks with what was seen in them.
    pub fn weeks(&self) -> impl Iterator<Item = (Week, &Seen)> {
        self.0.iter().map(|(week, seen)| (*week, seen))
    }

    /// How many ended within the window before a week, each counted whole.
    pub fn ended(&self, at: Week) -> u64 {
        self.window(at).map(|(_, seen)| seen.ended.total()).sum()
    }

    /// The curve with its effective number (Σw)² / Σw² of what ended; none where nothing was seen.
    pub fn level(&self, reading: &Reading) -> Option<Level> {
        let mut seen = Vec::new();
        let (mut sum, mut squares) = (0.0, 0.0);
        for (week, of_week) in self.window(reading.at) {
            let weight = reading.weight(week);
            let factor = if reading.peak.has(week) { 1.0 } else { reading.slower };
            // a bin stands at its upper edge, that its share is reached at
            let edge = |bin: i32| (f64::from(bin) * factor).round() + BIN_HOURS;
            let counted = |n: i64| weight * n.max(0) as f64;
            let ended =
                of_week.ended.iter().map(|(bin, n)| Observed { x: edge(bin), ended: counted(n), censored: 0.0 });
            let open =
                of_week.censored.iter().map(|(bin, n)| Observed { x: edge(bin), ended: 0.0, censored: counted(n) });
            seen.extend(ended.chain(open));
            let n = of_week.ended.total() as f64;
            sum += weight * n;
            squares += weight * weight * n;
        }
        let curve = kaplan_meier(seen, BIN_HOURS)?;
        Some(Level { curve, n: if squares > 0.0 { sum * sum / squares } else { 0.0 } })
    }

    /// By how much everything is slower in the peak that a week lies in: the median of the last year's peak over that of the
    /// weeks before it. 1 outside of a peak, and where last year's says too little. For cells of
    /// [`super::cell::Depth::Reach`].
    pub fn slower_in_peak(&self, peak: Peak, at: Week) -> f64 {
        let last_year = at.monday().year() - 1;
        let Some((first, last)) = peak.weeks(last_year).filter(|_| peak.has(at)) else { return 1.0 };
        let of = |from: Week, until: Week| {
            let mut bins = Bins::default();
            self.0.range(from..=until).for_each(|(_, seen)| bins.merge(&seen.ended));
            let median = bins.percentile(Percentile::P50).map(|bin| Scale::WorkingHours.value(bin));
            median.map(|median| (median, bins.total()))
        };
        match (of(first, last), of(Week(first.0 - BEFORE_PEAK_WEEKS), Week(first.0 - 1))) {
            (Some((peak, n)), Some((before, _))) if n >= PEAK_MIN => {
                (peak / before).clamp(*PEAK_FACTORS.start(), *PEAK_FACTORS.end())
            }
            _ => 1.0,
        }
    }

    fn window(&self, at: Week) -> impl Iterator<Item = (Week, &Seen)> {
        self.0.range(Week(at.0 - WINDOW_WEEKS + 1)..=at).map(|(week, seen)| (*week, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::testing::Random;
    use proptest::prelude::*;

    #[test]
    fn weeks_begin_on_mondays() {
        assert_eq!(Week::of(date(1970, 1, 1)), Week(0));
        assert_eq!(Week::of(date(2026, 3, 22)).0 + 1, Week::of(date(2026, 3, 23)).0);
        assert_eq!(Week::of(date(2026, 3, 25)).monday(), date(2026, 3, 23));
        assert_eq!(Week::of(date(1969, 12, 28)), Week(-1));
    }

    #[test]
    fn the_peak_is_week_47_to_christmas_eve() {
        let peak = Peak::default();
        for (day, inside) in [
            (date(2026, 11, 15), false),
            (date(2026, 11, 16), true),
            (date(2026, 12, 24), true),
            (date(2026, 12, 28), false),
            (date(2026, 6, 1), false),
        ] {
            assert_eq!(peak.has(Week::of(day)), inside, "{day}");
            assert_eq!(peak.half_life(Week::of(day), 6.0), if inside { 3.0 } else { 6.0 });
        }
    }

    #[test]
    fn recent_weeks_weigh_more_and_old_ones_are_not_read() {
        let at = Week(3_000);
        let mut history = History::default();
        history.add(at, Outcome::Ended, 24.0, 10);
        history.add(Week(at.0 - 6), Outcome::Ended, 48.0, 10);
        history.add(Week(at.0 - WINDOW_WEEKS), Outcome::Ended, 72.0, 1_000);
        let level = history.level(&Reading::at(at)).unwrap();
        assert!((level.curve.survival(24.0) - 1.0 / 3.0).abs() < 1e-9, "10 : 5");
        assert!((level.n - 15.0 * 15.0 / 12.5).abs() < 1e-9, "{}", level.n);
        assert_eq!((history.ended(at), level.curve.survival(48.0)), (20, 0.0));
        let drifting = Reading { half_life: DRIFTING_HALF_LIFE_WEEKS, ..Reading::at(at) };
        assert!((history.level(&drifting).unwrap().curve.survival(24.0) - 1.25 / 11.25).abs() < 1e-9, "10 : 1.25");
        assert_eq!(History::default().level(&Reading::at(at)), None);
    }

    #[test]
    fn a_peak_is_as_much_slower_as_the_last_one_was() {
        let mut history = History::default();
        let (last_peak, before) = (Week::of(date(2025, 12, 1)), Week::of(date(2025, 10, 20)));
        history.add(last_peak, Outcome::Ended, 60.0, 200);
        history.add(before, Outcome::Ended, 48.0, 500);
        let (peak, at) = (Peak::default(), Week::of(date(2026, 12, 1)));
        let factor = history.slower_in_peak(peak, at);
        assert!((factor - 59.5 / 47.5).abs() < 1e-9, "{factor}");
        assert_eq!(history.slower_in_peak(peak, Week::of(date(2026, 10, 1))), 1.0, "not in a peak");
        history.add(last_peak, Outcome::Ended, 60.0, -1);
        assert_eq!(history.slower_in_peak(peak, at), 1.0, "too few");
        history.add(last_peak, Outcome::Ended, 600.0, 800);
        assert_eq!(history.slower_in_peak(peak, at), 1.5, "no more than half");
        let mut week = History::default();
        week.add(Week::of(date(2026, 11, 2)), Outcome::Ended, 41.0, 5);
        let slower = Reading { slower: 1.5, ..Reading::at(at) };
        assert_eq!(week.level(&slower).unwrap().curve.quantile(1.0), Some(61.0));
    }

    proptest! {
        /// Late facts and corrections in any order end in what is counted anew, and so does what is read of it.
        #[test]
        fn any_order_gives_the_same_history(
            kept in prop::collection::vec((0_i32..20, any::<bool>(), 0.0..400.0_f64), 0..60),
            removed in prop::collection::vec((0_i32..20, any::<bool>(), 0.0..400.0_f64), 0..60),
            seed in any::<u64>(),
        ) {
            let outcome = |ended| if ended { Outcome::Ended } else { Outcome::Censored };
            let mut steps: Vec<_> = kept.iter().chain(&removed).map(|one| (*one, 1)).collect();
            steps.extend(removed.iter().map(|one| (*one, -1)));
            Random::new(seed).shuffle(&mut steps);
            let mut kept_up = History::default();
            steps.into_iter().for_each(|((week, ended, x), n)| kept_up.add(Week(week), outcome(ended), x, n));
            let (mut anew, mut halves) = (History::default(), [History::default(), History::default()]);
            for (i, (week, ended, x)) in kept.into_iter().enumerate() {
                anew.add(Week(week), outcome(ended), x, 1);
                halves[i % 2].add(Week(week), outcome(ended), x, 1);
            }
            let [mut first, second] = halves;
            first.merge(&second);
            prop_assert_eq!(&kept_up, &anew);
            prop_assert_eq!(&first, &anew);
            let reading = Reading::at(Week(20));
            prop_assert_eq!(kept_up.level(&reading), anew.level(&reading));
        }
    }
}
