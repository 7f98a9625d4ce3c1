//! Between rows and records: times are microseconds, ids are bytes, words are the serialised names of enums, structured
//! values are JSON. And between database errors and what callers can act on.

use rusqlite::ffi;
use storage::StoreError;
pub(crate) use storage_sql::codec::{
    PAGE_AND_ONE, cursor, json, micros, month, opt_micros, page, row_limit, stored_count, word,
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

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(cause, _) = &error else {
            return Self(StoreError::Damaged(error.to_string()));
        };
        Self(match cause.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                StoreError::Conflict(error.to_string())
            }
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => StoreError::NotFound("row that is referred to"),
            ffi::SQLITE_CONSTRAINT_NOTNULL | ffi::SQLITE_CONSTRAINT_CHECK => StoreError::Damaged(error.to_string()),
            _ => StoreError::Unavailable(error.to_string()),
        })
    }
}

/// Ids as a JSON list of hexadecimal texts, for `unhex` over `json_each`: one statement for any number of them.
pub(crate) fn id_list(ids: impl IntoIterator<Item = uuid::Uuid>) -> String {
    json(&ids.into_iter().map(|id| id.simple().to_string()).collect::<Vec<_>>())
}
