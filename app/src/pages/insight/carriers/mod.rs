//! Carriers: side by side, and the review of one.

pub mod list;
pub mod one;
mod parts;
