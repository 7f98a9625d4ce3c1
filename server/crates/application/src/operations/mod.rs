//! Operations: figures, the jobs and messages that people look after, bulk retries, retention, simulated data.

pub mod integrations;
pub mod overview;
pub mod replays;
pub mod simulate;
pub mod upkeep;
