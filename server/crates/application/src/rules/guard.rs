//! What watches over the rules of this process: the pace of each, failures, loops, and the counts until they are kept. In memory,
//! since every fold asks; [`super::upkeep`] keeps it.

use domain::{
    ids::{ExceptionId, ShipmentId},
    rule::RuleId,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use storage::rules::{RuleCount, RuleFiring};

/// Shipments within [`HARM_WITHIN`] on which a rule fails, or on which it acts again and again, by which it is stopped. An odd
/// shipment alone stops no rule.
const SHIPMENTS_MAX: usize = 5;
/// See [`SHIPMENTS_MAX`].
const HARM_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Actions of one rule on one shipment within an hour; more of them wait.
pub(crate) const LOOP_MAX: usize = 20;
/// How far actions may be moved into the future; a rule that needs more is stopped.
const DELAY_MAX: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// Between two times that counts are kept.
const FLUSH_EVERY: SignedDuration = SignedDuration::from_secs(10);
const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// Whether a rule may act now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Now,
    /// Not before this time.
    Later(Timestamp),
    /// It is stopped: it has come too far beyond its rate.
    Stopped,
}

/// What a rule did about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The rule.
    pub rule: RuleId,
    /// The exceptions because of which.
    pub exceptions: Vec<ExceptionId>,
}

/// Shipments, and when it was last so of each.
#[derive(Default)]
struct Shipments(BTreeMap<ShipmentId, Timestamp>);

impl Shipments {
    /// How many there are of the last hour, with this one.
    fn with(&mut self, shipment: ShipmentId, now: Timestamp) -> usize {
        self.0.retain(|_, at| now.duration_since(*at) < HARM_WITHIN);
        self.0.insert(shipment, now);
        self.0.len()
    }
}

#[derive(Default)]
struct Watched {
    /// The minute that has room, and what is taken of it.
    pace: BTreeMap<RuleId, (Timestamp, u32)>,
    /// Places in later minutes.
    kept: BTreeMap<(RuleId, ShipmentId), Timestamp>,
    failures: BTreeMap<RuleId, Shipments>,
    loops: BTreeMap<RuleId, Shipments>,
    halted: BTreeMap<RuleId, String>,
    counts: BTreeMap<(RuleId, i64), (u64, u64, u64)>,
    firings: Vec<RuleFiring>,
    flushed: Option<Timestamp>,
}

/// What watches over the rules.
#[derive(Default)]
pub struct Guard(Mutex<Watched>);

impl Guard {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are to be stopped, with why.
    pub fn halted(&self) -> BTreeMap<RuleId, String> {
        self.watched().halted.clone()
    }

    /// A place within the rate of a rule, for its actions on a shipment. A place in a later minute is kept until that shipment
    /// is looked at again.
    pub fn admit(&self, rule: &RuleId, shipment: ShipmentId, per_minute: u32, now: Timestamp) -> Admission {
        let mut watched = self.watched();
        watched.kept.retain(|_, place| now.duration_since(*place) < DELAY_MAX);
        let key = (rule.clone(), shipment);
        match watched.kept.get(&key).copied() {
            Some(place) if place > now => return Admission::Later(place),
            Some(_) => {
                watched.kept.remove(&key);
                return Admission::Now;
            }
            None => {}
        }
        let (minute, taken) = watched.pace.get(rule).copied().unwrap_or((now, 0));
        // a minute that is over gives its room back; a clock that was set back begins anew
        let over = now.duration_since(minute) >= MINUTE || minute.duration_since(now) > DELAY_MAX + MINUTE;
        let (minute, taken) = match (over, taken < per_minute) {
            (true, _) => (now, 0),
            (false, true) => (minute, taken),
            (false, false) => (minute.checked_add(MINUTE).unwrap_or(minute), 0),
        };
        if minute.duration_since(now) > DELAY_MAX {
            return Admission::Stopped;
        }
        watched.pace.insert(rule.clone(), (minute, taken + 1));
        if minute <= now {
            return Admission::Now;
        }
        watched.kept.insert(key, minute);
        Admission::Later(minute)
    }

    /// A rule could not be run on a change of a shipment; of several shipments in an hour it is stopped.
    pub fn failed(&self, rule: &RuleId, shipment: ShipmentId, why: &str, now: Timestamp) {
        let mut watched = self.watched();
        let count = watched.failures.entry(rule.clone()).or_default().with(shipment, now);
        watched.counts.entry((rule.clone(), day(now))).or_default().1 += 1;
        if count >= SHIPMENTS_MAX {
            let why = format!(
                "{why}; it failed on {count} shipments within an hour. Correct its condition and publish it again"
            );
            watched.halted.entry(rule.clone()).or_insert(why);
        }
    }

    /// A rule acts again and again on a shipment, where it waits now; of several shipments in an hour it is stopped. Whether it is.
    pub fn loops(&self, rule: &RuleId, shipment: ShipmentId, now: Timestamp) -> bool {
        let mut watched = self.watched();
        let count = watched.loops.entry(rule.clone()).or_default().with(shipment, now);
        watched.counts.entry((rule.clone(), day(now))).or_default().2 += 1;
        let stops = count >= SHIPMENTS_MAX;
        if stops {
            let why = format!(
                "it acted {LOOP_MAX} times within an hour on each of {count} shipments. Make its condition narrower, or let it act \
                 once for each shipment, and publish it again"
            );
            watched.halted.entry(rule.clone()).or_insert(why);
        }
        stops
    }

    /// A rule does harm: it acts no more.
    pub fn stop(&self, rule: &RuleId, why: String) {
        self.watched().halted.entry(rule.clone()).or_insert(why);
    }

    /// An action was moved to a later minute.
    pub fn delayed(&self, rule: &RuleId, now: Timestamp) {
        self.watched().counts.entry((rule.clone(), day(now))).or_default().2 += 1;
    }

    /// Counts what rules did about a shipment.
    pub fn count(&self, shipment: ShipmentId, firings: Vec<Firing>, now: Timestamp) {
        let mut watched = self.watched();
        for Firing { rule, exceptions } in firings {
            watched.counts.entry((rule.clone(), day(now))).or_default().0 += 1;
            let of = |exception| RuleFiring { rule: rule.clone(), exception, shipment, at: now };
            watched.firings.extend(exceptions.into_iter().map(of));
        }
    }

    /// What was counted since the last time, where it is due to be kept.
    pub(super) fn take(&self, now: Timestamp) -> Option<(Vec<RuleCount>, Vec<RuleFiring>)> {
        let mut watched = self.watched();
        let due = watched.flushed.is_none_or(|at| at > now || now.duration_since(at) >= FLUSH_EVERY);
        if !due || (watched.counts.is_empty() && watched.firings.is_empty()) {
            return None;
        }
        watched.flushed = Some(now);
        let counts = std::mem::take(&mut watched.counts).into_iter();
        let counts =
            counts.map(|((rule, day), (fired, failed, delayed))| RuleCount { rule, day, fired, failed, delayed });
        Some((counts.collect(), std::mem::take(&mut watched.firings)))
    }

    /// What was taken is given back: it could not be kept.
    pub(super) fn give_back(&self, counts: Vec<RuleCount>, firings: Vec<RuleFiring>) {
        let mut watched = self.watched();
        for RuleCount { rule, day, fired, failed, delayed } in counts {
            let count = watched.counts.entry((rule, day)).or_default();
            *count = (count.0 + fired, count.1 + failed, count.2 + delayed);
        }
        watched.firings.extend(firings);
    }

    /// What a person resumed or published begins anew.
    pub fn renew(&self, rule: &RuleId) {
        let mut watched = self.watched();
        watched.pace.remove(rule);
        watched.kept.retain(|(kept, _), _| kept != rule);
        watched.failures.remove(rule);
        watched.loops.remove(rule);
        watched.halted.remove(rule);
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_microsecond().div_euclid(DAY_US)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).unwrap()
    }

    #[test]
    fn what_comes_above_the_rate_acts_in_a_later_minute_and_a_flood_stops_the_rule() {
        use Admission::{Later, Now, Stopped};
        let guard = Guard::default();
        let rule: RuleId = "storm".parse().unwrap();
        let ask = |shipment: u128, seconds| guard.admit(&rule, ShipmentId(Uuid::from_u128(shipment)), 2, at(seconds));
        let admitted: Vec<_> = (0..5).map(|n| ask(n, 0)).collect();
        assert_eq!(admitted, [Now, Now, Later(at(60)), Later(at(60)), Later(at(120))]);
        assert_eq!(
            [ask(2, 30), ask(2, 60), ask(4, 60), ask(3, 61)],
            [Later(at(60)), Now, Later(at(120)), Now],
            "places are kept"
        );
        assert_eq!([ask(4, 120), ask(5, 200)], [Now, Now], "those minutes are over");
        let flood: Vec<_> = (10..140).map(|n| ask(n, 200)).collect();
        assert_eq!(flood.iter().filter(|one| **one == Stopped).count(), 130 - 121);
        guard.renew(&rule);
        assert_eq!(ask(139, 200), Now);
    }

    #[test]
    fn a_rule_that_harms_several_shipments_is_stopped_and_for_one_alone_it_is_not() {
        let rule: RuleId = "throws".parse().unwrap();
        let shipment = |n: i64| ShipmentId(Uuid::from_u128(n.unsigned_abs().into()));
        let failed = |guard: &Guard, n, seconds| guard.failed(&rule, shipment(n), "it divides by 0", at(seconds));
        let loops = |guard: &Guard, n, seconds| {
            let stops = guard.loops(&rule, shipment(n), at(seconds));
            assert_eq!(stops, guard.halted().contains_key(&rule));
        };
        let fails = "it divides by 0; it failed on 5 shipments within an hour";
        let acts = "it acted 20 times within an hour on each of 5 shipments";
        for (harm, why) in [(&failed as &dyn Fn(&Guard, i64, i64), fails), (&loops, acts)] {
            let guard = Guard::default();
            for n in 0..20 {
                harm(&guard, n, n * 3600);
                harm(&guard, 1, 72_000 + n);
            }
            assert!(guard.halted().is_empty(), "one an hour, and one odd shipment");
            for n in 0..SHIPMENTS_MAX as i64 {
                harm(&guard, n, 80_000 + n);
            }
            assert!(guard.halted()[&rule].starts_with(why), "{:?}", guard.halted());
            guard.renew(&rule);
            harm(&guard, 7, 80_010);
            assert!(guard.halted().is_empty(), "it begins anew");
        }
    }
}
