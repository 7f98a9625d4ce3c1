//! Rules.

pub mod promises;
