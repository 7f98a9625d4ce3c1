//! Times in words. Relative to now, in full with the zone or the word that there is none.

use app::contract::When;
use domain::event_time::{EventTime, Precision, ZoneSource};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// Names of zones are shorter.
const ZONE_NAME_MAX: usize = 64;

/// The zone of this name; UTC where there is none.
pub(super) fn zone_of(name: &str) -> TimeZone {
    Some(name)
        .filter(|name| name.len() <= ZONE_NAME_MAX)
        .and_then(|name| TimeZone::get(name).ok())
        .unwrap_or(TimeZone::UTC)
}

/// An instant, relative to now.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> When {
    When { iso: at.to_string(), shown: relative(at, now), full: at.strftime("%a %-d %b %Y, %H:%M:%S UTC").to_string() }
}

/// A day and time ahead or behind, as a date.
pub(super) fn dated(at: Timestamp) -> When {
    // midnight to the minute stands for a mere day
    let day = at.as_second() % 86_400 == 0;
    let shown = at.strftime(if day { "%a %-d %b" } else { "%a %-d %b, %H:%M" }).to_string();
    When { iso: at.to_string(), shown, full: at.strftime("%a %-d %b %Y, %H:%M UTC").to_string() }
}

/// An event's time, as certain as it is.
pub(super) fn event(time: &EventTime) -> When {
    let iso = time.utc.map(|u| u.to_string()).or_else(|| time.local.map(|l| l.to_string())).unwrap_or_default();
    let Some(wall) = time.wall_clock().filter(|_| !time.sentinel) else {
        return When {
            iso,
            shown: "time not known".into(),
            full: format!("“{}” says no time that can be used", time.raw),
        };
    };
    let (shown, full) = match time.precision {
        Precision::Date => {
            (wall.strftime("%a %-d %b").to_string(), wall.strftime("%a %-d %b %Y, no time of day").to_string())
        }
        _ => (
            wall.strftime("%a %-d %b, %H:%M").to_string(),
            format!("{}, {}", wall.strftime("%a %-d %b %Y, %H:%M"), zone_in_words(time)),
        ),
    };
    When { iso, shown, full }
}

/// The zone beside a clock: short, with a mark where nobody said.
pub(super) fn zone(time: &EventTime) -> String {
    match (&time.zone, time.precision) {
        (_, Precision::None | Precision::Date) => String::new(),
        (Some(zone), _) => zone.rsplit('/').next().unwrap_or(zone).replace('_', " "),
        (None, _) => "local, zone?".into(),
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

/// `3 h ago`, `in 2 d`.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let span = at.duration_since(now);
    let words = span_words(span.abs());
    match words.as_str() {
        "0 s" => "now".into(),
        _ if span.is_positive() => format!("in {words}"),
        _ => format!("{words} ago"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        let words = |secs: i64| span_words(SignedDuration::from_secs(secs));
        assert_eq!(words(4), "4 s");
        assert_eq!(words(52 * 60), "52 min");
        assert_eq!(words(3 * 3600), "3 h");
        assert_eq!(words(52 * 3600), "2 d 4 h");
        assert_eq!(words(24 * 3600 * 9), "9 d");
    }

    #[test]
    fn a_time_without_a_zone_says_so() {
        let floating = EventTime::floating("x", "2026-03-02T10:00".parse().unwrap(), Precision::Minute);
        assert_eq!(zone(&floating), "local, zone?");
        assert!(event(&floating).full.contains("no zone"));
    }

    #[test]
    fn a_time_says_where_its_zone_comes_from() {
        let told = |local: &str, source: ZoneSource| {
            let mut time = EventTime::floating("x", local.parse().unwrap(), Precision::Minute);
            time.settle(|| Some(("Europe/Berlin", source)));
            event(&time).full
        };
        let place = told("2026-03-02T10:00", ZoneSource::Facility);
        assert_eq!(place, "Mon 2 Mar 2026, 10:00, local time in Europe/Berlin (zone of the place)");
        assert!(told("2026-03-02T10:00", ZoneSource::CarrierDefault).ends_with("(usual zone of the source)"));
        assert!(
            told("2026-10-25T02:30", ZoneSource::Facility)
                .ends_with("(zone of the place), in the hour that happens twice")
        );
    }
}
