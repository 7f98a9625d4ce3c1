//! What executives look at.

pub mod overview;
