//! The integration tests of this crate, one module for each subject.

mod conformance;
mod figures;
mod upgrade;
