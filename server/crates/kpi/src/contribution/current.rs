//! Tracking up to date: during which hours the newest status of a shipment was younger than usual, as it was known then. What is
//! recorded later changes only hours after its receipt.

use super::{
    row::{Bucket, Contributed, Part},
    shipment::{Shipment, first_receipt, latest},
};
use crate::definition::Kpi;
use domain::{
    Classifier, State,
    fold::{Fact, Standing},
    ids::{IdMap, ObservationId},
};
use jiff::{SignedDuration, Timestamp};

/// A status younger than this is current.
pub const NORMAL_GAP: SignedDuration = SignedDuration::from_hours(48);
/// What is silent for longer is lost sight of: it is under way no more, as far as is known.
const LOST_SIGHT_OF: SignedDuration = SignedDuration::from_hours(60 * 24);

/// The seconds of an hour.
const HOUR: i64 = 3_600;

/// A statement as it was known: from its receipt until it was taken back.
struct Known {
    from: Timestamp,
    until: Timestamp,
    /// Its status is current until then.
    fresh_until: Timestamp,
    /// By what it is ordered among the others.
    key: Timestamp,
    /// The state that it leads to.
    state: Option<State>,
}

/// The figure: at the first full hour of a change one more, or one less, that is under way, and that is current. Its bin is that
/// hour, counted from 1970.
pub fn contribute(of: &Shipment<'_>, standings: &IdMap<ObservationId, Standing>, to: &mut Contributed) {
    contribute_with(of, standings, NORMAL_GAP, to);
}

/// The figure with another usual gap.
pub fn contribute_with(
    of: &Shipment<'_>,
    standings: &IdMap<ObservationId, Standing>,
    gap: SignedDuration,
    to: &mut Contributed,
) {
    let known: Vec<Known> = of
        .facts
        .iter()
        .filter(|fact| {
            let no = [Standing::OtherUse, Standing::Quarantined, Standing::Feed, Standing::Retraction];
            standings.get(&fact.id).is_some_and(|standing| !no.contains(standing))
        })
        .filter_map(|fact| known(of, fact, gap))
        .collect();
    let lost = |from: Timestamp| from.checked_add(LOST_SIGHT_OF).unwrap_or(Timestamp::MAX);
    let mut moments: Vec<Timestamp> = of.plan.expected_from.into_iter().flat_map(|from| [from, lost(from)]).collect();
    moments.extend(of.plan.standing_since);
    for fact in &known {
        moments.extend([fact.from, fact.until, fact.fresh_until, lost(fact.from)]);
    }
    moments.retain(|at| *at < Timestamp::MAX);
    let mut hours: Vec<i64> = moments.into_iter().map(full_hour).collect();
    hours.sort_unstable();
    hours.dedup();
    let (mut was_under_way, mut was_current) = (false, false);
    for hour in hours {
        let Ok(at) = Timestamp::from_second(hour * HOUR) else { continue };
        let (under_way, current) = standing_at(of, &known, at);
        let bucket = Bucket::at(at, of.company_zone);
        let bin = i32::try_from(hour).unwrap_or(i32::MAX);
        for (part, was, is) in [(Part::Base, was_under_way, under_way), (Part::Yes, was_current, current)] {
            to.add(Kpi::StatusCurrent, part, bucket, Some(bin), i64::from(is) - i64::from(was));
        }
        (was_under_way, was_current) = (under_way, current);
    }
}

/// The first full hour that is not before an instant, counted from 1970.
pub fn full_hour(at: Timestamp) -> i64 {
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    -(-seconds).div_euclid(HOUR)
}

/// Whether it was under way and current, by what was known at an instant.
fn standing_at(of: &Shipment<'_>, known: &[Known], at: Timestamp) -> (bool, bool) {
    let alive = || known.iter().filter(|fact| fact.from <= at && at < fact.until);
    let newest = alive().filter(|fact| fact.state.is_some()).max_by_key(|fact| fact.key);
    let ended = newest.and_then(|fact| fact.state).is_some_and(State::is_terminal)
        || alive().any(|fact| fact.state == Some(State::Delivered));
    let left = of.plan.expected_from.is_some_and(|from| from <= at)
        || alive().any(|fact| fact.state.is_some_and(State::has_left));
    // what never reports is as old as the day on which it was expected to leave
    let received = alive().map(|fact| fact.from).max().or(of.plan.expected_from);
    let lost = received.is_some_and(|received| at.duration_since(received) >= LOST_SIGHT_OF);
    let called_off = of.plan.is_called_off() && of.plan.standing_since.is_none_or(|since| since <= at);
    let under_way = left && !ended && !lost && !called_off;
    (under_way, under_way && alive().any(|fact| at < fact.fresh_until))
}

fn known(of: &Shipment<'_>, fact: &Fact, gap: SignedDuration) -> Option<Known> {
    let observation = &fact.observation;
    if observation.classifier != Classifier::Actual || observation.retracts.is_some() {
        return None;
    }
    let from = first_receipt(fact)?;
    let key = observation.time.sort_key().filter(|_| !observation.time.sentinel)?;
    // a day is current until its end, or until its receipt where that is earlier; a clock that is ahead makes nothing younger
    let happened = latest(&observation.time)?.min(from);
    let id = observation.provider_event_id.as_deref();
    let taken_back = of
        .facts
        .iter()
        .filter(|other| other.source == fact.source && id.is_some() && other.observation.retracts.as_deref() == id)
        .filter_map(first_receipt)
        .min();
    Some(Known {
        from,
        until: taken_back.map_or(Timestamp::MAX, |at| at.max(from)),
        fresh_until: happened.checked_add(gap).unwrap_or(Timestamp::MAX),
        key,
        state: fact.reading.milestone.state().or(fact.reading.floor),
    })
}
