//! Governance: who read what, and erasure.

pub mod erasure;
mod list;
pub mod messages;
mod persons;
mod rewriting;
pub mod tombstones;
