//! The systems that messages come from and that Milepost calls.

mod chart;
mod form;
pub mod list;
pub mod new;
pub mod one;
mod parts;
mod removal;
mod sections;
mod setup;
