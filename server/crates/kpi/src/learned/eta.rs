//! Our estimate of the delivery: quantiles of the mixture, as frozen when they were made.

use super::{
    bins::Scale,
    cell::Depth,
    history::{History, Outcome, Reading, Week},
    mixture::{LeftOut, Level, Mixture, choose_k, mix},
    survival::Curve,
    transit::DAY_HOURS,
};
use std::collections::{BTreeMap, BTreeSet};

/// Deliveries of the carrier, or of finer cells, below which no estimate is shown: the rank error of P80 is √(0.16 / n), 7
/// points of 30.
pub const SHOWN_FROM: u64 = 30;
/// The share that arrives within a carrier's published time.
const PUBLISHED_SHARE: f64 = 0.95;
/// The hours of a day between which parcels are delivered.
const DELIVERY_HOURS: std::ops::Range<i32> = 8..18;

/// The nine quantiles from 10 to 90 %, in working hours from the induction day or from the last milestone; none where one was
/// not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles(pub [Option<f64>; 9]);

impl Quantiles {
    /// The shares that they are of.
    pub const SHARES: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

    /// Those of a curve for what has been waiting for so long already.
    pub fn of(curve: &Curve, waited: f64) -> Self {
        Self(Self::SHARES.map(|share| curve.quantile_after(waited, share)))
    }

    /// P50.
    pub const fn p50(&self) -> Option<f64> {
        self.0[4]
    }

    /// P80.
    pub const fn p80(&self) -> Option<f64> {
        self.0[7]
    }
}

/// What the cells of a shipment know.
#[derive(Clone, Debug)]
pub struct Known {
    /// The mixture.
    pub mixture: Mixture,
    /// How many deliveries each level has, the finest one first.
    pub deliveries: [u64; 5],
    /// The finest level that has any.
    pub finest: Option<Depth>,
}

impl Known {
    /// Reads the histories of a shipment's cells, the finest one first, over what the carrier publishes.
    pub fn read(cells: [Option<&History>; 5], reading: &Reading, prior: Option<&Curve>, k: f64) -> Option<Self> {
        let levels: Vec<Option<Level>> = cells.iter().map(|cell| cell.and_then(|cell| cell.level(reading))).collect();
        let deliveries = cells.map(|cell| cell.map_or(0, |cell| cell.ended(reading.at)));
        Self::of_levels(&levels, deliveries, prior, k)
    }

    /// The same of levels that were read before, with how many deliveries each has.
    pub fn of_levels(levels: &[Option<Level>], deliveries: [u64; 5], prior: Option<&Curve>, k: f64) -> Option<Self> {
        let finest = Depth::ALL.into_iter().find(|depth| deliveries[depth.level()] > 0);
        Some(Self { mixture: mix(levels, prior, k)?, deliveries, finest })
    }

    /// Whether P50 and P80 are shown. A carrier's deliveries hold those of its finer cells.
    pub fn is_shown(&self) -> bool {
        self.deliveries[..Depth::Class.level()].iter().max().is_some_and(|n| *n >= SHOWN_FROM)
    }

    /// Which deliveries it rests on, as the page says it: "12 deliveries on this lane, 240 on this country pair".
    pub fn words(&self) -> String {
        let counted = Depth::ALL.into_iter().filter(|depth| self.deliveries[depth.level()] > 0);
        let parts = counted.enumerate().map(|(i, depth)| {
            let n = self.deliveries[depth.level()];
            let noun = match (i, n) {
                (0, 1) => " delivery",
                (0, _) => " deliveries",
                _ => "",
            };
            format!("{n}{noun} on {}", depth.words())
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// What a carrier publishes as a curve: 95 of 100 by the end of so many operating days, as many on each day, evenly over the
/// hours in which parcels are delivered. The rest is not said.
pub fn published(operating_days: u32) -> Curve {
    let days = operating_days.clamp(1, super::transit::OPERATING_DAYS_MAX);
    let hours: Vec<f64> = (1..=days)
        .flat_map(|day| DELIVERY_HOURS.map(move |hour| f64::from(day) * DAY_HOURS + f64::from(hour) + 1.0))
        .collect();
    let part = PUBLISHED_SHARE / hours.len() as f64;
    let horizon = f64::from(days + 1) * DAY_HOURS;
    let steps = hours.into_iter().enumerate().map(|(i, x)| (x, 1.0 - part * (i + 1) as f64)).collect();
    Curve::from_steps(steps, 1.0, horizon)
}

/// The k under which each week would have been predicted best by the others; `cells` as in [`Known::read`].
pub fn choose_k_by_week(chains: &[[Option<&History>; 5]], reading: &Reading, prior: Option<&Curve>) -> f64 {
    let mut compared = Vec::new();
    for cells in chains {
        let Some(finest) = cells.iter().flatten().next() else { continue };
        let weeks: BTreeSet<Week> = finest.weeks().map(|(week, _)| week).collect();
        for week in weeks {
            let others = cells.map(|cell| cell.map(|cell| cell.without(week)));
            let levels = others.iter().map(|cell| cell.as_ref().and_then(|cell| cell.level(reading))).collect();
            let of_week = finest.weeks().find(|(of, _)| *of == week);
            let delivered = of_week.into_iter().flat_map(|(_, seen)| seen.ended.iter());
            let delivered = delivered.map(|(bin, n)| (Scale::WorkingHours.value(bin), n.max(0) as f64)).collect();
            compared.push(LeftOut { levels, delivered });
        }
    }
    choose_k(&compared, prior)
}

/// When an estimate is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Horizon {
    /// At the hand-over.
    HandOver,
    /// When it reached a stage, for the first time.
    Stage(super::stage::Stage),
    /// 24 hours before the deadline.
    DayBefore,
}

/// An estimate as it was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The version of the model.
    pub model: u32,
    /// The finest level that it rests on.
    pub depth: Option<Depth>,
    /// The quantiles.
    pub quantiles: Quantiles,
    /// What the carrier said at the same moment, in the same hours; a date without a time is the end of its day.
    pub carrier: Option<f64>,
}

/// The estimates of a shipment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frozen(BTreeMap<Horizon, Prediction>);

impl Frozen {
    /// Keeps an estimate; a later one for the same horizon never takes its place.
    pub fn freeze(&mut self, horizon: Horizon, prediction: Prediction) {
        self.0.entry(horizon).or_insert(prediction);
    }

    /// The estimate of a horizon.
    pub fn get(&self, horizon: Horizon) -> Option<&Prediction> {
        self.0.get(&horizon)
    }
}

/// Counts what is still open as seen until now: in a copy, since tomorrow it was seen for longer.
pub fn with_open(history: &History, open: impl IntoIterator<Item = (Week, f64)>) -> History {
    let mut with = history.clone();
    open.into_iter().for_each(|(week, hours)| with.add(week, Outcome::Censored, hours, 1));
    with
}

#[cfg(test)]
mod tests;
