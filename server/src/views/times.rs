//! Times in words: the one place where pages get them. Everything on a page is in the viewer's zone, an event's own clock is
//! shown beside it; a day stays a day, and a wall clock of which nobody knows the zone is shown as it is and says so.

use app::contract::{ApiError, When};
use domain::event_time::{EventTime, Precision, ZoneSource};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

/// Names of zones are shorter.
const ZONE_NAME_MAX: usize = 64;
const DAY: &str = "%a %-d %b";
const CLOCK: &str = "%H:%M";
const DAY_AND_CLOCK: &str = "%a %-d %b, %H:%M";
const FULL_DAY: &str = "%a %-d %b %Y";
const FULL: &str = "%a %-d %b %Y, %H:%M:%S";
const HEADING: &str = "%A %-d %B %Y";

/// The zone of this name; UTC where there is none.
pub(super) fn zone_of(name: &str) -> TimeZone {
    Some(name)
        .filter(|name| name.len() <= ZONE_NAME_MAX)
        .and_then(|name| TimeZone::get(name).ok())
        .unwrap_or(TimeZone::UTC)
}

/// An event's place in a timeline.
pub(super) struct Placed {
    /// The day, as a heading.
    pub day: String,
    /// The time of day.
    pub clock: String,
    /// What is to be known of that time: empty where it is in the page's zone.
    pub remark: &'static str,
    /// The time in full.
    pub when: When,
}

/// What an event's time comes to on a page.
enum Known {
    /// An instant.
    Instant(Timestamp),
    /// A day.
    Day(DateTime),
    /// A wall clock whose instant nobody knows.
    Wall(DateTime),
    /// Nothing.
    Nothing,
}

fn known(time: &EventTime) -> Known {
    let Some(wall) = time.wall_clock().filter(|_| !time.sentinel) else { return Known::Nothing };
    match (time.precision, &time.candidates()[..]) {
        (Precision::None, _) => Known::Nothing,
        (Precision::Date, _) => Known::Day(wall),
        (_, [instant]) => Known::Instant(*instant),
        _ => Known::Wall(wall),
    }
}

/// The times of one page.
#[derive(Clone, Debug)]
pub(super) struct Times {
    /// Now.
    pub now: Timestamp,
    /// The viewer's zone.
    pub zone: TimeZone,
}

impl Times {
    /// The time that a person chose in their zone, `2026-12-01T09:00`; none where nothing was.
    pub fn chosen(&self, text: &str) -> Result<Option<Timestamp>, ApiError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let local = text.parse::<DateTime>().ok().and_then(|local| self.zone.to_timestamp(local).ok());
        local.map(Some).ok_or_else(|| ApiError::Invalid {
            field: "until".into(),
            message: format!("{text} is no time: e.g. 2026-12-01T09:00"),
        })
    }

    /// An instant, relative to now.
    pub fn ago(&self, at: Timestamp) -> When {
        When { shown: self.relative(at), ..self.dated(at) }
    }

    /// An instant.
    pub fn dated(&self, at: Timestamp) -> When {
        let here = at.to_zoned(self.zone.clone());
        When {
            iso: at.to_string(),
            shown: here.strftime(DAY_AND_CLOCK).to_string(),
            full: format!("{} {}", here.strftime(FULL), here.strftime("%Z")),
            own: None,
        }
    }

    /// An instant to the second: to tell apart what came one after the other.
    pub fn exact(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%a %-d %b, %H:%M:%S").to_string()
    }

    /// The time of day of an instant.
    pub fn clock(&self, at: Timestamp) -> When {
        When { shown: self.strftime(at, CLOCK), ..self.dated(at) }
    }

    /// An instant: of today the time of day, else with the day.
    pub fn clock_or_date(&self, at: Timestamp) -> When {
        let day = |at: Timestamp| at.to_zoned(self.zone.clone()).date();
        if day(at) == day(self.now) { self.clock(at) } else { self.dated(at) }
    }

    /// A promise: what stands for a whole day is one.
    pub fn promise(&self, at: Timestamp) -> When {
        match domain::punctuality::Moment::promised(at, &self.zone) {
            domain::punctuality::Moment::Instant(at) => self.dated(at),
            domain::punctuality::Moment::Day(day) => whole_day(day.to_datetime(jiff::civil::Time::midnight())),
        }
    }

    /// An event's time, as certain as it is.
    pub fn event(&self, time: &EventTime) -> When {
        match known(time) {
            Known::Instant(at) => When { own: self.own(time, at), ..self.dated(at) },
            Known::Day(day) => whole_day(day),
            Known::Wall(wall) => When {
                iso: wall.to_string(),
                shown: format!("{} local time", wall.strftime(DAY_AND_CLOCK)),
                full: format!("{}, {}", wall.strftime(FULL), zone_in_words(time)),
                own: None,
            },
            Known::Nothing => When {
                iso: String::new(),
                shown: "time not known".into(),
                full: "the source gives no usable time".into(),
                own: None,
            },
        }
    }

    /// An event's time, relative to now where it is an instant.
    pub fn event_ago(&self, time: &EventTime) -> When {
        let when = self.event(time);
        match known(time) {
            Known::Instant(at) => When { shown: self.relative(at), ..when },
            _ => when,
        }
    }

    /// Where an event stands in a timeline; at `otherwise` where it says no time.
    pub fn placed(&self, time: &EventTime, otherwise: Timestamp) -> Placed {
        let when = self.event(time);
        let wall = |wall: DateTime, clock: String, remark| Placed {
            day: wall.strftime(HEADING).to_string(),
            clock,
            remark,
            when: when.clone(),
        };
        match known(time) {
            Known::Instant(at) => Placed { when, ..self.instant(at) },
            Known::Day(day) => wall(day, "date only".into(), ""),
            Known::Wall(clock) => wall(clock, clock.strftime(CLOCK).to_string(), "local time"),
            Known::Nothing => Placed { remark: "no time given", ..self.instant(otherwise) },
        }
    }

    /// Where an instant stands in a timeline.
    pub fn instant(&self, at: Timestamp) -> Placed {
        Placed { day: self.strftime(at, HEADING), clock: self.strftime(at, CLOCK), remark: "", when: self.dated(at) }
    }

    /// `3 h ago`, `in 2 d`.
    pub fn relative(&self, at: Timestamp) -> String {
        let span = at.duration_since(self.now);
        let words = span_words(span.abs());
        match words.as_str() {
            "0 s" => "now".into(),
            _ if span.is_positive() => format!("in {words}"),
            _ => format!("{words} ago"),
        }
    }

    /// The zone, as a page says it: `Europe/Berlin (UTC+1)`.
    pub fn zone_in_words(&self) -> String {
        let name = self.zone.iana_name().unwrap_or("UTC");
        let minutes = self.zone.to_offset(self.now).seconds() / 60;
        let (hours, rest) = (minutes / 60, (minutes % 60).abs());
        match (name, minutes, rest) {
            ("UTC", ..) => "UTC".into(),
            (_, 0, _) => format!("{name} (UTC)"),
            (_, _, 0) => format!("{name} (UTC{hours:+})"),
            _ => format!("{name} (UTC{hours:+}:{rest:02})"),
        }
    }

    fn strftime(&self, at: Timestamp, format: &str) -> String {
        at.to_zoned(self.zone.clone()).strftime(format).to_string()
    }

    /// The event's own clock, where it differs from the viewer's.
    fn own(&self, time: &EventTime, at: Timestamp) -> Option<String> {
        let wall = time.local.filter(|wall| *wall != self.zone.to_datetime(at))?;
        Some(format!("{}, {}", wall.strftime("%a %-d %b, %H:%M"), zone_in_words(time)))
    }
}

fn whole_day(day: DateTime) -> When {
    When {
        iso: day.date().to_string(),
        shown: day.strftime(DAY).to_string(),
        full: format!("{}, date only", day.strftime(FULL_DAY)),
        own: None,
    }
}

fn zone_in_words(time: &EventTime) -> String {
    let Some(zone) = &time.zone else { return "local time, the source names no zone".into() };
    let twice = if time.candidates().len() > 1 { ", in the hour that happens twice" } else { "" };
    match time.zone_source {
        Some(ZoneSource::Facility) => format!("local time in {zone} (zone of the place){twice}"),
        Some(ZoneSource::CarrierDefault) => format!("local time in {zone} (usual zone of the source){twice}"),
        _ => format!("{zone}{twice}"),
    }
}

/// `4 s`, `52 min`, `3 h`, `2 d 4 h`.
pub(super) fn span_words(span: SignedDuration) -> String {
    let (minutes, hours, days) = (span.as_mins(), span.as_hours(), span.as_hours() / 24);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", span.as_secs()),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (days, hours, _) if days < 3 && hours % 24 > 0 => format!("{days} d {} h", hours % 24),
        (days, ..) => format!("{days} d"),
    }
}

/// `52 min`, `3 h 12 min`, `2 d 4 h`: of what has to be done by a time.
pub(super) fn exact_span(span: SignedDuration) -> String {
    match (span.as_hours(), span.as_mins() % 60) {
        (hours @ 1..=23, minutes @ 1..) => format!("{hours} h {minutes} min"),
        _ => span_words(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(zone: &str) -> Times {
        Times { now: "2026-03-02T12:00:00Z".parse().unwrap(), zone: zone_of(zone) }
    }

    fn floating(local: &str, precision: Precision) -> EventTime {
        EventTime::floating("x", local.parse().unwrap(), precision)
    }

    #[test]
    fn spans_are_short() {
        let words = |secs: i64| span_words(SignedDuration::from_secs(secs));
        assert_eq!(words(4), "4 s");
        assert_eq!(words(52 * 60), "52 min");
        assert_eq!(words(3 * 3600), "3 h");
        assert_eq!(words(52 * 3600), "2 d 4 h");
        assert_eq!(words(24 * 3600 * 9), "9 d");
        let exact = |minutes: i64| exact_span(SignedDuration::from_mins(minutes));
        assert_eq!([exact(52), exact(180), exact(192), exact(52 * 60 + 5)], ["52 min", "3 h", "3 h 12 min", "2 d 4 h"]);
    }

    #[test]
    fn one_instant_is_one_clock_whatever_zone_it_was_told_in() {
        let at: Timestamp = "2026-03-02T13:55:00Z".parse().unwrap();
        let samples = [
            EventTime::instant("", at, Precision::Second),
            EventTime::zoned(
                "",
                "2026-03-02T14:55".parse().unwrap(),
                &TimeZone::get("Europe/Berlin").unwrap(),
                "+01:00",
                Precision::Minute,
                ZoneSource::Payload,
            ),
            {
                let mut time = floating("2026-03-02T19:25", Precision::Minute);
                time.settle(|| Some(("Asia/Kolkata", ZoneSource::Facility)));
                time
            },
        ];
        for (zone, clock) in [("UTC", "13:55"), ("Europe/Berlin", "14:55"), ("America/New_York", "08:55")] {
            let times = times(zone);
            assert_eq!(times.dated(at).shown, format!("Mon 2 Mar, {clock}"));
            for time in &samples {
                assert_eq!(times.event(time).shown, format!("Mon 2 Mar, {clock}"));
                assert_eq!(times.event(time).iso, at.to_string());
                let placed = times.placed(time, at);
                assert_eq!((placed.clock.as_str(), placed.remark), (clock, ""));
            }
        }
        let own = times("UTC").event(&samples[2]).own.unwrap();
        assert_eq!(own, "Mon 2 Mar, 19:25, local time in Asia/Kolkata (zone of the place)");
        assert_eq!(times("Asia/Kolkata").event(&samples[2]).own, None, "it is the same clock");
        assert_eq!(times("UTC").event(&samples[1]).own.unwrap(), "Mon 2 Mar, 14:55, +01:00");
    }

    #[test]
    fn what_is_not_an_instant_is_never_converted() {
        for zone in ["UTC", "America/New_York", "Pacific/Kiritimati"] {
            let times = times(zone);
            let day = times.event(&floating("2026-03-02T00:00", Precision::Date));
            assert_eq!((day.shown.as_str(), day.iso.as_str()), ("Mon 2 Mar", "2026-03-02"));
            assert_eq!(day.full, "Mon 2 Mar 2026, date only");
            let wall = times.event(&floating("2026-03-02T10:00", Precision::Minute));
            assert_eq!(wall.shown, "Mon 2 Mar, 10:00 local time");
            assert!(wall.full.ends_with("the source names no zone"));
            let mut twice = floating("2026-10-25T02:30", Precision::Minute);
            twice.settle(|| Some(("Europe/Berlin", ZoneSource::Facility)));
            assert_eq!(times.event(&twice).shown, "Sun 25 Oct, 02:30 local time");
            assert!(times.event(&twice).full.ends_with("in the hour that happens twice"));
            let unread = EventTime::unknown("at Jane's");
            assert_eq!(times.event(&unread).shown, "time not known");
            assert_eq!(times.event(&unread).full, "the source gives no usable time");
        }
    }

    #[test]
    fn a_page_says_its_zone() {
        let words = |zone| times(zone).zone_in_words();
        assert_eq!(words("Europe/Berlin"), "Europe/Berlin (UTC+1)");
        assert_eq!(words("Asia/Kolkata"), "Asia/Kolkata (UTC+5:30)");
        assert_eq!(words("America/New_York"), "America/New_York (UTC-5)");
        for unknown in ["", "UTC", "Mars/Phobos", "../etc/passwd", &"x".repeat(1000)] {
            assert_eq!(words(unknown), "UTC");
        }
    }
}
