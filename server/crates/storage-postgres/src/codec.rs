//! Between rows and records: times are microseconds, ids are bytes, words are the serialised names of enums, structured
//! values are JSON. And between database errors and what callers can act on.

use domain::ids::SubjectId;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{
    Row,
    error::{DatabaseError, ErrorKind},
    postgres::PgRow,
};
use std::{borrow::Cow, collections::HashMap};
use storage::{Sealed, StoreError, transfer};
pub(crate) use storage_sql::codec::{
    PAGE_AND_ONE, clean, cursor, from_json, id_list, json, micros, month, opt_micros, page, row_limit, stored_count,
    word,
};
use storage_sql::codec::{from_hex, from_word, timestamp};
use uuid::Uuid;

/// An error on its way out of a query. Its own type, so that `?` takes both kinds.
#[derive(Debug)]
pub(crate) struct SqlError(pub(crate) StoreError);

impl From<StoreError> for SqlError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<SqlError> for StoreError {
    fn from(fail: SqlError) -> Self {
        fail.0
    }
}

impl From<sqlx::Error> for SqlError {
    fn from(error: sqlx::Error) -> Self {
        Self(match error {
            sqlx::Error::Database(error) => refused(&*error),
            sqlx::Error::RowNotFound => StoreError::NotFound("row"),
            sqlx::Error::PoolTimedOut => StoreError::Unavailable("no connection to the database is to be had".into()),
            sqlx::Error::ColumnDecode { index, .. } | sqlx::Error::ColumnNotFound(index) => {
                StoreError::Damaged(format!("column {index} cannot be read"))
            }
            sqlx::Error::Decode(_) => StoreError::Damaged("a value cannot be read".into()),
            other => StoreError::Unavailable(other.to_string()),
        })
    }
}

/// PostgreSQL ended one of two transactions that waited for each other, or asks to come again.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const COME_AGAIN: &[&str] = &["40001", "40P01", "55P03"];
/// The classes of errors that are the command's own: data that it cannot take, limits that it exceeds, statements that it
/// cannot run.
const ITS_OWN: &[&str] = &["22", "42", "54"];

/// The database's own message may quote a value: only what and where it was is said.
fn refused(error: &dyn DatabaseError) -> StoreError {
    let described = || {
        let place = error.constraint().or_else(|| error.table()).map(|name| format!(" at {name}")).unwrap_or_default();
        format!("SQLSTATE {}{place}", error.code().unwrap_or(Cow::Borrowed("unknown")))
    };
    if error.code().is_some_and(|code| COME_AGAIN.contains(&&*code)) {
        return StoreError::Busy;
    }
    match error.kind() {
        ErrorKind::UniqueViolation => StoreError::Conflict(described()),
        ErrorKind::ForeignKeyViolation => StoreError::NotFound("row that is referred to"),
        ErrorKind::NotNullViolation | ErrorKind::CheckViolation => StoreError::Damaged(described()),
        _ if error.code().is_some_and(|code| ITS_OWN.iter().any(|class| code.starts_with(class))) => {
            StoreError::Damaged(described())
        }
        _ => StoreError::Unavailable(described()),
    }
}

/// Reads columns by name, of a row and of a [`Part`] of one.
pub(crate) trait Columns {
    fn opt_uuid(&self, column: &str) -> Result<Option<Uuid>, SqlError>;
    fn opt_text(&self, column: &str) -> Result<Option<String>, SqlError>;
    fn opt_int(&self, column: &str) -> Result<Option<i64>, SqlError>;
    fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, SqlError>;
    fn flag(&self, column: &str) -> Result<bool, SqlError>;

    fn id<T: From<Uuid>>(&self, column: &str) -> Result<T, SqlError> {
        there(self.opt_id(column)?, column)
    }

    fn opt_id<T: From<Uuid>>(&self, column: &str) -> Result<Option<T>, SqlError> {
        Ok(self.opt_uuid(column)?.map(Into::into))
    }

    fn at(&self, column: &str) -> Result<Timestamp, SqlError> {
        Ok(timestamp(self.int(column)?)?)
    }

    fn opt_at(&self, column: &str) -> Result<Option<Timestamp>, SqlError> {
        Ok(self.opt_int(column)?.map(timestamp).transpose()?)
    }

    fn text(&self, column: &str) -> Result<String, SqlError> {
        there(self.opt_text(column)?, column)
    }

    fn int(&self, column: &str) -> Result<i64, SqlError> {
        there(self.opt_int(column)?, column)
    }

    fn count<T: TryFrom<i64>>(&self, column: &str) -> Result<T, SqlError> {
        let count = self.int(column)?;
        T::try_from(count).map_err(|_| SqlError(StoreError::Damaged(format!("{column} is {count}"))))
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, SqlError> {
        Ok(from_json(&self.text(column)?)?)
    }

    fn opt_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, SqlError> {
        Ok(self.opt_text(column)?.as_deref().map(from_json).transpose()?)
    }

    fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, SqlError> {
        Ok(from_word(&self.text(column)?)?)
    }

    fn opt_word<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, SqlError> {
        Ok(self.opt_text(column)?.as_deref().map(from_word).transpose()?)
    }

    /// Sealed bytes, from the column of their subject and their own.
    fn opt_sealed(&self, subject: &str, bytes: &str) -> Result<Option<Sealed>, SqlError> {
        let subject: Option<SubjectId> = self.opt_id(subject)?;
        let bytes = self.opt_bytes(bytes)?;
        Ok(subject.zip(bytes).map(|(subject, bytes)| Sealed { subject, bytes }))
    }

    /// Sealed bytes, from a column that holds all of them.
    fn opt_packed(&self, column: &str) -> Result<Option<Sealed>, SqlError> {
        let Some(packed) = self.opt_bytes(column)? else { return Ok(None) };
        let sealed = Sealed::unpacked(&packed);
        sealed.map(Some).ok_or_else(|| SqlError(StoreError::Damaged(format!("{column} is no sealed value"))))
    }
}

fn there<T>(value: Option<T>, column: &str) -> Result<T, SqlError> {
    value.ok_or_else(|| SqlError(StoreError::Damaged(format!("{column} is not there"))))
}

impl Columns for PgRow {
    fn opt_uuid(&self, column: &str) -> Result<Option<Uuid>, SqlError> {
        Ok(self.try_get(column)?)
    }

    fn opt_text(&self, column: &str) -> Result<Option<String>, SqlError> {
        Ok(self.try_get(column)?)
    }

    fn opt_int(&self, column: &str) -> Result<Option<i64>, SqlError> {
        Ok(self.try_get(column)?)
    }

    fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, SqlError> {
        Ok(self.try_get(column)?)
    }

    fn flag(&self, column: &str) -> Result<bool, SqlError> {
        Ok(self.try_get(column)?)
    }
}

/// A row of another question that was answered within a row, by [`rows_as!`]: one trip for many questions.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Part(HashMap<String, Value>);

impl Part {
    /// As the areas of `storage-sql` read rows.
    pub(crate) fn row(&self) -> storage_sql::Row {
        let value = |value: &Value| match value {
            Value::Bool(flag) => transfer::Value::Int((*flag).into()),
            Value::Number(number) => number.as_i64().map_or(transfer::Value::Null, transfer::Value::Int),
            Value::String(text) => transfer::Value::Text(text.clone()),
            _ => transfer::Value::Null,
        };
        storage_sql::Row::new(self.0.keys().cloned().collect(), self.0.values().map(value).collect())
    }

    fn damaged<T>(column: &str) -> Result<T, SqlError> {
        Err(SqlError(StoreError::Damaged(format!("{column} is of another type"))))
    }
}

impl Columns for Part {
    fn opt_uuid(&self, column: &str) -> Result<Option<Uuid>, SqlError> {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        text.parse().map(Some).or_else(|_| Self::damaged(column))
    }

    fn opt_text(&self, column: &str) -> Result<Option<String>, SqlError> {
        match self.0.get(column) {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            _ => Self::damaged(column),
        }
    }

    fn opt_int(&self, column: &str) -> Result<Option<i64>, SqlError> {
        match self.0.get(column) {
            Some(Value::Number(number)) => number.as_i64().map_or_else(|| Self::damaged(column), |n| Ok(Some(n))),
            Some(Value::Null) => Ok(None),
            _ => Self::damaged(column),
        }
    }

    /// JSON has them as `\x` and hexadecimal digits.
    fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, SqlError> {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        text.strip_prefix("\\x").and_then(from_hex).map_or_else(|| Self::damaged(column), |bytes| Ok(Some(bytes)))
    }

    fn flag(&self, column: &str) -> Result<bool, SqlError> {
        self.0.get(column).and_then(Value::as_bool).map_or_else(|| Self::damaged(column), Ok)
    }
}

/// The rows of a question as a column `name`, for [`parts`].
macro_rules! rows_as {
    ($name:literal, $question:expr) => {
        concat!("(SELECT coalesce(json_agg(q), '[]')::text FROM (", $question, ") q) AS ", $name)
    };
}
pub(crate) use rows_as;

/// The rows in a column that [`rows_as!`] made.
pub(crate) fn parts(row: &PgRow, name: &str) -> Result<Vec<Part>, SqlError> {
    row.json(name)
}
