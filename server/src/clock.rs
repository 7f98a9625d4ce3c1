//! Time and randomness enter here and nowhere else.

use jiff::Timestamp;
use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
};
use uuid::Uuid;
use zeroize::Zeroize;

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
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
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
        AHEAD.with_borrow_mut(|ahead| ahead.fill(bytes));
    }
}

/// Random bytes that a thread asked for at once: a question costs the system more than the bytes.
const AHEAD_BYTES: usize = 512;

thread_local! {
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; AHEAD_BYTES], used: AHEAD_BYTES }) };
}

struct Ahead {
    bytes: [u8; AHEAD_BYTES],
    /// So many of them, from the front, were given away.
    used: usize,
}

impl Ahead {
    /// Each byte is given away once, and none is left here that was: some of them are keys.
    fn fill(&mut self, wanted: &mut [u8]) {
        for part in wanted.chunks_mut(AHEAD_BYTES) {
            if AHEAD_BYTES - self.used < part.len() {
                getrandom::fill(&mut self.bytes).expect("the operating system has randomness");
                self.used = 0;
            }
            let given = &mut self.bytes[self.used..self.used + part.len()];
            part.copy_from_slice(given);
            given.zeroize();
            self.used += part.len();
        }
    }
}

/// A clock that moves only when told; its randomness is a counter.
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
    fn random_bytes_are_given_away_once() {
        let mut ahead = Ahead { bytes: [0; AHEAD_BYTES], used: AHEAD_BYTES };
        let mut given = HashSet::new();
        for _ in 0..200 {
            let mut key = [0; 24];
            ahead.fill(&mut key);
            assert!(ahead.bytes[..ahead.used].iter().all(|byte| *byte == 0), "nothing is left of it");
            assert!(given.insert(key));
        }
        let mut more = vec![0; 3 * AHEAD_BYTES + 1];
        ahead.fill(&mut more);
        assert!(more.chunks_exact(16).all(|chunk| chunk != [0; 16]));
    }
}
