//! The circuit breaker of a destination: whether its jobs may run now.
//!
//! A person pauses it. A rate limit holds it. Failures of the system itself, several in a row, open it for
//! a while; then one job at a time runs as a half-open probe, and a success closes it, or a test of the connection that
//! passes. Where jobs of one kind fail for want of a field or a right, those of another show nothing. Jobs of an open
//! breaker wait and use up no attempts. The rules are pure; the state is one row for all nodes.

use crate::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use outbound::{Decision, ErrorClass};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use storage::{
    Scope,
    destinations::{Breaker, Destinations, Health},
    jobs::JobKind,
};

/// Failures in a row that open the breaker.
pub const FAILURES_MAX: u32 = 5;
/// For how long it is open at first; twice as long after each probe that failed.
const COOLING: SignedDuration = SignedDuration::from_secs(2);
/// The longest that it is open at once.
const COOLING_MAX: SignedDuration = SignedDuration::from_mins(1);
/// The longest rate limit that is honoured.
const RATE_LIMIT_MAX: SignedDuration = SignedDuration::from_hours(12);
/// A limit that begins so soon after the last one goes on with it.
const LULL: SignedDuration = SignedDuration::from_mins(10);
/// A probe without a result for so long is given up: its node is dead.
const PROBE: SignedDuration = SignedDuration::from_mins(2);
/// For how long a worker caches what it read of the breakers.
const CACHED_FOR: Duration = Duration::from_millis(250);
/// How often an outcome is recorded anew when another node recorded one at the same time.
const RECORD_TRIES: u32 = 8;

/// Whether jobs may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// They may.
    All,
    /// One may, as a half-open probe.
    Probe,
    /// None may.
    Nobody,
}

/// The outcome of a job's calls for the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The destination answered.
    Success,
    /// It failed as a whole.
    Failure,
    /// It was not called.
    NotCalled,
}

/// A job's calls, as the breaker sees them.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// The kind of the job.
    pub kind: JobKind,
    /// Their outcome.
    pub outcome: Outcome,
    /// The class of the error.
    pub class: Option<&'a str>,
    /// For how long the destination limits the rate.
    pub wait: Option<Duration>,
}

/// Whether jobs may go out now.
pub fn admission(breaker: &Breaker, now: Timestamp) -> Admission {
    let Health { open_until, probe_until, limited_until, .. } = &breaker.health;
    // what lies further ahead than it can was set by a clock that has been set back since
    let later = |time: &Option<Timestamp>, most: SignedDuration| {
        time.is_some_and(|time| time > now && time.duration_since(now) <= most)
    };
    if breaker.paused.is_some() || later(limited_until, RATE_LIMIT_MAX) || later(open_until, COOLING_MAX * 2) {
        Admission::Nobody
    } else if open_until.is_none() {
        Admission::All
    } else if later(probe_until, PROBE) {
        Admission::Nobody
    } else {
        Admission::Probe
    }
}

/// Whether jobs of this kind may go out now. Where those of another kind fail for want of a field or a right, they may.
fn admission_of(kind: JobKind, breaker: &Breaker, now: Timestamp) -> Admission {
    let health = &breaker.health;
    if health.stopped.is_none_or(|stopped| stopped == kind) {
        return admission(breaker, now);
    }
    let open = Health { open_until: None, ..health.clone() };
    admission(&Breaker { health: open, ..breaker.clone() }, now)
}

/// The health after an outcome; `jitter` spreads the nodes of many installations (0 to 255: ±20 %).
pub fn after(health: &Health, outcome: Outcome, now: Timestamp, jitter: u8) -> Health {
    let shut = health.open_until.is_some_and(|until| until > now);
    let limited_until = health.limited_until.filter(|until| *until > now);
    match outcome {
        Outcome::Success => {
            let limited_since = health.limited_since.filter(|_| limited_until.is_some());
            Health { limited_until, limited_since, ..Health::default() }
        }
        Outcome::NotCalled => Health { probe_until: None, ..health.clone() },
        // one that was on its way when the breaker opened changes nothing
        Outcome::Failure if shut => health.clone(),
        Outcome::Failure => {
            let failures = health.failures.saturating_add(1);
            let failing_since = health.failing_since.or(Some(now));
            if health.open_until.is_none() && failures < FAILURES_MAX {
                return Health { failures, limited_until, failing_since, ..health.clone() };
            }
            let times_opened = health.times_opened.saturating_add(1);
            let until = now.checked_add(cooling(times_opened, jitter)).unwrap_or(Timestamp::MAX);
            Health {
                failures,
                times_opened,
                open_until: Some(until),
                probe_until: None,
                limited_until,
                failing_since,
                ..health.clone()
            }
        }
    }
}

/// The health after a job's calls.
fn after_job(health: &Health, called: &Called<'_>, now: Timestamp, jitter: u8) -> Health {
    let Called { kind, class, wait, .. } = *called;
    let outcome = called.outcome;
    // it says nothing of what another kind lacks, nor of its probe
    let of_another = health.stopped.is_some_and(|stopped| stopped != kind) && outcome != Outcome::Failure;
    let mut next = if of_another { health.clone() } else { after(health, outcome, now, jitter) };
    if let (Outcome::Failure, Some(class), true) = (outcome, class, next != *health) {
        let awaits = ErrorClass::from_code(class).is_some_and(|class| class.decision() == Decision::AwaitSetup);
        next.last_error = Some(class.to_owned());
        next.stopped = awaits.then_some(kind);
    }
    match wait {
        Some(wait) => {
            // when the last limit ended says whether this one goes on with it
            if outcome != Outcome::Success {
                next.limited_until = health.limited_until;
            }
            rate_limited(&next, wait, now)
        }
        None => next,
    }
}

/// The health after a platform asked not to be called for so long.
pub fn rate_limited(health: &Health, wait: Duration, now: Timestamp) -> Health {
    let wait = SignedDuration::try_from(wait).unwrap_or(RATE_LIMIT_MAX).min(RATE_LIMIT_MAX);
    let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
    let goes_on = health.limited_until.is_some_and(|last| now.duration_since(last) < LULL);
    let since = health.limited_since.filter(|_| goes_on).unwrap_or(now);
    Health { limited_until: health.limited_until.max(Some(until)), limited_since: Some(since), ..health.clone() }
}

fn cooling(times_opened: u32, jitter: u8) -> SignedDuration {
    let doubled = COOLING * 2_i32.pow(times_opened.saturating_sub(1).min(10));
    let percent = 80 + i32::from(jitter) * 40 / 255;
    doubled.min(COOLING_MAX) * percent / 100
}

/// The breakers as a worker knows them.
pub struct Breakers {
    destinations: Arc<dyn Destinations>,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<(Instant, BTreeMap<String, Breaker>)>>,
}

/// A breaker after an outcome was recorded.
pub struct Recorded {
    /// Its state.
    pub health: Health,
    /// Whether the outcome closed it: jobs that wait may go.
    pub closed: bool,
}

impl Breakers {
    /// Those of this store; nothing is read yet.
    pub fn new(destinations: Arc<dyn Destinations>, clock: Arc<dyn Clock>) -> Self {
        Self { destinations, clock, cached: Mutex::default() }
    }

    /// From now on what is stored counts.
    pub fn forget(&self) {
        *self.cached.lock().expect("no panic while held") = None;
    }

    async fn read(&self, scope: Scope) -> storage::Result<BTreeMap<String, Breaker>> {
        if let Some((at, breakers)) = &*self.cached.lock().expect("no panic while held")
            && at.elapsed() < CACHED_FOR
        {
            return Ok(breakers.clone());
        }
        let breakers = self.destinations.breakers(scope).await?;
        *self.cached.lock().expect("no panic while held") = Some((Instant::now(), breakers.clone()));
        Ok(breakers)
    }

    /// Whether jobs of this kind may be claimed for a destination.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn admission(&self, scope: Scope, destination: &str, kind: JobKind) -> storage::Result<Admission> {
        let breakers = self.read(scope).await?;
        let admission = |breaker| admission_of(kind, breaker, self.clock.now());
        Ok(breakers.get(destination).map_or(Admission::All, admission))
    }

    /// Whether this caller may let a job through as a probe: of all nodes one at a time, until its outcome is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn probe(&self, scope: Scope, destination: &str) -> storage::Result<bool> {
        self.forget();
        let breaker = self.destinations.breakers(scope).await?.remove(destination).unwrap_or_default();
        let now = self.clock.now();
        match admission(&breaker, now) {
            Admission::All => Ok(true),
            Admission::Nobody => Ok(false),
            Admission::Probe => {
                let until = now.checked_add(PROBE).unwrap_or(now);
                let probing = Health { probe_until: Some(until), ..breaker.health.clone() };
                self.destinations.set_health(scope, destination, breaker.health, probing).await
            }
        }
    }

    /// Records a job's calls. A success after a success writes nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record(&self, scope: Scope, destination: &str, called: Called<'_>) -> storage::Result<Recorded> {
        let mut jitter = [0];
        self.clock.fill(&mut jitter);
        self.keep(scope, destination, |health, now| after_job(health, &called, now, jitter[0])).await
    }

    /// Records that a test of the connection passed: whatever stopped its jobs is over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tested(&self, scope: Scope, destination: &str) -> storage::Result<Recorded> {
        self.forget();
        self.keep(scope, destination, |health, now| after(health, Outcome::Success, now, 0)).await
    }

    /// Keeps the health that follows from the one that is kept.
    async fn keep(
        &self,
        scope: Scope,
        destination: &str,
        next: impl Fn(&Health, Timestamp) -> Health + Send,
    ) -> storage::Result<Recorded> {
        let mut breakers = self.read(scope).await?;
        for _ in 0..RECORD_TRIES {
            let before = breakers.remove(destination).unwrap_or_default().health;
            let health = next(&before, self.clock.now());
            if health == before {
                return Ok(Recorded { health, closed: false });
            }
            self.forget();
            if self.destinations.set_health(scope, destination, before.clone(), health.clone()).await? {
                log(destination, &before, &health);
                let closed = health.open_until.is_none() && before.open_until.is_some();
                return Ok(Recorded { health, closed });
            }
            breakers = self.destinations.breakers(scope).await?;
        }
        Ok(Recorded { health: breakers.remove(destination).unwrap_or_default().health, closed: false })
    }
}

fn log(destination: &str, before: &Health, after: &Health) {
    match (before.open_until, after.open_until) {
        (None, Some(until)) => {
            tracing::warn!(destination, failures = after.failures, %until, "the destination fails: its jobs wait")
        }
        (Some(_), None) => tracing::info!(destination, "the destination answers again"),
        _ => {}
    }
    if let Some(until) = after.limited_until.filter(|_| after.limited_until != before.limited_until) {
        tracing::info!(destination, %until, "the destination limits the rate: its jobs wait");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{Actor, destinations::Pause};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_772_359_200 + seconds).unwrap()
    }

    fn breaker(health: Health) -> Breaker {
        Breaker { paused: None, health }
    }

    fn failed(times: u32) -> Health {
        (0..times).fold(Health::default(), |health, _| after(&health, Outcome::Failure, at(0), 127))
    }

    #[test]
    fn what_one_kind_of_job_lacks_stops_no_other() {
        let (updates, imports) = (JobKind::SYNC_ORDER, JobKind::IMPORT_ORDERS);
        let called = |kind, class| Called { kind, outcome: Outcome::Failure, class: Some(class), wait: None };
        let fails = |health: Health, class| {
            (0..FAILURES_MAX).fold(health, |health, _| after_job(&health, &called(updates, class), at(0), 127))
        };
        let lacks = breaker(fails(Health::default(), "missing_right"));
        assert_eq!(admission_of(updates, &lacks, at(1)), Admission::Nobody);
        assert_eq!(admission_of(imports, &lacks, at(1)), Admission::All);
        let paused =
            Breaker { paused: Some(Pause { at: at(0), by: Actor::Operator, why: "upgrade".into() }), ..lacks.clone() };
        assert_eq!(admission_of(imports, &paused, at(1)), Admission::Nobody);
        // it answers none of them
        let gone = breaker(after_job(&lacks.health, &called(imports, "unreachable"), at(300), 127));
        assert_eq!(admission_of(imports, &gone, at(301)), Admission::Nobody);
    }

    #[test]
    fn several_failures_in_a_row_shut_it_and_a_probe_opens_it() {
        assert_eq!(admission(&breaker(failed(FAILURES_MAX - 1)), at(0)), Admission::All);
        let shut = failed(FAILURES_MAX);
        assert_eq!(admission(&breaker(shut.clone()), at(1)), Admission::Nobody);
        assert_eq!(admission(&breaker(shut.clone()), at(3)), Admission::Probe);
        assert_eq!(admission(&breaker(shut.clone()), at(-3600)), Admission::Probe, "the clock was set back");
        let probing = Health { probe_until: Some(at(100)), ..shut };
        assert_eq!(admission(&breaker(probing.clone()), at(50)), Admission::Nobody, "one at a time");
        assert_eq!(admission(&breaker(probing.clone()), at(100)), Admission::Probe, "its node is dead");
        assert_eq!(after(&probing, Outcome::NotCalled, at(50), 0).probe_until, None);
        let again = after(&probing, Outcome::Failure, at(50), 127);
        assert_eq!(admission(&breaker(again.clone()), at(53)), Admission::Nobody, "longer than before");
        assert_eq!(admission(&breaker(again.clone()), at(55)), Admission::Probe);
        assert_eq!(after(&again, Outcome::Success, at(72), 0), Health::default());
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let mixed = after(&failed(FAILURES_MAX - 1), Outcome::Success, at(0), 0);
        assert_eq!(admission(&breaker(after(&mixed, Outcome::Failure, at(0), 0)), at(0)), Admission::All);
    }

    #[test]
    fn the_wait_has_a_limit_and_stragglers_do_not_prolong_it() {
        let shut = failed(FAILURES_MAX);
        assert_eq!(after(&shut, Outcome::Failure, at(1), 0), shut);
        let mut health = shut;
        for probe in 1..100 {
            let now = at(probe * 1000);
            health = after(&health, Outcome::Failure, now, 255);
            let wait = health.open_until.unwrap().duration_since(now);
            assert!(wait <= COOLING_MAX * 120 / 100 && wait >= SignedDuration::from_secs(1));
        }
    }

    #[test]
    fn a_limit_that_comes_again_and_again_is_one_since_its_first_answer() {
        let kind = JobKind::SYNC_ORDER;
        let limited = |health: &Health, second| {
            let wait = Some(Duration::from_secs(60));
            after_job(health, &Called { kind, outcome: Outcome::NotCalled, class: None, wait }, at(second), 0)
        };
        let mut health = Health::default();
        for minute in 0..180 {
            health = limited(&health, minute * 61);
            assert_eq!(health.limited_since, Some(at(0)), "minute {minute}");
        }
        let last = 179 * 61;
        let failed = Called { kind, outcome: Outcome::Failure, class: None, wait: Some(Duration::from_secs(60)) };
        assert_eq!(after_job(&health, &failed, at(last + 70), 0).limited_since, Some(at(0)), "a failure is no success");
        let straggler = after(&health, Outcome::Success, at(last + 30), 0);
        assert_eq!(straggler.limited_since, Some(at(0)), "one that was on its way");
        assert_eq!(
            limited(&after(&health, Outcome::Success, at(last + 61), 0), last + 62).limited_since,
            Some(at(last + 62))
        );
        assert_eq!(
            limited(&health, last + 3_600).limited_since,
            Some(at(last + 3_600)),
            "it was not called for an hour"
        );
    }

    #[test]
    fn a_rate_limit_is_kept_and_the_longest_counts() {
        let health = rate_limited(&Health::default(), Duration::from_secs(60), at(0));
        let health = rate_limited(&health, Duration::from_secs(10), at(0));
        assert_eq!(admission(&breaker(health.clone()), at(59)), Admission::Nobody);
        assert_eq!(admission(&breaker(health.clone()), at(60)), Admission::All);
        assert_eq!(after(&health, Outcome::Success, at(30), 0).limited_until, Some(at(60)), "one that was on its way");
        assert_eq!(after(&health, Outcome::Success, at(61), 0), Health::default());
        assert_eq!(
            rate_limited(&Health::default(), Duration::from_secs(u64::MAX), at(0)).limited_until,
            Some(at(12 * 3600))
        );
    }

    #[test]
    fn only_what_was_stopped_shows_that_a_set_up_is_there() {
        let called = |kind, outcome, class| Called { kind, outcome, class, wait: None };
        let (import, sync) = (JobKind::IMPORT_ORDERS, JobKind::SYNC_ORDER);
        let lacks = called(sync, Outcome::Failure, Some("misconfigured"));
        let mut health = Health::default();
        for _ in 0..FAILURES_MAX {
            health = after_job(&health, &lacks, at(0), 127);
            // what is read meanwhile says nothing of what cannot be written
            health = after_job(&health, &called(import, Outcome::Success, None), at(0), 127);
        }
        assert_eq!(admission(&breaker(health.clone()), at(1)), Admission::Nobody);
        assert_eq!((health.last_error.as_deref(), health.stopped), (Some("misconfigured"), Some(sync)));
        let probe = Health { probe_until: Some(at(100)), ..health.clone() };
        let read = after_job(&probe, &called(import, Outcome::Success, None), at(50), 127);
        assert_eq!(admission(&breaker(read), at(50)), Admission::Nobody, "the probe is under way");
        assert_eq!(after_job(&health, &called(sync, Outcome::Success, None), at(50), 0), Health::default());
        // after another failure any kind shows that it answers
        let gone = after_job(&health, &called(import, Outcome::Failure, Some("unreachable")), at(50), 127);
        assert_eq!(gone.stopped, None);
    }

    #[test]
    fn a_person_has_the_last_word() {
        let pause = Pause { at: at(0), by: Actor::Operator, why: "upgrade".into() };
        let breaker = Breaker { paused: Some(pause), health: Health::default() };
        assert_eq!(admission(&breaker, at(1_000_000)), Admission::Nobody);
    }
}
