//! Many rows as one value, for `{rows ? r (id id, text bytes)}`: one statement for any number of them. In an object ids and
//! bytes are hexadecimal digits; text is [`clean`](crate::codec::clean).

use crate::Value;
use uuid::Uuid;

/// Rows: each an object by the names of its columns.
#[derive(Clone, Debug, Default)]
pub struct Rows(Vec<serde_json::Value>);

impl Rows {
    /// With one row more.
    pub fn push(&mut self, row: serde_json::Value) {
        self.0.push(row);
    }

    /// As the value.
    pub fn text(&self) -> String {
        serde_json::to_string(&self.0).expect("plain data serialises")
    }
}

impl FromIterator<serde_json::Value> for Rows {
    fn from_iter<I: IntoIterator<Item = serde_json::Value>>(rows: I) -> Self {
        Self(rows.into_iter().collect())
    }
}

impl From<Rows> for Value {
    fn from(rows: Rows) -> Self {
        Self::Text(Some(rows.text()))
    }
}

/// An id as a column of type `id` takes it.
pub fn hex_id(id: Uuid) -> String {
    id.simple().to_string()
}
