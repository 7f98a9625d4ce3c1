//! How wall clocks without a known zone sort: as the nearest one of the journey whose zone is known. A note
//! without a place between two scans in Los Angeles is no eight hours older than they are. For the order only; depends on
//! the facts that count, not on who came first.

use super::standing::Examined;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use std::collections::BTreeMap;

/// Aligns the facts without a zone to those with one.
pub(super) fn align(facts: &mut [Examined<'_>]) {
    let open = |f: &Examined<'_>| f.time.ahead_of_utc().is_none() && !f.time.sentinel;
    if !facts.iter().any(|f| f.time.local.is_some() && open(f)) {
        return;
    }
    let known = Known::of(facts);
    for examined in facts.iter_mut().filter(|f| open(f)) {
        let Some(local) = examined.time.local else { continue };
        let key = instant(local).checked_sub(known.nearest(local)).unwrap_or(examined.key);
        (examined.key, examined.slot) = (key, (key, 1));
    }
}

/// How far wall clocks are ahead of UTC.
#[derive(Default)]
struct Known(BTreeMap<DateTime, SignedDuration>);

impl Known {
    fn of(facts: &[Examined<'_>]) -> Self {
        let mut known = Self::default();
        for examined in facts.iter().filter(|f| f.counts() && f.is_actual()) {
            if let (Some(local), Some(ahead)) = (examined.time.local, examined.time.ahead_of_utc()) {
                known.add(local, ahead);
            }
        }
        known
    }

    fn add(&mut self, local: DateTime, ahead: SignedDuration) {
        self.0.entry(local).and_modify(|other| *other = ahead.min(*other)).or_insert(ahead);
    }

    /// How far the nearest known clock is ahead; of two that are as near, the earlier.
    fn nearest(&self, local: DateTime) -> SignedDuration {
        let apart = |(at, ahead): (&DateTime, &SignedDuration)| (at.duration_since(local).abs(), *ahead);
        let before = self.0.range(..=local).next_back().map(apart);
        let after = self.0.range(local..).next().map(apart);
        match (before, after) {
            (Some(before), Some(after)) if after.0 < before.0 => after.1,
            (Some((_, ahead)), _) | (None, Some((_, ahead))) => ahead,
            (None, None) => SignedDuration::ZERO,
        }
    }
}

fn instant(local: DateTime) -> Timestamp {
    TimeZone::UTC.to_timestamp(local).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_without_a_zone_is_read_as_its_neighbour() {
        let at = |local: &str| local.parse::<DateTime>().unwrap();
        let hours = SignedDuration::from_hours;
        let mut known = Known::default();
        assert_eq!(known.nearest(at("2026-03-02T10:00")), hours(0));
        known.add(at("2026-03-02T10:00"), hours(-8));
        known.add(at("2026-03-05T10:00"), hours(1));
        for (local, ahead) in [
            ("2026-03-01T10:30", -8),
            ("2026-03-02T10:00", -8),
            ("2026-03-03T22:00", -8),
            ("2026-03-03T22:01", 1),
            ("2026-03-09T10:30", 1),
        ] {
            assert_eq!(known.nearest(at(local)), hours(ahead), "{local}");
        }
    }
}
