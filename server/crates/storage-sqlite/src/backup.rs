//! A consistent copy of a file while a server writes to it.

use crate::connection;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::{fmt::Display, path::Path};
use storage::{Result, StoreError};

/// Copies the database as it is at one moment into a new file, without its free pages. The server goes on writing.
///
/// # Errors
/// `Unavailable` when there is a file already, no space, or the database cannot be read.
pub async fn copy(path: &Path, to: &Path) -> Result<()> {
    let failed = {
        let to = to.to_owned();
        move |error: &dyn Display| connection::unavailable(&to, error)
    };
    let (path, into) = (path.to_owned(), to.to_string_lossy().into_owned());
    let copied = aside(move || connection::reading(&path)?.execute("VACUUM INTO ?", [into]));
    copied.await?.map(|_| ()).map_err(|error| failed(&error))
}

/// Whether a copy is whole: the engine's own check of every page and index.
///
/// # Errors
/// `Damaged` with the first finding.
pub async fn check(path: &Path) -> Result<()> {
    let damaged = |what: &dyn Display| StoreError::Damaged(format!("{}: {what}", path.display()));
    let copy = path.to_owned();
    let finding = aside(move || finding(&copy)).await?.map_err(|error| damaged(&error))?;
    if finding == "ok" { Ok(()) } else { Err(damaged(&finding)) }
}

/// A setting of a database whose tables may be of an older version; none where it cannot be.
///
/// # Errors
/// `Unavailable` when the file cannot be read.
pub async fn setting(path: &Path, name: &'static str) -> Result<Option<String>> {
    let of = path.to_owned();
    let found = aside(move || {
        let conn = connection::reading(&of)?;
        conn.query_row("SELECT value FROM setting WHERE name = ?", [name], |row| row.get(0)).optional()
    });
    found.await?.map_err(|error| connection::unavailable(path, &error))
}

fn finding(path: &Path) -> rusqlite::Result<String> {
    // a copy has no writer and no log beside it
    let address = format!("file:{}?immutable=1", in_address(&path.to_string_lossy()));
    let conn = Connection::open_with_flags(address, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)?;
    conn.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))
}

/// What means something in an address is written otherwise: <https://www.sqlite.org/uri.html#the_uri_path>.
fn in_address(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// On a thread where it may take its time.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Unavailable(error.to_string()))
}
