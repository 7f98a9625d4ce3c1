//! How long a shipment took, in hours of operating days: x = 24·D + h. D is the number of operating days after the induction day up
//! to the delivery (EN 13850 counts J + n so), h the local hour of the delivery. Whole days are too coarse: with 60, 35 and 5 of
//! 100 on days 1, 2 and 3 the P80 in whole days is day 2 and holds for 95.

use domain::{calendar::Calendar, punctuality::Moment};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time},
};

/// Hours of an operating day.
pub const DAY_HOURS: f64 = 24.0;
/// Operating days that are counted at most; what took longer counts as this.
pub const OPERATING_DAYS_MAX: u32 = 400;
/// A share of a cell's deliveries on days that are none above which its calendar is wrong.
pub const CLOSED_DAYS_WRONG: f64 = 0.05;

/// The calendars of a way: of the place of origin, whose cut-off hour is the one of the carrier at the warehouse, and of the
/// place of delivery.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Where it is handed over.
    pub origin: &'a Calendar,
    /// Where it is delivered.
    pub destination: &'a Calendar,
}

/// How long it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transit {
    /// The operating day of origin from which it counts.
    pub induction_day: Date,
    /// Operating days of the destination after the induction day, up to the end.
    pub operating_days: u32,
    /// The local hour of the end, 0 to 24; none where only its day is known.
    pub hour: Option<f64>,
    /// Whether it ended on a day that is no operating day, which counts as the end of the one before.
    pub on_closed_day: bool,
}

impl Transit {
    /// x = 24·D + h, in working hours. None where the hour is not known.
    pub fn working_hours(&self) -> Option<f64> {
        self.hour.map(|hour| f64::from(self.operating_days) * DAY_HOURS + hour)
    }
}

impl Way<'_> {
    /// The day from which a hand-over counts: its own where that is an operating day and the scan is not after the cut-off
    /// hour, else the next operating day.
    pub fn induction_day(&self, handed_over: Timestamp) -> Date {
        self.origin.working_day_from(self.origin.hand_over_day(handed_over))
    }

    /// How long it took from the hand-over to its end: the delivery, or that it was ready for collection.
    pub fn transit(&self, handed_over: Timestamp, end: Moment) -> Transit {
        let induction_day = self.induction_day(handed_over);
        let (day, hour) = match end {
            Moment::Instant(at) => (self.destination.day_of(at), Some(hour_of(self.destination.time_of(at)))),
            Moment::Day(day) => (day, None),
        };
        let on_closed_day = !self.destination.is_working_day(day);
        let hour = hour.map(|hour| match () {
            // delivered before its time began: after the cut-off, or on a weekend
            () if day < induction_day => 0.0,
            () if on_closed_day => DAY_HOURS,
            () => hour,
        });
        let operating_days = working_days_after(self.destination, induction_day, day);
        Transit { induction_day, operating_days, hour, on_closed_day }
    }

    /// How long it has taken until now.
    pub fn elapsed(&self, handed_over: Timestamp, now: Timestamp) -> f64 {
        self.transit(handed_over, Moment::Instant(now)).working_hours().unwrap_or_default()
    }

    /// The instant at which so many working hours have passed since an induction day.
    pub fn instant(&self, induction_day: Date, working_hours: f64) -> Timestamp {
        after_working_hours(self.destination, induction_day, working_hours)
    }
}

/// The working hours between two instants at one place: days that are none have no hours, all others 24 and each hour its
/// clock's. Zero where the second is not after the first.
pub fn working_hours_between(calendar: &Calendar, from: Timestamp, to: Timestamp) -> f64 {
    if to <= from {
        return 0.0;
    }
    let start = calendar.day_of(from);
    (position(calendar, start, to) - position(calendar, start, from)).max(0.0)
}

/// The instant at which so many working hours have passed since another.
pub fn after_working(calendar: &Calendar, from: Timestamp, working_hours: f64) -> Timestamp {
    let start = calendar.day_of(from);
    after_working_hours(calendar, start, position(calendar, start, from) + working_hours.max(0.0))
}

/// Working hours since the begin of a day.
fn position(calendar: &Calendar, start: Date, at: Timestamp) -> f64 {
    let day = calendar.day_of(at);
    let hour = if calendar.is_working_day(day) { hour_of(calendar.time_of(at)) } else { DAY_HOURS };
    f64::from(working_days_after(calendar, start, day)) * DAY_HOURS + hour
}

/// Where the hours end on a full day, its end: that is never the begin of a later one, which may be days off.
fn after_working_hours(calendar: &Calendar, start: Date, working_hours: f64) -> Timestamp {
    let full_days = ((working_hours / DAY_HOURS).ceil() - 1.0).clamp(0.0, f64::from(OPERATING_DAYS_MAX));
    let mut day = start;
    for _ in 0..full_days as u32 {
        day = calendar.working_day_from(day.saturating_add(1.day()));
    }
    let seconds = ((working_hours - full_days * DAY_HOURS) * 3_600.0).round().max(0.0) as i64;
    let end = jiff::SignedDuration::from_secs(seconds.min(86_399));
    calendar.instant(day, Time::midnight().saturating_add(end))
}

/// Working days after a day, up to another one.
fn working_days_after(calendar: &Calendar, start: Date, end: Date) -> u32 {
    let mut days = 0;
    let mut day = start;
    while day < end && days < OPERATING_DAYS_MAX {
        day = day.saturating_add(1.day());
        days += u32::from(calendar.is_working_day(day));
    }
    days
}

fn hour_of(time: Time) -> f64 {
    f64::from(time.hour()) + f64::from(time.minute()) / 60.0 + f64::from(time.second()) / 3_600.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::testing::case;
    use domain::calendar::{COMPANY, CompanyCalendar};
    use jiff::civil::date;
    use proptest::prelude::*;
    use serde_json::Value;

    fn calendar(zone: &str, cut_off: &str, holidays: &[Date]) -> Calendar {
        let closed = [(COMPANY.to_owned(), holidays.iter().copied().collect())].into();
        CompanyCalendar { zone: zone.into(), cut_off: cut_off.parse().unwrap(), closed, ..CompanyCalendar::default() }
            .own()
    }

    fn check(id: &str) {
        let case = case(id);
        let params = &case["params"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let days = params["calendar"]["holidays"].as_array().into_iter().flatten();
        let holidays: Vec<Date> = days.map(|day| text(day).parse().unwrap()).collect();
        let of = |zone: &str| calendar(&text(&params[zone]), &text(&params["cutoff"]), &holidays);
        let (origin, destination) = (of("origin_zone"), of("zone"));
        let way = Way { origin: &origin, destination: &destination };
        for (given, expected) in
            case["given"].as_array().unwrap().iter().zip(case["expect"]["rows"].as_array().unwrap())
        {
            let at = |name: &str| text(&given[name]).parse::<Timestamp>().unwrap();
            let (start, end) = (at("start"), at("end"));
            let transit = way.transit(start, Moment::Instant(end));
            assert_eq!(transit.induction_day.to_string(), text(&expected["induction_day"]), "{given}");
            assert_eq!(Some(u64::from(transit.operating_days)), expected["operating_days"].as_u64(), "{given}");
            assert_eq!(transit.working_hours(), expected["working_hours"].as_f64(), "{given}");
            let elapsed = end.duration_since(start).as_secs_f64() / 3_600.0;
            assert!((elapsed - expected["elapsed_hours"].as_f64().unwrap()).abs() < 1e-3, "{given}: {elapsed}");
            let back = way.instant(transit.induction_day, transit.working_hours().unwrap());
            assert!(back == end || transit.on_closed_day && back < end, "{given}: {back}");
        }
    }

    #[test]
    fn transit_cut_off_and_weekend() {
        check("transit-cut-off-and-weekend");
    }

    #[test]
    fn transit_public_holiday() {
        check("transit-public-holiday");
    }

    #[test]
    fn the_hour_is_the_destinations_and_a_day_alone_has_none() {
        let (berlin, york) = (calendar("Europe/Berlin", "18:00", &[]), calendar("America/New_York", "18:00", &[]));
        let way = Way { origin: &berlin, destination: &york };
        let handed_over = "2026-03-23T16:00:00Z".parse().unwrap();
        let delivered = Moment::Instant("2026-03-26T03:30:00Z".parse().unwrap()); // 23:30 of the 25th
        assert_eq!(way.transit(handed_over, delivered).working_hours(), Some(71.5));
        let by_day = way.transit(handed_over, Moment::Day(date(2026, 3, 25)));
        assert_eq!((by_day.operating_days, by_day.working_hours()), (2, None));
        let closed = way.transit(handed_over, Moment::Day(date(2026, 3, 28)));
        assert_eq!((closed.operating_days, closed.working_hours(), closed.on_closed_day), (4, None, true));
        let friday = "2026-03-20T19:10:00+01:00".parse().unwrap();
        let saturday = Moment::Instant("2026-03-21T10:00:00-04:00".parse().unwrap());
        let early = way.transit(friday, saturday);
        assert_eq!((early.working_hours(), early.on_closed_day), (Some(0.0), true), "before its time began");
    }

    #[test]
    fn weekends_have_no_hours() {
        let calendar = calendar("UTC", "18:00", &[]);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (from, to, hours) in [
            ("2026-03-20T20:00:00Z", "2026-03-23T04:00:00Z", 8.0),
            ("2026-03-21T09:00:00Z", "2026-03-22T21:00:00Z", 0.0),
            ("2026-03-21T09:00:00Z", "2026-03-23T06:00:00Z", 6.0),
            ("2026-03-20T20:00:00Z", "2026-03-21T20:00:00Z", 4.0),
            ("2026-03-23T04:00:00Z", "2026-03-20T20:00:00Z", 0.0),
        ] {
            assert_eq!(working_hours_between(&calendar, at(from), at(to)), hours, "{from} {to}");
        }
        assert_eq!(after_working(&calendar, at("2026-03-20T20:00:00Z"), 8.0), at("2026-03-23T04:00:00Z"));
        assert_eq!(after_working(&calendar, at("2026-03-21T09:00:00Z"), 6.0), at("2026-03-23T06:00:00Z"));
    }

    proptest! {
        /// Later stays later, and what is between two instants is what passes between them.
        #[test]
        fn hours_grow_with_time(start in 1_770_000_000_i64..1_780_000_000, first in 0_i64..2_000_000, then in 0_i64..2_000_000) {
            let calendar = calendar("Europe/Berlin", "18:00", &[date(2026, 4, 3), date(2026, 4, 6)]);
            let way = Way { origin: &calendar, destination: &calendar };
            let at = |second| Timestamp::from_second(second).unwrap();
            let (a, b, c) = (at(start), at(start + first), at(start + first + then));
            prop_assert!(way.elapsed(a, b) <= way.elapsed(a, c));
            let (parts, whole) = (
                working_hours_between(&calendar, a, b) + working_hours_between(&calendar, b, c),
                working_hours_between(&calendar, a, c),
            );
            // the hour that the clocks skip or repeat is the clock's
            prop_assert!((parts - whole).abs() <= 1.0 + 1e-6, "{} {}", parts, whole);
        }
    }
}
