//! Rows on their way from one engine to another, as both have them: table by table, column by column.

use crate::{facts::Recording, jobs::NewJob, orders::ImportedShipment, shipments::Commit, work::CaseRecord};
use jiff::Timestamp;

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// None.
    Null,
    /// A number, a time in microseconds, or a yes or no.
    Int(i64),
    /// Text.
    Text(String),
    /// An id, or sealed bytes.
    Bytes(Vec<u8>),
}

/// Some rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a value for every column.
    pub rows: Vec<Vec<Value>>,
}

/// A shipment with everything that was received of it and what it was folded to, in the order in which that happened.
#[derive(Clone, Debug)]
pub struct Filled {
    /// As the order system has it.
    pub shipment: ImportedShipment,
    /// When it was imported.
    pub imported_at: Timestamp,
    /// What happened since.
    pub steps: Vec<FilledStep>,
    /// The tickets of its exceptions.
    pub cases: Vec<CaseRecord>,
    /// Work that was done for it.
    pub done: Vec<NewJob>,
}

/// Something that happened to a shipment.
#[derive(Clone, Debug)]
pub enum FilledStep {
    /// A message was recorded; its body is no longer kept.
    Received {
        /// What it says.
        recording: Box<Recording>,
        /// Its size in bytes.
        size: u64,
    },
    /// A fold was committed.
    Folded(Box<Commit>),
}
