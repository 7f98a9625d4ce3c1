//! The integration tests of this crate, one module for each subject.

mod booking;
mod registering;
mod sandbox_carriers;
