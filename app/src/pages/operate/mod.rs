//! What admins look after.

pub mod job;
pub mod mappings;
pub mod message;
pub mod sync;
