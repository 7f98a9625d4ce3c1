//! When a report goes out: at an hour of some days, in the company's zone.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// As a day of the month: its last one, however many it has.
pub const LAST_DAY: i8 = 31;
/// The days in which the next one must lie.
const DAYS_MAX: i32 = 70;

/// How often a report goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "every", rename_all = "snake_case")]
pub enum Rhythm {
    /// Each day.
    Day {
        /// The full hour, 0 to 23.
        hour: i8,
    },
    /// Each week.
    Week {
        /// The day, 1 is Monday.
        weekday: i8,
        /// The full hour, 0 to 23.
        hour: i8,
    },
    /// Each month.
    Month {
        /// The day, 1 to 31; where a month is shorter, its last one.
        day: i8,
        /// The full hour, 0 to 23.
        hour: i8,
    },
}

/// Why a rhythm cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusableRhythm {
    /// The hour is none.
    Hour,
    /// The day of the week is none.
    Weekday,
    /// The day of the month is none.
    Day,
}

impl fmt::Display for UnusableRhythm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hour => "choose an hour from 0 to 23",
            Self::Weekday => "choose a day of the week",
            Self::Day => "choose a day of the month from 1 to 31",
        })
    }
}

impl Rhythm {
    /// The same, where it can be used.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn checked(self) -> Result<Self, UnusableRhythm> {
        if !(0..24).contains(&self.hour()) {
            return Err(UnusableRhythm::Hour);
        }
        match self {
            Self::Week { weekday, .. } if !(1..=7).contains(&weekday) => Err(UnusableRhythm::Weekday),
            Self::Month { day, .. } if !(1..=LAST_DAY).contains(&day) => Err(UnusableRhythm::Day),
            _ => Ok(self),
        }
    }

    /// The hour.
    pub const fn hour(self) -> i8 {
        match self {
            Self::Day { hour } | Self::Week { hour, .. } | Self::Month { hour, .. } => hour,
        }
    }

    fn is_on(self, date: Date) -> bool {
        match self {
            Self::Day { .. } => true,
            Self::Week { weekday, .. } => date.weekday().to_monday_one_offset() == weekday,
            Self::Month { day, .. } => date.day() == day.min(date.days_in_month()),
        }
    }

    /// The first time after one. An hour that a day lacks (the clocks go forward) is the one after it; of an hour that it has
    /// twice it is the first.
    pub fn next_after(self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = zone.to_datetime(after).date();
        let days = (0..=DAYS_MAX).map(|n| today.saturating_add(n.days())).filter(|day| self.is_on(*day));
        let mut times =
            days.filter_map(|day| Some(day.at(self.hour(), 0, 0, 0).to_zoned(zone.clone()).ok()?.timestamp()));
        times.find(|time| *time > after)
    }

    /// `Mondays at 07:00`.
    pub fn words(self) -> String {
        let hour = self.hour();
        match self {
            Self::Day { .. } => format!("Daily at {hour:02}:00"),
            Self::Week { weekday, .. } => {
                let day = Weekday::from_monday_one_offset(weekday).map_or("Week", |day| match day {
                    Weekday::Monday => "Mondays",
                    Weekday::Tuesday => "Tuesdays",
                    Weekday::Wednesday => "Wednesdays",
                    Weekday::Thursday => "Thursdays",
                    Weekday::Friday => "Fridays",
                    Weekday::Saturday => "Saturdays",
                    Weekday::Sunday => "Sundays",
                });
                format!("{day} at {hour:02}:00")
            }
            Self::Month { day: LAST_DAY, .. } => format!("On the last day of the month at {hour:02}:00"),
            Self::Month { day, .. } => format!("On day {day} of the month at {hour:02}:00"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn next(rhythm: Rhythm, after: &str) -> String {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        rhythm.next_after(after.parse().unwrap(), &zone).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_the_companys_hour() {
        for (rhythm, after, wanted) in [
            (Rhythm::Day { hour: 7 }, "2026-11-23T05:59:59Z", "2026-11-23T06:00:00Z"),
            (Rhythm::Day { hour: 7 }, "2026-11-23T06:00:00Z", "2026-11-24T06:00:00Z"),
            (Rhythm::Week { weekday: 1, hour: 7 }, "2026-11-23T06:00:00Z", "2026-11-30T06:00:00Z"),
            (Rhythm::Month { day: 1, hour: 0 }, "2026-11-23T06:00:00Z", "2026-11-30T23:00:00Z"),
            (Rhythm::Month { day: LAST_DAY, hour: 12 }, "2026-02-01T00:00:00Z", "2026-02-28T11:00:00Z"),
            (Rhythm::Month { day: 30, hour: 12 }, "2026-01-30T12:00:00Z", "2026-02-28T11:00:00Z"),
            // the hour of 02:00 is not there on 29 March 2026, and twice there on 25 October
            (Rhythm::Day { hour: 2 }, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
            (Rhythm::Day { hour: 2 }, "2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z"),
            (Rhythm::Day { hour: 2 }, "2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"),
        ] {
            assert_eq!(next(rhythm, after), wanted, "{rhythm:?} after {after}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (rhythm, wanted) in [
            (Rhythm::Day { hour: 24 }, Err(UnusableRhythm::Hour)),
            (Rhythm::Day { hour: -1 }, Err(UnusableRhythm::Hour)),
            (Rhythm::Week { weekday: 0, hour: 1 }, Err(UnusableRhythm::Weekday)),
            (Rhythm::Week { weekday: 8, hour: 1 }, Err(UnusableRhythm::Weekday)),
            (Rhythm::Month { day: 32, hour: 1 }, Err(UnusableRhythm::Day)),
            (Rhythm::Month { day: 0, hour: 1 }, Err(UnusableRhythm::Day)),
        ] {
            assert_eq!(rhythm.checked(), wanted);
        }
    }

    proptest! {
        #[test]
        fn every_rhythm_has_a_next_time(second in 0_i64..4_000_000_000, which in 0_u8..3, day in 1_i8..=31, hour in 0_i8..24) {
            let rhythm = match which {
                0 => Rhythm::Day { hour },
                1 => Rhythm::Week { weekday: (day - 1) % 7 + 1, hour },
                _ => Rhythm::Month { day, hour },
            };
            prop_assert!(rhythm.checked().is_ok());
            for zone in ["Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"] {
                let zone = TimeZone::get(zone).unwrap();
                let after = Timestamp::from_second(second).unwrap();
                let next = rhythm.next_after(after, &zone).unwrap();
                prop_assert!(next > after);
                prop_assert!(rhythm.next_after(next, &zone).unwrap() > next);
            }
        }
    }
}
