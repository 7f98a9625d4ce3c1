//! Tracking: messages come in, are read, and are folded into the state of shipments.

pub mod codes;
pub mod fold;
pub mod ingest;
pub mod mappings;
pub mod normalise;
pub mod places;
pub mod proof;
pub mod read;
pub mod source_cache;
