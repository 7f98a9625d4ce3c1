//! How sure a share is that was seen in few: the score interval of E. B. Wilson (Probable Inference, the Law of Succession, and
//! Statistical Inference, Journal of the American Statistical Association 22, 1927).

/// A two-sided interval that holds the true share in 95 of 100 cases.
pub const TWO_SIDED_95: f64 = 1.959_964;
/// A bound on one side that holds in 95 of 100 cases.
pub const ONE_SIDED_95: f64 = 1.644_854;

/// Between what a share lies, both between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

/// The interval of a share that was seen in `n`, which may be an effective number; everything is possible of none. `z` is the
/// quantile of the normal distribution: [`TWO_SIDED_95`], or [`ONE_SIDED_95`] for one bound alone.
pub fn wilson(share: f64, n: f64, z: f64) -> Interval {
    if n <= 0.0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let share = share.clamp(0.0, 1.0);
    let z2 = z * z;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected by R: `prop.test(k, n, correct = FALSE)$conf.int`, and by hand for none of n: z² / (n + z²).
    #[test]
    fn the_interval_is_wilsons() {
        for (share, n, low, high) in
            [(0.8, 10.0, 0.490_16, 0.943_32), (0.8, 100.0, 0.711_17, 0.866_63), (0.0, 20.0, 0.0, 0.161_13)]
        {
            let interval = wilson(share, n, TWO_SIDED_95);
            assert!((interval.low - low).abs() < 5e-5 && (interval.high - high).abs() < 5e-5, "{interval:?}");
        }
        let high = wilson(0.0, 900.0, ONE_SIDED_95).high;
        assert!((high - 2.705_5 / 902.705_5).abs() < 1e-6, "{high}");
        assert_eq!(wilson(0.5, 0.0, TWO_SIDED_95), Interval { low: 0.0, high: 1.0 });
    }
}
