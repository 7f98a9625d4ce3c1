//! Small cells lean on coarser ones: distributions are mixed, F̃_L = (n_L F_L + k F̃_{L+1}) / (n_L + k), and quantiles are read from
//! the mixture. So P50 never exceeds P80, and nothing jumps when a cell reaches a threshold. k is the number of deliveries that
//! the coarser cell counts as (credibility weight n / (n + k), empirical Bayes).

use super::survival::Curve;

/// k until it was chosen by how well it predicts.
pub const DEFAULT_K: f64 = 20.0;
/// What k is chosen from.
pub const CHOICES_OF_K: [f64; 5] = [5.0, 10.0, 20.0, 40.0, 80.0];

/// What is known of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its curve.
    pub curve: Curve,
    /// Its effective number.
    pub n: f64,
}

/// The mixture of a cell and those above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// The curve.
    pub curve: Curve,
    /// How much each level weighs, in the order in which they were given, and last the prior.
    pub weights: Vec<f64>,
    /// How many observations a share of the curve is as sure as.
    pub n: f64,
}

/// Mixes levels, the finest one first, over a prior, if there is one. Levels of which nothing is known are left open. All
/// curves have the same width. None where nothing is known at all.
pub fn mix(levels: &[Option<Level>], prior: Option<&Curve>, k: f64) -> Option<Mixture> {
    let mut weights = vec![0.0; levels.len() + 1];
    let mut mixed = prior.cloned();
    if mixed.is_some() {
        weights[levels.len()] = 1.0;
    }
    for (at, level) in levels.iter().enumerate().rev() {
        let Some(level) = level.as_ref().filter(|level| level.n > 0.0) else { continue };
        mixed = Some(match mixed {
            None => {
                weights[at] = 1.0;
                level.curve.clone()
            }
            Some(coarser) => {
                let own = level.n / (level.n + k);
                weights.iter_mut().for_each(|weight| *weight *= 1.0 - own);
                weights[at] = own;
                combine(&level.curve, &coarser, own)
            }
        });
    }
    let of_prior = Some(k);
    let numbers = levels.iter().map(|level| level.as_ref().map(|level| level.n)).chain([of_prior]);
    let variance: f64 =
        weights.iter().zip(numbers).filter(|(w, _)| **w > 0.0).filter_map(|(w, n)| Some(w * w / n?)).sum();
    Some(Mixture { curve: mixed?, weights, n: if variance > 0.0 { 1.0 / variance } else { 0.0 } })
}

/// A share `own` of one curve and the rest of the coarser one. Beyond what the first one has seen it goes on as the coarser
/// one does for those that are left.
fn combine(finer: &Curve, coarser: &Curve, own: f64) -> Curve {
    let horizon = finer.horizon();
    let (at_horizon, coarser_there) = (finer.survival(horizon), coarser.survival(horizon));
    let going_on = if coarser_there > 0.0 { at_horizon / coarser_there } else { 0.0 };
    let extended = |x: f64| match () {
        () if x <= horizon => finer.survival(x),
        () if going_on > 0.0 => coarser.survival(x) * going_on,
        () => at_horizon,
    };
    let mut xs: Vec<f64> = finer.steps().iter().chain(coarser.steps()).map(|(x, _)| *x).collect();
    xs.sort_unstable_by(f64::total_cmp);
    xs.dedup();
    let steps = xs.into_iter().map(|x| (x, own * extended(x) + (1.0 - own) * coarser.survival(x))).collect();
    Curve::from_steps(steps, finer.width(), horizon.max(coarser.horizon()))
}

/// What a prediction costs: the mean of it is small where quantiles are honest and narrow. `actual` and `predicted` in hours.
pub fn pinball(share: f64, predicted: f64, actual: f64) -> f64 {
    (actual - predicted) * (share - f64::from(u8::from(actual < predicted)))
}

/// Those learned without one week, and what was delivered of that week, each with its working hours and how many.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// The levels, the finest one first.
    pub levels: Vec<Option<Level>>,
    /// The deliveries.
    pub delivered: Vec<(f64, f64)>,
}

/// The k of [`CHOICES_OF_K`] whose P50 and P80 cost least over weeks that each was left out of learning; [`DEFAULT_K`] where
/// nothing can be compared. Of equal ones the larger.
pub fn choose_k(weeks: &[LeftOut], prior: Option<&Curve>) -> f64 {
    let cost = |k: f64| -> Option<f64> {
        let (mut sum, mut n) = (0.0, 0.0);
        for week in weeks {
            let Some(mixture) = mix(&week.levels, prior, k) else { continue };
            for share in [0.5, 0.8] {
                let Some(predicted) = mixture.curve.quantile(share) else { continue };
                for (actual, count) in &week.delivered {
                    sum += count * pinball(share, predicted, *actual);
                    n += count;
                }
            }
        }
        (n > 0.0).then(|| sum / n)
    };
    let costs = CHOICES_OF_K.into_iter().rev().filter_map(|k| Some((k, cost(k)?)));
    costs.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(DEFAULT_K, |(k, _)| k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::{
        survival::{Observed, kaplan_meier},
        testing::{Random, case},
    };
    use proptest::prelude::*;

    fn curve(values: &[f64]) -> Curve {
        kaplan_meier(values.iter().map(|x| Observed { x: *x, ended: 1.0, censored: 0.0 }).collect(), 0.0).unwrap()
    }

    fn level(values: &[f64]) -> Option<Level> {
        Some(Level { curve: curve(values), n: values.len() as f64 })
    }

    #[test]
    fn transit_small_cell_leans_on_coarser() {
        let case = case("transit-small-cell-leans-on-coarser");
        let hours = |cell: usize| -> Vec<f64> {
            case["given"][cell]["hours"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
        };
        let expect = &case["expect"];
        let (lane, pair) = (level(&hours(0)), level(&hours(1)));
        let alone = |level: &Option<Level>| level.as_ref().unwrap().curve.quantile(0.8);
        assert_eq!(alone(&lane), expect["own_p80"].as_f64());
        assert_eq!(alone(&pair), expect["parent_p80"].as_f64());
        let mixed = mix(&[lane, pair], None, case["params"]["k"].as_f64().unwrap()).unwrap();
        assert_eq!(mixed.curve.quantile(0.8), expect["mixed_p80"].as_f64());
        assert_eq!(mixed.curve.quantile(0.5), expect["mixed_p50"].as_f64());
        assert!((mixed.weights[0] - expect["weight_of_own"].as_f64().unwrap()).abs() < 1e-4);
        assert!((mixed.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_a_cell_has_not_seen_yet_goes_on_as_the_coarser_one_does() {
        let seen =
            vec![Observed { x: 10.0, ended: 5.0, censored: 0.0 }, Observed { x: 20.0, ended: 0.0, censored: 5.0 }];
        let young = Level { curve: kaplan_meier(seen, 0.0).unwrap(), n: 1e12 };
        let coarser = level(&[10.0, 10.0, 30.0, 40.0]);
        let mixed = mix(&[Some(young), coarser], None, DEFAULT_K).unwrap();
        for (x, left) in [(10.0, 0.5), (30.0, 0.25), (40.0, 0.0)] {
            assert!((mixed.curve.survival(x) - left).abs() < 1e-6, "{x}");
        }
        assert_eq!(mixed.curve.quantile(0.7), Some(30.0));
    }

    #[test]
    fn of_nothing_nothing_is_said_and_the_prior_stands_alone() {
        assert_eq!(mix(&[None, None], None, DEFAULT_K), None);
        let prior = curve(&[48.0]);
        let mixed = mix(&[None], Some(&prior), DEFAULT_K).unwrap();
        assert_eq!((mixed.curve, mixed.weights, mixed.n), (prior, vec![0.0, 1.0], DEFAULT_K));
    }

    /// Where cells are alike much is leaned, where they differ little.
    #[test]
    fn k_is_chosen_by_how_well_it_predicts() {
        let chosen = |spread: f64| {
            let mut random = Random::new(11);
            let mut weeks = Vec::new();
            for cell in 0..40 {
                let mean = 40.0 + spread * f64::from(cell % 8);
                let mut sample = |n: usize| (0..n).map(|_| random.gamma(4, mean)).collect::<Vec<f64>>();
                let (own, next) = (sample(6), sample(20));
                let all: Vec<f64> = (0..400).map(|i| random.gamma(4, 40.0 + spread * f64::from(i % 8))).collect();
                let delivered = next.into_iter().map(|x| (x, 1.0)).collect();
                weeks.push(LeftOut { levels: vec![level(&own), level(&all)], delivered });
            }
            choose_k(&weeks, None)
        };
        assert_eq!(chosen(0.0), 80.0);
        assert!(chosen(30.0) <= 10.0, "{}", chosen(30.0));
        assert_eq!(choose_k(&[], None), DEFAULT_K);
    }

    proptest! {
        #[test]
        fn a_mixture_only_goes_down_and_its_quantiles_are_in_order(
            own in prop::collection::vec((0_u16..300, any::<bool>()), 1..20),
            pair in prop::collection::vec((0_u16..300, any::<bool>()), 1..60),
            k in 1.0..100.0_f64,
        ) {
            let level = |values: &[(u16, bool)]| {
                let seen = values.iter().map(|(x, ended)| Observed {
                    x: f64::from(*x) + 1.0,
                    ended: f64::from(u8::from(*ended)),
                    censored: f64::from(u8::from(!*ended)),
                });
                Some(Level { curve: kaplan_meier(seen.collect(), 1.0).unwrap(), n: values.len() as f64 })
            };
            let mixed = mix(&[level(&own), level(&pair)], None, k).unwrap();
            for pair in mixed.curve.steps().windows(2) {
                prop_assert!(pair[1].1 <= pair[0].1 + 1e-9);
            }
            if let (Some(p50), Some(p80)) = (mixed.curve.quantile(0.5), mixed.curve.quantile(0.8)) {
                prop_assert!(p50 <= p80);
            }
        }
    }
}
