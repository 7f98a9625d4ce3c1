//! Deliveries of the order system that could not be taken in, or only in part: remembered, and tried again.

use crate::{Result, Scope};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Problems of one read at most.
pub const PROBLEM_ROWS: u32 = 200;
/// The first wait before a delivery is tried again; each further one is twice as long.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(5);
/// The longest wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// Waits that are doubled; the next ones would be longer than the longest.
const DOUBLINGS_MAX: u32 = 5;

/// A delivery with a problem, as the import saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrderProblem {
    /// Its id in the order system.
    pub record: i64,
    /// Its name, where that could be read.
    pub name: Option<String>,
    /// What is wrong, without personal data.
    pub problem: String,
    /// Whether it was taken in without what could not be read, or not at all.
    pub extent: Extent,
}

/// How much of a delivery is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// There is a shipment; some of its data could not be read.
    Part,
    /// Nothing could be made of it: a shipment that was there before stays as it was.
    Whole,
}

/// A problem that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderProblem {
    /// The order system: the name of its connection.
    pub system: String,
    /// What the import saw last.
    pub seen: NewOrderProblem,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last tried.
    pub tried_at: Timestamp,
    /// When it is tried again.
    pub next_try: Timestamp,
}

/// How often a delivery was tried, and when again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// So often.
    pub attempts: u32,
    /// The last time.
    pub tried_at: Timestamp,
    /// The next time.
    pub next_try: Timestamp,
}

impl Tries {
    /// After a problem was met at this time. What an import meets before the next try is due is no try.
    pub fn after(known: Option<Self>, at: Timestamp) -> Self {
        match known {
            Some(known) if at < known.next_try => known,
            known => {
                let attempts = known.map_or(0, |known| known.attempts).saturating_add(1);
                let doubled = FIRST_WAIT * (1_i32 << attempts.saturating_sub(1).min(DOUBLINGS_MAX));
                let next_try = at.checked_add(doubled.min(LONGEST_WAIT)).unwrap_or(at);
                Self { attempts, tried_at: at, next_try }
            }
        }
    }
}

/// The memory of such deliveries. A record means something in its own order system only.
#[async_trait]
pub trait OrderProblems: Send + Sync {
    /// What an import met: problems are kept (one more try, the next one later), those of deliveries that are well or gone are
    /// forgotten; one transaction.
    async fn note(
        &self,
        scope: Scope,
        system: &str,
        problems: Vec<NewOrderProblem>,
        well: Vec<i64>,
        at: Timestamp,
    ) -> Result<()>;

    /// Records whose next try has come, the longest waiting first.
    async fn due(&self, scope: Scope, system: &str, now: Timestamp, limit: u32) -> Result<Vec<i64>>;

    /// Which of these records have a problem, however many do, and what was seen last.
    async fn among(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<BTreeMap<i64, NewOrderProblem>>;

    /// The problems of every order system, the newest first, at most [`PROBLEM_ROWS`].
    async fn list(&self, scope: Scope) -> Result<Vec<OrderProblem>>;

    /// All of them are tried with the next import.
    async fn hurry(&self, scope: Scope, at: Timestamp) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_doubled_up_to_the_longest_and_only_tries_count() {
        let mut at: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let (mut tries, mut waits) = (None, Vec::new());
        for _ in 0..7 {
            let next = Tries::after(tries, at);
            waits.push(next.next_try.duration_since(at).as_mins());
            let met = next.next_try.checked_sub(SignedDuration::from_secs(1)).unwrap();
            assert_eq!(Tries::after(Some(next), met), next);
            (tries, at) = (Some(next), next.next_try);
        }
        assert_eq!(waits, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(tries.map(|t| t.attempts), Some(7));
    }
}
