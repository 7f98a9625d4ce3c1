//! What a failure of the engine is to callers.

use rusqlite::ffi;
use storage::StoreError;

/// What callers can act on.
pub(crate) fn failed(error: rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(cause, _) = &error else {
        return StoreError::Damaged(error.to_string());
    };
    match cause.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => StoreError::Conflict(error.to_string()),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => StoreError::NotFound("row that is referred to"),
        ffi::SQLITE_CONSTRAINT_NOTNULL | ffi::SQLITE_CONSTRAINT_CHECK => StoreError::Damaged(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}
