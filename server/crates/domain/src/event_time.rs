//! When something happened, as certain as the source was and no more.

use jiff::{Timestamp, ToSpan, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// How finely a time is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// No usable time.
    None,
    /// A local day: an interval, never midnight.
    Date,
    /// A minute.
    Minute,
    /// A second or finer.
    Second,
}

/// Where the zone of a time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneSource {
    /// The message gave an offset or a zone.
    Payload,
    /// The zone of the place named in the message.
    Facility,
    /// The carrier's usual zone.
    CarrierDefault,
    /// Nobody said; used for sorting only.
    Assumed,
}

/// The time of an event. `utc` is empty rather than guessed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventTime {
    /// As the source wrote it.
    pub raw: String,
    /// The wall clock at the place, where the source gave one.
    pub local: Option<DateTime>,
    /// The instant, only where it follows from what the source said.
    pub utc: Option<Timestamp>,
    /// Offset (`+01:00`) or IANA name that led from `local` to `utc`, or that is known beside them.
    pub zone: Option<String>,
    /// How finely it is given.
    pub precision: Precision,
    /// Where the zone comes from; none where there is none.
    pub zone_source: Option<ZoneSource>,
    /// A value that stands for "unknown" (year 1970 or before, 2100 or after): never folded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sentinel: bool,
}

impl EventTime {
    /// No time at all, or none that can be read.
    pub fn unknown(raw: impl Into<String>) -> Self {
        Self {
            raw: raw.into(),
            local: None,
            utc: None,
            zone: None,
            precision: Precision::None,
            zone_source: None,
            sentinel: false,
        }
    }

    /// An instant whose offset the source gave as UTC: there is no wall clock to show.
    pub fn instant(raw: impl Into<String>, utc: Timestamp, precision: Precision) -> Self {
        Self {
            raw: raw.into(),
            local: None,
            utc: Some(utc),
            zone: Some("UTC".into()),
            precision,
            zone_source: Some(ZoneSource::Payload),
            sentinel: false,
        }
        .marked()
    }

    /// A wall clock with a zone or offset that the source named. In a fold (the hour that happens twice) with a named
    /// zone the instant stays open; in a gap too.
    pub fn zoned(
        raw: impl Into<String>,
        local: DateTime,
        zone: &TimeZone,
        name: impl Into<String>,
        precision: Precision,
        source: ZoneSource,
    ) -> Self {
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let utc =
            if ambiguous.is_ambiguous() || precision < Precision::Minute { None } else { ambiguous.compatible().ok() };
        Self {
            raw: raw.into(),
            local: Some(local),
            utc,
            zone: Some(name.into()),
            precision,
            zone_source: Some(source),
            sentinel: false,
        }
        .marked()
    }

    /// A wall clock without a zone.
    pub fn floating(raw: impl Into<String>, local: DateTime, precision: Precision) -> Self {
        Self {
            raw: raw.into(),
            local: Some(local),
            utc: None,
            zone: None,
            precision,
            zone_source: None,
            sentinel: false,
        }
        .marked()
    }

    /// The instant used to order facts: the known one, else the wall clock read as UTC. Never shown as an instant.
    /// A day sorts at its start.
    pub fn sort_key(&self) -> Option<Timestamp> {
        self.utc.or_else(|| self.local.and_then(|l| TimeZone::UTC.to_timestamp(l).ok()))
    }

    /// The wall clock, from the source or from the instant in UTC.
    pub fn wall_clock(&self) -> Option<DateTime> {
        self.local.or_else(|| self.utc.map(|u| TimeZone::UTC.to_datetime(u)))
    }

    /// The earliest instant at which this can have happened: fourteen hours (the largest offset east) before the
    /// wall clock where the zone is not known.
    pub fn earliest(&self) -> Option<Timestamp> {
        match self.utc {
            Some(utc) => Some(utc),
            None => self.sort_key()?.checked_sub(14.hours()).ok(),
        }
    }

    fn marked(mut self) -> Self {
        let year = self.wall_clock().map_or(2000, |w| w.year());
        self.sentinel = year <= 1970 || year >= 2100;
        self
    }
}
