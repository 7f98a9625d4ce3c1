//! Between rows and records: times are microseconds, ids are bytes, words are the serialised names of enums, structured
//! values are JSON. And between database errors and what callers can act on.

use serde_json::Value;
use sqlx::error::{DatabaseError, ErrorKind};
use std::{borrow::Cow, sync::Arc};
use storage::{StoreError, transfer};
use storage_sql::Row;
pub(crate) use storage_sql::codec::{
    clean, from_json, id_list, json, micros, month, opt_micros, row_limit, stored_count, word,
};

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

/// The rows of a question as a column `name`, for [`parts`]: one trip for many questions.
macro_rules! rows_as {
    ($name:literal, $question:expr) => {
        concat!("(SELECT coalesce(json_agg(q), '[]')::text FROM (", $question, ") q) AS ", $name)
    };
}
pub(crate) use rows_as;

/// The rows in such a column.
pub(crate) fn parts(column: &str) -> Result<Vec<Row>, SqlError> {
    let rows: Vec<serde_json::Map<String, Value>> = from_json(column)?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let names: Arc<[String]> = first.keys().cloned().collect();
    let value = |value| match value {
        Value::Bool(flag) => transfer::Value::Int(flag.into()),
        Value::Number(number) => number.as_i64().map_or(transfer::Value::Null, transfer::Value::Int),
        Value::String(text) => transfer::Value::Text(text),
        _ => transfer::Value::Null,
    };
    Ok(rows.into_iter().map(|row| Row::new(Arc::clone(&names), row.into_values().map(value).collect())).collect())
}
