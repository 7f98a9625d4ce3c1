//! The formats that times are written in.

use jiff::{
    civil::date,
    fmt::strtime::{self, BrokenDownTime},
    tz::TimeZone,
};

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

/// Day and time of day; a part of the time that is not written is zero.
pub(super) fn day_of(read: &BrokenDownTime) -> Option<jiff::civil::DateTime> {
    let time = read.to_time().unwrap_or_default();
    Some(read.to_date().ok()?.to_datetime(time))
}
