//! What agents work with.

mod bookings;
pub mod exceptions;
mod same_number;
pub mod shipment;
pub mod shipments;
