//! The storage traits on SQLite, the embedded default.
//!
//! One file, one server (a lock file beside it). One writer thread batches commands into durable transactions
//! ([`writer`]); a small pool of read-only connections answers questions ([`readers`]). A statement is a call into the
//! engine on the thread that has the connection: a trip to another thread costs more than most statements. The areas of the traits
//! are `storage-sql`'s; here is what has to be fast ([`hot`]). Queries are checked at run time and each one is exercised by
//! the conformance suite, so a build needs no database. No clock and no randomness here: times and ids are arguments.

pub mod backup;
mod checkpoints;
mod commit;
mod connection;
mod db;
mod erasure;
mod error;
pub mod export;
mod facts;
pub mod fill;
mod hot;
mod jobs;
mod readers;
mod temporary;
mod upkeep;
mod writer;

use crate::{checkpoints::Checkpoints, readers::Readers, temporary::Temporary, writer::Writer};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};
use storage::{Result, Store, StoreError};
use storage_sql::Sql;

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
    readers: Arc<Readers>,
    chain_is_new: bool,
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
        let temporary = Temporary::make().await?;
        let path = temporary.path().to_owned();
        Ok(Self::engine(&path, Options::test(), Some(Arc::new(temporary))).await?.into_store())
    }

    async fn engine(path: &Path, options: Options, temporary: Option<Arc<Temporary>>) -> Result<Self> {
        let lock = Lock::of(path, options.access)?;
        // a command beside a running server finds the tables as the server made them
        let chain_is_new = lock.is_some() && connection::migrate(path).await?;
        let unavailable = |error: &dyn std::fmt::Display| connection::unavailable(path, error);
        let writing = || connection::writing(path, options.durability).map_err(|error| unavailable(&error));
        // only a server keeps the lock; the writing thread has it, since its last transaction outlives the last caller
        let held = lock.filter(|_| options.access == Access::Server);
        // a command's few commits need none
        let checkpoints = match &held {
            None => None,
            Some(_) => Some(Checkpoints::start(writing()?).map_err(|error| unavailable(&error))?),
        };
        let writer = Writer::start(writing()?, checkpoints, held).map_err(|error| unavailable(&error))?;
        Ok(Self {
            writer: Arc::new(writer),
            readers: Readers::new(path.to_owned()),
            chain_is_new,
            _temporary: temporary,
        })
    }

    fn into_store(self) -> Store {
        Store {
            inbox: Arc::new(Sql(self.clone())),
            facts: Arc::new(Sql(self.clone())),
            mappings: Arc::new(Sql(self.clone())),
            shipments: Arc::new(Sql(self.clone())),
            jobs: Arc::new(Sql(self.clone())),
            bookings: Arc::new(Sql(self.clone())),
            learned: Arc::new(Sql(self.clone())),
            rollups: Arc::new(Sql(self.clone())),
            rules: Arc::new(Sql(self.clone())),
            claims: Arc::new(Sql(self.clone())),
            alerts: Arc::new(Sql(self.clone())),
            reconciliations: Arc::new(Sql(self.clone())),
            replays: Arc::new(Sql(self.clone())),
            reports: Arc::new(Sql(self.clone())),
            schedules: Arc::new(Sql(self.clone())),
            connections: Arc::new(Sql(self.clone())),
            destinations: Arc::new(Sql(self.clone())),
            order_problems: Arc::new(Sql(self.clone())),
            upkeep: Arc::new(self.clone()),
            erasure: Arc::new(Sql(self.clone())),
            work: Arc::new(Sql(self.clone())),
            chain_is_new: self.chain_is_new,
            people: Arc::new(Sql(self)),
            signals: Arc::new(storage::signals::Alone::default()),
        }
    }
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
        let name = beside(path, ".lock");
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

/// The name of a file that belongs to another.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
