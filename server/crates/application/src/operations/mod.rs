//! Operations: bulk retries, retention, simulated data.

pub mod replays;
pub mod simulate;
pub mod upkeep;
