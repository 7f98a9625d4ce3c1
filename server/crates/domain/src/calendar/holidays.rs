//! Public holidays by country, as rules. They hold for the years 2024 to 2028; holidays of single regions are left out, since a
//! shipment's region is rarely known: a company adds those of its own region to its calendar.
//!
//! Sources, read in 2026: DE Einigungsvertrag art. 2 and the holiday laws that all states share; AT Arbeitsruhegesetz § 7; CH
//! the days that all cantons keep; FR Code du travail L3133-1; NL Algemene termijnenwet art. 3; BE Loi du 4 janvier 1974; LU
//! Code du travail L.232-2; IT Legge 260/1949 with Legge 151/2025 (4 October from 2026); ES Estatuto de los Trabajadores art.
//! 37.2 and the days that all communities keep; PT Código do Trabalho art. 234; PL Ustawa o dniach wolnych od pracy (24
//! December from 2025); CZ Zákon 245/2000; GB gov.uk/bank-holidays, England and Wales; IE Organisation of Working Time Act
//! 1997, schedule 2, with the day of 2023; SE Lag 1989:253 with the eves of Semesterlagen § 3a; DK Lukkeloven (without Store
//! bededag from 2024); NO Lov om 1. og 17. mai and helligdagsfred; FI the church's feast days, 6 December, and the two eves of
//! the collective agreements; US 5 U.S.C. 6103; CA Canada Labour Code part III.

use super::easter::easter;
use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

/// When a holiday is, each year.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// Month and day.
    On(i8, i8),
    /// Month and day; one on a Sunday is kept the day before.
    OrSaturday(i8, i8),
    /// Month and day; on a Saturday also the Friday, on a Sunday also the Monday.
    Observed(i8, i8),
    /// Month and day; one on a weekend is kept on the next working day that is no holiday itself.
    Substituted(i8, i8),
    /// Days after Easter Sunday.
    Easter(i32),
    /// The n-th weekday of a month; of a negative n from its end.
    Nth(i8, i8, Weekday),
    /// The first such weekday on or after a day.
    From(i8, i8, Weekday),
    /// Ireland's February day: its first Monday, or the 1st where that is a Friday.
    Brigid,
}

/// Of the years from the first one on.
type Holiday = (Rule, i16);

const GOOD_FRIDAY: Holiday = (Rule::Easter(-2), 0);
const EASTER_MONDAY: Holiday = (Rule::Easter(1), 0);
const ASCENSION: Holiday = (Rule::Easter(39), 0);
const WHIT_MONDAY: Holiday = (Rule::Easter(50), 0);
const MAUNDY_THURSDAY: Holiday = (Rule::Easter(-3), 0);
const CORPUS_CHRISTI: Holiday = (Rule::Easter(60), 0);

const fn on(month: i8, day: i8) -> Holiday {
    (Rule::On(month, day), 0)
}

const fn from(year: i16, month: i8, day: i8) -> Holiday {
    (Rule::On(month, day), year)
}

const fn nth(month: i8, n: i8, weekday: Weekday) -> Holiday {
    (Rule::Nth(month, n, weekday), 0)
}

const fn observed(month: i8, day: i8) -> Holiday {
    (Rule::Observed(month, day), 0)
}

const fn substituted(month: i8, day: i8) -> Holiday {
    (Rule::Substituted(month, day), 0)
}

/// The countries and their holidays.
const COUNTRIES: &[(&str, &[Holiday])] = &[
    (
        "AT",
        &[
            on(1, 1),
            on(1, 6),
            EASTER_MONDAY,
            on(5, 1),
            ASCENSION,
            WHIT_MONDAY,
            CORPUS_CHRISTI,
            on(8, 15),
            on(10, 26),
            on(11, 1),
            on(12, 8),
            on(12, 25),
            on(12, 26),
        ],
    ),
    (
        "BE",
        &[
            on(1, 1),
            EASTER_MONDAY,
            on(5, 1),
            ASCENSION,
            WHIT_MONDAY,
            on(7, 21),
            on(8, 15),
            on(11, 1),
            on(11, 11),
            on(12, 25),
        ],
    ),
    (
        "CA",
        &[
            substituted(1, 1),
            GOOD_FRIDAY,
            (Rule::From(5, 18, Weekday::Monday), 0),
            substituted(7, 1),
            nth(9, 1, Weekday::Monday),
            substituted(9, 30),
            nth(10, 2, Weekday::Monday),
            substituted(11, 11),
            substituted(12, 25),
            substituted(12, 26),
        ],
    ),
    ("CH", &[on(1, 1), ASCENSION, on(8, 1), on(12, 25)]),
    (
        "CZ",
        &[
            on(1, 1),
            GOOD_FRIDAY,
            EASTER_MONDAY,
            on(5, 1),
            on(5, 8),
            on(7, 5),
            on(7, 6),
            on(9, 28),
            on(10, 28),
            on(11, 17),
            on(12, 24),
            on(12, 25),
            on(12, 26),
        ],
    ),
    (
        "DE",
        &[on(1, 1), GOOD_FRIDAY, EASTER_MONDAY, on(5, 1), ASCENSION, WHIT_MONDAY, on(10, 3), on(12, 25), on(12, 26)],
    ),
    ("DK", &[on(1, 1), MAUNDY_THURSDAY, GOOD_FRIDAY, EASTER_MONDAY, ASCENSION, WHIT_MONDAY, on(12, 25), on(12, 26)]),
    (
        "ES",
        &[
            on(1, 1),
            on(1, 6),
            GOOD_FRIDAY,
            on(5, 1),
            on(8, 15),
            on(10, 12),
            on(11, 1),
            on(12, 6),
            on(12, 8),
            on(12, 25),
        ],
    ),
    (
        "FI",
        &[
            on(1, 1),
            on(1, 6),
            GOOD_FRIDAY,
            EASTER_MONDAY,
            on(5, 1),
            ASCENSION,
            (Rule::From(6, 19, Weekday::Friday), 0),
            on(12, 6),
            on(12, 24),
            on(12, 25),
            on(12, 26),
        ],
    ),
    (
        "FR",
        &[
            on(1, 1),
            EASTER_MONDAY,
            on(5, 1),
            on(5, 8),
            ASCENSION,
            WHIT_MONDAY,
            on(7, 14),
            on(8, 15),
            on(11, 1),
            on(11, 11),
            on(12, 25),
        ],
    ),
    (
        "GB",
        &[
            substituted(1, 1),
            GOOD_FRIDAY,
            EASTER_MONDAY,
            nth(5, 1, Weekday::Monday),
            nth(5, -1, Weekday::Monday),
            nth(8, -1, Weekday::Monday),
            substituted(12, 25),
            substituted(12, 26),
        ],
    ),
    (
        "IE",
        &[
            on(1, 1),
            (Rule::Brigid, 0),
            on(3, 17),
            EASTER_MONDAY,
            nth(5, 1, Weekday::Monday),
            nth(6, 1, Weekday::Monday),
            nth(8, 1, Weekday::Monday),
            nth(10, -1, Weekday::Monday),
            on(12, 25),
            on(12, 26),
        ],
    ),
    (
        "IT",
        &[
            on(1, 1),
            on(1, 6),
            EASTER_MONDAY,
            on(4, 25),
            on(5, 1),
            on(6, 2),
            on(8, 15),
            from(2026, 10, 4),
            on(11, 1),
            on(12, 8),
            on(12, 25),
            on(12, 26),
        ],
    ),
    (
        "LU",
        &[
            on(1, 1),
            EASTER_MONDAY,
            on(5, 1),
            on(5, 9),
            ASCENSION,
            WHIT_MONDAY,
            on(6, 23),
            on(8, 15),
            on(11, 1),
            on(12, 25),
            on(12, 26),
        ],
    ),
    ("NL", &[on(1, 1), EASTER_MONDAY, (Rule::OrSaturday(4, 27), 0), ASCENSION, WHIT_MONDAY, on(12, 25), on(12, 26)]),
    (
        "NO",
        &[
            on(1, 1),
            MAUNDY_THURSDAY,
            GOOD_FRIDAY,
            EASTER_MONDAY,
            on(5, 1),
            ASCENSION,
            on(5, 17),
            WHIT_MONDAY,
            on(12, 25),
            on(12, 26),
        ],
    ),
    (
        "PL",
        &[
            on(1, 1),
            on(1, 6),
            EASTER_MONDAY,
            on(5, 1),
            on(5, 3),
            CORPUS_CHRISTI,
            on(8, 15),
            on(11, 1),
            on(11, 11),
            from(2025, 12, 24),
            on(12, 25),
            on(12, 26),
        ],
    ),
    (
        "PT",
        &[
            on(1, 1),
            GOOD_FRIDAY,
            on(4, 25),
            on(5, 1),
            CORPUS_CHRISTI,
            on(6, 10),
            on(8, 15),
            on(10, 5),
            on(11, 1),
            on(12, 1),
            on(12, 8),
            on(12, 25),
        ],
    ),
    (
        "SE",
        &[
            on(1, 1),
            on(1, 6),
            GOOD_FRIDAY,
            EASTER_MONDAY,
            on(5, 1),
            ASCENSION,
            on(6, 6),
            (Rule::From(6, 19, Weekday::Friday), 0),
            on(12, 24),
            on(12, 25),
            on(12, 26),
            on(12, 31),
        ],
    ),
    (
        "US",
        &[
            observed(1, 1),
            nth(1, 3, Weekday::Monday),
            nth(2, 3, Weekday::Monday),
            nth(5, -1, Weekday::Monday),
            observed(6, 19),
            observed(7, 4),
            nth(9, 1, Weekday::Monday),
            nth(10, 2, Weekday::Monday),
            observed(11, 11),
            nth(11, 4, Weekday::Thursday),
            observed(12, 25),
        ],
    ),
];

/// Whether the holidays of a country are known.
pub fn has_holidays(country: &str) -> bool {
    COUNTRIES.iter().any(|(code, _)| *code == country)
}

/// The countries whose holidays are known, ISO 3166-1 alpha-2.
pub fn countries() -> impl Iterator<Item = &'static str> {
    COUNTRIES.iter().map(|(code, _)| *code)
}

/// The public holidays of a country in a year, in their order; none of one whose holidays are not known.
pub fn holidays_of(country: &str, year: i16) -> Vec<Date> {
    let first = Date::new(year, 1, 1).ok();
    let days = first.into_iter().flat_map(|first| first.series(1.days()).take_while(move |day| day.year() == year));
    days.filter(|day| is_holiday(country, *day)).collect()
}

/// Whether a day is a public holiday in all of a country; never in one whose holidays are not known.
pub fn is_holiday(country: &str, day: Date) -> bool {
    let Some((_, holidays)) = COUNTRIES.iter().find(|(code, _)| *code == country) else { return false };
    // one of the first of January may be kept on the last of December
    let years = [Some(day.year()), day.tomorrow().ok().map(Date::year).filter(|year| *year != day.year())];
    years.into_iter().flatten().any(|year| {
        let counts = |(_, first): &&Holiday| year >= *first;
        holidays.iter().filter(counts).any(|(rule, _)| rule.is_on(year, day))
    })
}

impl Rule {
    fn is_on(self, year: i16, day: Date) -> bool {
        let shifted = |from: Date, days: i32| from.checked_add(days.days()).ok();
        match self {
            Self::On(month, of_month) => day == date(year, month, of_month),
            Self::OrSaturday(month, of_month) => {
                let feast = date(year, month, of_month);
                day == if feast.weekday() == Weekday::Sunday { feast.yesterday().unwrap_or(feast) } else { feast }
            }
            Self::Observed(month, of_month) => {
                let feast = date(year, month, of_month);
                let kept = match feast.weekday() {
                    Weekday::Saturday => feast.yesterday(),
                    Weekday::Sunday => feast.tomorrow(),
                    _ => Ok(feast),
                };
                day == feast || kept.is_ok_and(|kept| kept == day)
            }
            Self::Substituted(month, of_month) => {
                let feast = date(year, month, of_month);
                day == feast || shifted(feast, substitute(feast)).is_some_and(|kept| kept == day)
            }
            Self::Easter(days) => shifted(easter(year), days) == Some(day),
            Self::Nth(month, n, weekday) => {
                date(year, month, 1).nth_weekday_of_month(n, weekday).is_ok_and(|feast| feast == day)
            }
            Self::From(month, of_month, weekday) => first_from(date(year, month, of_month), weekday) == day,
            Self::Brigid => {
                let first = date(year, 2, 1);
                day == if first.weekday() == Weekday::Friday { first } else { first_from(first, Weekday::Monday) }
            }
        }
    }
}

/// By how many days a holiday is put off that is on a weekend: Christmas and Boxing Day never onto each other.
fn substitute(feast: Date) -> i32 {
    let boxing_day = (feast.month(), feast.day()) == (12, 26);
    match (feast.weekday(), boxing_day) {
        (Weekday::Saturday, _) => 2,
        (Weekday::Sunday, true) => 2,
        (Weekday::Sunday, false) if feast.month() == 12 => 2,
        (Weekday::Sunday, false) => 1,
        _ => 0,
    }
}

fn first_from(from: Date, weekday: Weekday) -> Date {
    let days = from.weekday().until(weekday);
    from.checked_add(i32::from(days).days()).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(country: &str, year: i16) -> Vec<String> {
        let mut day = date(year, 1, 1);
        let mut all = Vec::new();
        while day.year() == year {
            if is_holiday(country, day) {
                all.push(day.strftime("%m-%d").to_string());
            }
            day = day.tomorrow().unwrap();
        }
        all
    }

    /// As published by the authorities named at the head of this file.
    #[test]
    fn the_holidays_are_those_of_the_published_calendars() {
        for (country, year, expected) in [
            ("DE", 2026, "01-01 04-03 04-06 05-01 05-14 05-25 10-03 12-25 12-26"),
            ("AT", 2026, "01-01 01-06 04-06 05-01 05-14 05-25 06-04 08-15 10-26 11-01 12-08 12-25 12-26"),
            ("GB", 2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-26 12-28"),
            ("GB", 2027, "01-01 03-26 03-29 05-03 05-31 08-30 12-25 12-26 12-27 12-28"),
            ("GB", 2028, "01-01 01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26"),
            ("US", 2026, "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"),
            ("US", 2027, "01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31"),
            ("IE", 2024, "01-01 02-05 03-17 04-01 05-06 06-03 08-05 10-28 12-25 12-26"),
            ("NL", 2025, "01-01 04-21 04-26 05-29 06-09 12-25 12-26"),
            ("SE", 2026, "01-01 01-06 04-03 04-06 05-01 05-14 06-06 06-19 12-24 12-25 12-26 12-31"),
            ("CA", 2026, "01-01 04-03 05-18 07-01 09-07 09-30 10-12 11-11 12-25 12-26 12-28"),
            ("IT", 2025, "01-01 01-06 04-21 04-25 05-01 06-02 08-15 11-01 12-08 12-25 12-26"),
            ("IT", 2026, "01-01 01-06 04-06 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26"),
            ("PL", 2024, "01-01 01-06 04-01 05-01 05-03 05-30 08-15 11-01 11-11 12-25 12-26"),
            ("DK", 2025, "01-01 04-17 04-18 04-21 05-29 06-09 12-25 12-26"),
        ] {
            assert_eq!(of(country, year).join(" "), expected, "{country} {year}");
        }
        assert!(of("XX", 2026).is_empty());
    }

    #[test]
    fn a_friday_the_first_of_february_is_irelands_holiday_itself() {
        assert_eq!(date(2030, 2, 1).weekday(), Weekday::Friday);
        assert!(is_holiday("IE", date(2030, 2, 1)) && !is_holiday("IE", date(2030, 2, 4)));
    }

    #[test]
    fn every_country_has_new_year_and_christmas_in_every_year() {
        for country in countries() {
            for year in 2024..=2028 {
                assert!(is_holiday(country, date(year, 1, 1)), "{country} {year}");
                assert!(is_holiday(country, date(year, 12, 25)), "{country} {year}");
                assert!((4..=16).contains(&of(country, year).len()), "{country} {year}");
            }
        }
    }
}
