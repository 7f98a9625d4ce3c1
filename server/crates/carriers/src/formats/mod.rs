//! Readers that several connectors share, a file for each format.

pub mod documents;
pub mod edi;
pub mod json;
pub mod times;
pub mod xml;
