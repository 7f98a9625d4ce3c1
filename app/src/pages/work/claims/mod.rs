//! Claims against carriers.

pub mod deadlines;
pub mod list;
pub mod new;
pub mod of_shipment;
pub mod one;
mod panel;
mod parts;
