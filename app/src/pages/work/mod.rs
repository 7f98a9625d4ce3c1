//! What agents work with.

mod book_label;
mod bookings;
pub mod claims;
pub mod exception;
pub mod exceptions;
mod resolve;
mod same_number;
pub mod shipment;
pub mod shipments;
mod unknown;
