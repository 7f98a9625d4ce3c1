//! What agents work with.

pub mod exceptions;
mod same_number;
pub mod shipment;
pub mod shipments;
