//! How carriers are compared: a share with what chance leaves open of it, ranks by what is sure, limits by week, and what is
//! worth raising in a review.

pub mod findings;

use crate::{
    definition::Direction,
    figure::{FEW, Tally},
    learned::wilson::{Interval, TWO_SIDED_95, wilson},
};

/// Standard errors between the mean of a control chart and its limits. Source: W. A. Shewhart, Economic Control of Quality of
/// Manufactured Product, 1931.
const SIGMAS: f64 = 3.0;
/// One side of an interval that holds in 95 of 100 cases.
const ONE_SIDE: f64 = 0.025;
/// Allowed ones up to which chance is computed exactly.
const EXACT_MAX: f64 = 100.0;

/// A share: how many count for a figure, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Count for it.
    pub part: i64,
    /// Of all.
    pub of: i64,
}

impl Share {
    /// That of a figure of shares: undecided ones count for it, overdue ones against it.
    pub const fn of(tally: &Tally) -> Self {
        let part = tally.yes + tally.maybe;
        Self { part, of: part + tally.no + tally.overdue }
    }

    /// With another one.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self { part: self.part + other.part, of: self.of + other.of }
    }

    /// In per cent; none of nothing.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| self.part as f64 * 100.0 / self.of as f64)
    }

    /// How many count against it.
    pub const fn rest(self) -> i64 {
        self.of - self.part
    }

    /// Between what it lies in 95 of 100 cases, in per cent.
    pub fn interval(self) -> Interval {
        let share = self.percent().unwrap_or(0.0) / 100.0;
        let Interval { low, high } = wilson(share, self.of as f64, TWO_SIDED_95);
        Interval { low: low * 100.0, high: high * 100.0 }
    }

    /// Whether it is of too few to be ranked or compared.
    pub const fn is_of_few(self) -> bool {
        self.of < FEW
    }

    /// How it stands to a target in per cent.
    pub fn against(self, target: f64, direction: Direction) -> Goal {
        let Some(percent) = self.percent() else { return Goal::NoData };
        let Interval { low, high } = self.interval();
        let (is_met, wrong, allowed) = match direction {
            Direction::Up => (percent >= target, self.rest(), 100.0 - target),
            Direction::Down => (percent <= target, self.part, target),
            Direction::Near => ((low..=high).contains(&target), self.of, 0.0),
        };
        let is_sure = || !self.is_of_few() && is_more(wrong, self.of, allowed / 100.0);
        match is_met {
            true => Goal::Met,
            false if is_sure() => Goal::Missed,
            false => Goal::MaybeMissed,
        }
    }

    /// How many more count against it than a target in per cent allows; less than 0: so many fewer.
    pub fn excess(self, target: f64) -> f64 {
        self.rest() as f64 - self.of as f64 * (1.0 - target / 100.0)
    }
}

/// Whether a count out of `n` is more than chance makes of an allowed share: as many or more in fewer than 2.5 of 100 cases. Exact where
/// few are allowed, since an interval is not good there: one of 114 is no proof against one of 1,000.
fn is_more(wrong: i64, n: i64, allowed: f64) -> bool {
    let (n, allowed) = (n as f64, allowed.clamp(0.0, 1.0));
    if n * allowed > EXACT_MAX {
        return wilson(wrong as f64 / n, n, TWO_SIDED_95).low > allowed;
    }
    // the binomial distribution, from none on: each term from the one before
    let (mut term, mut fewer) = ((n * (-allowed).ln_1p()).exp(), 0.0);
    let odds = allowed / (1.0 - allowed);
    for k in 0..wrong {
        fewer += term;
        if 1.0 - fewer < ONE_SIDE {
            return true;
        }
        term *= (n - k as f64) / (k as f64 + 1.0) * odds;
    }
    false
}

/// How a share stands to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// It is met.
    Met,
    /// It is missed, and chance may be why, or there are too few.
    MaybeMissed,
    /// It is missed, and chance alone does not explain it.
    Missed,
    /// Nothing was counted.
    NoData,
}

/// The place of one of those that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Its place, from 1.
    Place(usize),
    /// Too few to be ranked.
    TooFew,
}

/// Places by the lower bound of the interval, the highest first: a share of few has to be better to stand as high as one of
/// many. Equal bounds share a place. Of fewer than [`FEW`] none.
pub fn ranks(shares: &[Share]) -> Vec<Rank> {
    let bound = |share: &Share| share.interval().low;
    let ranked = || shares.iter().filter(|share| !share.is_of_few());
    let place = |share: &Share| match share.is_of_few() {
        true => Rank::TooFew,
        false => Rank::Place(1 + ranked().filter(|other| bound(other) > bound(share)).count()),
    };
    shares.iter().map(place).collect()
}

/// The mean of a control chart, in per cent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centre(pub f64);

impl Centre {
    /// That of some points; none of no cases.
    pub fn of(points: impl IntoIterator<Item = Share>) -> Option<Self> {
        points.into_iter().fold(Share::default(), Share::with).percent().map(Self)
    }

    /// The lower limit of a point of so many cases, in per cent.
    pub fn low(self, n: i64) -> f64 {
        let share = self.0 / 100.0;
        let half = if n > 0 { SIGMAS * 100.0 * (share * (1.0 - share) / n as f64).sqrt() } else { 0.0 };
        (self.0 - half).max(0.0)
    }

    /// How many of the last points lie below their limit, one after the other; points of nothing are passed over.
    pub fn run_below(self, points: &[Share]) -> usize {
        let known = points.iter().rev().filter_map(|point| Some((point.percent()?, point.of)));
        known.take_while(|(percent, n)| *percent < self.low(*n)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn share(part: i64, of: i64) -> Share {
        Share { part, of }
    }

    #[test]
    fn a_perfect_share_of_few_does_not_stand_above_a_good_one_of_many() {
        let shares = [share(30, 30), share(970, 1_000), share(29, 29), share(970, 1_000), share(700, 1_000)];
        let expected = [Rank::Place(3), Rank::Place(1), Rank::TooFew, Rank::Place(1), Rank::Place(4)];
        assert_eq!(ranks(&shares), expected);
        assert_eq!(ranks(&[]), []);
    }

    #[test]
    fn a_target_is_missed_for_sure_or_perhaps() {
        for (share, target, direction, goal) in [
            (share(96, 100), 95.0, Direction::Up, Goal::Met),
            (share(93, 100), 95.0, Direction::Up, Goal::MaybeMissed),
            (share(930, 1_000), 95.0, Direction::Up, Goal::Missed),
            (share(1, 20), 95.0, Direction::Up, Goal::MaybeMissed),
            (share(1, 100), 0.5, Direction::Down, Goal::MaybeMissed),
            (share(1, 114), 0.1, Direction::Down, Goal::MaybeMissed),
            (share(10, 1_000), 0.5, Direction::Down, Goal::MaybeMissed),
            (share(12, 1_000), 0.5, Direction::Down, Goal::Missed),
            (share(1, 1_000), 0.0, Direction::Down, Goal::Missed),
            (share(9_300, 10_000), 95.0, Direction::Up, Goal::Missed),
            (share(9_480, 10_000), 95.0, Direction::Up, Goal::MaybeMissed),
            (share(0, 400), 95.0, Direction::Up, Goal::Missed),
            (share(0, 1_000), 0.5, Direction::Down, Goal::Met),
            (share(0, 0), 95.0, Direction::Up, Goal::NoData),
        ] {
            assert_eq!(share.against(target, direction), goal, "{share:?} {target}");
        }
    }

    #[test]
    fn what_a_target_allows_is_taken_off() {
        assert!((share(930, 1_000).excess(95.0) - 20.0).abs() < 1e-9);
        assert!((share(1_000, 1_000).excess(95.0) + 50.0).abs() < 1e-9);
    }

    #[test]
    fn only_the_last_points_below_their_limits_are_a_run() {
        let usual = vec![share(930, 1_000); 9];
        let with = |last: &[Share]| [usual.clone(), last.to_vec()].concat();
        let centre = Centre::of(usual.clone()).unwrap();
        assert!((centre.0 - 93.0).abs() < 1e-9 && (centre.low(1_000) - 90.58).abs() < 0.01);
        for (last, run) in [
            (&[share(880, 1_000), share(870, 1_000)][..], 2),
            (&[share(880, 1_000), share(0, 0), share(870, 1_000)], 2),
            (&[share(880, 1_000), share(930, 1_000)], 0),
            // of few the limit is wide
            (&[share(17, 20)], 0),
            (&[], 0),
        ] {
            assert_eq!(centre.run_below(&with(last)), run, "{last:?}");
        }
        assert_eq!(Centre::of([share(0, 0)]), None);
    }

    proptest! {
        /// Who is ranked stands no higher than those that are better in as many cases, whatever the order.
        #[test]
        fn ranks_follow_the_bounds(cases in prop::collection::vec((0_i64..=200, 0_i64..=200), 1..12)) {
            let shares: Vec<Share> = cases.into_iter().map(|(a, b)| share(a.min(b), a.max(b))).collect();
            let ranked = ranks(&shares);
            for (one, rank) in shares.iter().zip(&ranked) {
                let Rank::Place(place) = rank else {
                    prop_assert!(one.is_of_few());
                    continue;
                };
                for (other, rank) in shares.iter().zip(&ranked) {
                    if let Rank::Place(theirs) = rank {
                        let better = other.interval().low > one.interval().low;
                        prop_assert_eq!(better, theirs < place);
                    }
                }
            }
        }
    }
}
