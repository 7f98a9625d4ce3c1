//! The storage traits on SQLite, the embedded default.
//!
//! One file, one server (a lock file beside it). One writer task batches commands into durable transactions
//! ([`writer`]); a small pool of read-only connections answers questions. Each area of the traits has its own file, with
//! its SQL. Queries are checked at run time and each one is exercised by the conformance suite, so a build needs no
//! database. No clock and no randomness here: times and ids are arguments.

mod audit;
pub mod backup;
mod checkpoints;
mod codec;
mod destinations;
pub mod export;
mod facts;
mod group;
mod inbox;
mod jobs;
mod mappings;
mod people;
mod replays;
mod shipments;
mod upkeep;
mod work;
mod writer;

use crate::{
    checkpoints::{Checkpoints, LOG_PAGES},
    codec::{Done, Fail},
    group::Group,
    writer::{BoxFuture, Turn, Writer},
};
use sqlx::{
    Connection, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::Migrator,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use storage::{Result, Store, StoreError};

/// The migrations, built in.
static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/sqlite");

/// Connections that answer questions.
const READERS: u32 = 4;
/// A log that a long reader made longer is cut back to this when it begins anew.
const LOG_BYTES: &str = "67108864";
/// What the writer keeps in memory of the file, in KiB with a minus: the inner pages of the indexes of tens of millions of
/// rows, which every commit goes through.
const WRITER_CACHE: &str = "-65536";
/// The same for each reader.
const READER_CACHE: &str = "-16384";
/// How long a connection waits for another process (a command line beside the server) to finish its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a question waits for a free reader before the store is called busy.
const READER_WAIT: Duration = Duration::from_secs(10);
/// Prepared statements kept for each connection: more than there are statements.
const STATEMENTS: usize = 512;

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    access: Access,
    durability: Durability,
}

/// Who opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// The one server of the file.
    Server,
    /// A command beside it.
    Tool,
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// The disk.
    Full,
    /// Nothing: a test's data may be lost with the machine, not with the process.
    Process,
}

impl Options {
    /// For the server: exclusive, durable.
    pub const fn server() -> Self {
        Self { access: Access::Server, durability: Durability::Full }
    }

    /// For a command that runs beside a server or without one.
    pub const fn tool() -> Self {
        Self { access: Access::Tool, durability: Durability::Full }
    }

    /// As a server, without waiting for the disk. For tests.
    pub const fn test() -> Self {
        Self { access: Access::Server, durability: Durability::Process }
    }
}

/// The engine.
#[derive(Clone)]
pub struct SqliteStore {
    writer: Arc<Writer>,
    accepting: Arc<Group<inbox::Accept>>,
    finishing: Arc<Group<jobs::End>>,
    readers: SqlitePool,
    _temporary: Option<Arc<Temporary>>,
}

impl SqliteStore {
    /// Opens the database file, made and migrated where necessary.
    ///
    /// # Errors
    /// `Unavailable` when another server has the file, or it cannot be opened or migrated.
    pub async fn open(path: &Path, options: Options) -> Result<Store> {
        Ok(Self::engine(path, options, None).await?.into_store())
    }

    /// A store in a file of its own that is removed with it. For tests.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn temporary() -> Result<Store> {
        let temporary = Temporary::new();
        let path = temporary.0.clone();
        Ok(Self::engine(&path, Options::test(), Some(Arc::new(temporary))).await?.into_store())
    }

    async fn engine(path: &Path, options: Options, temporary: Option<Arc<Temporary>>) -> Result<Self> {
        let unavailable =
            |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("{}: {error}", path.display()));
        let lock = Lock::of(path, options.access)?;
        let mut conn =
            SqliteConnection::connect_with(&writing(path, options.durability)).await.map_err(|e| unavailable(&e))?;
        // a command beside a running server finds the tables as the server made them
        if lock.is_some() {
            MIGRATIONS.run_direct(None, &mut conn, false).await.map_err(|e| unavailable(&e))?;
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(READER_WAIT)
            .test_before_acquire(false)
            .connect_with(reading(path))
            .await
            .map_err(|e| unavailable(&e))?;
        // only a server keeps the lock; the writing task has it, since its last transaction outlives the last caller
        let held = lock.filter(|_| options.access == Access::Server);
        // a command's few commits need none
        let checkpoints = match &held {
            None => None,
            Some(_) => {
                let conn = SqliteConnection::connect_with(&writing(path, options.durability)).await;
                Some(Checkpoints::start(conn.map_err(|e| unavailable(&e))?))
            }
        };
        let writer = Arc::new(Writer::start(conn, checkpoints, held));
        let (accepting, finishing) = (Arc::new(Group::new(Turn::Ingest)), Arc::new(Group::new(Turn::RealTime)));
        Ok(Self { writer, accepting, finishing, readers, _temporary: temporary })
    }

    fn into_store(self) -> Store {
        Store {
            inbox: Arc::new(self.clone()),
            facts: Arc::new(self.clone()),
            mappings: Arc::new(self.clone()),
            shipments: Arc::new(self.clone()),
            jobs: Arc::new(self.clone()),
            replays: Arc::new(self.clone()),
            destinations: Arc::new(self.clone()),
            upkeep: Arc::new(self.clone()),
            work: Arc::new(self.clone()),
            people: Arc::new(self),
            signals: Arc::new(storage::signals::Alone::default()),
        }
    }

    /// Writes in the next transaction.
    async fn write<T, F>(&self, turn: Turn, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Done<T>> + Send + 'static,
    {
        self.writer.write(turn, work).await
    }

    /// A reader that sees one moment, however many questions it is asked.
    async fn read(&self) -> Done<Transaction<'static, Sqlite>> {
        self.readers.begin().await.map_err(Fail::from)
    }
}

/// How the one writer connects.
fn writing(path: &Path, durability: Durability) -> SqliteConnectOptions {
    connecting(path)
        .create_if_missing(true)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Process => SqliteSynchronous::Off,
        })
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", LOG_PAGES)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("journal_size_limit", LOG_BYTES)
        // a destroyed key must not be left in a free page
        .pragma("secure_delete", "ON")
}

/// How readers connect: what the writer set for the file holds for them.
fn reading(path: &Path) -> SqliteConnectOptions {
    connecting(path).create_if_missing(false).read_only(true).pragma("cache_size", READER_CACHE)
}

fn connecting(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        .pragma("temp_store", "MEMORY")
}

/// Takes the right to be the server of a file for as long as the result is kept: for what must happen without one.
///
/// # Errors
/// `Unavailable` when a server has it.
pub fn lock(path: &Path) -> Result<impl Sized + use<>> {
    Lock::of(path, Access::Server)
}

/// The right to be the server of a file: a lock on a file beside it, which the system gives back however a process ends.
struct Lock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl Lock {
    /// The lock; none for a command where a server has it.
    fn of(path: &Path, access: Access) -> Result<Option<Self>> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let name = PathBuf::from(name);
        let unavailable = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", name.display()));
        let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(unavailable)?;
        match (file.try_lock(), access) {
            (Ok(()), _) => Ok(Some(Self(file))),
            (Err(TryLockError::WouldBlock), Access::Tool) => Ok(None),
            (Err(TryLockError::WouldBlock), Access::Server) => Err(StoreError::Unavailable(format!(
                "another server has {} open (it holds {}): stop that one first, or use another data directory",
                path.display(),
                name.display()
            ))),
            (Err(TryLockError::Error(error)), _) => Err(unavailable(error)),
        }
    }
}

/// A file that goes with its store.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("milepost-{}-{number}.sqlite", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", ".lock"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(end);
            // what is not there need not be removed
            drop(std::fs::remove_file(name));
        }
    }
}
