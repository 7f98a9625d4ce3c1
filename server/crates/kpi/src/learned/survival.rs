//! The share that is still on its way after x, estimated from what ended and from what is still open: E. L. Kaplan and P. Meier
//! (Nonparametric Estimation from Incomplete Observations, Journal of the American Statistical Association 53, 1958). Who counts
//! only what has arrived counts the fast ones.

use serde::{Deserialize, Serialize};

/// Shares are stored to this part.
const STORED_PARTS: f64 = 1e6;

/// Comparisons of shares are exact to this.
const TOLERANCE: f64 = 1e-9;

/// What was seen at one x, with weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observed {
    /// When, in working hours.
    pub x: f64,
    /// How many ended.
    pub ended: f64,
    /// How many were last seen then, without an end.
    pub censored: f64,
}

/// S(x): the share that has not ended at x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Ascending: x, and the share that is left from there on.
    steps: Vec<(f64, f64)>,
    /// What ended at a step ended within so much before it, evenly; zero where the x are exact.
    width: f64,
    /// The largest x at which any was seen; beyond it nothing is known.
    horizon: f64,
}

/// The estimate of Kaplan and Meier; of those of one x the ended ones go first. `width` is that of the bins that the x are the
/// upper edges of, zero for exact values. None where nothing was seen.
pub fn kaplan_meier(mut seen: Vec<Observed>, width: f64) -> Option<Curve> {
    seen.retain(|one| one.ended > 0.0 || one.censored > 0.0);
    seen.sort_unstable_by(|a, b| a.x.total_cmp(&b.x));
    let horizon = seen.last()?.x;
    let mut at_risk: f64 = seen.iter().map(|one| one.ended + one.censored).sum();
    let (mut left, mut steps) = (1.0, Vec::new());
    for of_one_x in seen.chunk_by(|a, b| a.x == b.x) {
        let ended: f64 = of_one_x.iter().map(|one| one.ended).sum();
        let censored: f64 = of_one_x.iter().map(|one| one.censored).sum();
        if ended > 0.0 {
            left *= ((at_risk - ended) / at_risk).clamp(0.0, 1.0);
            steps.push((of_one_x[0].x, if left < TOLERANCE { 0.0 } else { left }));
        }
        at_risk -= ended + censored;
    }
    Some(Curve { steps, width, horizon })
}

impl Curve {
    /// As it is stored: shares to a millionth, so that it is short.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        self.steps.iter_mut().for_each(|(_, left)| *left = (*left * STORED_PARTS).round() / STORED_PARTS);
        self
    }

    /// From steps, ascending by x, each with the share that is left; `width` as in [`kaplan_meier`].
    pub(super) fn from_steps(steps: Vec<(f64, f64)>, width: f64, horizon: f64) -> Self {
        Self { steps, width, horizon }
    }

    /// The share that has not ended at x.
    pub fn survival(&self, x: f64) -> f64 {
        let passed = self.steps.partition_point(|(at, _)| *at <= x);
        let before = passed.checked_sub(1).map_or(1.0, |last| self.steps[last].1);
        match self.steps.get(passed) {
            Some((at, after)) if x > at - self.width => {
                before + (after - before) * (x - (at - self.width)) / self.width
            }
            _ => before,
        }
    }

    /// The smallest x by which this share has ended; none where it was not reached. Evenly within a bin.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let reached = self.steps.partition_point(|(_, left)| 1.0 - left < share - TOLERANCE);
        let (x, after) = *self.steps.get(reached)?;
        let before = reached.checked_sub(1).map_or(1.0, |last| self.steps[last].1);
        let part = if before > after { ((share - (1.0 - before)) / (before - after)).clamp(0.0, 1.0) } else { 1.0 };
        Some(x - self.width * (1.0 - part))
    }

    /// The smallest x by which this share of those has ended that had not at `waited`.
    pub fn quantile_after(&self, waited: f64, share: f64) -> Option<f64> {
        let left = self.survival(waited);
        if left <= TOLERANCE {
            return None;
        }
        self.quantile(1.0 - (1.0 - share) * left).map(|x| x.max(waited))
    }

    /// The steps: x, and the share that is left from there on.
    pub fn steps(&self) -> &[(f64, f64)] {
        &self.steps
    }

    /// The largest x at which any was seen.
    pub const fn horizon(&self) -> f64 {
        self.horizon
    }

    /// The width of its bins.
    pub const fn width(&self) -> f64 {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::{
        bins::Percentile,
        testing::{Random, case, numbers},
    };
    use proptest::prelude::*;

    fn exact(values: &[(f64, bool)]) -> Curve {
        let one = |(x, ended): &(f64, bool)| Observed {
            x: *x,
            ended: f64::from(u8::from(*ended)),
            censored: f64::from(u8::from(!*ended)),
        };
        kaplan_meier(values.iter().map(one).collect(), 0.0).unwrap()
    }

    #[test]
    fn transit_open_shipments_are_not_forgotten() {
        let case = case("transit-open-shipments-are-not-forgotten");
        let given: Vec<(f64, bool)> = (case["given"].as_array().unwrap().iter())
            .map(|row| (row["hours"].as_f64().unwrap(), row["delivered"].as_bool().unwrap()))
            .collect();
        let mut arrived: Vec<f64> = given.iter().filter(|(_, delivered)| *delivered).map(|(x, _)| *x).collect();
        assert_eq!(Percentile::P50.of(&mut arrived), case["expect"]["naive_p50"].as_f64());
        let curve = exact(&given);
        assert_eq!(curve.quantile(0.5), case["expect"]["km_p50"].as_f64());
        assert_eq!(curve.quantile(0.8), case["expect"]["km_p80"].as_f64());
        for (x, expected) in case["expect"]["curve"].as_object().unwrap() {
            let got = curve.survival(x.parse().unwrap());
            assert!((got - expected.as_f64().unwrap()).abs() < 1e-6, "{x}: {got}");
        }
        assert_eq!(curve.horizon(), 60.0);
        assert_eq!(kaplan_meier(Vec::new(), 0.0), None);
    }

    /// Without any open ones it is the empirical distribution, by its own rank.
    #[test]
    fn without_open_ones_the_quantile_is_the_percentile() {
        let mut random = Random::new(7);
        let mut values: Vec<f64> = (0..137).map(|_| random.gamma(2, 40.0)).collect();
        let curve = exact(&values.iter().map(|x| (*x, true)).collect::<Vec<_>>());
        for per_mille in [1, 100, 500, 800, 950, 1_000] {
            let percentile = Percentile::per_mille(per_mille);
            assert_eq!(curve.quantile(percentile.share()), percentile.of(&mut values), "{percentile:?}");
        }
    }

    #[test]
    fn within_a_bin_it_goes_down_evenly() {
        let seen = vec![Observed { x: 1.0, ended: 1.0, censored: 0.0 }, Observed { x: 3.0, ended: 1.0, censored: 0.0 }];
        let curve = kaplan_meier(seen, 1.0).unwrap();
        for (x, left) in [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5), (2.0, 0.5), (2.5, 0.25), (3.0, 0.0), (9.0, 0.0)] {
            assert_eq!(curve.survival(x), left, "{x}");
        }
        for (share, x) in [(0.25, 0.5), (0.5, 1.0), (0.75, 2.5), (1.0, 3.0)] {
            assert_eq!(curve.quantile(share), Some(x), "{share}");
        }
        assert_eq!(curve.quantile_after(1.5, 0.5), Some(2.5));
        assert_eq!(curve.quantile_after(3.0, 0.5), None);
    }

    #[test]
    fn silence_curve_of_the_case() {
        let case = case("silence-is-judged-per-shipment");
        let ended: Vec<bool> =
            case["given"].as_array().unwrap().iter().map(|row| row["ended"].as_bool().unwrap()).collect();
        let given: Vec<(f64, bool)> = numbers(&case["given"], "gap_hours").into_iter().zip(ended).collect();
        let curve = exact(&given);
        for (x, expected) in case["expect"]["survival_after_hours"].as_object().unwrap() {
            let got = curve.survival(x.parse().unwrap());
            assert!((got - expected.as_f64().unwrap()).abs() < 1e-6, "{x}: {got}");
        }
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_a_quantile_is_where_the_curve_says(
            mut values in prop::collection::vec((1_u16..400, any::<bool>()), 1..80),
            share in 0.01..1.0_f64,
            seed in any::<u64>(),
        ) {
            let as_curve = |values: &[(u16, bool)]| exact(&values.iter().map(|(x, ended)| (f64::from(*x), *ended)).collect::<Vec<_>>());
            let curve = as_curve(&values);
            Random::new(seed).shuffle(&mut values);
            prop_assert_eq!(&curve, &as_curve(&values));
            if let Some(x) = curve.quantile(share) {
                prop_assert!(1.0 - curve.survival(x) >= share - 1e-6);
                prop_assert!(1.0 - curve.survival(x - 0.5) < share + 1e-6);
            }
        }
    }
}
