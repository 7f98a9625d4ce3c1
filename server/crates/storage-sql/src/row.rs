//! A row by itself, whose columns are read by name.

use crate::codec::{from_hex, from_json, from_word, timestamp};
use domain::ids::SubjectId;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use std::{fmt::Display, sync::Arc};
use storage::{Result, Sealed, StoreError, transfer::Value};
use uuid::Uuid;

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    names: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row with these columns.
    pub fn new(names: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { names, values }
    }

    /// The values, column by column.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    fn value(&self, column: &str) -> Result<&Value> {
        let place = self.names.iter().position(|name| name == column);
        place.and_then(|place| self.values.get(place)).ok_or_else(|| damaged(column, &"there is none"))
    }
}

macro_rules! columns {
    ($($variant:ident: $opt:ident, $there:ident -> $borrowed:ty;)*) => {
        #[expect(missing_docs, reason = "each reads a column by its name, as the type that it has")]
        impl Row {
            $(pub fn $opt(&self, column: &str) -> Result<Option<&$borrowed>> {
                match self.value(column)? {
                    Value::Null => Ok(None),
                    Value::$variant(value) => Ok(Some(value)),
                    _ => Err(damaged(column, &"it is of another type")),
                }
            }

            pub fn $there(&self, column: &str) -> Result<&$borrowed> {
                self.$opt(column)?.ok_or_else(|| damaged(column, &"it is empty"))
            })*
        }
    };
}

columns! {
    Int: opt_int_ref, int_ref -> i64;
    Text: opt_str, str -> str;
    Bytes: opt_slice, slice -> [u8];
}

#[expect(missing_docs, reason = "each reads a column by its name, as the type that it has")]
impl Row {
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        Ok(self.opt_int_ref(column)?.copied())
    }

    pub fn int(&self, column: &str) -> Result<i64> {
        Ok(*self.int_ref(column)?)
    }

    pub fn count<T: TryFrom<i64>>(&self, column: &str) -> Result<T> {
        let count = self.int(column)?;
        T::try_from(count).map_err(|_| damaged(column, &count))
    }

    pub fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    pub fn opt_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.opt_str(column)?.map(str::to_owned))
    }

    pub fn text(&self, column: &str) -> Result<String> {
        self.str(column).map(str::to_owned)
    }

    /// Also as PostgreSQL writes them in JSON.
    pub fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>> {
        match self.value(column)? {
            Value::Text(text) => {
                let bytes = text.strip_prefix("\\x").and_then(from_hex);
                bytes.map(Some).ok_or_else(|| damaged(column, &"it is no bytes"))
            }
            _ => Ok(self.opt_slice(column)?.map(<[u8]>::to_vec)),
        }
    }

    pub fn bytes(&self, column: &str) -> Result<Vec<u8>> {
        self.opt_bytes(column)?.ok_or_else(|| damaged(column, &"it is empty"))
    }

    /// Also as PostgreSQL writes them in JSON.
    pub fn opt_id<T: From<Uuid>>(&self, column: &str) -> Result<Option<T>> {
        let id = match self.value(column)? {
            Value::Text(text) => Uuid::try_parse(text).map(Some),
            _ => self.opt_slice(column)?.map(Uuid::from_slice).transpose(),
        };
        Ok(id.map_err(|error| damaged(column, &error))?.map(T::from))
    }

    pub fn id<T: From<Uuid>>(&self, column: &str) -> Result<T> {
        self.opt_id(column)?.ok_or_else(|| damaged(column, &"it is empty"))
    }

    pub fn opt_at(&self, column: &str) -> Result<Option<Timestamp>> {
        self.opt_int(column)?.map(timestamp).transpose()
    }

    pub fn at(&self, column: &str) -> Result<Timestamp> {
        timestamp(self.int(column)?)
    }

    pub fn opt_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        self.opt_str(column)?.map(from_json).transpose()
    }

    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        from_json(self.str(column)?)
    }

    pub fn opt_word<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        self.opt_str(column)?.map(from_word).transpose()
    }

    pub fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        from_word(self.str(column)?)
    }

    /// Sealed bytes, from the column of their subject and their own.
    pub fn opt_sealed(&self, subject: &str, bytes: &str) -> Result<Option<Sealed>> {
        let subject: Option<SubjectId> = self.opt_id(subject)?;
        Ok(subject.zip(self.opt_bytes(bytes)?).map(|(subject, bytes)| Sealed { subject, bytes }))
    }

    /// Sealed bytes, from a column that holds all of them.
    pub fn opt_packed(&self, column: &str) -> Result<Option<Sealed>> {
        let Some(packed) = self.opt_slice(column)? else { return Ok(None) };
        Sealed::unpacked(packed).map(Some).ok_or_else(|| damaged(column, &"it is no sealed value"))
    }
}

fn damaged(column: &str, what: &dyn Display) -> StoreError {
    StoreError::Damaged(format!("column {column}: {what}"))
}
