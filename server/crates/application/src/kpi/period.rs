//! Periods of figures: days, weeks from Monday on, months and quarters, or any days from one to another; what each is called, and
//! with what it is compared. All in the company's zone.

use crate::error::{Result, UseCaseError};
use jiff::{Span, ToSpan as _, civil::Date};

/// The longest period.
pub const DAYS_MAX: i32 = 800;
/// Up to this length the period before has the same days of the week.
const SAME_WEEKDAYS_MAX: i32 = 28;

/// Some days, in the company's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
}

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it is named by")]
pub enum Length {
    Day,
    Week,
    Month,
    Quarter,
    /// Any number of days.
    Days,
}

/// With what a period is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The one before it.
    Before,
    /// The same one a year earlier: of days and weeks the same days of the week.
    YearBefore,
}

impl Period {
    /// How many days it has.
    pub fn days(self) -> i32 {
        self.until.since(self.from).map_or(0, |span| span.get_days())
    }

    /// The last day.
    pub fn last(self) -> Date {
        self.until.saturating_sub(1.day())
    }

    /// Whether a day lies in it.
    pub fn contains(self, day: Date) -> bool {
        self.from <= day && day < self.until
    }

    /// As long, just before; up to four weeks with the same days of the week.
    #[must_use]
    pub fn before(self) -> Self {
        let days = self.days();
        let back = if days <= SAME_WEEKDAYS_MAX { (days + 6) / 7 * 7 } else { days };
        Self { from: self.from.saturating_sub(back.days()), until: self.until.saturating_sub(back.days()) }
    }

    /// The one of this length that has this day.
    #[must_use]
    pub fn around(day: Date, length: Length) -> Self {
        let from = match length {
            Length::Day | Length::Days => day,
            Length::Week => day.saturating_sub(i32::from(day.weekday().to_monday_zero_offset()).days()),
            Length::Month => day.first_of_month(),
            Length::Quarter => day.first_of_month().saturating_sub((i32::from(day.month() - 1) % 3).months()),
        };
        Self { from, until: from.saturating_add(step(length, 1)) }
    }

    /// The one so many lengths later, or earlier; of [`Length::Days`] as long.
    #[must_use]
    pub fn moved(self, length: Length, by: i32) -> Self {
        match length {
            Length::Days => {
                let days = (self.days() * by).days();
                Self { from: self.from.saturating_add(days), until: self.until.saturating_add(days) }
            }
            length => Self::around(self.from.saturating_add(step(length, by)), length),
        }
    }

    /// That with which it is compared.
    #[must_use]
    pub fn compared(self, length: Length, with: Compared) -> Self {
        match (with, length) {
            (Compared::Before, Length::Month | Length::Quarter) => self.moved(length, -1),
            (Compared::Before, _) => self.before(),
            (Compared::YearBefore, Length::Month | Length::Quarter) => {
                Self::around(self.from.saturating_sub(1.year()), length)
            }
            // 52 weeks have the same days of the week
            (Compared::YearBefore, _) => {
                let year = (52 * 7).days();
                Self { from: self.from.saturating_sub(year), until: self.until.saturating_sub(year) }
            }
        }
    }

    /// The last one of a length that is over on a day.
    #[must_use]
    pub fn last_over(today: Date, length: Length) -> Self {
        Self::around(today, length).moved(length, -1)
    }

    /// What a question means: the period of this length around a day, or from one day to another (included); without a day
    /// the last one that is over.
    ///
    /// # Errors
    /// When the last day is before the first, or it has more than [`DAYS_MAX`] days.
    pub fn asked(length: Length, from: Option<Date>, last: Option<Date>, today: Date) -> Result<Self> {
        let period = match (length, from, last) {
            (Length::Days, Some(from), last) => Self { from, until: last.unwrap_or(from).saturating_add(1.day()) },
            (Length::Days, None, last) => {
                let until = last.unwrap_or(today).saturating_add(1.day());
                Self { from: until.saturating_sub(7.days()), until }
            }
            (length, Some(day), _) => Self::around(day, length),
            (length, None, _) => Self::last_over(today, length),
        };
        if (1..=DAYS_MAX).contains(&period.days()) {
            return Ok(period);
        }
        let message = format!("a period has 1 to {DAYS_MAX} days: choose a first and a last day within that");
        Err(UseCaseError::Invalid { field: "period", message })
    }

    /// Short: `week 47`, `Wed 25 Nov`, `November 2026`, `Q4 2026`, `3 to 9 Nov`.
    pub fn name(self, length: Length) -> String {
        let from = self.from;
        match length {
            Length::Day => from.strftime("%a %-d %b").to_string(),
            Length::Week => format!("week {}", from.iso_week_date().week()),
            Length::Month => from.strftime("%B %Y").to_string(),
            Length::Quarter => format!("Q{} {}", (from.month() + 2) / 3, from.year()),
            Length::Days => {
                let last = self.last();
                let begin = if (from.month(), from.year()) == (last.month(), last.year()) { "%-d" } else { "%-d %b" };
                match self.days() {
                    1 => from.strftime("%a %-d %b").to_string(),
                    _ => format!("{} to {}", from.strftime(begin), last.strftime("%-d %b")),
                }
            }
        }
    }

    /// In full: `Mon 16 to Sun 22 November 2026`.
    pub fn days_in_full(self) -> String {
        let (from, last) = (self.from, self.last());
        let begin = match () {
            () if from == last => return last.strftime("%A %-d %B %Y").to_string(),
            () if from.year() != last.year() => "%a %-d %B %Y",
            () if from.month() != last.month() => "%a %-d %B",
            () => "%a %-d",
        };
        format!("{} to {}", from.strftime(begin), last.strftime("%a %-d %B %Y"))
    }

    /// So many periods of a length up to this one, oldest first: the points of a trend.
    pub fn course(self, length: Length, points: i32) -> Vec<Self> {
        (0..points.max(1)).rev().map(|back| self.moved(length, -back)).collect()
    }
}

fn step(length: Length, by: i32) -> Span {
    match length {
        Length::Day | Length::Days => by.days(),
        Length::Week => by.weeks(),
        Length::Month => by.months(),
        Length::Quarter => (3 * by).months(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const LENGTHS: [Length; 4] = [Length::Day, Length::Week, Length::Month, Length::Quarter];

    #[test]
    fn the_period_before_is_as_long_and_has_the_same_days_of_the_week() {
        let before = |from: Date, days: i32| Period { from, until: from + days.days() }.before();
        let monday = date(2026, 3, 16);
        assert_eq!(before(monday, 7), Period { from: date(2026, 3, 9), until: monday });
        assert_eq!(before(monday, 1).from, date(2026, 3, 9));
        assert_eq!(before(monday, 10).from, date(2026, 3, 2), "two weeks back");
        assert_eq!(before(monday, 30), Period { from: date(2026, 2, 14), until: monday });
    }

    #[test]
    fn periods_have_names() {
        let day = date(2026, 11, 18);
        for (length, name, full) in [
            (Length::Day, "Wed 18 Nov", "Wednesday 18 November 2026"),
            (Length::Week, "week 47", "Mon 16 to Sun 22 November 2026"),
            (Length::Month, "November 2026", "Sun 1 to Mon 30 November 2026"),
            (Length::Quarter, "Q4 2026", "Thu 1 October to Thu 31 December 2026"),
        ] {
            let period = Period::around(day, length);
            assert_eq!((period.name(length).as_str(), period.days_in_full().as_str()), (name, full));
        }
        let some = |from, last| Period::asked(Length::Days, Some(from), Some(last), day).unwrap().name(Length::Days);
        assert_eq!(some(date(2026, 11, 3), date(2026, 11, 9)), "3 to 9 Nov");
        assert_eq!(some(date(2026, 10, 30), date(2026, 11, 9)), "30 Oct to 9 Nov");
        assert_eq!(some(day, day), "Wed 18 Nov");
        assert_eq!(
            Period::around(date(2026, 12, 31), Length::Week).days_in_full(),
            "Mon 28 December 2026 to Sun 3 January 2027"
        );
    }

    #[test]
    fn without_a_day_it_is_the_last_one_that_is_over() {
        let today = date(2026, 11, 23);
        for (length, from) in [
            (Length::Day, date(2026, 11, 22)),
            (Length::Week, date(2026, 11, 16)),
            (Length::Month, date(2026, 10, 1)),
            (Length::Quarter, date(2026, 7, 1)),
        ] {
            let period = Period::asked(length, None, None, today).unwrap();
            assert_eq!(period.from, from, "{length:?}");
            assert!(period.until <= today);
        }
        let days = Period::asked(Length::Days, None, None, today).unwrap();
        assert_eq!((days.days(), days.last()), (7, today));
        assert!(Period::asked(Length::Days, Some(today), Some(date(2026, 11, 1)), today).is_err(), "backwards");
        assert!(Period::asked(Length::Days, Some(date(2020, 1, 1)), Some(today), today).is_err(), "too long");
    }

    #[test]
    fn a_year_earlier_is_the_same_month_or_the_same_days_of_the_week() {
        let of = |length| Period::around(date(2026, 11, 18), length).compared(length, Compared::YearBefore);
        assert_eq!(of(Length::Month), Period { from: date(2025, 11, 1), until: date(2025, 12, 1) });
        assert_eq!(of(Length::Week), Period { from: date(2025, 11, 17), until: date(2025, 11, 24) });
    }

    /// Periods of a length follow each other without a gap, and any day of one leads to it.
    #[test]
    fn periods_tile_the_calendar() {
        for length in LENGTHS {
            for start in (0..2_000).step_by(17) {
                let day = date(2023, 1, 1) + start.days();
                let period = Period::around(day, length);
                assert!(period.contains(day) && period.contains(period.last()));
                for other in 0..period.days() {
                    assert_eq!(Period::around(period.from + other.days(), length), period);
                }
                assert_eq!(period.moved(length, 1).from, period.until);
                for by in -8..8 {
                    assert_eq!(period.moved(length, by).moved(length, -by), period, "{length:?} {by}");
                }
                let course = period.course(length, 13);
                assert_eq!((course.len(), course.last()), (13, Some(&period)));
                assert!(course.windows(2).all(|two| two[0].until == two[1].from));
            }
        }
    }
}
