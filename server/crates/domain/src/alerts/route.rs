//! Which channel gets an alert, and when: from which severity on, at once or only when it is not acknowledged, and not in its quiet
//! hours.

use super::{AlertKind, machine::Notice};
use crate::Severity;
use jiff::{Timestamp, ToSpan, civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// When a channel is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// As soon as an alert opens.
    #[default]
    AtOnce,
    /// When it was not acknowledged in time.
    Unacknowledged,
    /// When it was not acknowledged after that either.
    StillUnacknowledged,
}

impl Stage {
    /// After how many escalations.
    const fn after(self) -> u32 {
        match self {
            Self::AtOnce => 0,
            Self::Unacknowledged => 1,
            Self::StillUnacknowledged => 2,
        }
    }
}

/// Hours of the day in which only what is critical is sent: what else there is comes at their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: Time,
    until: Time,
    zone: TimeZone,
}

impl Quiet {
    /// Out of `20:00-07:00` and a zone of the IANA database.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(hours: &str, zone: &str) -> Result<Self, String> {
        let odd = || format!("quiet hours are written like 20:00-07:00, and not {hours:?}");
        let (from, until) = hours.split_once(['-', '–']).ok_or_else(odd)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| odd());
        let (from, until) = (time(from)?, time(until)?);
        if from == until {
            return Err("quiet hours that last the whole day would send nothing".into());
        }
        let zone = TimeZone::get(zone).map_err(|_| format!("there is no time zone {zone:?}"))?;
        Ok(Self { from, until, zone })
    }

    /// When they end, where they are on.
    pub fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_zoned(self.zone.clone());
        let time = local.time();
        let is_on = match self.from < self.until {
            true => self.from <= time && time < self.until,
            false => time >= self.from || time < self.until,
        };
        if !is_on {
            return None;
        }
        let today = local.date().to_datetime(self.until);
        let day = if time < self.until { today } else { today.checked_add(1.day()).ok()? };
        // an hour that a clock change leaves out or repeats is read as the zone's rules have it
        self.zone.to_ambiguous_timestamp(day).compatible().ok()
    }
}

/// What a channel takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// From this severity on.
    pub least: Severity,
    /// Of these kinds; none named: of every one.
    pub kinds: Vec<AlertKind>,
    /// At which stage.
    pub stage: Stage,
    /// Its quiet hours.
    pub quiet: Option<Quiet>,
}

/// An alert, as far as its way goes by it.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// The kind.
    pub kind: AlertKind,
    /// How much a person is needed.
    pub severity: Severity,
    /// How often it has escalated.
    pub escalated: u32,
}

impl Route {
    /// When a channel is notified of this; none: not at all. That an alert is over goes to the channels that have it, which is
    /// not decided here.
    pub fn at(&self, subject: Subject, notice: Notice, now: Timestamp) -> Option<Timestamp> {
        let takes = subject.severity >= self.least && (self.kinds.is_empty() || self.kinds.contains(&subject.kind));
        let reached = match notice {
            // the step that was just reached, and none of those before: they have it
            Notice::Escalated => self.stage.after() == subject.escalated,
            _ => self.stage.after() <= subject.escalated,
        };
        (takes && reached).then(|| self.due(subject.severity, now))
    }

    /// When something of this severity is sent: in quiet hours only what is critical goes out at once.
    pub fn due(&self, severity: Severity, now: Timestamp) -> Timestamp {
        if severity == Severity::Critical {
            return now;
        }
        self.quiet.as_ref().and_then(|quiet| quiet.ends(now)).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_end_in_the_morning_of_their_zone() {
        let night = Quiet::read("20:00-07:00", "Europe/Berlin").unwrap();
        for (now, ends) in [
            ("2026-03-10T18:59:00Z", None),
            ("2026-03-10T19:00:00Z", Some("2026-03-11T06:00:00Z")),
            ("2026-03-11T02:00:00Z", Some("2026-03-11T06:00:00Z")),
            ("2026-03-11T06:00:00Z", None),
            // the night in which the clocks go forward is an hour shorter
            ("2026-03-28T23:00:00Z", Some("2026-03-29T05:00:00Z")),
        ] {
            assert_eq!(night.ends(at(now)), ends.map(at), "{now}");
        }
        let lunch = Quiet::read(" 12:00 – 13:30", "UTC").unwrap();
        assert_eq!(lunch.ends(at("2026-03-10T12:30:00Z")), Some(at("2026-03-10T13:30:00Z")));
        assert_eq!(lunch.ends(at("2026-03-10T13:30:00Z")), None);
    }

    #[test]
    fn odd_quiet_hours_are_refused_with_a_reason() {
        for (hours, zone) in [("20-7", "UTC"), ("20:00", "UTC"), ("07:00-07:00", "UTC"), ("20:00-07:00", "Berlin")] {
            assert!(Quiet::read(hours, zone).is_err(), "{hours} {zone}");
        }
    }

    #[test]
    fn a_channel_gets_what_it_takes_at_its_stage() {
        let now = at("2026-03-10T22:00:00Z");
        let quiet = Some(Quiet::read("20:00-07:00", "UTC").unwrap());
        let route = |least, stage| Route { least, kinds: Vec::new(), stage, quiet: quiet.clone() };
        let subject = |severity, escalated| Subject { kind: AlertKind::Backlog, severity, escalated };
        let morning = at("2026-03-11T07:00:00Z");
        use Severity::{Critical, Major, Minor};
        for (of, subject, notice, due) in [
            (route(Major, Stage::AtOnce), subject(Critical, 0), Notice::Opened, Some(now)),
            (route(Major, Stage::AtOnce), subject(Major, 0), Notice::Opened, Some(morning)),
            (route(Major, Stage::AtOnce), subject(Minor, 0), Notice::Opened, None),
            (route(Major, Stage::AtOnce), subject(Critical, 1), Notice::Escalated, None),
            (route(Major, Stage::Unacknowledged), subject(Critical, 0), Notice::Opened, None),
            (route(Major, Stage::Unacknowledged), subject(Critical, 1), Notice::Escalated, Some(now)),
            (route(Major, Stage::Unacknowledged), subject(Critical, 2), Notice::Escalated, None),
            (route(Major, Stage::StillUnacknowledged), subject(Critical, 2), Notice::Escalated, Some(now)),
            // what became more severe goes to every channel that it had reached
            (route(Minor, Stage::AtOnce), subject(Critical, 0), Notice::Raised, Some(now)),
        ] {
            assert_eq!(of.at(subject, notice, now), due, "{of:?} {subject:?} {notice:?}");
        }
        let disk = Route { kinds: vec![AlertKind::DiskSpace], ..route(Minor, Stage::AtOnce) };
        assert_eq!(disk.at(subject(Critical, 0), Notice::Opened, now), None);
    }
}
