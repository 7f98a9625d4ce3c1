//! Random numbers that are the same for the same seed.

use jiff::SignedDuration;

/// A small random number generator (splitmix64, public domain algorithm by Sebastiano Vigna): the same seed, the same
/// world.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to just below `high`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.draw() % high.saturating_sub(low).max(1)
    }

    /// Whether one chance in `n` came.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.range(0, n) == 0
    }

    /// One of these; the list must not be empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = usize::try_from(self.range(0, list.len() as u64)).unwrap_or(0);
        &list[at]
    }

    /// A span of minutes between these.
    pub fn minutes(&mut self, low: u64, high: u64) -> SignedDuration {
        SignedDuration::from_mins(i64::try_from(self.range(low, high)).unwrap_or(0))
    }

    /// So many decimal digits.
    pub fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'0' + u8::try_from(self.range(0, 10)).unwrap_or(0))).collect()
    }
}
