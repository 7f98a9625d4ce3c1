//! What is to be expected of one shipment, from what is published of its cells: when it arrives, whether it is late before the carrier
//! says so, and how long it may be silent.

use super::{
    cell::Depth,
    count::Topic,
    course::{Course, Stay},
    eta::{Known, Quantiles},
    late::{Flag, HYSTERESIS, LEAD_HOURS_MIN, p_late},
    mixture::{DEFAULT_K, Level},
    silence::{Threshold, threshold},
    stage::Stage,
    survival::Curve,
    transit::after_working,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Shipments below which how many gaps one has is read of a coarser cell.
const GAPPED_MIN: u64 = 30;

/// What is published of one topic of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The curve; of [`Topic::Gapped`] none.
    pub curve: Option<Curve>,
    /// The effective number; of [`Topic::Gapped`] the gaps of a shipment, on average.
    pub n: f64,
    /// How many ended, each counted whole.
    pub ended: u64,
}

/// What is published of a shipment's cells, by topic and level.
#[derive(Clone, Debug, Default)]
pub struct Outlook {
    /// The number of the model.
    pub model: u32,
    /// From which probability on a shipment is flagged; none: none is.
    pub theta: Option<f64>,
    /// What is published, the finest level first.
    pub topics: BTreeMap<Topic, [Option<Published>; 5]>,
}

/// Our estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Half of such shipments have arrived by then.
    pub p50: Timestamp,
    /// 80 of 100 have.
    pub p80: Timestamp,
    /// Which deliveries it rests on, in words.
    pub basis: String,
}

/// That a shipment is expected late, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedLate {
    /// Where it waits.
    pub stay: Stay,
    /// What the share is of.
    pub depth: Depth,
    /// The share of such shipments that come after the promise.
    pub p_late: f64,
}

impl Outlook {
    /// What is known of a topic.
    pub fn known(&self, topic: Topic) -> Option<Known> {
        let published = self.topics.get(&topic)?;
        let ended = published.each_ref().map(|of| of.as_ref().map_or(0, |of| of.ended));
        Known::of_levels(&self.levels(topic), ended, None, DEFAULT_K)
    }

    fn levels(&self, topic: Topic) -> [Option<Level>; 5] {
        let Some(published) = self.topics.get(&topic) else { return Default::default() };
        published.each_ref().map(|of| of.as_ref().and_then(|of| Some(Level { curve: of.curve.clone()?, n: of.n })))
    }

    /// The quantiles from the induction day, as they are frozen at the hand-over; none where too little is known.
    pub fn at_hand_over(&self) -> Option<(Quantiles, Option<Depth>)> {
        let known = self.known(Topic::Transit).filter(Known::is_shown)?;
        Some((Quantiles::of(&known.mixture.curve, 0.0), known.finest))
    }

    /// When it arrives, of what waits as long as this one where it is; none where too little is known, and of what has waited
    /// longer than any other.
    pub fn estimate(&self, course: &Course<'_>, now: Timestamp) -> Option<Estimate> {
        let stay = course.waits()?;
        let known = self.known(Topic::Left(stay.stage)).filter(Known::is_shown)?;
        let of = Quantiles::of(&known.mixture.curve, course.hours(stay.from, now));
        let at = |hours| after_working(course.way.destination, stay.from, hours).max(now);
        Some(Estimate { p50: at(of.p50()?), p80: at(of.p80()?), basis: known.words() })
    }

    /// From when on a shipment that waits where it is now is expected late, before its deadline and before the carrier says so; none
    /// where it never is. `flag` is whether it is flagged already: then a smaller share keeps it so.
    pub fn late_from(&self, course: &Course<'_>, flag: Flag) -> Option<Timestamp> {
        let (stay, promise) = (course.waits()?, course.promise?);
        let theta = match flag {
            Flag::Up => self.theta? - HYSTERESIS,
            Flag::Down => self.theta?,
        };
        let known = self.known(Topic::Left(stay.stage)).filter(Known::is_shown)?;
        let deadline = course.hours(stay.from, promise.end);
        let waited = crosses(&known.mixture.curve, theta, deadline)?;
        let from = after_working(course.way.destination, stay.from, waited);
        let first = flag == Flag::Down && promise.carrier_late.is_some_and(|late| late <= from);
        (!first).then_some(from)
    }

    /// Whether it is expected late now, and why; none where it is not.
    pub fn expected_late(&self, course: &Course<'_>, now: Timestamp) -> Option<ExpectedLate> {
        let (stay, promise) = (course.waits()?, course.promise?);
        let known = self.known(Topic::Left(stay.stage)).filter(Known::is_shown)?;
        let (waited, deadline) = (course.hours(stay.from, now), course.hours(stay.from, promise.end));
        let p_late = p_late(&known.mixture.curve, waited, deadline);
        Some(ExpectedLate { stay: *stay, depth: known.finest?, p_late })
    }

    /// When silence alarms at a stage.
    pub fn silence(&self, stage: Stage, table_hours: f64) -> Threshold {
        let gapped = self.topics.get(&Topic::Gapped);
        let enough = gapped.and_then(|levels| levels.iter().flatten().find(|of| of.ended >= GAPPED_MIN));
        let gaps = enough.map_or(1.0, |of| of.n);
        threshold(&self.levels(Topic::Gap(stage)), gaps, DEFAULT_K, table_hours)
    }
}

/// After how many working hours of waiting the probability of being late first reaches a share, early enough before the deadline to do
/// anything.
pub(super) fn crosses(curve: &Curve, theta: f64, deadline: f64) -> Option<f64> {
    let left = curve.survival(deadline) / theta;
    let waited = if left >= 1.0 { 0.0 } else { curve.quantile(1.0 - left)? };
    (waited <= deadline - LEAD_HOURS_MIN).then_some(waited)
}
