//! Times as providers write them: with an offset, with a zone, with neither. Never a guessed instant.

use domain::{
    Classifier,
    event_time::{EventTime, Precision, ZoneSource},
    observation::{Decoded, Feed, Observation},
};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

/// ISO 8601 as found in the wild: `2026-03-02T10:00:00`, with `Z` or an offset, a blank for the `T`, a mere day.
pub(super) fn iso(raw: &str) -> EventTime {
    let text = raw.trim();
    if let Ok(date) = text.parse::<Date>().map_err(drop).and_then(|d| if text.len() <= 10 { Ok(d) } else { Err(()) }) {
        return EventTime::floating(raw, date.at(0, 0, 0, 0), Precision::Date);
    }
    match offset_of(text) {
        Some("Z" | "z") => match text.parse::<Timestamp>() {
            Ok(instant) => EventTime::instant(raw, instant, precision(text)),
            Err(_) => EventTime::unknown(raw),
        },
        Some(offset) => with_offset(raw, text, offset),
        None => match text.parse::<DateTime>() {
            Ok(local) => EventTime::floating(raw, local, precision(text)),
            Err(_) => EventTime::unknown(raw),
        },
    }
}

fn with_offset(raw: &str, text: &str, offset: &str) -> EventTime {
    let (Ok(instant), Ok(local)) = (text.parse::<Timestamp>(), text[..text.len() - offset.len()].parse::<DateTime>())
    else {
        return EventTime::unknown(raw);
    };
    let mut time = EventTime::floating(raw, local, precision(text));
    (time.utc, time.zone, time.zone_source) = (Some(instant), Some(offset.to_owned()), Some(ZoneSource::Payload));
    time
}

/// The offset at the end, if there is one: after the time of day, so that a date's hyphens are none.
fn offset_of(text: &str) -> Option<&str> {
    let time_at = text.find(['T', 't', ' '])?;
    let at = text[time_at..].find(['Z', 'z', '+']).or_else(|| text[time_at..].rfind('-'))?;
    Some(&text[time_at + at..])
}

fn precision(text: &str) -> Precision {
    let clock = text.split(['T', 't', ' ']).nth(1).unwrap_or_default();
    let clock = clock.split(['Z', 'z', '+', '-']).next().unwrap_or_default();
    if clock.matches(':').count() >= 2 { Precision::Second } else { Precision::Minute }
}

/// `CCYYMMDD`, or `YYMMDD` of before 2000.
pub(super) fn compact_date(text: &str) -> Option<Date> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let (year, at) = match text.len() {
        8 if digits => (number(0, 4)?, 4),
        6 if digits => (number(0, 2).map(|y| if y >= 70 { 1900 + y } else { 2000 + y })?, 2),
        _ => return None,
    };
    Date::new(year, number(at, at + 2)?.try_into().ok()?, number(at + 2, at + 4)?.try_into().ok()?).ok()
}

/// `HHMM`, `HHMMSS` or `HHMMSSDD`; a leap second is the last one of its minute, 2400 the next midnight's eve.
pub(super) fn compact_clock(text: &str) -> Option<(Time, Precision)> {
    if !text.bytes().all(|b| b.is_ascii_digit()) || !matches!(text.len(), 4 | 6 | 8) {
        return None;
    }
    let number = |from: usize| text.get(from..from + 2)?.parse::<i8>().ok();
    let (hour, minute, second) = (number(0)?, number(2)?, number(4).unwrap_or_default().min(59));
    let precision = if text.len() > 4 { Precision::Second } else { Precision::Minute };
    let (hour, minute) = if hour == 24 && minute == 0 { (23, 59) } else { (hour, minute) };
    Some((Time::new(hour, minute, second, 0).ok()?, precision))
}

/// An offset as it is written: `-04:00`.
pub(super) fn offset_text(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// A text that names its own offset: the wall clock is in it for all to read.
pub(super) fn names_offset(text: &str) -> bool {
    offset_of(text.trim()).is_some_and(|offset| !matches!(offset, "Z" | "z"))
}

/// A text whose `Z` is known to stand for nothing: the wall clock that it shows. A numeric offset is believed.
pub(super) fn disregarding_z(raw: &str) -> EventTime {
    match raw.trim().strip_suffix(['Z', 'z']) {
        Some(local) => EventTime { raw: raw.to_owned(), ..iso(local) },
        None => iso(raw),
    }
}

/// Estimates are days; some write them as midnight, in whatever zone.
pub(super) fn day_if_midnight(time: EventTime) -> EventTime {
    match time.wall_clock() {
        Some(clock) if clock.time() == Time::midnight() => EventTime::floating(time.raw, clock, Precision::Date),
        _ => time,
    }
}

/// A whole list takes its place among the earlier and later ones by its stamp; where the provider gives none, by its
/// newest event. A message without any time has no place among lists: it adds.
pub(super) fn snapshot(stamp: Option<Timestamp>, observations: &[Observation]) -> Feed {
    let happened = |o: &&Observation| o.classifier == Classifier::Actual && !o.time.sentinel;
    let newest = || observations.iter().filter(happened).filter_map(|o| o.time.sort_key()).max();
    match stamp.or_else(newest) {
        Some(stamp) => Feed::Snapshot { stamp: Some(stamp) },
        None => Feed::Delta,
    }
}

/// An offset that stands by itself: `+02:00`, `-0600`, `+01`, `Z`.
pub(super) fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "z") {
        return Some(Offset::UTC);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let digits = rest.replace(':', "");
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize| digits.get(from..from + 2).and_then(|n| n.parse::<i32>().ok()).unwrap_or_default();
    let seconds = number(0) * 3600 + number(2) * 60;
    match sign {
        "+" => Offset::from_seconds(seconds).ok(),
        "-" => Offset::from_seconds(-seconds).ok(),
        _ => None,
    }
}

/// Midnight on every event of a message is a date in disguise.
pub(super) fn days_in_disguise(decoded: &mut Decoded) {
    let events = || decoded.reports.iter().flat_map(|r| &r.observations);
    let midnight = |o: &Observation| o.time.local.is_some_and(|l| l.time() == Time::midnight());
    if events().count() < 2 || !events().all(midnight) {
        return;
    }
    for observation in decoded.reports.iter_mut().flat_map(|r| &mut r.observations) {
        (observation.time.precision, observation.time.utc) = (Precision::Date, None);
    }
}

/// X12 element 623, the time code, as far as it names a zone. The general ones (ET) follow daylight saving by date, the
/// others (ES, ED) are fixed. Source: X12 004010 element 623; ISO-like codes 01–24 are offsets from UTC.
pub(super) enum Zone {
    /// Local time: no zone is said.
    Local,
    /// This zone.
    Known(TimeZone, String),
    /// Nobody here knows the code.
    Unknown,
}

pub(super) fn x12_zone(code: &str) -> Zone {
    let named = |name: &str| TimeZone::get(name).map_or(Zone::Unknown, |zone| Zone::Known(zone, name.to_owned()));
    let fixed = |hours: i8| Zone::Known(TimeZone::fixed(jiff::tz::offset(hours)), format!("{hours:+03}:00"));
    match code.trim() {
        "" | "LT" => Zone::Local,
        "ET" => named("America/New_York"),
        "CT" => named("America/Chicago"),
        "MT" => named("America/Denver"),
        "PT" => named("America/Los_Angeles"),
        "AT" => named("America/Anchorage"),
        "HT" => named("Pacific/Honolulu"),
        "NT" => named("America/St_Johns"),
        "TT" => named("America/Halifax"),
        "ES" => fixed(-5),
        "ED" => fixed(-4),
        "CS" => fixed(-6),
        "CD" => fixed(-5),
        "MS" => fixed(-7),
        "MD" => fixed(-6),
        "PS" => fixed(-8),
        "PD" => fixed(-7),
        "AS" => fixed(-9),
        "AD" => fixed(-8),
        "HS" => fixed(-10),
        "HD" => fixed(-9),
        "TS" => fixed(-4),
        "TD" => fixed(-3),
        "UT" | "GM" => fixed(0),
        code => match code.parse::<i8>() {
            Ok(hours @ 1..=12) => fixed(hours),
            Ok(hours @ 13..=24) => fixed(hours - 25),
            _ => Zone::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_source_says_and_no_more() {
        let floating = iso("2026-03-02T10:00:00");
        assert_eq!((floating.local.is_some(), floating.utc, floating.precision), (true, None, Precision::Second));
        let utc = iso("2026-03-04T15:20:00.000Z");
        assert_eq!((utc.local, utc.utc.map(|t| t.to_string()).as_deref()), (None, Some("2026-03-04T15:20:00Z")));
        let offset = iso("2026-03-11T15:00:00+01:00");
        assert_eq!(
            (offset.local.map(|l| l.to_string()).as_deref(), offset.utc.map(|t| t.to_string()).as_deref()),
            (Some("2026-03-11T15:00:00"), Some("2026-03-11T14:00:00Z"))
        );
        assert_eq!(iso("2026-03-11T15:00-05:00").utc.map(|t| t.to_string()).as_deref(), Some("2026-03-11T20:00:00Z"));
        assert_eq!(iso("2026-03-11").precision, Precision::Date);
        assert_eq!(iso("yesterday"), EventTime::unknown("yesterday"));
        assert!(iso("9999-12-31T23:59:59").sentinel);
        assert_eq!(
            iso("2016-12-31T23:59:60").local.map(|l| l.second()),
            Some(59),
            "a leap second is the last one of the minute"
        );
    }

    #[test]
    fn a_z_that_stands_for_nothing_leaves_the_wall_clock() {
        let time = disregarding_z("2026-03-10T08:02:00.000Z");
        assert_eq!((time.local.map(|l| l.to_string()).as_deref(), time.utc), (Some("2026-03-10T08:02:00"), None));
        assert_eq!(time.raw, "2026-03-10T08:02:00.000Z");
        assert!(disregarding_z("2026-03-10T08:02:00+01:00").utc.is_some());
        let day = day_if_midnight(iso("2026-03-10T00:00:00Z"));
        assert_eq!((day.precision, day.utc), (Precision::Date, None));
        assert_eq!(day_if_midnight(iso("2026-03-10T00:01:00Z")).precision, Precision::Second);
    }

    #[test]
    fn offsets_by_themselves() {
        for (text, seconds) in [("+02:00", 7200), ("-0530", -19_800), ("+01", 3600), ("Z", 0)] {
            assert_eq!(offset(text).map(Offset::seconds), Some(seconds), "{text}");
        }
        assert!(["", "CET", "+2", "02:00", "+99:00", "+é"].iter().all(|text| offset(text).is_none()));
    }

    #[test]
    fn general_time_codes_follow_daylight_saving() {
        let Zone::Known(zone, _) = x12_zone("ET") else { panic!("a zone") };
        let at = |text: &str| zone.to_timestamp(text.parse().unwrap()).unwrap().to_string();
        assert_eq!(at("2026-03-09T22:00"), "2026-03-10T02:00:00Z");
        assert_eq!(at("2026-01-09T22:00"), "2026-01-10T03:00:00Z");
        assert!(matches!(x12_zone("LT"), Zone::Local));
        assert!(matches!(x12_zone("QQ"), Zone::Unknown));
    }
}
