//! Governance: who read what, and erasure.

pub mod erasure;
pub mod messages;
mod persons;
mod rewriting;
pub mod tombstones;
