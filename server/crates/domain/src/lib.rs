//! The canonical model of a shipment, pure: no I/O, no clock, no randomness.
//!
//! `vocabulary` holds the plain enums, `access` what people may do, `alerts` the kinds of alerts, `ownership` and `reconcile` the words of reconciliation, `claims` those of claims,
//! `visible` how text from outside is shown: these build for the browser. Everything else (feature `model`) is what the
//! server folds with. Time and randomness are arguments.

pub mod access;
pub mod alerts;
#[cfg(feature = "model")]
pub mod booking;
#[cfg(feature = "model")]
pub mod calendar;
#[cfg(feature = "model")]
pub mod carriers;
#[cfg(feature = "model")]
pub mod cause;
pub mod claims;
#[cfg(feature = "model")]
pub mod commit;
#[cfg(feature = "model")]
pub mod documents;
#[cfg(feature = "model")]
pub mod effects;
#[cfg(feature = "model")]
pub mod event_time;
#[cfg(feature = "model")]
pub mod exceptions;
#[cfg(feature = "model")]
pub mod fold;
#[cfg(feature = "model")]
pub mod ids;
#[cfg(feature = "model")]
pub mod invoicing;
pub mod labels;
#[cfg(feature = "model")]
pub mod mapping;
#[cfg(feature = "model")]
pub mod money;
#[cfg(feature = "model")]
pub mod numbers;
#[cfg(feature = "model")]
pub mod observation;
pub mod ownership;
#[cfg(feature = "model")]
pub mod place;
#[cfg(feature = "model")]
pub mod progress;
#[cfg(feature = "model")]
pub mod promise;
#[cfg(feature = "model")]
pub mod punctuality;
#[cfg(feature = "model")]
pub mod reading;
pub mod reconcile;
#[cfg(feature = "model")]
pub mod routing;
#[cfg(feature = "model")]
pub mod rule;
#[cfg(feature = "model")]
pub mod rules;
#[cfg(feature = "model")]
pub mod scenario;
pub mod unknown;
pub mod visible;
pub mod vocabulary;
mod words;

pub use vocabulary::{Category, Classifier, Direction, ExceptionReason, Milestone, Party, Severity, State, Visibility};
