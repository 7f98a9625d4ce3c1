//! How many hints of a connection are taken one by one, and when the time of the last one is kept.

use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Hints of a connection in a second that are taken one by one. More of them bring the import forward, which reads all at once.
const SINGLE_MAX: u32 = 50;
/// The time of the last hint is kept at most so often.
const KEPT_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// What this process remembers of hints.
#[derive(Default)]
pub struct Hints(Mutex<BTreeMap<String, Pace>>);

#[derive(Default)]
struct Pace {
    second: i64,
    count: u32,
    kept: Option<Timestamp>,
}

/// What is to be done with a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Its record is read.
    Single,
    /// The import reads it, with the others.
    Together,
    /// The import that was brought forward already reads it.
    Included,
}

impl Hints {
    /// Counts a hint; what is to be done with it, and whether its time is to be kept.
    pub(super) fn count(&self, connection: &str, now: Timestamp) -> (Course, bool) {
        // a panic while held leaves counters: go on
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = all.entry(connection.to_owned()).or_default();
        if pace.second != now.as_second() {
            (pace.second, pace.count) = (now.as_second(), 0);
        }
        pace.count = pace.count.saturating_add(1);
        let course = match pace.count {
            n if n <= SINGLE_MAX => Course::Single,
            n if n == SINGLE_MAX + 1 => Course::Together,
            _ => Course::Included,
        };
        let is_due = pace.kept.is_none_or(|kept| kept > now || now.duration_since(kept) >= KEPT_EVERY);
        if is_due {
            pace.kept = Some(now);
        }
        (course, is_due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_becomes_one_import() {
        let hints = Hints::default();
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let courses = |second, n: u32| (0..n).map(|_| hints.count("odoo", at(second)).0).collect::<Vec<_>>();
        let burst = courses(100, SINGLE_MAX + 3);
        assert!(burst[..SINGLE_MAX as usize].iter().all(|course| *course == Course::Single));
        assert_eq!(burst[SINGLE_MAX as usize..], [Course::Together, Course::Included, Course::Included]);
        assert_eq!(hints.count("odoo-pl", at(100)).0, Course::Single, "each connection has its own");
        assert_eq!(courses(101, 1), [Course::Single], "the next second");
    }

    #[test]
    fn the_time_of_the_last_hint_is_kept_now_and_then() {
        let hints = Hints::default();
        let kept = |second| hints.count("odoo", Timestamp::from_second(second).unwrap()).1;
        assert_eq!([kept(100), kept(101), kept(129), kept(130), kept(131)], [true, false, false, true, false]);
        assert!(kept(50), "a clock that was set back");
    }
}
