//! Connections to other systems.

pub mod sources;
pub mod weaknesses;
