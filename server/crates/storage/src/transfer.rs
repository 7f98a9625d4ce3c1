//! Rows on their way from one engine to another, as both have them: table by table, column by column.

use crate::{facts::Recording, jobs::NewJob, orders::ImportedShipment, shipments::Commit, work::CaseRecord};

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

/// A shipment with all its observations, folded.
#[derive(Clone, Debug)]
pub struct Filled {
    /// As the order system has it.
    pub shipment: ImportedShipment,
    /// The content of a message; its body is no longer kept.
    pub recording: Recording,
    /// The message's size in bytes.
    pub size: u64,
    /// The fold.
    pub commit: Commit,
    /// The case of one of its exceptions.
    pub case: Option<CaseRecord>,
    /// Work that was done for it.
    pub done: Vec<NewJob>,
}
