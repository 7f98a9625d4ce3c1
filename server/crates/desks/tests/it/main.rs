//! The integration tests of this crate, one module for each subject.

mod check;
mod contract;
mod odoo_real;
mod rt_real;
mod sandbox;
