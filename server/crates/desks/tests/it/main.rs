//! The integration tests of this crate, one module for each subject.

mod check;
mod rt_real;
mod sandbox;
