//! Time and randomness enter here and nowhere else.

use jiff::Timestamp;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// The source of time and randomness.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Random bytes from the operating system's generator, or reproducible ones in tests.
    fn fill(&self, bytes: &mut [u8]);

    /// A new id; ids made later sort later.
    fn id(&self) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        id_at(self.now(), &random)
    }
}

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else takes the time from")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has randomness");
    }
}

fn id_at(now: Timestamp, random: &[u8; 10]) -> Uuid {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

/// A clock that moves only on request; its randomness is a counter.
pub struct ManualClock(Mutex<(Timestamp, u64)>);

impl ManualClock {
    /// Stands at this time.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new((now, 0))))
    }

    /// Moves on.
    pub fn advance(&self, by: jiff::Span) {
        let mut inner = self.0.lock().expect("no panic while held");
        inner.0 = inner.0.checked_add(by).expect("a time in range");
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().expect("no panic while held").0
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut inner = self.0.lock().expect("no panic while held");
        for chunk in bytes.chunks_mut(8) {
            inner.1 += 1;
            // SplitMix64: enough to keep ids apart, and the same on every run
            let mut z = inner.1.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_apart_and_of_their_time() {
        let before = SystemClock.now().as_millisecond();
        let ids: Vec<Uuid> = (0..1_000).map(|_| SystemClock.id()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        let millis = |id: &Uuid| i64::try_from(id.as_u128() >> 80).unwrap();
        assert!(ids.iter().all(|id| (before..=SystemClock.now().as_millisecond()).contains(&millis(id))));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }
}
