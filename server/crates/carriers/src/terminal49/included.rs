//! The records beside a JSON:API document, and how they refer to each other.

use crate::formats::json;
use serde_json::Value;

/// The records of a message.
#[derive(Clone, Copy)]
pub(super) struct Included<'a>(&'a [Value]);

impl<'a> Included<'a> {
    /// The content of `included`.
    pub(super) fn of(body: &'a Value) -> Self {
        Self(body.get("included").and_then(Value::as_array).map_or(&[], Vec::as_slice))
    }

    /// The record that another one refers to under this name.
    pub(super) fn related(self, record: &Value, name: &str) -> Option<&'a Value> {
        let wanted = record.get("relationships")?.get(name)?.get("data")?;
        self.0.iter().find(|other| ["id", "type"].iter().all(|key| other.get(key) == wanted.get(key)))
    }

    /// Every record of a type.
    pub(super) fn all(self, kind: &str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |record| json::text(record, "type").as_deref() == Some(kind))
    }

    /// The record of a type, where there is exactly one.
    pub(super) fn only(self, kind: &str) -> Option<&'a Value> {
        let mut all = self.all(kind);
        all.next().filter(|_| all.next().is_none())
    }
}

/// The attributes of a record.
pub(super) fn attributes(record: &Value) -> &Value {
    record.get("attributes").unwrap_or(&Value::Null)
}
