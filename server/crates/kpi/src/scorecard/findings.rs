//! What is worth raising with a carrier: only what its own figures show and chance alone does not explain.

use super::{Centre, Goal, Share};
use crate::{
    definition::{Direction, Formula, Kpi},
    figure::{FEW, Tally},
};
use jiff::{ToSpan as _, civil::Date};
use std::collections::{BTreeMap, BTreeSet};

/// A lane is raised from so many late ones on, and when its share of the late ones is so many times its share of what is due.
const LANE_LATE_MIN: i64 = 10;
const LANE_TIMES: f64 = 1.5;
/// Transit times are raised when P90 has grown by this part.
const SLOWER: f64 = 1.1;
/// The last weeks, which do not make the mean that they are compared with.
pub const RECENT_WEEKS: usize = 4;

/// What shares are raised where they miss their target, in this order.
const SHARES: &[Kpi] = &[
    Kpi::FirstAttempt,
    Kpi::LossRate,
    Kpi::DamageRate,
    Kpi::ReturnRate,
    Kpi::ConfirmationRate,
    Kpi::MilestonesComplete,
    Kpi::UnmappedShare,
    Kpi::ImpossibleTimes,
];

/// From which warehouse to which country; none: not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    /// The warehouse.
    pub warehouse: Option<String>,
    /// The country of destination, ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

/// What is known of a carrier.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Its figures in the period, and in the one before.
    pub figures: &'a BTreeMap<Kpi, (Tally, Tally)>,
    /// What is to be reached.
    pub targets: &'a BTreeMap<Kpi, f64>,
    /// On time by week, oldest first, with the first day of each week.
    pub weeks: &'a [(Date, Share)],
    /// The first days of weeks that were unlike the others: they do not make the mean.
    pub unusual: &'a BTreeSet<Date>,
    /// On time by lane.
    pub lanes: &'a [(Lane, Share)],
}

/// Something to raise.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// On time is below the target.
    OnTime {
        /// On time.
        share: Share,
        /// The target, in per cent.
        target: f64,
    },
    /// The last weeks lie below the lower limit of the weeks before.
    BelowLimit {
        /// How many, one after the other.
        weeks: usize,
        /// The first day of the first of them.
        since: Date,
        /// The last day of the last one.
        until: Date,
        /// The mean of the weeks before, in per cent.
        mean: f64,
    },
    /// One lane has more of the late ones than its volume explains.
    Lane {
        /// Which.
        lane: Lane,
        /// On time there.
        share: Share,
        /// On time of all lanes.
        all: Share,
    },
    /// A share misses its target.
    Share {
        /// Which.
        kpi: Kpi,
        /// It.
        share: Share,
        /// The target, in per cent.
        target: f64,
    },
    /// P90 of transit times has grown.
    Slower {
        /// P90 in working hours.
        now: f64,
        /// That of the period before.
        before: f64,
    },
    /// P90 of the time until an event is reported is above the target.
    Latency {
        /// P90, in minutes.
        p90: f64,
        /// The target, in minutes.
        target: f64,
    },
}

/// What is worth raising, the most important first.
pub fn findings(of: Evidence<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(on_time(of));
    found.extend(below_limit(of));
    found.extend(lane(of));
    found.extend(slower(of));
    found.extend(SHARES.iter().filter_map(|kpi| share(of, *kpi)));
    found.extend(latency(of));
    found
}

fn now(of: Evidence<'_>, kpi: Kpi) -> Option<&Tally> {
    of.figures.get(&kpi).map(|(now, _)| now)
}

fn on_time(of: Evidence<'_>) -> Option<Finding> {
    let (share, target) = missed(of, Kpi::OnTime)?;
    Some(Finding::OnTime { share, target })
}

fn share(of: Evidence<'_>, kpi: Kpi) -> Option<Finding> {
    debug_assert!(kpi.definition().formula == Formula::Share, "{}", kpi.id());
    let (share, target) = missed(of, kpi)?;
    Some(Finding::Share { kpi, share, target })
}

/// A share that misses its target for sure, and the target.
fn missed(of: Evidence<'_>, kpi: Kpi) -> Option<(Share, f64)> {
    let (share, target) = (Share::of(now(of, kpi)?), *of.targets.get(&kpi)?);
    (share.against(target, kpi.definition().direction) == Goal::Missed).then_some((share, target))
}

fn below_limit(of: Evidence<'_>) -> Option<Finding> {
    let points: Vec<Share> = of.weeks.iter().map(|(_, share)| *share).collect();
    let centre = centre(of.weeks, of.unusual)?;
    let run = centre.run_below(&points).min(RECENT_WEEKS);
    let known = of.weeks.iter().rev().filter(|(_, share)| share.of > 0);
    let since = known.take(run).last().map(|(day, _)| *day)?;
    let (last, _) = of.weeks.last()?;
    Some(Finding::BelowLimit { weeks: run, since, until: last.saturating_add(6.days()), mean: centre.0 })
}

/// The mean of the first weeks, without unusual ones; none of no cases.
pub fn centre(weeks: &[(Date, Share)], unusual: &BTreeSet<Date>) -> Option<Centre> {
    let first = weeks.iter().take(base(weeks.len()));
    Centre::of(first.filter(|(day, _)| !unusual.contains(day)).map(|(_, share)| *share))
}

/// How many first weeks make the mean of a control chart: all but the last ones, and half of few.
pub const fn base(weeks: usize) -> usize {
    let before = weeks.saturating_sub(RECENT_WEEKS);
    if before > weeks / 2 { before } else { weeks / 2 }
}

/// The lane with the most late ones, if it has more than its volume explains.
fn lane(of: Evidence<'_>) -> Option<Finding> {
    let all = of.lanes.iter().map(|(_, share)| *share).fold(Share::default(), Share::with);
    let (lane, share) = of.lanes.iter().max_by_key(|(_, share)| share.rest())?;
    let of_late = share.rest() as f64 / all.rest().max(1) as f64;
    let of_due = share.of as f64 / all.of.max(1) as f64;
    let others = Share { part: all.part - share.part, of: all.of - share.of };
    // where the interval holds what the other lanes reach, chance may explain it
    let is_sure = others.percent().is_some_and(|others| share.against(others, Direction::Up) == Goal::Missed);
    let is = is_sure && share.rest() >= LANE_LATE_MIN && of_late >= LANE_TIMES * of_due;
    is.then(|| Finding::Lane { lane: lane.clone(), share: *share, all })
}

fn slower(of: Evidence<'_>) -> Option<Finding> {
    let (now, before) = of.figures.get(&Kpi::TransitTime)?;
    let [now, before] = [now, before].map(|tally| tally.value(Kpi::TransitTime.definition()));
    let (upper, upper_before) = (now.upper?, before.upper?);
    let is = !now.is_of_few() && !before.is_of_few() && upper >= upper_before * SLOWER;
    is.then_some(Finding::Slower { now: upper, before: upper_before })
}

fn latency(of: Evidence<'_>) -> Option<Finding> {
    let value = now(of, Kpi::EventLatency)?.value(Kpi::EventLatency.definition());
    let (p90, target) = (value.upper?, *of.targets.get(&Kpi::EventLatency)?);
    (value.of >= FEW && p90 > target).then_some(Finding::Latency { p90, target })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::bins::Scale;
    use jiff::civil::date;

    fn share(part: i64, of: i64) -> Share {
        Share { part, of }
    }

    fn tally(share: Share) -> Tally {
        Tally { yes: share.part, no: share.rest(), ..Tally::default() }
    }

    fn weeks(shares: &[Share]) -> Vec<(Date, Share)> {
        let first = date(2026, 1, 5);
        (0_i64..).zip(shares).map(|(week, share)| (first + (week * 7).days(), *share)).collect()
    }

    fn targets() -> BTreeMap<Kpi, f64> {
        Kpi::ALL.iter().filter_map(|kpi| Some((*kpi, kpi.definition().target?.value))).collect()
    }

    fn lane_to(country: &str) -> Lane {
        Lane { warehouse: Some("WH".into()), country: Some(country.into()) }
    }

    #[test]
    fn a_carrier_that_reaches_its_targets_has_nothing_to_raise() {
        let figures: BTreeMap<Kpi, (Tally, Tally)> = [
            (Kpi::OnTime, share(980, 1_000)),
            (Kpi::FirstAttempt, share(960, 1_000)),
            (Kpi::DamageRate, share(2, 1_000)),
            (Kpi::ConfirmationRate, share(999, 1_000)),
        ]
        .map(|(kpi, share)| (kpi, (tally(share), tally(share))))
        .into();
        let weeks = weeks(&[share(98, 100); 13]);
        let lanes = [(lane_to("DE"), share(780, 800)), (lane_to("FR"), share(200, 200))];
        let of = Evidence {
            figures: &figures,
            targets: &targets(),
            weeks: &weeks,
            unusual: &BTreeSet::new(),
            lanes: &lanes,
        };
        assert_eq!(findings(of), []);
    }

    #[test]
    fn what_is_wrong_is_raised_with_its_numbers() {
        let hours = |hours: f64, n| {
            let mut tally = Tally::default();
            tally.values.add(Scale::WorkingHours.bin(hours), n);
            tally
        };
        let mut late_reports = Tally::default();
        late_reports.values.add(Scale::Relative.bin(50_000.0), 100);
        let same = |share| (tally(share), tally(share));
        let figures = BTreeMap::from([
            (Kpi::OnTime, same(share(800, 1_000))),
            (Kpi::DamageRate, same(share(20, 1_000))),
            // missed, but chance may be why
            (Kpi::FirstAttempt, same(share(94, 100))),
            (Kpi::TransitTime, (hours(120.0, 50), hours(72.0, 50))),
            (Kpi::EventLatency, (late_reports, Tally::default())),
        ]);
        let mut by_week = [share(95, 100); 13];
        by_week[10] = share(80, 100);
        by_week[11] = share(0, 0);
        by_week[12] = share(78, 100);
        let lanes = [(lane_to("DE"), share(680, 700)), (lane_to("PL"), share(120, 300))];
        let weeks = weeks(&by_week);
        let of = Evidence {
            figures: &figures,
            targets: &targets(),
            weeks: &weeks,
            unusual: &BTreeSet::new(),
            lanes: &lanes,
        };
        let found = findings(of);
        let slower = Finding::Slower { now: 119.5, before: 71.5 };
        let [on_time, below, lane, slow, damage, latency] = &found[..] else { panic!("{found:?}") };
        assert_eq!(*on_time, Finding::OnTime { share: share(800, 1_000), target: 95.0 });
        assert_eq!(
            *below,
            Finding::BelowLimit { weeks: 2, since: date(2026, 3, 16), until: date(2026, 4, 5), mean: 95.0 }
        );
        let expected = Finding::Lane { lane: lane_to("PL"), share: share(120, 300), all: share(800, 1_000) };
        assert_eq!((lane, slow), (&expected, &slower));
        assert_eq!(*damage, Finding::Share { kpi: Kpi::DamageRate, share: share(20, 1_000), target: 0.5 });
        let Finding::Latency { p90, target } = latency else { panic!("{latency:?}") };
        assert!((p90 - 50_000.0 / 60.0).abs() < 10.0 && (target - 720.0).abs() < 1e-9, "{p90}");
    }

    #[test]
    fn a_lane_is_raised_for_more_than_its_volume() {
        let of_lanes = |lanes: &[(Lane, Share)]| {
            let (figures, targets) = (BTreeMap::new(), BTreeMap::new());
            findings(Evidence { figures: &figures, targets: &targets, weeks: &[], unusual: &BTreeSet::new(), lanes })
        };
        for (worst, raised) in [
            (share(100, 200), true),
            // as late as the others
            (share(950, 1_000), false),
            // too few late ones
            (share(8, 16), false),
            // many of the late ones because most is sent there
            (share(4_600, 5_000), false),
        ] {
            let found = of_lanes(&[(lane_to("DE"), share(950, 1_000)), (lane_to("PL"), worst)]);
            assert_eq!(found.len(), usize::from(raised), "{worst:?}: {found:?}");
        }
        assert_eq!(of_lanes(&[(lane_to("DE"), share(100, 200))]), [], "there is no other lane to compare with");
    }

    #[test]
    fn a_storm_does_not_make_the_mean() {
        let mut by_week = [share(95, 100); 13];
        by_week[4] = share(10, 100);
        let weeks = weeks(&by_week);
        let of = |unusual: &[Date]| centre(&weeks, &unusual.iter().copied().collect()).unwrap().0;
        assert!((of(&[date(2026, 2, 2)]) - 95.0).abs() < 1e-9);
        assert!((of(&[date(2026, 4, 1)]) - 770.0 / 9.0).abs() < 1e-9, "of no week of the mean");
    }

    #[test]
    fn few_weeks_leave_half_of_them_for_the_mean() {
        assert_eq!([0, 1, 2, 4, 5, 8, 13, 26].map(base), [0, 0, 1, 2, 2, 4, 9, 22]);
    }
}
