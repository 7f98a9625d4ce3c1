//! What each figure is and how it is counted. Pure: no I/O, no clock.

pub mod contribution;
pub mod definition;
pub mod figure;
pub mod learned;
pub mod report;
pub mod scorecard;
