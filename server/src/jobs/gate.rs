//! The gate in front of a destination: whether its jobs may go out now.
//!
//! A person pauses it. A platform that asks for peace is held. Failures of the system itself, several in a row, shut it for
//! a while; then one job at a time is let through to see how it is, and what goes well opens it again. Jobs behind a shut
//! gate wait and use up no tries. The rules are pure; the state is one row for all nodes.

use crate::tower::Tower;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};
use storage::{
    Scope,
    destinations::{Gate, Health},
};

/// Failures in a row that shut the gate.
pub const FAILURES_MAX: u32 = 5;
/// For how long it is shut at first; twice as long after each probe that failed.
const COOLING: SignedDuration = SignedDuration::from_secs(2);
/// The longest that it is shut at once.
const COOLING_MAX: SignedDuration = SignedDuration::from_mins(1);
/// The longest that a platform's wish holds it.
const HOLD_MAX: SignedDuration = SignedDuration::from_hours(12);
/// A probe that has said nothing for so long is given up: its node is dead.
const PROBE: SignedDuration = SignedDuration::from_mins(2);
/// For how long a worker believes what it read of the gates.
const BELIEVED: Duration = Duration::from_millis(250);
/// How often news are told anew when somebody else told some at the same time.
const TELL_TRIES: u32 = 8;

/// Whether jobs may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// They may.
    All,
    /// One may, to see how the destination is.
    Probe,
    /// None may.
    Nobody,
}

/// What a job's calls say of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It answered.
    Well,
    /// It failed as a whole.
    Sick,
    /// It was not called.
    Silent,
}

/// Whether jobs may go out now.
pub fn admission(gate: &Gate, now: Timestamp) -> Admission {
    let Health { shut_until, probe_until, held_until, .. } = &gate.health;
    // what lies further ahead than it can was set by a clock that has been set back since
    let later = |time: &Option<Timestamp>, most: SignedDuration| {
        time.is_some_and(|time| time > now && time.duration_since(now) <= most)
    };
    if gate.paused.is_some() || later(held_until, HOLD_MAX) || later(shut_until, COOLING_MAX * 2) {
        Admission::Nobody
    } else if shut_until.is_none() {
        Admission::All
    } else if later(probe_until, PROBE) {
        Admission::Nobody
    } else {
        Admission::Probe
    }
}

/// The health after news; `jitter` spreads the nodes of many installations (0 to 255: ±20 %).
pub fn after(health: &Health, news: News, now: Timestamp, jitter: u8) -> Health {
    let shut = health.shut_until.is_some_and(|until| until > now);
    let held_until = health.held_until.filter(|until| *until > now);
    match news {
        News::Well => Health { held_until, ..Health::default() },
        News::Silent => Health { probe_until: None, ..health.clone() },
        // one that was on its way when the gate was shut tells nothing new
        News::Sick if shut => health.clone(),
        News::Sick => {
            let failures = health.failures.saturating_add(1);
            let failing_since = health.failing_since.or(Some(now));
            if health.shut_until.is_none() && failures < FAILURES_MAX {
                return Health { failures, held_until, failing_since, ..health.clone() };
            }
            let closed_off = health.closed_off.saturating_add(1);
            let until = now.checked_add(cooling(closed_off, jitter)).unwrap_or(Timestamp::MAX);
            Health {
                failures,
                closed_off,
                shut_until: Some(until),
                probe_until: None,
                held_until,
                failing_since,
                ..health.clone()
            }
        }
    }
}

/// The health after a platform asked not to be called for so long.
pub fn held(health: &Health, wait: Duration, now: Timestamp) -> Health {
    let wait = SignedDuration::try_from(wait).unwrap_or(HOLD_MAX).min(HOLD_MAX);
    let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
    Health { held_until: health.held_until.max(Some(until)), ..health.clone() }
}

fn cooling(closed_off: u32, jitter: u8) -> SignedDuration {
    let doubled = COOLING * 2_i32.pow(closed_off.saturating_sub(1).min(10));
    let percent = 80 + i32::from(jitter) * 40 / 255;
    doubled.min(COOLING_MAX) * percent / 100
}

/// The gates as a worker knows them.
#[derive(Default)]
pub struct Gates(Mutex<Option<(Instant, BTreeMap<String, Gate>)>>);

impl Gates {
    /// From now on what is stored counts.
    pub fn forget(&self) {
        *self.0.lock().expect("no panic while held") = None;
    }

    async fn read(&self, tower: &Tower, scope: Scope) -> storage::Result<BTreeMap<String, Gate>> {
        if let Some((at, gates)) = &*self.0.lock().expect("no panic while held")
            && at.elapsed() < BELIEVED
        {
            return Ok(gates.clone());
        }
        let gates = tower.store.destinations.gates(scope).await?;
        *self.0.lock().expect("no panic while held") = Some((Instant::now(), gates.clone()));
        Ok(gates)
    }

    /// Whether jobs of a destination may be claimed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn admission(&self, tower: &Tower, scope: Scope, destination: &str) -> storage::Result<Admission> {
        let gates = self.read(tower, scope).await?;
        Ok(gates.get(destination).map_or(Admission::All, |gate| admission(gate, tower.now())))
    }

    /// Whether this caller may let a job through as a probe: of all nodes one at a time, until it tells its news.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn probe(&self, tower: &Tower, scope: Scope, destination: &str) -> storage::Result<bool> {
        self.forget();
        let gate = tower.store.destinations.gates(scope).await?.remove(destination).unwrap_or_default();
        let now = tower.now();
        match admission(&gate, now) {
            Admission::All => Ok(true),
            Admission::Nobody => Ok(false),
            Admission::Probe => {
                let until = now.checked_add(PROBE).unwrap_or(now);
                let probing = Health { probe_until: Some(until), ..gate.health.clone() };
                tower.store.destinations.set_health(scope, destination, gate.health, probing).await
            }
        }
    }

    /// Keeps what a job's calls say of a destination. Where it is well and was well, nothing is written.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tell(
        &self,
        tower: &Tower,
        scope: Scope,
        destination: &str,
        news: News,
        class: Option<&str>,
        wait: Option<Duration>,
    ) -> storage::Result<Health> {
        let mut gates = self.read(tower, scope).await?;
        for _ in 0..TELL_TRIES {
            let before = gates.remove(destination).unwrap_or_default().health;
            let now = tower.now();
            let mut jitter = [0];
            tower.clock.fill(&mut jitter);
            let mut health = after(&before, news, now, jitter[0]);
            if let (News::Sick, Some(class), true) = (news, class, health != before) {
                health.last_error = Some(class.to_owned());
            }
            if let Some(wait) = wait {
                health = held(&health, wait, now);
            }
            if health == before {
                return Ok(health);
            }
            self.forget();
            if tower.store.destinations.set_health(scope, destination, before.clone(), health.clone()).await? {
                log(destination, &before, &health);
                if health.shut_until.is_none() && before.shut_until.is_some() {
                    tower.wake.all_work();
                }
                return Ok(health);
            }
            gates = tower.store.destinations.gates(scope).await?;
        }
        Ok(gates.remove(destination).unwrap_or_default().health)
    }
}

fn log(destination: &str, before: &Health, after: &Health) {
    match (before.shut_until, after.shut_until) {
        (None, Some(until)) => {
            tracing::warn!(destination, failures = after.failures, %until, "the destination fails: its jobs wait")
        }
        (Some(_), None) => tracing::info!(destination, "the destination is well again"),
        _ => {}
    }
    if let Some(until) = after.held_until.filter(|_| after.held_until != before.held_until) {
        tracing::info!(destination, %until, "the destination asked for peace: its jobs wait");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{Actor, destinations::Pause};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_772_359_200 + seconds).unwrap()
    }

    fn gate(health: Health) -> Gate {
        Gate { paused: None, health }
    }

    fn sick(times: u32) -> Health {
        (0..times).fold(Health::default(), |health, _| after(&health, News::Sick, at(0), 127))
    }

    #[test]
    fn several_failures_in_a_row_shut_it_and_a_probe_opens_it() {
        assert_eq!(admission(&gate(sick(FAILURES_MAX - 1)), at(0)), Admission::All);
        let shut = sick(FAILURES_MAX);
        assert_eq!(admission(&gate(shut.clone()), at(1)), Admission::Nobody);
        assert_eq!(admission(&gate(shut.clone()), at(3)), Admission::Probe);
        assert_eq!(admission(&gate(shut.clone()), at(-3600)), Admission::Probe, "the clock was set back");
        let probing = Health { probe_until: Some(at(100)), ..shut };
        assert_eq!(admission(&gate(probing.clone()), at(50)), Admission::Nobody, "one at a time");
        assert_eq!(admission(&gate(probing.clone()), at(100)), Admission::Probe, "its node is dead");
        assert_eq!(after(&probing, News::Silent, at(50), 0).probe_until, None);
        let again = after(&probing, News::Sick, at(50), 127);
        assert_eq!(admission(&gate(again.clone()), at(53)), Admission::Nobody, "longer than before");
        assert_eq!(admission(&gate(again.clone()), at(55)), Admission::Probe);
        assert_eq!(after(&again, News::Well, at(72), 0), Health::default());
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let mixed = after(&sick(FAILURES_MAX - 1), News::Well, at(0), 0);
        assert_eq!(admission(&gate(after(&mixed, News::Sick, at(0), 0)), at(0)), Admission::All);
    }

    #[test]
    fn the_wait_has_a_limit_and_stragglers_do_not_prolong_it() {
        let shut = sick(FAILURES_MAX);
        assert_eq!(after(&shut, News::Sick, at(1), 0), shut);
        let mut health = shut;
        for probe in 1..100 {
            let now = at(probe * 1000);
            health = after(&health, News::Sick, now, 255);
            let wait = health.shut_until.unwrap().duration_since(now);
            assert!(wait <= COOLING_MAX * 120 / 100 && wait >= SignedDuration::from_secs(1));
        }
    }

    #[test]
    fn a_wish_for_peace_is_kept_and_the_longest_counts() {
        let health = held(&Health::default(), Duration::from_secs(60), at(0));
        let health = held(&health, Duration::from_secs(10), at(0));
        assert_eq!(admission(&gate(health.clone()), at(59)), Admission::Nobody);
        assert_eq!(admission(&gate(health.clone()), at(60)), Admission::All);
        assert_eq!(after(&health, News::Well, at(30), 0).held_until, Some(at(60)), "one that was on its way");
        assert_eq!(after(&health, News::Well, at(61), 0), Health::default());
        assert_eq!(held(&Health::default(), Duration::from_secs(u64::MAX), at(0)).held_until, Some(at(12 * 3600)));
    }

    #[test]
    fn a_person_has_the_last_word() {
        let pause = Pause { at: at(0), by: Actor::Operator, why: "upgrade".into() };
        let gate = Gate { paused: Some(pause), health: Health::default() };
        assert_eq!(admission(&gate, at(1_000_000)), Admission::Nobody);
    }
}
