//! How the file is opened: to be written, to be read, and to be brought up to date.

use crate::{Durability, checkpoints::LOG_PAGES};
use rusqlite::{Connection, OpenFlags};
use sqlx::{
    Connection as _, SqliteConnection,
    migrate::Migrator,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode},
};
use std::{path::Path, time::Duration};
use storage::{Result, StoreError};

/// The migrations, built in.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/sqlite");

/// A log that a long reader made longer is cut back to this when it begins anew.
const LOG_BYTES: u32 = 64 * 1024 * 1024;
/// What the writer keeps in memory of a file, in KiB with a minus: the inner pages of the indexes of tens of millions of rows,
/// which every commit goes through.
const WRITER_CACHE: i32 = -65_536;
/// The same of a file that ends before [`LOCK_PAGE`]: when a commit has split a page the engine goes through all that it
/// keeps, since its balancing passes by that page's number and what lies behind the file's end is then looked for.
const SMALL_WRITER_CACHE: i32 = -8_192;
/// The page (of 4 KiB) with the bytes that are locked. <https://sqlite.org/fileformat2.html#the_lock_byte_page>
const LOCK_PAGE: i64 = 0x4000_0000 / 4096 + 1;
/// The same for each reader.
const READER_CACHE: i32 = -16_384;
/// How long a connection waits for another process (a command line beside the server) to finish its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements kept for each connection: more than there are statements.
const STATEMENTS: usize = 512;

/// With this a destroyed key is not left in a free page.
const SECURE_DELETE: &str = "secure_delete";

/// Makes the file where there is none, and brings its tables up to date; whether that gave an audit trail its chain.
///
/// # Errors
/// `Unavailable` when it cannot be opened, or has tables of a newer version.
pub(crate) async fn migrate(path: &Path) -> Result<bool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(BUSY_TIMEOUT)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        // a table that is made anew must not leave its keys behind
        .pragma(SECURE_DELETE, "ON");
    let unavailable = |error: &dyn std::fmt::Display| unavailable(path, error);
    let mut conn = SqliteConnection::connect_with(&options).await.map_err(|error| unavailable(&error))?;
    let chain_is_new = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM pragma_table_info('audit'))
            AND NOT EXISTS (SELECT 1 FROM pragma_table_info('audit') WHERE name = 'mac')",
    );
    let chain_is_new = chain_is_new.fetch_one(&mut conn).await.map_err(|error| unavailable(&error))?;
    MIGRATIONS.run_direct(None, &mut conn, false).await.map_err(|error| unavailable(&error))?;
    conn.close().await.map_err(|error| unavailable(&error))?;
    Ok(chain_is_new)
}

/// What has gone wrong with a file.
pub(crate) fn unavailable(path: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}

/// The one that writes.
pub(crate) fn writing(path: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(
        None,
        "synchronous",
        match durability {
            Durability::Full => "FULL",
            Durability::Process => "OFF",
        },
    )?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    conn.pragma_update(None, "cache_size", if pages < LOCK_PAGE { SMALL_WRITER_CACHE } else { WRITER_CACHE })?;
    conn.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    conn.pragma_update(None, SECURE_DELETE, true)?;
    Ok(conn)
}

/// One that reads: what the writer set for the file holds for it.
pub(crate) fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.pragma_update(None, "cache_size", READER_CACHE)?;
    Ok(conn)
}

fn open(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}
