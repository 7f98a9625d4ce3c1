//! What executives look at.

pub mod analytics;
pub mod calibration;
pub mod carriers;
pub mod figure;
pub mod overview;
pub mod reports;
pub mod sla;
