//! Times in the formats that sources have.

use super::{super::times, decode, fields::TimeField};
use domain::event_time::{EventTime, Precision, ZoneSource};
use jiff::{
    Timestamp,
    civil::date,
    fmt::strtime::{self, BrokenDownTime},
    tz::TimeZone,
};
use serde_json::Value;

/// How a time is written.
pub(super) enum Format<'a> {
    /// ISO 8601.
    Iso,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// A pattern.
    Pattern(&'a str),
}

impl<'a> Format<'a> {
    /// The format of this word or pattern. A pattern has to write a day that it reads again.
    pub(super) fn new(text: Option<&'a str>) -> Result<Self, String> {
        match text {
            None | Some("iso") => Ok(Self::Iso),
            Some("epoch_seconds") => Ok(Self::Seconds),
            Some("epoch_milliseconds") => Ok(Self::Milliseconds),
            Some(pattern) if pattern.contains('%') => {
                let sample = date(2026, 3, 4).at(15, 6, 7, 0).to_zoned(TimeZone::UTC).expect("UTC has every time");
                let written = strtime::format(pattern, &sample).map_err(|e| format!("{pattern:?}: {e}"))?;
                let read = BrokenDownTime::parse(pattern, written).map_err(|e| format!("{pattern:?}: {e}"))?;
                match day_of(&read) {
                    Some(day) if day.date() == sample.date() => Ok(Self::Pattern(pattern)),
                    _ => Err(format!("{pattern:?} has no whole day (like %Y-%m-%d) in it")),
                }
            }
            Some(other) => Err(format!(
                "{other:?} is no format: write iso, epoch_seconds, epoch_milliseconds or a pattern like %Y-%m-%d %H:%M"
            )),
        }
    }
}

/// The time that the field points at; none where there is nothing.
pub(super) fn read(field: &TimeField, value: &Value) -> Option<EventTime> {
    let part = |pointer: &Option<String>| match value.pointer(pointer.as_deref()?)? {
        Value::Number(number) => Some(number.to_string()),
        other => decode::word(other),
    };
    let day = part(&field.at)?;
    let raw = part(&field.clock).map_or_else(|| day.clone(), |clock| format!("{day} {clock}"));
    let time = match Format::new(field.format.as_deref()) {
        Ok(Format::Iso) => times::iso(&raw),
        Ok(Format::Seconds) => epoch(&raw, 1_000_000_000),
        Ok(Format::Milliseconds) => epoch(&raw, 1_000_000),
        Ok(Format::Pattern(pattern)) => by_pattern(&raw, pattern),
        Err(_) => EventTime::unknown(&raw),
    };
    Some(part(&field.zone).map_or(time.clone(), |zone| in_zone(time, &zone)))
}

fn epoch(raw: &str, unit_ns: i128) -> EventTime {
    let (whole, fraction) = raw.split_once('.').unwrap_or((raw, ""));
    let fraction = fraction.bytes().all(|b| b.is_ascii_digit()).then_some(());
    let instant = whole.parse::<i64>().ok().zip(fraction);
    match instant.and_then(|(n, ())| Timestamp::from_nanosecond(i128::from(n) * unit_ns).ok()) {
        Some(instant) => EventTime::instant(raw, instant, Precision::Second),
        None => EventTime::unknown(raw),
    }
}

fn by_pattern(raw: &str, pattern: &str) -> EventTime {
    let Ok(read) = BrokenDownTime::parse(pattern, raw) else { return EventTime::unknown(raw) };
    let Some(local) = day_of(&read) else { return EventTime::unknown(raw) };
    let precision = match (read.hour(), read.second()) {
        (None, _) => Precision::Date,
        (_, None) => Precision::Minute,
        _ => Precision::Second,
    };
    match read.offset() {
        Some(offset) if precision > Precision::Date => {
            EventTime::zoned(raw, local, &TimeZone::fixed(offset), offset.to_string(), precision, ZoneSource::Payload)
        }
        _ => EventTime::floating(raw, local, precision),
    }
}

/// Day and time of day; a part of the time that is not written is zero.
fn day_of(read: &BrokenDownTime) -> Option<jiff::civil::DateTime> {
    let time = read.to_time().unwrap_or_default();
    Some(read.to_date().ok()?.to_datetime(time))
}

/// The wall clock with a zone that stands by itself. A time that is an instant already gets its wall clock from it.
fn in_zone(time: EventTime, name: &str) -> EventTime {
    let fixed = times::offset(name).map(TimeZone::fixed);
    let Some(zone) = fixed.or_else(|| TimeZone::get(name).ok()) else { return time };
    match (time.local, time.utc) {
        (None, Some(utc)) => EventTime { local: Some(zone.to_datetime(utc)), zone: Some(name.to_owned()), ..time },
        (Some(local), None) if time.precision > Precision::Date => {
            EventTime::zoned(time.raw, local, &zone, name, time.precision, ZoneSource::Payload)
        }
        _ => time,
    }
}
