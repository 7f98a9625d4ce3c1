//! What the system does: use cases by area, and the jobs that carry them out. HTTP, pages and the command line call these
//! and nothing below. No HTTP server, no pages, no SQL here.

pub mod alerts;
pub mod audit;
pub mod booking;
pub mod caller;
pub mod cases;
pub mod claims;
pub mod clock;
pub mod config;
pub mod connections;
pub mod context;
pub mod destinations;
pub mod error;
pub mod exceptions;
pub mod governance;
pub mod installation;
pub mod jobs;
pub mod keys;
pub mod kpi;
pub mod learned;
pub mod machine;
pub mod mask;
pub mod odoo;
pub mod operations;
pub mod people;
pub mod reconcile;
pub mod remedies;
pub mod reports;
pub mod rules;
pub mod texts;
pub mod tracking;
pub mod vault;
pub mod words;

pub use context::Context;
pub use error::{Result, UseCaseError};
