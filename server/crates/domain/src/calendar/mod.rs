//! Business calendars: on which days and in which hours work is done, and times counted in them. Days are those of a zone, so that
//! the days on which its clocks change have 23 or 25 hours; holidays are in [`holidays`].

mod easter;
mod holidays;
#[cfg(test)]
mod tests;

pub use holidays::{countries, has_holidays, holidays_of, is_holiday};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, Weekday, time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Working days that are counted at most.
pub const DAYS_MAX: u32 = 400;
/// Days that are looked through for a working one.
const SEARCHED_MAX: u32 = 2 * DAYS_MAX;
/// Days of its own that a company may have in each list.
pub const OWN_DAYS_MAX: usize = 500;

/// Countries whose weekend is Friday and Saturday.
const FRIDAY_WEEKEND: &[&str] =
    &["BD", "BH", "DZ", "EG", "IL", "IQ", "JO", "KW", "LY", "MV", "OM", "QA", "SA", "SD", "SY", "YE"];

/// The days off of a week in a country; Saturday and Sunday where none is known.
pub fn weekend(country: Option<&str>) -> [Weekday; 2] {
    match country.is_some_and(|country| FRIDAY_WEEKEND.contains(&country)) {
        true => [Weekday::Friday, Weekday::Saturday],
        false => [Weekday::Saturday, Weekday::Sunday],
    }
}

/// What a company changes of the public calendars, and its own hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompanyCalendar {
    /// Its country, ISO 3166-1 alpha-2: its weekend and public holidays are the company's.
    pub country: Option<String>,
    /// Its time zone, by its IANA name.
    pub zone: String,
    /// When work begins.
    pub opens: Time,
    /// When work ends.
    pub closes: Time,
    /// What is handed over later than this counts from the next working day: the carrier was there.
    pub cut_off: Time,
    /// Days off beside the public holidays, by country; under [`COMPANY`] those of the company alone.
    pub closed: BTreeMap<String, BTreeSet<Date>>,
    /// Days on which work is done although they are a weekend or a holiday, in the same way.
    pub working: BTreeMap<String, BTreeSet<Date>>,
}

/// The word for the company's own days in [`CompanyCalendar`].
pub const COMPANY: &str = "company";

impl Default for CompanyCalendar {
    /// Monday to Friday, 8 to 18 h of UTC, without holidays.
    fn default() -> Self {
        Self {
            country: None,
            zone: "UTC".into(),
            opens: time(8, 0, 0, 0),
            closes: time(18, 0, 0, 0),
            cut_off: time(15, 0, 0, 0),
            closed: BTreeMap::new(),
            working: BTreeMap::new(),
        }
    }
}

impl CompanyCalendar {
    /// The calendar by which the company works.
    pub fn own(&self) -> Calendar {
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        Calendar::new(self, self.country.as_deref(), zone, COMPANY)
    }

    /// The calendar of a place: its weekend and holidays, with the company's changes for its country.
    pub fn of_place(&self, country: Option<&str>, zone: TimeZone) -> Calendar {
        Calendar::new(self, country, zone, country.unwrap_or_default())
    }
}

/// The working days and hours of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    country: Option<String>,
    opens: Time,
    closes: Time,
    cut_off: Time,
    closed: BTreeSet<Date>,
    working: BTreeSet<Date>,
}

impl Default for Calendar {
    fn default() -> Self {
        CompanyCalendar::default().own()
    }
}

impl Calendar {
    fn new(company: &CompanyCalendar, country: Option<&str>, zone: TimeZone, own: &str) -> Self {
        let of = |days: &BTreeMap<String, BTreeSet<Date>>| -> BTreeSet<Date> {
            [Some(own), country].into_iter().flatten().filter_map(|key| days.get(key)).flatten().copied().collect()
        };
        Self {
            zone,
            country: country.map(str::to_owned),
            opens: company.opens,
            closes: company.closes.max(company.opens),
            cut_off: company.cut_off,
            closed: of(&company.closed),
            working: of(&company.working),
        }
    }

    /// The day of a time, in the place's zone.
    pub fn day_of(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The time of day, by the place's clocks.
    pub fn time_of(&self, at: Timestamp) -> Time {
        self.zone.to_datetime(at).time()
    }

    /// Whether work is done on a day.
    pub fn is_working_day(&self, day: Date) -> bool {
        if self.working.contains(&day) {
            return true;
        }
        let country = self.country.as_deref();
        let holiday = || country.is_some_and(|country| is_holiday(country, day));
        !weekend(country).contains(&day.weekday()) && !self.closed.contains(&day) && !holiday()
    }

    /// The first working day from a day on, that day included.
    pub fn working_day_from(&self, day: Date) -> Date {
        let mut at = day;
        for _ in 0..SEARCHED_MAX {
            if self.is_working_day(at) {
                return at;
            }
            at = at.saturating_add(jiff::Span::new().days(1));
        }
        at
    }

    /// The working day that is a number of them after a day; what is on a day off counts from the next working day.
    pub fn add_days(&self, day: Date, days: u32) -> Date {
        let mut at = self.working_day_from(day);
        for _ in 0..days.min(DAYS_MAX) {
            at = self.working_day_from(at.saturating_add(jiff::Span::new().days(1)));
        }
        at
    }

    /// The day from which a hand-over to the carrier counts: after the cut-off hour of a working day the following one.
    pub fn hand_over_day(&self, at: Timestamp) -> Date {
        let local = self.zone.to_datetime(at);
        let late = self.is_working_day(local.date()) && local.time() > self.cut_off;
        if late { local.date().saturating_add(jiff::Span::new().days(1)) } else { local.date() }
    }

    /// A number of working days after a hand-over; one after the cut-off hour counts from the begin of the next working day.
    pub fn after_hand_over(&self, at: Timestamp, days: u32) -> Timestamp {
        let day = self.hand_over_day(at);
        match day == self.day_of(at) {
            true => self.after_days(at, days),
            false => self.instant(self.add_days(day, days), Time::midnight()),
        }
    }

    /// The same time of day, a number of working days later; what is on a day off counts from the begin of the next
    /// working day.
    pub fn after_days(&self, at: Timestamp, days: u32) -> Timestamp {
        let local = self.zone.to_datetime(at);
        let (day, time) = match self.is_working_day(local.date()) {
            true => (local.date(), local.time()),
            false => (self.working_day_from(local.date()), Time::midnight()),
        };
        self.instant(self.add_days(day, days), time)
    }

    /// The end of the working day that is a number of working days after a day, in the place's zone.
    pub fn end_after_days(&self, day: Date, days: u32) -> Timestamp {
        self.instant(self.add_days(day, days), time(23, 59, 59, 0))
    }

    /// The time until which a span of working time has passed: "24 working hours after". Longer ones than
    /// [`DAYS_MAX`] working days end there.
    pub fn after(&self, at: Timestamp, span: SignedDuration) -> Timestamp {
        let mut left = span.max(SignedDuration::ZERO);
        let mut day = self.zone.to_datetime(at).date();
        let mut last = at;
        for _ in 0..DAYS_MAX {
            day = self.working_day_from(day);
            let (opens, closes) = self.hours(day);
            let from = opens.max(at);
            let open = closes.duration_since(from).max(SignedDuration::ZERO);
            if left <= open {
                return from + left;
            }
            (left, last) = (left - open, closes.max(at));
            day = day.saturating_add(jiff::Span::new().days(1));
        }
        last
    }

    fn hours(&self, day: Date) -> (Timestamp, Timestamp) {
        (self.instant(day, self.opens), self.instant(day, self.closes))
    }

    /// When the place's clocks show a time: of one that they skip the one after the gap, of one that they have twice the first.
    pub fn instant(&self, day: Date, at: Time) -> Timestamp {
        let local = day.to_datetime(at);
        self.zone.to_ambiguous_timestamp(local).compatible().unwrap_or(Timestamp::MAX)
    }
}
