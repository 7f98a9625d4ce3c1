//! When a failed job is tried again, and when not.

use super::{Finish, errors};
use crate::{booking::Done, cases::CaseError, clock::Clock, error::UseCaseError, odoo::OrderError};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, Decision, Foreign};

/// Waits before the second, third, … try: at once, then longer and longer. The whole takes about 29 hours.
const WAITS: &[SignedDuration] = &[
    SignedDuration::ZERO,
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(10),
];
/// After an unknown outcome the other side gets this long to settle before anybody looks.
const SETTLE: SignedDuration = storage::limits::SETTLE;
/// A job that waits for the set-up of its connection looks again after so long.
const SET_UP: SignedDuration = SignedDuration::from_mins(1);
/// The longest `Retry-After` that is honoured.
const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_hours(12);

/// How often a job is tried before it is given up.
pub const ATTEMPTS_MAX: usize = WAITS.len() + 1;

/// Whether a job was begun more often than it may fail: then it is what ends the process.
pub fn is_hopeless(attempts: u32) -> bool {
    attempts as usize > WAITS.len()
}

/// How a job ends whose call failed.
pub fn after_call(error: &CallError, attempts: u32, clock: &dyn Clock) -> Finish {
    let (class, text) = (error.class.code().to_owned(), error.whole());
    match error.class.decision() {
        Decision::Fail => Finish::Dead { error: text, class },
        Decision::AwaitSetup => Finish::Deferred { at: later(clock, spread(SET_UP, clock)), error: text, class },
        decision @ (Decision::Retry | Decision::SettleThenLook) => {
            let asked =
                error.retry_after.and_then(|d| SignedDuration::try_from(d).ok()).map(|d| d.min(RETRY_AFTER_MAX));
            let settle = if decision == Decision::SettleThenLook { SETTLE } else { SignedDuration::ZERO };
            let wait = wait(attempts, clock).max(settle).max(asked.unwrap_or_default());
            retry_or_fail(later(clock, wait), text, class, attempts)
        }
    }
}

/// How a job ends that failed by our own doing.
pub fn after_ours(error: &UseCaseError, attempts: u32, clock: &dyn Clock) -> Finish {
    let text = Foreign::from(error.to_string());
    match error {
        UseCaseError::Unavailable(_) | UseCaseError::Conflict(_) => {
            retry_or_fail(later(clock, wait(attempts, clock)), text, errors::STORE.into(), attempts)
        }
        UseCaseError::NotFound(_)
        | UseCaseError::NotPermitted(_)
        | UseCaseError::Forbidden(_)
        | UseCaseError::Invalid { .. } => Finish::Dead { error: text, class: errors::INVALID.into() },
        UseCaseError::Internal(_) => {
            retry_or_fail(later(clock, wait(attempts, clock)), text, errors::INTERNAL.into(), attempts)
        }
    }
}

/// How a job of an order system ends that failed.
pub fn after_order(error: &OrderError, attempts: u32, clock: &dyn Clock) -> Finish {
    match error {
        OrderError::Call(error) => after_call(error, attempts, clock),
        OrderError::Ours(error) => after_ours(error, attempts, clock),
        OrderError::NotInUse => Finish::Released,
    }
}

/// How a job of a desk ends that failed.
pub fn after_case(error: &CaseError, attempts: u32, clock: &dyn Clock) -> Finish {
    match error {
        CaseError::Call(error) => after_call(error, attempts, clock),
        CaseError::Ours(error) => after_ours(error, attempts, clock),
        CaseError::NotInUse => Finish::Released,
    }
}

/// How a job for a booking ends.
pub fn after_booking(done: Result<Done, OrderError>, attempts: u32, clock: &dyn Clock) -> Finish {
    match done {
        Ok(Done::Over) => Finish::Done,
        Ok(Done::NotBefore(at)) => Finish::Later(at),
        // the call failed; the booking says when to look
        Ok(Done::Unclear(at, error)) => {
            Finish::Deferred { at, class: error.class.code().to_owned(), error: error.whole() }
        }
        Err(error) => after_order(&error, attempts, clock),
    }
}

fn retry_or_fail(at: Timestamp, error: Foreign, class: String, attempts: u32) -> Finish {
    if attempts as usize >= WAITS.len() { Finish::Dead { error, class } } else { Finish::Retry { at, error, class } }
}

fn later(clock: &dyn Clock, wait: SignedDuration) -> Timestamp {
    clock.now().checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// The wait after so many tries.
fn wait(attempts: u32, clock: &dyn Clock) -> SignedDuration {
    spread(WAITS[(attempts as usize).min(WAITS.len() - 1)], clock)
}

/// ±20 %, so that a crowd does not come back at once.
fn spread(base: SignedDuration, clock: &dyn Clock) -> SignedDuration {
    let mut byte = [0; 1];
    clock.fill(&mut byte);
    let percent = 80 + i32::from(byte[0]) * 40 / 255;
    base * percent / 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use outbound::ErrorClass;
    use std::time::Duration;

    fn error(class: ErrorClass, retry_after: Option<Duration>) -> CallError {
        CallError { retry_after, ..CallError::new(class, "no") }
    }

    #[test]
    fn waits_grow_and_end_in_a_dead_letter() {
        let clock = ManualClock::at("2026-03-01T00:00:00Z".parse().unwrap());
        let mut last = SignedDuration::ZERO;
        for attempts in 0..WAITS.len() as u32 {
            let Finish::Retry { at, .. } = after_call(&error(ErrorClass::Unreachable, None), attempts, &*clock) else {
                panic!("retried")
            };
            let waited = at.duration_since(clock.now());
            assert!(waited >= WAITS[attempts as usize] * 79 / 100 && waited <= WAITS[attempts as usize] * 121 / 100);
            assert!(attempts == 0 || attempts > 8 || waited > last);
            last = waited;
        }
        assert!(matches!(
            after_call(&error(ErrorClass::Unreachable, None), WAITS.len() as u32, &*clock),
            Finish::Dead { .. }
        ));
    }

    #[test]
    fn retry_after_is_honoured_and_a_refusal_is_final() {
        let clock = ManualClock::at("2026-03-01T00:00:00Z".parse().unwrap());
        let limited = error(ErrorClass::RateLimited, Some(Duration::from_secs(90)));
        let Finish::Retry { at, .. } = after_call(&limited, 0, &*clock) else { panic!("retried") };
        assert_eq!(at.duration_since(clock.now()), SignedDuration::from_secs(90));
        assert!(matches!(after_call(&error(ErrorClass::Rejected, None), 0, &*clock), Finish::Dead { .. }));
    }

    #[test]
    fn a_set_up_is_waited_for_however_long() {
        let clock = ManualClock::at("2026-03-01T00:00:00Z".parse().unwrap());
        for class in [ErrorClass::Misconfigured, ErrorClass::MissingRight] {
            for attempts in [0, WAITS.len() as u32] {
                let Finish::Deferred { at, .. } = after_call(&error(class, None), attempts, &*clock) else {
                    panic!("no try counts")
                };
                let waited = at.duration_since(clock.now());
                assert!(waited >= SET_UP * 79 / 100 && waited <= SET_UP * 121 / 100);
            }
        }
        assert!(matches!(after_call(&error(ErrorClass::Forbidden, None), 0, &*clock), Finish::Dead { .. }));
    }

    #[test]
    fn an_unknown_outcome_settles_first() {
        let clock = ManualClock::at("2026-03-01T00:00:00Z".parse().unwrap());
        let Finish::Retry { at, .. } = after_call(&error(ErrorClass::UnknownOutcome, None), 0, &*clock) else {
            panic!("retried")
        };
        assert_eq!(at.duration_since(clock.now()), SETTLE);
    }
}
