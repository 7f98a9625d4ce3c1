//! What admins look after.

pub mod alerts;
pub mod booking_rules;
pub mod connections;
pub mod job;
pub mod mappings;
pub mod message;
pub mod playbooks;
pub mod reconciliation;
mod replays;
pub mod rules;
pub mod start;
pub mod sync;
