//! Tracking: messages come in, are read, and are folded into the state of shipments.

pub mod fold;
pub mod ingest;
pub mod mappings;
pub mod normalise;
pub mod proof;
pub mod source_cache;
