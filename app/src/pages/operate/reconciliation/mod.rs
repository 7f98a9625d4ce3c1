//! Reconciliation: where the systems differ, how far they agree, and who owns which field.

mod acts;
mod chart;
pub mod fields;
pub mod page;
mod parts;
mod rows;
