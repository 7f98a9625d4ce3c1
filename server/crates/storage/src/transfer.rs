//! Rows on their way from one engine to another, as both have them: table by table, column by column.

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
