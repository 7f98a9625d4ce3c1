//! The integration tests of this crate, one module for each subject.

mod check;
mod odoo_real;
mod sandbox;
mod transports;
