//! Saved reports with their mailings; targets of figures and remarks about days.

pub mod list;
pub mod one;
pub mod targets;
