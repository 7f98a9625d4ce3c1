//! When something happened, as certain as the source was and no more.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::DateTime,
    fmt::temporal::DateTimeParser,
    tz::{AmbiguousOffset, TimeZone},
};
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
    /// Unknown; used for sorting only.
    Assumed,
}

/// The time of an event. `utc` is empty rather than guessed: a wall clock whose zone follows from its place alone has the
/// zone beside it, and an instant to sort by that is never shown. In the hour that happens twice the wall clock stands for
/// two instants ([`candidates`](Self::candidates)): it sorts at the earlier. In the hour that is left out it stands for the
/// one after the gap. A day is an interval ([`interval`](Self::interval)), and sorts at its start.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventTime {
    /// As the source wrote it; not kept in clear where it is no time.
    pub raw: String,
    /// The wall clock at the place, where the source gave one.
    pub local: Option<DateTime>,
    /// The instant, only where it follows from the source's text.
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
    /// Where a wall clock with a zone but without an instant sorts: ask [`sort_key`](Self::sort_key). Follows from `local`
    /// and `zone`; kept, as the fold asks often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorts_at: Option<Timestamp>,
}

impl EventTime {
    /// Whether it has a time.
    pub fn is_usable(&self) -> bool {
        self.precision != Precision::None
    }

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
            sorts_at: None,
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
            sorts_at: None,
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
            sorts_at: None,
        }
        .marked()
        .sorted_in(zone)
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
            sorts_at: None,
        }
        .marked()
    }

    /// Gives a wall clock without a zone the one that is known otherwise, and every wall clock without an instant its
    /// place in the order. The instant stays open, whatever the zone. A zone that is none leaves all as it is.
    pub fn settle<'a>(&mut self, known: impl FnOnce() -> Option<(&'a str, ZoneSource)>) {
        let open = self.local.is_some() && self.utc.is_none() && self.sorts_at.is_none() && !self.sentinel;
        if !open {
            return;
        }
        if self.zone.is_none() {
            let Some((name, source)) = known().filter(|(name, _)| is_zone(name)) else { return };
            (self.zone, self.zone_source) = (Some(name.to_owned()), Some(source));
        }
        self.sorts_at = self.candidates().first().copied();
    }

    /// The instants that this time can stand for, the earlier first: one, two in the hour that happens twice, none where
    /// no zone is known or the value stands for "unknown".
    pub fn candidates(&self) -> Vec<Timestamp> {
        match (self.utc, self.local, self.time_zone()) {
            _ if self.sentinel => Vec::new(),
            (Some(utc), ..) => vec![utc],
            (None, Some(local), Some(zone)) => instants(local, &zone),
            _ => Vec::new(),
        }
    }

    /// From when (included) to when (excluded) it can have happened: a local day from its midnight to the next, whatever
    /// the day's length; a minute or a second for its length, and over both where it happens twice. Where the zone is not
    /// known, so far wider as offsets reach east (14 h) and west (12 h).
    pub fn interval(&self) -> Option<(Timestamp, Timestamp)> {
        let length = match self.precision {
            _ if self.sentinel => return None,
            Precision::None => return None,
            Precision::Date => 24.hours(),
            Precision::Minute => 1.minute(),
            Precision::Second => 1.second(),
        };
        let (from, until) = match (self.utc, self.local, self.time_zone()) {
            (Some(utc), ..) => (utc, utc.checked_add(length).ok()?),
            (None, Some(local), Some(zone)) if self.precision == Precision::Date => {
                let midnight = |date: jiff::civil::Date| instants(date.at(0, 0, 0, 0), &zone).first().copied();
                (midnight(local.date())?, midnight(local.date().tomorrow().ok()?)?)
            }
            (None, Some(local), Some(zone)) => {
                let both = instants(local, &zone);
                (*both.first()?, both.last()?.checked_add(length).ok()?)
            }
            (None, Some(_), None) => {
                (self.earliest()?, self.sort_key()?.checked_add(length).ok()?.checked_add(12.hours()).ok()?)
            }
            (None, None, _) => return None,
        };
        Some((from, until))
    }

    /// The instant used to order facts: the known one, else that of the wall clock in its zone, else the wall clock read
    /// as UTC. Never shown as an instant. A day sorts at its start.
    pub fn sort_key(&self) -> Option<Timestamp> {
        self.utc.or(self.sorts_at).or_else(|| self.local.and_then(|l| TimeZone::UTC.to_timestamp(l).ok()))
    }

    /// How far the wall clock is ahead of UTC; none where that is unknown.
    pub fn ahead_of_utc(&self) -> Option<SignedDuration> {
        let as_utc = TimeZone::UTC.to_timestamp(self.local?).ok()?;
        Some(as_utc.duration_since(self.utc.or(self.sorts_at)?))
    }

    /// The wall clock, from the source or from the instant in UTC.
    pub fn wall_clock(&self) -> Option<DateTime> {
        self.local.or_else(|| self.utc.map(|u| TimeZone::UTC.to_datetime(u)))
    }

    /// The earliest instant at which this can have happened: the start of the [`interval`](Self::interval).
    pub fn earliest(&self) -> Option<Timestamp> {
        match self.utc.or(self.sorts_at) {
            Some(known) => Some(known),
            None => self.sort_key()?.checked_sub(14.hours()).ok(),
        }
    }

    fn time_zone(&self) -> Option<TimeZone> {
        let name = self.zone.as_deref()?;
        TimeZone::get(name).ok().or_else(|| DateTimeParser::new().parse_time_zone(name).ok())
    }

    fn sorted_in(mut self, zone: &TimeZone) -> Self {
        if self.utc.is_none() && !self.sentinel {
            self.sorts_at = self.local.and_then(|local| instants(local, zone).first().copied());
        }
        self
    }

    fn marked(mut self) -> Self {
        let year = self.wall_clock().map_or(2000, |w| w.year());
        self.sentinel = year <= 1970 || year >= 2100;
        self
    }
}

/// Whether this is the name of a zone in the IANA time zone database.
pub fn is_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// What a wall clock stands for in a zone, the earlier first: in a gap the instant after it, by as much as the clock was
/// put forward.
fn instants(local: DateTime, zone: &TimeZone) -> Vec<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let all = match ambiguous.offset() {
        AmbiguousOffset::Fold { .. } => vec![ambiguous.earlier(), ambiguous.later()],
        _ => vec![ambiguous.compatible()],
    };
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Codes, Observation, Origin};

    fn berlin(local: &str, precision: Precision) -> EventTime {
        let mut time = EventTime::floating(local, local.parse().unwrap(), precision);
        time.settle(|| Some(("Europe/Berlin", ZoneSource::Facility)));
        time
    }

    fn shown(instants: &[Timestamp]) -> Vec<String> {
        instants.iter().map(Timestamp::to_string).collect()
    }

    #[test]
    fn a_zone_gives_an_order_and_no_instant() {
        let time = berlin("2026-03-02T10:00", Precision::Minute);
        assert_eq!((time.utc, time.zone.as_deref()), (None, Some("Europe/Berlin")));
        assert_eq!(time.zone_source, Some(ZoneSource::Facility));
        assert_eq!(time.sort_key().unwrap().to_string(), "2026-03-02T09:00:00Z");
        assert_eq!(time.earliest(), time.sort_key());
        assert_eq!(time.ahead_of_utc(), Some(SignedDuration::from_hours(1)));
        assert_eq!(shown(&time.candidates()), ["2026-03-02T09:00:00Z"]);
    }

    #[test]
    fn the_hour_that_happens_twice_is_two_instants_and_sorts_at_the_earlier() {
        let time = berlin("2026-10-25T02:30", Precision::Minute);
        assert_eq!(shown(&time.candidates()), ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]);
        assert_eq!(time.sort_key(), time.candidates().first().copied());
        let (from, until) = time.interval().unwrap();
        assert_eq!(shown(&[from, until]), ["2026-10-25T00:30:00Z", "2026-10-25T01:31:00Z"]);
    }

    #[test]
    fn the_hour_that_is_left_out_is_the_one_after_the_gap() {
        let time = berlin("2026-03-29T02:30", Precision::Minute);
        assert_eq!(shown(&time.candidates()), ["2026-03-29T01:30:00Z"], "03:30 in summer time");
        assert_eq!(time.sort_key(), time.candidates().first().copied());
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let said =
            EventTime::zoned("", time.local.unwrap(), &zone, "Europe/Berlin", Precision::Minute, ZoneSource::Payload);
        assert_eq!(
            (said.utc, said.sort_key()),
            (None, time.sort_key()),
            "a zone in the message makes no instant of it either"
        );
    }

    #[test]
    fn a_day_is_from_midnight_to_midnight_in_its_zone() {
        let hours = |day: &str| {
            let (from, until) = berlin(&format!("{day}T00:00"), Precision::Date).interval().unwrap();
            (from.to_string(), until.duration_since(from).as_hours())
        };
        assert_eq!(hours("2026-03-02"), ("2026-03-01T23:00:00Z".into(), 24));
        assert_eq!(hours("2026-03-29"), ("2026-03-28T23:00:00Z".into(), 23));
        assert_eq!(hours("2026-10-25"), ("2026-10-24T22:00:00Z".into(), 25));
    }

    #[test]
    fn without_a_zone_the_interval_is_as_wide_as_offsets_reach() {
        let time = EventTime::floating("", "2026-03-02T10:00".parse().unwrap(), Precision::Minute);
        let (from, until) = time.interval().unwrap();
        assert_eq!(shown(&[from, until]), ["2026-03-01T20:00:00Z", "2026-03-02T22:01:00Z"]);
        assert_eq!(time.earliest(), Some(from));
        assert!(time.candidates().is_empty());
        assert_eq!(EventTime::unknown("x").interval(), None);
    }

    #[test]
    fn what_the_source_said_is_not_replaced() {
        let mut offset = EventTime::floating("", "2026-03-02T00:00".parse().unwrap(), Precision::Date);
        (offset.zone, offset.zone_source) = (Some("-05:00".into()), Some(ZoneSource::Payload));
        offset.settle(|| Some(("Europe/Berlin", ZoneSource::Facility)));
        assert_eq!(offset.zone.as_deref(), Some("-05:00"));
        assert_eq!(offset.sort_key().unwrap().to_string(), "2026-03-02T05:00:00Z");
        let mut instant = EventTime::instant("", "2026-03-02T10:00:00Z".parse().unwrap(), Precision::Second);
        let before = instant.clone();
        instant.settle(|| Some(("Europe/Berlin", ZoneSource::Facility)));
        assert_eq!(instant, before);
        let mut nowhere = EventTime::floating("", "2026-03-02T10:00".parse().unwrap(), Precision::Minute);
        let before = nowhere.clone();
        nowhere.settle(|| Some(("Mars/Phobos", ZoneSource::CarrierDefault)));
        assert_eq!(nowhere, before);
        let sentinel = berlin("1970-01-01T01:00", Precision::Minute);
        assert_eq!(sentinel.zone, None);
    }

    #[test]
    fn times_kept_before_zones_were_known_still_read() {
        let old = r#"{"raw":"x","local":"2026-03-02T10:00:00","utc":null,"zone":null,"precision":"minute","zone_source":null}"#;
        let time: EventTime = serde_json::from_str(old).unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), old, "and nothing is added where nothing is known");
        let time = berlin("2026-10-25T02:30", Precision::Minute);
        let again: EventTime = serde_json::from_str(&serde_json::to_string(&time).unwrap()).unwrap();
        assert_eq!(again, time);
    }

    #[test]
    fn the_zone_is_no_part_of_what_was_said() {
        let codes = Codes { raw: "X".into(), status: Vec::new(), reason: None, coarse: None };
        let time = EventTime::floating("x", "2026-03-02T10:00".parse().unwrap(), Precision::Minute);
        let mut observation = Observation::new(codes, crate::Classifier::Actual, time, Origin::Event);
        let before = observation.id("source", "tracker");
        observation.time.settle(|| Some(("Europe/Berlin", ZoneSource::Facility)));
        assert!(observation.time.zone.is_some());
        assert_eq!(observation.id("source", "tracker"), before);
    }
}
