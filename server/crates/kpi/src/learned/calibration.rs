//! How well estimates held. Judged as they were frozen, never refitted, in working hours.

use super::{
    eta::Quantiles,
    mixture::pinball,
    wilson::{Interval, TWO_SIDED_95, wilson},
};

/// The share of a month's shipments that are still open above which its figures are provisional.
pub const OPEN_SHARE_MAX: f64 = 0.02;

/// An estimate and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// How long it took; of what is still open, how long it has taken.
    pub actual: Actual,
    /// Our P50.
    pub p50: f64,
    /// Our P80.
    pub p80: f64,
    /// The carrier's estimate of the same moment, if it made one; a date without a time is the end of its day.
    pub carrier: Option<f64>,
}

/// How long it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Actual {
    /// It was delivered after so many hours.
    Delivered(f64),
    /// It is still open after so many.
    Open(f64),
}

/// A share, of how many, and between what it lies in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share.
    pub share: f64,
    /// Of how many.
    pub n: u64,
    /// Between what it lies.
    pub band: Interval,
}

impl Share {
    /// None of none.
    pub fn of(held: u64, n: u64) -> Option<Self> {
        let share = held as f64 / n as f64;
        (n > 0).then(|| Self { share, n, band: wilson(share, n as f64, TWO_SIDED_95) })
    }
}

/// What an estimate was like, ours or the carrier's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// The mean of the absolute error, hours.
    pub mae_hours: f64,
    /// The mean of what came minus what was said, hours: positive is later than said.
    pub bias_hours: f64,
    /// How often it came by then.
    pub kept: Share,
}

/// Ours against the carrier's, over shipments that have both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Our P50.
    pub ours: Errors,
    /// How often our P80 held.
    pub ours_p80: Share,
    /// The carrier's date.
    pub carrier: Errors,
}

/// How well the estimates of one month, carrier, level and horizon held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// How often P50 held.
    pub p50: Share,
    /// How often P80 held: to be 77 to 83 of 100.
    pub p80: Share,
    /// The mean pinball loss of P50, hours; of delivered ones.
    pub pinball_p50: Option<f64>,
    /// The mean pinball loss of P80, hours.
    pub pinball_p80: Option<f64>,
    /// The mean of P80 − P50, hours.
    pub sharpness_hours: f64,
    /// Ours against the carrier's.
    pub paired: Option<Paired>,
    /// Whether more than [`OPEN_SHARE_MAX`] of the shipments are still open.
    pub is_provisional: bool,
}

/// How well estimates held; none of none. What is open and past an estimate did not hold; what is open and not past it is not
/// decided and is left out of that share.
pub fn calibrate(judged: &[Judged]) -> Option<Calibration> {
    let open = judged.iter().filter(|one| matches!(one.actual, Actual::Open(_))).count();
    let delivered = || judged.iter().filter_map(|one| one.actual.delivered().map(|actual| (one, actual)));
    Some(Calibration {
        p50: held(judged, |one| one.p50)?,
        p80: held(judged, |one| one.p80)?,
        pinball_p50: mean(delivered().map(|(one, actual)| pinball(0.5, one.p50, actual))),
        pinball_p80: mean(delivered().map(|(one, actual)| pinball(0.8, one.p80, actual))),
        sharpness_hours: mean(judged.iter().map(|one| one.p80 - one.p50))?,
        paired: paired(judged),
        is_provisional: open as f64 > OPEN_SHARE_MAX * judged.len() as f64,
    })
}

impl Actual {
    const fn delivered(self) -> Option<f64> {
        match self {
            Self::Delivered(hours) => Some(hours),
            Self::Open(_) => None,
        }
    }

    /// Whether it came by then; none where that is not decided.
    fn came_by(self, hours: f64) -> Option<bool> {
        match self {
            Self::Delivered(actual) => Some(actual <= hours),
            Self::Open(until_now) => (until_now > hours).then_some(false),
        }
    }
}

fn held(judged: &[Judged], predicted: impl Fn(&Judged) -> f64) -> Option<Share> {
    let decided = judged.iter().filter_map(|one| one.actual.came_by(predicted(one)));
    let (held, n) = decided.fold((0, 0), |(held, n), came| (held + u64::from(came), n + 1));
    Share::of(held, n)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_u64), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

fn paired(judged: &[Judged]) -> Option<Paired> {
    let pairs: Vec<Judged> = judged.iter().filter(|one| one.carrier.is_some()).copied().collect();
    let carrier = |one: &Judged| one.carrier.unwrap_or(one.p50);
    Some(Paired {
        ours: errors(&pairs, |one| one.p50)?,
        ours_p80: held(&pairs, |one| one.p80)?,
        carrier: errors(&pairs, carrier)?,
    })
}

fn errors(judged: &[Judged], predicted: impl Fn(&Judged) -> f64) -> Option<Errors> {
    let off = || judged.iter().filter_map(|one| Some(one.actual.delivered()? - predicted(one)));
    Some(Errors { mae_hours: mean(off().map(f64::abs))?, bias_hours: mean(off())?, kept: held(judged, predicted)? })
}

/// The nominal share, and the share that came by its quantile, for each of [`Quantiles::SHARES`]: on the diagonal is honest,
/// below it too optimistic. A quantile that was not reached is left out.
pub fn reliability(judged: &[(Quantiles, Actual)]) -> Vec<(f64, Share)> {
    let of = |(i, nominal): (usize, f64)| {
        let decided = judged.iter().filter_map(|(quantiles, actual)| actual.came_by(quantiles.0[i]?));
        let (held, n) = decided.fold((0, 0), |(held, n), came| (held + u64::from(came), n + 1));
        Some((nominal, Share::of(held, n)?))
    };
    Quantiles::SHARES.into_iter().enumerate().filter_map(of).collect()
}

/// The share delivered on or before the day of the estimate: what the customer sees, and the only one that deliveries known by
/// day can be judged by. Days are working days, of the delivery and of the estimate.
pub fn by_day(days: impl IntoIterator<Item = (u32, u32)>) -> Option<Share> {
    let (held, n) = days.into_iter().fold((0, 0), |(held, n), (came, said)| (held + u64::from(came <= said), n + 1));
    Share::of(held, n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::testing::{Random, case};

    #[test]
    fn calibration_ours_and_the_carriers() {
        let case = case("calibration-ours-and-the-carriers");
        let hours = |value: &serde_json::Value| value.as_f64().unwrap();
        let judged: Vec<Judged> = (case["given"].as_array().unwrap().iter())
            .map(|row| Judged {
                actual: Actual::Delivered(hours(&row["actual"])),
                p50: hours(&row["p50"]),
                p80: hours(&row["p80"]),
                carrier: row["carrier"].as_f64(),
            })
            .collect();
        let got = calibrate(&judged).unwrap();
        let paired = got.paired.unwrap();
        for (name, value) in [
            ("coverage_p50", got.p50.share),
            ("coverage_p80", got.p80.share),
            ("pinball_p80", got.pinball_p80.unwrap()),
            ("pinball_p50", got.pinball_p50.unwrap()),
            ("paired", paired.carrier.kept.n as f64),
            ("mae_ours_hours", paired.ours.mae_hours),
            ("mae_carrier_hours", paired.carrier.mae_hours),
            ("bias_ours_hours", paired.ours.bias_hours),
            ("carrier_kept", paired.carrier.kept.share),
        ] {
            assert!((value - hours(&case["expect"][name])).abs() < 1e-6, "{name}: {value}");
        }
        assert!(!got.is_provisional && (got.sharpness_hours - 8.0).abs() < 1e-9);
        assert!(got.p80.band.low < 0.5 && got.p80.band.high > 0.9, "five say little: {:?}", got.p80.band);
        assert_eq!(calibrate(&[]), None);
    }

    #[test]
    fn what_is_open_and_past_its_estimate_did_not_hold() {
        let one = |actual| Judged { actual, p50: 30.0, p80: 40.0, carrier: None };
        let mut judged = vec![one(Actual::Delivered(20.0)); 98];
        judged.extend([one(Actual::Open(50.0)), one(Actual::Open(35.0))]);
        let got = calibrate(&judged).unwrap();
        assert_eq!((got.p80.n, got.p50.n), (99, 100), "35 h is past P50 and says nothing of P80");
        assert!((got.p80.share - 98.0 / 99.0).abs() < 1e-9 && (got.p50.share - 0.98).abs() < 1e-9);
        assert!(!got.is_provisional && got.paired.is_none());
        judged.push(one(Actual::Open(1.0)));
        assert!(calibrate(&judged).unwrap().is_provisional, "more than two of a hundred");
        assert_eq!(calibrate(&[one(Actual::Open(1.0))]), None, "nothing is decided");
    }

    #[test]
    fn honest_estimates_lie_on_the_diagonal() {
        let mut random = Random::new(3);
        let judged: Vec<(Quantiles, Actual)> = (0..4_000)
            .map(|_| {
                let scale = 20.0 + 40.0 * random.uniform();
                let quantiles = Quantiles(Quantiles::SHARES.map(|share| Some(-scale * (1.0 - share).ln())));
                (quantiles, Actual::Delivered(random.exponential(scale)))
            })
            .collect();
        let points = reliability(&judged);
        assert_eq!(points.len(), 9);
        for (nominal, seen) in points {
            assert!((nominal - seen.share).abs() < 0.03 && seen.band.low < seen.share, "{nominal}: {seen:?}");
        }
        let hasty =
            judged.iter().map(|(q, actual)| (Quantiles(q.0.map(|q| q.map(|q| q / 2.0))), *actual)).collect::<Vec<_>>();
        assert!(reliability(&hasty).iter().all(|(nominal, seen)| seen.share < *nominal));
        assert!(reliability(&[(Quantiles::default(), Actual::Delivered(1.0))]).is_empty());
    }

    #[test]
    fn by_day_a_delivery_on_the_day_itself_holds() {
        let share = by_day([(1, 1), (2, 1), (0, 1), (3, 3)]).unwrap();
        assert_eq!((share.share, share.n), (0.75, 4));
        assert_eq!(by_day([]), None);
    }
}
