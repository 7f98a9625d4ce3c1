//! When silence is no longer usual. Two of 100 gaps are not two of 100 shipments: with six gaps each, 11 of 100 healthy shipments
//! would alarm. So the level is set per shipment, and held against an upper bound of what was seen.

use super::{
    cell::{Depth, ServiceClass},
    mixture::{Level, mix},
    stage::Stage,
    transit::working_hours_between,
    wilson::{ONE_SIDED_95, wilson},
};
use domain::{
    calendar::Calendar,
    exceptions::usual::{Kind, Reach},
};
use jiff::Timestamp;

/// The share of healthy shipments that may alarm.
pub const ALARMED_SHARE: f64 = 0.02;
/// No alarm comes earlier, in operating hours.
pub const EARLIEST_HOURS: f64 = 12.0;
/// No alarm comes later than so many times the table says.
pub const LATEST_TIMES_TABLE: f64 = 3.0;
/// Gaps beyond the level that have to be expected among those seen, or nothing can be said of it.
const EXPECTED_BEYOND_MIN: f64 = 3.0;
/// Days after the last fact at which nothing is asked any more. Source: AfterShip, Updating pending statuses.
pub const STOPS_AFTER_DAYS: i64 = 30;
/// Of how many gaps what is fresh is read.
const FRESH_GAPS_MIN: f64 = 60.0;
/// The share of gaps that are longer than what is fresh.
const NOT_FRESH_SHARE: f64 = 0.05;
/// What is fresh until enough is known, in hours.
pub const FRESH_HOURS: f64 = 48.0;

/// The time between two receipts that each brought a new fact, in operating hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Where the shipment was at its begin.
    pub stage: Stage,
    /// How long it was quiet.
    pub hours: f64,
    /// Whether a fact ended it; else it was at least so long.
    pub ended: bool,
}

/// A receipt that brought a new actual fact, by our clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// When.
    pub at: Timestamp,
    /// Where the shipment was from then on.
    pub stage: Stage,
}

/// A time in which the source brought nothing to anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// The gaps of a shipment, whose receipts are in order and live: neither imported nor replayed. Facts of one receipt make
/// none. What an outage cut was at least as long as until its begin. `until` is now, or when the shipment ended; what is still
/// quiet then is censored. A lost shipment was not healthy: none of its gaps belong here.
pub fn gaps(receipts: &[Receipt], until: Timestamp, calendar: &Calendar, outages: &[Outage]) -> Vec<Gap> {
    let mut all = Vec::new();
    let ends = receipts.iter().skip(1).map(|next| (next.at, true)).chain([(until, false)]);
    for (receipt, (end, ended)) in receipts.iter().zip(ends) {
        if end <= receipt.at {
            continue;
        }
        let cut = outages.iter().filter(|outage| outage.from < end && outage.until > receipt.at);
        let cut = cut.map(|outage| outage.from.max(receipt.at)).min();
        let hours = working_hours_between(calendar, receipt.at, cut.unwrap_or(end));
        if cut.is_none() || hours > 0.0 {
            all.push(Gap { stage: receipt.stage, hours, ended: ended && cut.is_none() });
        }
    }
    all
}

/// The level per gap at which [`ALARMED_SHARE`] of shipments with so many gaps alarm: α = 1 − (1 − 0.02)^(1/k). Of less than
/// one gap that of one.
pub fn level_per_gap(gaps_per_shipment: f64) -> f64 {
    1.0 - (1.0 - ALARMED_SHARE).powf(1.0 / gaps_per_shipment.max(1.0))
}

/// When a silence alarms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// After so many operating hours.
    pub hours: f64,
    /// Why.
    pub because: Because,
}

/// What a threshold rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Because {
    /// Gaps that were seen.
    Seen {
        /// The finest cells that have enough of them.
        depth: Depth,
        /// The level per gap.
        level: f64,
    },
    /// The table: too few were seen.
    Table,
}

/// When a silence alarms: where the upper bound of the share of longer gaps comes down to the level. `levels` are those of the
/// last milestone's stage, the finest one first; `k` as in [`mix`]. Never earlier than [`EARLIEST_HOURS`] nor later than the table
/// times [`LATEST_TIMES_TABLE`].
pub fn threshold(levels: &[Option<Level>; 5], gaps_per_shipment: f64, k: f64, table_hours: f64) -> Threshold {
    let level = level_per_gap(gaps_per_shipment);
    let enough = |of: &Option<Level>| of.as_ref().is_some_and(|of| of.n * level >= EXPECTED_BEYOND_MIN);
    let table = Threshold { hours: table_hours, because: Because::Table };
    let Some(depth) = Depth::ALL.into_iter().find(|depth| enough(&levels[depth.level()])) else { return table };
    let Some(mixture) = mix(&levels[depth.level()..], None, k) else { return table };
    let latest = table_hours * LATEST_TIMES_TABLE;
    let quiet = mixture.curve.steps().iter().find(|(_, left)| wilson(*left, mixture.n, ONE_SIDED_95).high <= level);
    let hours = quiet.map_or(latest, |(hours, _)| *hours).min(latest).max(EARLIEST_HOURS);
    Threshold { hours, because: Because::Seen { depth, level } }
}

/// How old the newest fact may be for a status to be current, by the event's time: 95 of 100 gaps are shorter.
/// [`FRESH_HOURS`] until enough is known.
pub fn fresh_hours(levels: &[Option<Level>; 5], k: f64) -> f64 {
    let finest = levels.iter().position(|of| of.as_ref().is_some_and(|of| of.n >= FRESH_GAPS_MIN));
    let mixture = finest.and_then(|finest| mix(&levels[finest..], None, k));
    mixture.and_then(|mixture| mixture.curve.quantile(1.0 - NOT_FRESH_SHARE)).unwrap_or(FRESH_HOURS)
}

impl Threshold {
    /// In words: "a healthy shipment is this quiet in fewer than 0.4 % of its gaps (2 % of shipments)".
    pub fn words(&self) -> String {
        match self.because {
            Because::Seen { depth, level } => {
                let percent = (level * 1_000.0).ceil() / 10.0;
                let on = depth.words();
                format!(
                    "a healthy shipment on {on} is this quiet in fewer than {percent} % of its gaps (2 % of shipments)"
                )
            }
            Because::Table => format!(
                "too few gaps are known to say what is usual: after {:.0} operating hours, as for all shipments of this kind",
                self.hours
            ),
        }
    }
}

/// What decides how quiet a shipment may be while nothing is known of its like.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The class of its service.
    pub class: ServiceClass,
    /// How far it goes; none where a country is not known.
    pub reach: Option<Reach>,
    /// Where it waits.
    pub stage: Stage,
    /// Operating hours from the last fact to the vessel's arrival, where it is known.
    pub to_arrival: Option<f64>,
    /// Operating hours for which the pick-up point stores it, where it is known.
    pub stored_for: Option<f64>,
}

impl Circumstances {
    /// The operating hours after which silence alarms. Sources: Vortex IQ, tracking-event gap card (domestic 24 h,
    /// international 5 days); help pages of shops (48 to 72 h of patience, up to 48 h until the first scan); the rest is the
    /// project's own proposal.
    pub fn table_hours(&self) -> f64 {
        match (self.stage, self.class, self.reach) {
            (Stage::Registered, ..) => 48.0,
            (Stage::ReadyForCollection, ..) => self.stored_for.unwrap_or(168.0),
            (_, ServiceClass::Standard(Kind::Ocean), _) => {
                self.to_arrival.map_or(168.0, |hours| hours + 24.0).max(168.0)
            }
            (_, ServiceClass::Standard(Kind::Freight), _) => 48.0,
            (_, ServiceClass::Standard(Kind::Post), _) | (_, _, Some(Reach::World) | None) => 240.0,
            (Stage::Customs, ..) | (_, _, Some(Reach::Region)) => 120.0,
            (_, ServiceClass::Express, Some(Reach::Domestic)) => 24.0,
            (_, ServiceClass::Standard(Kind::Parcel), Some(Reach::Domestic)) => 48.0,
        }
    }
}

#[cfg(test)]
mod tests;
