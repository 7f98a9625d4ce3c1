//! The days of a report, from the day on which it is made.

use jiff::{
    ToSpan as _,
    civil::{Date, date},
};
use serde::{Deserialize, Serialize};

/// Which days, seen from today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relative {
    /// The day before.
    Yesterday,
    /// The last whole week, Monday to Sunday.
    #[default]
    LastWeek,
    /// The 28 days up to yesterday.
    Last28Days,
    /// The last whole month.
    LastMonth,
    /// The last whole quarter.
    LastQuarter,
    /// From the first of the month to yesterday; on the first the month before.
    MonthToDate,
}

impl Relative {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Yesterday, Self::LastWeek, Self::Last28Days, Self::LastMonth, Self::LastQuarter, Self::MonthToDate];

    /// As stored and in forms.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Yesterday => "yesterday",
            Self::LastWeek => "last_week",
            Self::Last28Days => "last28_days",
            Self::LastMonth => "last_month",
            Self::LastQuarter => "last_quarter",
            Self::MonthToDate => "month_to_date",
        }
    }

    /// The one with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Yesterday => "Yesterday",
            Self::LastWeek => "Last week",
            Self::Last28Days => "Last 28 days",
            Self::LastMonth => "Last month",
            Self::LastQuarter => "Last quarter",
            Self::MonthToDate => "Month to date",
        }
    }

    /// The first day and the day after the last.
    pub fn days(self, today: Date) -> (Date, Date) {
        let back = |from: Date, days: i32| from.saturating_sub(days.days());
        match self {
            Self::Yesterday => (back(today, 1), today),
            Self::LastWeek => {
                let monday = back(today, i32::from(today.weekday().to_monday_zero_offset()));
                (back(monday, 7), monday)
            }
            Self::Last28Days => (back(today, 28), today),
            Self::LastMonth => {
                let first = today.first_of_month();
                (back(first, 1).first_of_month(), first)
            }
            Self::LastQuarter => {
                let first = date(today.year(), (today.month() - 1) / 3 * 3 + 1, 1);
                (first.saturating_sub(3.months()), first)
            }
            Self::MonthToDate => (back(today, 1).first_of_month(), today),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_period_has_the_days_that_it_is_named_by() {
        for (of, today, from, until) in [
            (Relative::Yesterday, date(2026, 3, 1), date(2026, 2, 28), date(2026, 3, 1)),
            (Relative::LastWeek, date(2026, 11, 23), date(2026, 11, 16), date(2026, 11, 23)),
            (Relative::LastWeek, date(2026, 11, 29), date(2026, 11, 16), date(2026, 11, 23)),
            (Relative::Last28Days, date(2026, 3, 1), date(2026, 2, 1), date(2026, 3, 1)),
            (Relative::LastMonth, date(2026, 1, 31), date(2025, 12, 1), date(2026, 1, 1)),
            (Relative::LastQuarter, date(2026, 1, 1), date(2025, 10, 1), date(2026, 1, 1)),
            (Relative::LastQuarter, date(2026, 6, 30), date(2026, 1, 1), date(2026, 4, 1)),
            (Relative::MonthToDate, date(2026, 3, 9), date(2026, 3, 1), date(2026, 3, 9)),
            (Relative::MonthToDate, date(2026, 3, 1), date(2026, 2, 1), date(2026, 3, 1)),
        ] {
            assert_eq!(of.days(today), (from, until), "{of:?} on {today}");
        }
    }

    #[test]
    fn the_stored_word_is_the_code_of_forms() {
        for one in Relative::ALL {
            assert_eq!(serde_json::to_string(one).unwrap(), format!("\"{}\"", one.code()));
            assert_eq!(Relative::from_code(one.code()), Some(*one));
        }
    }

    proptest! {
        #[test]
        fn a_period_is_over_and_has_days(after in 0_i32..20_000, which in 0..Relative::ALL.len()) {
            let today = date(2000, 1, 1).saturating_add(after.days());
            let (from, until) = Relative::ALL[which].days(today);
            prop_assert!(from < until && until <= today);
        }
    }
}
