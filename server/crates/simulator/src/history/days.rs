//! The days on which carriers deliver: weekends and public holidays of the countries that simulated parcels go to. Sources: the
//! countries' holiday laws; regional days are left out. Easter: the anonymous Gregorian algorithm.

use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

/// A country's days: month and day of fixed ones, and how many days after Easter Sunday the others are.
struct Holidays {
    country: &'static str,
    fixed: &'static [(i8, i8)],
    easter: &'static [i64],
}

const HOLIDAYS: &[Holidays] = &[
    Holidays { country: "DE", fixed: &[(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)], easter: &[-2, 1, 39, 50] },
    Holidays {
        country: "AT",
        fixed: &[(1, 1), (1, 6), (5, 1), (8, 15), (10, 26), (11, 1), (12, 8), (12, 25), (12, 26)],
        easter: &[1, 39, 50, 60],
    },
    Holidays { country: "NL", fixed: &[(1, 1), (4, 27), (12, 25), (12, 26)], easter: &[1, 39, 50] },
    Holidays {
        country: "FR",
        fixed: &[(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)],
        easter: &[1, 39, 50],
    },
    Holidays {
        country: "PL",
        fixed: &[(1, 1), (1, 6), (5, 1), (5, 3), (8, 15), (11, 1), (11, 11), (12, 25), (12, 26)],
        easter: &[1, 60],
    },
    Holidays {
        country: "BE",
        fixed: &[(1, 1), (5, 1), (7, 21), (8, 15), (11, 1), (11, 11), (12, 25)],
        easter: &[1, 39, 50],
    },
    Holidays { country: "CH", fixed: &[(1, 1), (8, 1), (12, 25), (12, 26)], easter: &[-2, 1, 39, 50] },
    Holidays { country: "GB", fixed: &[(1, 1), (12, 25), (12, 26)], easter: &[-2, 1] },
    Holidays { country: "NO", fixed: &[(1, 1), (5, 1), (5, 17), (12, 25), (12, 26)], easter: &[-3, -2, 1, 39, 50] },
    Holidays { country: "US", fixed: &[(1, 1), (7, 4), (12, 25)], easter: &[] },
];
/// Days without an operating day at most: a bound of the search.
const CLOSED_MAX: usize = 30;

/// On which days a carrier works in a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// Whether it delivers on Saturdays.
    pub saturdays: bool,
}

impl Days {
    /// Whether it works on that day.
    pub fn operates(self, day: Date) -> bool {
        let weekend = match day.weekday() {
            Weekday::Sunday => true,
            Weekday::Saturday => !self.saturdays,
            _ => false,
        };
        !weekend && !is_holiday(self.country, day)
    }

    /// The first operating day that is not before this day.
    pub fn first_from(self, day: Date) -> Date {
        let mut day = day;
        for _ in 0..CLOSED_MAX {
            if self.operates(day) {
                break;
            }
            day = next(day);
        }
        day
    }

    /// So many operating days after this day.
    pub fn after(self, day: Date, days: u32) -> Date {
        (0..days).fold(day, |day, _| self.first_from(next(day)))
    }
}

/// The next day.
pub(super) fn next(day: Date) -> Date {
    day.checked_add(1.day()).unwrap_or(day)
}

fn is_holiday(country: &str, day: Date) -> bool {
    let Some(of) = HOLIDAYS.iter().find(|of| of.country == country) else { return false };
    let after_easter = || day.since(easter(day.year())).map_or(0, |span| i64::from(span.get_days()));
    of.fixed.contains(&(day.month(), day.day())) || (!of.easter.is_empty() && of.easter.contains(&after_easter()))
}

/// Easter Sunday.
fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let d = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    let e = (32 + 2 * (b % 4) + 2 * (c / 4) - d - c % 4) % 7;
    let m = (a + 11 * d + 22 * e) / 451;
    let (month, day) = ((d + e - 7 * m + 114) / 31, (d + e - 7 * m + 114) % 31 + 1);
    date(year, i8::try_from(month).unwrap_or(4), i8::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_weekends_and_holidays_are_no_operating_days() {
        assert_eq!(
            [easter(2025), easter(2026), easter(2038)],
            [date(2025, 4, 20), date(2026, 4, 5), date(2038, 4, 25)]
        );
        let (parcels, business) = (Days { country: "DE", saturdays: true }, Days { country: "DE", saturdays: false });
        assert!(parcels.operates(date(2026, 4, 11)) && !business.operates(date(2026, 4, 11)));
        assert!(!parcels.operates(date(2026, 4, 12)));
        for day in [date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25), date(2026, 10, 3)] {
            assert!(!parcels.operates(day), "{day}");
        }
        // over Easter
        assert_eq!(parcels.after(date(2026, 4, 2), 2), date(2026, 4, 7));
        assert_eq!(business.after(date(2026, 4, 2), 1), date(2026, 4, 7));
        assert_eq!(business.first_from(date(2026, 4, 11)), date(2026, 4, 13));
    }
}
