//! Times as the pages see them. Formatting lives in `components::time`.

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

/// A wall clock without a zone: milliseconds since 1970-01-01T00:00:00 as if the place were on UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(pub i64);

/// How finely a time is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// No usable time.
    None,
    /// A day.
    Date,
    /// A minute.
    Minute,
    /// A second or finer.
    Second,
}

/// How sure we are of the zone of a time. Shown wherever it is not `Stated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneCertainty {
    /// The message gave an offset or a zone.
    Stated,
    /// Derived from the place that the message names.
    FromPlace,
    /// The carrier's usual zone.
    CarrierDefault,
    /// Nobody said.
    Unknown,
}

/// When something happened, as certain as the source was and no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTime {
    /// The instant, where it is known.
    pub instant: Option<Instant>,
    /// The wall clock at the place, where the source gave one.
    pub wall: Option<Wall>,
    /// Offset or zone name beside the wall clock.
    pub zone: Option<String>,
    /// How sure the zone is.
    pub certainty: ZoneCertainty,
    /// How finely it is given.
    pub precision: Precision,
    /// As the source wrote it.
    pub raw: Option<String>,
}

impl EventTime {
    /// Something that Milepost itself did or saw: an instant, known exactly.
    pub fn exact(at: Instant) -> Self {
        Self { instant: Some(at), wall: None, zone: Some("UTC".into()), certainty: ZoneCertainty::Stated, precision: Precision::Second, raw: None }
    }

    /// The instant used to order; the wall clock read as UTC where no instant is known.
    pub fn sort_key(&self) -> Option<Instant> {
        self.instant.or(self.wall.map(|w| Instant(w.0)))
    }
}
