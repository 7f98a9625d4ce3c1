//! Times in the formats that sources have.

use super::{
    fields::TimeField,
    format::{Format, day_of},
    word,
};
use crate::formats::times;
use domain::event_time::{EventTime, Precision, ZoneSource};
use jiff::{Timestamp, fmt::strtime::BrokenDownTime, tz::TimeZone};
use serde_json::Value;

/// The time that the field points at; none where there is nothing.
pub(super) fn read(field: &TimeField, value: &Value) -> Option<EventTime> {
    let part = |pointer: &Option<String>| match value.pointer(pointer.as_deref()?)? {
        Value::Number(number) => Some(number.to_string()),
        other => word(other),
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
