//! A consistent copy of a file while a server writes to it.

use crate::{connecting, reading};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;
use storage::{Result, StoreError};

/// Copies the database as it is at one moment into a new file, without its free pages. The server goes on writing.
///
/// # Errors
/// `Unavailable` when there is a file already, no space, or the database cannot be read.
pub async fn copy(path: &Path, to: &Path) -> Result<()> {
    let failed = |error: sqlx::Error| StoreError::Unavailable(format!("{}: {error}", to.display()));
    let mut conn = SqliteConnection::connect_with(&reading(path)).await.map_err(failed)?;
    sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy().into_owned()).execute(&mut conn).await.map_err(failed)?;
    conn.close().await.map_err(failed)
}

/// Whether a copy is whole: the engine's own check of every page and index.
///
/// # Errors
/// `Damaged` with the first finding.
pub async fn check(path: &Path) -> Result<()> {
    let failed = |error: sqlx::Error| StoreError::Damaged(format!("{}: {error}", path.display()));
    // a copy has no writer and no log beside it
    let options = connecting(path).create_if_missing(false).immutable(true).read_only(true);
    let mut conn = SqliteConnection::connect_with(&options).await.map_err(failed)?;
    let finding: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut conn).await.map_err(failed)?;
    conn.close().await.map_err(failed)?;
    if finding == "ok" { Ok(()) } else { Err(StoreError::Damaged(format!("{}: {finding}", path.display()))) }
}
