//! The integration tests of this crate, one module for each subject.

mod conformance;
mod upgrade;
