//! Percentiles that can be taken back: values are counted in bins, and a bin is an integer that grows and shrinks by one. No
//! bin is ever joined with another, so adding and taking away commute, and what is counted anew from the raw values is
//! equal to what was kept up to date.
//!
//! Two scales. [`Scale::Relative`] is the mapping of DDSketch (Masson, Rim, Lee: DDSketch, VLDB 2019): bin i holds
//! [γ^i, γ^(i+1)), γ = (1 + α) / (1 − α), and the value that stands for it is off by α at most. [`Scale::WorkingHours`] has a
//! bin for each hour.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::LazyLock};

/// The largest relative error of a percentile on [`Scale::Relative`].
pub const ALPHA: f64 = 0.01;
/// The largest value that [`Scale::Relative`] tells from others: the seconds of 400 days.
pub const LARGEST: f64 = 34_560_000.0;
/// The bin of zero and of what is negative on [`Scale::Relative`].
pub const ZERO_BIN: i32 = -1;
/// Operating days that [`Scale::WorkingHours`] reaches to.
pub const OPERATING_DAYS_MAX: i32 = 60;

const HOURS_MAX: i32 = OPERATING_DAYS_MAX * 24;
const GAMMA: f64 = (1.0 + ALPHA) / (1.0 - ALPHA);

/// γ^0, γ^1, … up to [`LARGEST`]. Products and comparisons come out alike on every machine and by every compiler, which a
/// logarithm does not promise; a bin that is recomputed has to be the one that is stored.
static LOWER_EDGES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    std::iter::successors(Some(1.0), |edge| Some(edge * GAMMA)).take_while(|edge| *edge <= LARGEST).collect()
});

/// How values are mapped to bins. The number is stored beside the bins: what one mapping wrote no other reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Relative error: durations in seconds, or any unit of which 1 is the least that matters. Below 1 counts as 1, above
    /// [`LARGEST`] as that, zero and negative values have [`ZERO_BIN`].
    Relative,
    /// Hours of operating days, 24 to a day: bin h holds (h, h + 1], so that the share of a bin and those below is exactly the
    /// share of values up to its upper edge. Ends with [`OPERATING_DAYS_MAX`].
    WorkingHours,
}

impl Scale {
    /// The number of the mapping, as stored.
    pub const fn number(self) -> i16 {
        match self {
            Self::Relative => 1,
            Self::WorkingHours => 2,
        }
    }

    /// The bin of a value. What is not a number has the lowest one.
    pub fn bin(self, value: f64) -> i32 {
        match self {
            Self::Relative if value > 0.0 => {
                let upper = LOWER_EDGES.partition_point(|edge| *edge <= value.clamp(1.0, LARGEST));
                i32::try_from(upper).unwrap_or(i32::MAX) - 1
            }
            Self::Relative => ZERO_BIN,
            // the cast saturates
            Self::WorkingHours => ((value.ceil() as i32).saturating_sub(1)).clamp(0, HOURS_MAX - 1),
        }
    }

    /// The value that stands for a bin: off by at most [`ALPHA`] of the true one, or by half an hour. That of a bin which no
    /// value has is the nearest one's.
    pub fn value(self, bin: i32) -> f64 {
        match self {
            Self::Relative => {
                let Ok(index) = usize::try_from(bin) else { return 0.0 };
                let edges = &*LOWER_EDGES;
                edges[index.min(edges.len() - 1)] * (1.0 + ALPHA)
            }
            Self::WorkingHours => f64::from(bin.clamp(0, HOURS_MAX - 1)) + 0.5,
        }
    }
}

/// A percentile, in thousandths, so that its rank is computed in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Percentile(u16);

impl Percentile {
    /// The median.
    pub const P50: Self = Self(500);
    /// P80.
    pub const P80: Self = Self(800);
    /// P90.
    pub const P90: Self = Self(900);
    /// P95.
    pub const P95: Self = Self(950);
    /// P99.
    pub const P99: Self = Self(990);

    /// Of thousandths; more than all is all.
    pub const fn per_mille(of: u16) -> Self {
        Self(if of > 1_000 { 1_000 } else { of })
    }

    /// As a share between 0 and 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }

    /// The rank ⌈p·n⌉ among n values in ascending order, counted from 1: the inverse of the empirical distribution (type 1
    /// of Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996), so that the value is one that a row has. None
    /// among none.
    pub fn rank(self, n: u64) -> Option<u64> {
        let rank = (u128::from(n) * u128::from(self.0)).div_ceil(1_000).max(1);
        (n > 0).then(|| u64::try_from(rank).unwrap_or(n))
    }

    /// The value at its rank among values in any order; none among none. Sorts them.
    pub fn of(self, values: &mut [f64]) -> Option<f64> {
        values.sort_unstable_by(f64::total_cmp);
        let rank = self.rank(values.len() as u64)?;
        values.get(usize::try_from(rank).ok()? - 1).copied()
    }
}

/// Counts by bin. Bins that count nothing are not there, so that equal contents are equal. A count may be negative while
/// what is taken away has come before what it was added by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bins(BTreeMap<i32, i64>);

impl Bins {
    /// Adds to a bin; a negative number takes away.
    pub fn add(&mut self, bin: i32, n: i64) {
        let count = self.0.entry(bin).or_default();
        *count += n;
        if *count == 0 {
            self.0.remove(&bin);
        }
    }

    /// Adds all of others.
    pub fn merge(&mut self, others: &Self) {
        others.iter().for_each(|(bin, n)| self.add(bin, n));
    }

    /// The bins that count anything, ascending, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (i32, i64)> {
        self.0.iter().map(|(bin, n)| (*bin, *n))
    }

    /// Whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many values are counted.
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, n)| positive(n)).sum()
    }

    /// The bin that has the value at the percentile's rank; none of no values.
    pub fn percentile(&self, percentile: Percentile) -> Option<i32> {
        let rank = percentile.rank(self.total())?;
        let mut passed = 0;
        self.iter().find_map(|(bin, n)| {
            passed += positive(n);
            (passed >= rank).then_some(bin)
        })
    }
}

impl FromIterator<i32> for Bins {
    fn from_iter<I: IntoIterator<Item = i32>>(bins: I) -> Self {
        let mut counts = Self::default();
        bins.into_iter().for_each(|bin| counts.add(bin, 1));
        counts
    }
}

/// What is taken away too early counts as nothing.
fn positive(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::testing::{case, numbers};
    use proptest::prelude::*;

    #[test]
    fn percentiles_from_bins_that_can_be_taken_back() {
        let case = case("percentiles-from-bins-that-can-be-taken-back");
        let mut minutes = numbers(&case["given"], "minutes");
        let bin = |value| Scale::Relative.bin(value);
        let mut bins: Bins = minutes.iter().copied().map(bin).collect();
        let check = |minutes: &mut [f64], bins: &Bins, when: &str| {
            for (percentile, name) in [(Percentile::P50, "p50"), (Percentile::P90, "p90")] {
                let expected = |what: &str| case["expect"][format!("{what}_{when}")][name].as_f64().unwrap();
                assert_eq!(percentile.of(minutes), Some(expected("exact")), "{name} {when}");
                let sketched = Scale::Relative.value(bins.percentile(percentile).unwrap());
                assert!((sketched - expected("sketch")).abs() < 0.001, "{name} {when}: {sketched}");
            }
        };
        check(&mut minutes, &bins, "before");
        let correction = |name: &str| case["params"]["correction"][name].as_f64().unwrap();
        bins.add(bin(correction("out")), -1);
        bins.add(bin(correction("in")), 1);
        for value in &mut minutes {
            if *value == correction("out") {
                *value = correction("in");
            }
        }
        check(&mut minutes, &bins, "after");
        let expected: Bins = serde_json::from_value(case["expect"]["bins_after"].clone()).unwrap();
        assert_eq!(bins, expected);
        assert_eq!(bins, minutes.iter().copied().map(bin).collect(), "counted anew");
    }

    #[test]
    fn the_range_has_868_bins_and_ends_are_kept() {
        let bin = |value| Scale::Relative.bin(value);
        assert_eq!((bin(1.0), bin(LARGEST)), (0, 867));
        assert_eq!((bin(0.2), bin(1e12), bin(f64::INFINITY)), (0, 867, 867));
        assert_eq!((bin(0.0), bin(-3.0), bin(f64::NAN)), (ZERO_BIN, ZERO_BIN, ZERO_BIN));
        assert_eq!(Scale::Relative.value(ZERO_BIN), 0.0);
        let hour = |value| Scale::WorkingHours.bin(value);
        assert_eq!((hour(0.0), hour(0.1), hour(1.0), hour(1.01)), (0, 0, 0, 1));
        assert_eq!((hour(-4.0), hour(48.0), hour(1e9)), (0, 47, HOURS_MAX - 1));
    }

    #[test]
    fn ranks_are_integers() {
        for (percentile, n, rank) in [
            (Percentile::P80, 4, 4),
            (Percentile::P80, 5, 4),
            (Percentile::P90, 10, 9),
            (Percentile::per_mille(70), 100, 7),
            (Percentile::P50, 1, 1),
            (Percentile::per_mille(0), 9, 1),
            (Percentile::per_mille(2_000), 9, 9),
        ] {
            assert_eq!(percentile.rank(n), Some(rank), "{percentile:?} of {n}");
        }
        assert_eq!(Percentile::P50.rank(0), None);
        assert_eq!(Percentile::P50.of(&mut []), None);
        assert_eq!(Bins::default().percentile(Percentile::P50), None);
    }

    proptest! {
        /// The rank of the bins is that of the values, so the error is that of the mapping alone.
        #[test]
        fn a_percentile_is_within_the_stated_error(
            mut values in prop::collection::vec(1.0..LARGEST, 1..200),
            mut hours in prop::collection::vec(0.0..1440.0_f64, 1..200),
            of in 1_u16..=1_000,
        ) {
            let percentile = Percentile::per_mille(of);
            let exact = percentile.of(&mut values).unwrap();
            let bins: Bins = values.iter().map(|value| Scale::Relative.bin(*value)).collect();
            let read = Scale::Relative.value(bins.percentile(percentile).unwrap());
            prop_assert!((read - exact).abs() <= ALPHA * exact * (1.0 + 1e-9), "{} for {}", read, exact);
            let exact = percentile.of(&mut hours).unwrap();
            let bins: Bins = hours.iter().map(|value| Scale::WorkingHours.bin(*value)).collect();
            let read = Scale::WorkingHours.value(bins.percentile(percentile).unwrap());
            prop_assert!((read - exact).abs() <= 0.5, "{} for {}", read, exact);
        }

        /// Additions and removals in any order end in what is counted anew of what is left.
        #[test]
        fn any_order_ends_in_the_same_bins(
            kept in prop::collection::vec(0.0..1e7_f64, 0..60),
            removed in prop::collection::vec(0.0..1e7_f64, 0..60),
            seed in any::<u64>(),
        ) {
            let bin = |value: &f64| Scale::Relative.bin(*value);
            let mut steps: Vec<(i32, i64)> = kept.iter().chain(&removed).map(|value| (bin(value), 1)).collect();
            steps.extend(removed.iter().map(|value| (bin(value), -1)));
            crate::learned::testing::Random::new(seed).shuffle(&mut steps);
            let (mut whole, mut halves) = (Bins::default(), [Bins::default(), Bins::default()]);
            for (i, (bin, n)) in steps.into_iter().enumerate() {
                whole.add(bin, n);
                halves[i % 2].add(bin, n);
            }
            let [mut first, second] = halves;
            first.merge(&second);
            let anew: Bins = kept.iter().map(bin).collect();
            prop_assert_eq!(&whole, &anew);
            prop_assert_eq!(&first, &anew);
        }
    }
}
