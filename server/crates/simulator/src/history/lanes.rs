//! How long parcels take: for each carrier, service, origin and destination a known distribution of working time. Exact and in whole
//! numbers, so that quantiles can be asked without drawing.

use super::map::{Class, Haulier, Reach, Service, Warehouse, area, reach};
use crate::{journey::Place, rng::Rng};

/// Minutes of a day.
pub const DAY: u32 = 1_440;
/// Operating days at most.
const DAYS_MAX: usize = 12;
const WHOLE: u64 = 1_000;
/// How many more of a thousand may take a day longer on one lane than on another.
const TILT_MAX: u64 = 30;
/// How many more take a day longer once a carrier's times have changed.
pub const DRIFT: u64 = 250;

/// From where to where, and by what.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// The carrier.
    pub haulier: &'static Haulier,
    /// The service.
    pub service: &'static Service,
    /// From where.
    pub from: &'static Warehouse,
    /// Where to.
    pub to: Place,
}

/// How long it takes: so many operating days after the day of induction, then a time of day there. That is the working time of
/// `kpis.md`: 24 h for each day, and the hour of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transit {
    /// Of a thousand parcels, how many take 0, 1, 2 … operating days.
    days: [u64; DAYS_MAX],
    /// The earliest minute of the day.
    opens: u32,
    /// Two numbers below this, drawn alike and added, are the minutes after that.
    spread: u32,
}

/// A working time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Took {
    /// Operating days after the day of induction.
    pub days: u32,
    /// The minute of the day, in the zone of the destination.
    pub minute: u32,
}

impl Took {
    /// All of it, in minutes.
    pub const fn minutes(self) -> u32 {
        self.days * DAY + self.minute
    }
}

impl Lane {
    /// How far it is.
    pub fn reach(&self) -> Reach {
        reach(&self.from.place, &self.to)
    }

    /// How long it takes on healthy days; `slow` more of a thousand take a day longer.
    pub fn transit(&self, slow: u64) -> Transit {
        let express = self.service.class == Class::Express;
        let mut lot = Rng::new(self.hash());
        let tilt = if express { 0 } else { lot.range(0, TILT_MAX + 1) };
        let mut days = [0; DAYS_MAX];
        for (day, share) in base(self.service.class, self.reach()) {
            days[*day] = *share;
        }
        let (opens, spread) =
            if express { (8 * 60, 135) } else { (8 * 60 + 30, 270 + u32::try_from(lot.range(0, 40)).unwrap_or(0)) };
        Transit { days: later(days, tilt + self.haulier.slow + slow), opens, spread }
    }

    /// Operating days after the induction by which it is promised.
    pub fn promised_days(&self) -> u32 {
        let usual = match (self.service.class, self.reach()) {
            (Class::Express, Reach::Domestic) => 1,
            (Class::Express, Reach::Neighbour) | (Class::Standard, Reach::Domestic) => 2,
            (Class::Express, Reach::Customs) | (Class::Economy, Reach::Domestic) => 3,
            (Class::Express, Reach::Overseas) | (Class::Standard, Reach::Neighbour) => 4,
            (Class::Standard, Reach::Customs) | (Class::Economy, Reach::Neighbour) => 5,
            (Class::Economy, Reach::Customs) => 6,
            (Class::Standard, Reach::Overseas) => 8,
            (Class::Economy, Reach::Overseas) => 10,
        };
        // what was promised for another day leaves room for a tired lane
        if self.service.class == Class::Standard { usual + u32::from(usual > 2) } else { usual }
    }

    /// What it is distinguished from other lanes by: the same for each run.
    fn hash(&self) -> u64 {
        let words = [self.haulier.carrier.label, self.service.name, self.from.code, self.to.country, area(&self.to)];
        // FNV-1a
        words
            .iter()
            .flat_map(|word| word.bytes().chain([0]))
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

/// Of a thousand, by operating days: near the published times of the carriers' service guides.
fn base(class: Class, reach: Reach) -> &'static [(usize, u64)] {
    match (class, reach) {
        (Class::Express, Reach::Domestic) => &[(1, 980), (2, 18), (3, 2)],
        (Class::Express, Reach::Neighbour) => &[(1, 350), (2, 620), (3, 30)],
        (Class::Express, Reach::Customs) => &[(2, 700), (3, 270), (4, 30)],
        (Class::Express, Reach::Overseas) => &[(2, 350), (3, 500), (4, 120), (5, 30)],
        (Class::Standard, Reach::Domestic) => &[(1, 640), (2, 335), (3, 20), (4, 5)],
        (Class::Standard, Reach::Neighbour) => &[(2, 600), (3, 350), (4, 40), (5, 10)],
        (Class::Standard, Reach::Customs) => &[(3, 500), (4, 380), (5, 100), (6, 20)],
        (Class::Standard, Reach::Overseas) => &[(5, 300), (6, 400), (7, 220), (8, 80)],
        (Class::Economy, Reach::Domestic) => &[(2, 620), (3, 330), (4, 40), (5, 10)],
        (Class::Economy, Reach::Neighbour) => &[(3, 600), (4, 330), (5, 60), (6, 10)],
        (Class::Economy, Reach::Customs) => &[(4, 500), (5, 380), (6, 100), (7, 20)],
        (Class::Economy, Reach::Overseas) => &[(6, 300), (7, 400), (8, 220), (9, 80)],
    }
}

/// The days in which parcels arrive, when a share (of a thousand) of each day takes a day longer.
fn later(days: [u64; DAYS_MAX], share: u64) -> [u64; DAYS_MAX] {
    let share = share.min(WHOLE);
    let mut moved = days;
    for day in (0..DAYS_MAX - 1).rev() {
        let move_on = days[day] * share / WHOLE;
        moved[day] -= move_on;
        moved[day + 1] += move_on;
    }
    moved
}

impl Transit {
    /// One parcel's.
    pub fn draw(&self, rng: &mut Rng) -> Took {
        let mut left = rng.range(0, self.days.iter().sum());
        let mut took = 0;
        for (day, share) in (0..).zip(self.days) {
            match left.checked_sub(share) {
                Some(rest) => left = rest,
                None => {
                    took = day;
                    break;
                }
            }
        }
        let spread = u64::from(self.spread);
        let minute = u32::try_from(rng.range(0, spread) + rng.range(0, spread)).unwrap_or(0);
        Took { days: took, minute: self.opens + minute }
    }

    /// Of a million parcels, how many take no longer than so many minutes of working time.
    pub fn within(&self, minutes: u32) -> u64 {
        let (day, minute) = (minutes / DAY, minutes % DAY);
        let (mut before, mut on_it) = (0, 0);
        for (of, share) in (0..).zip(self.days) {
            match day.cmp(&of) {
                std::cmp::Ordering::Greater => before += share,
                std::cmp::Ordering::Equal => on_it = share,
                std::cmp::Ordering::Less => {}
            }
        }
        before * WHOLE + on_it * self.by_minute(minute) / WHOLE
    }

    /// The least working time in which this share of parcels, of a million, has arrived.
    pub fn quantile(&self, of_a_million: u64) -> Took {
        let (mut low, mut high) = (0, u32::try_from(DAYS_MAX).unwrap_or(0) * DAY);
        while low < high {
            let middle = low.midpoint(high);
            if self.within(middle) >= of_a_million {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Took { days: low / DAY, minute: low % DAY }
    }

    /// Of a million parcels of a day, how many have come by that minute.
    fn by_minute(&self, minute: u32) -> u64 {
        let (spread, last) = (u64::from(self.spread), u64::from(2 * (self.spread - 1)));
        let Some(after) = minute.checked_sub(self.opens).map(u64::from) else { return 0 };
        let all = spread * spread;
        let come = if after >= last {
            all
        } else if after < spread {
            (after + 1) * (after + 2) / 2
        } else {
            all - (last - after) * (last + 1 - after) / 2
        };
        come * WHOLE * WHOLE / all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::map::{HAULIERS, TOWNS, WAREHOUSES};

    #[test]
    fn what_is_drawn_follows_the_distribution_that_is_known() {
        for haulier in HAULIERS {
            for (service, (to, _)) in haulier.services.iter().zip(TOWNS.iter().rev().step_by(7)) {
                let transit = Lane { haulier, service, from: &WAREHOUSES[0], to: *to }.transit(0);
                let mut rng = Rng::new(11);
                let mut drawn: Vec<u32> = (0..20_000).map(|_| transit.draw(&mut rng).minutes()).collect();
                drawn.sort_unstable();
                for percent in [10, 50, 80, 95] {
                    let said = transit.quantile(percent * 10_000);
                    let within = drawn.partition_point(|minutes| *minutes <= said.minutes());
                    let wanted = 20_000 * usize::try_from(percent).unwrap() / 100;
                    // a minute at a time, and 20,000 draws
                    assert!(within.abs_diff(wanted) < 300, "{} {percent}: {within}", service.name);
                }
                assert_eq!(transit.within(u32::try_from(DAYS_MAX).unwrap() * DAY), WHOLE * WHOLE);
            }
        }
    }

    #[test]
    fn a_slower_lane_is_slower() {
        let lane =
            Lane { haulier: &HAULIERS[3], service: &HAULIERS[3].services[0], from: &WAREHOUSES[0], to: TOWNS[0].0 };
        let (healthy, drifted) = (lane.transit(0), lane.transit(DRIFT));
        assert!(drifted.quantile(800_000) > healthy.quantile(800_000));
        assert_eq!(healthy, lane.transit(0));
        let all: std::collections::HashSet<u64> = TOWNS.iter().map(|(to, _)| Lane { to: *to, ..lane }.hash()).collect();
        assert_eq!(all.len(), TOWNS.len());
    }
}
