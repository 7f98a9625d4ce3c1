//! The storage traits on PostgreSQL, for several nodes on one database.
//!
//! The files have the names of `storage-sqlite`'s, so that the two read side by side. What SQLite gets from its one writer
//! is said here: rows that two transactions may want at once are taken in one order, and what must not be done twice at
//! once (the same number, the audit chain, the mapping) has a lock of its own ([`lock`]). Commands that many wait for at
//! once share a transaction and its fsync ([`group`]). Queries are checked at run time and each one is exercised by the
//! conformance suite, so a build needs no database. No clock and no randomness here: times and ids are arguments.

/// In a statement's SELECT list: its transaction does not wait for the disk. Only for what is harmless when a crash of the
/// database takes it back under a process that goes on: the end of work inside (it is done again), and the record of a
/// call. Not for the work itself: it could be gone when its end, sent after the crash, is there.
/// <https://www.postgresql.org/docs/current/wal-async-commit.html>
macro_rules! without_waiting {
    () => {
        "set_config('synchronous_commit', 'off', true)"
    };
}

pub mod backup;
mod codec;
mod connections;
mod counter;
mod db;
mod facts;
mod group;
mod hot;
pub mod import;
mod inbox;
mod jobs;
mod lock;
mod partitions;
mod shipments;
mod signals;
pub mod temporary;
mod upkeep;

use crate::{
    codec::SqlError,
    connections::{Connection, Connections, UNTRIED_IDLE, WAIT},
    group::Group,
    partitions::Partitions,
    temporary::Temporary,
};
use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres, Transaction,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{future::Future, pin::Pin, str::FromStr, sync::Arc, time::Duration};
use storage::{Result, Store, StoreError, jobs::Lane};
use storage_sql::Sql;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The migrations, built in.
static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/postgres");

/// Connections of one node, unless the address says otherwise by `max_connections`.
const CONNECTIONS: u32 = 12;
/// One of them hears what other nodes say.
const LISTENING: u32 = 1;
/// One of this number of connections is for people's requests, however many there are: the others are left to the work.
const ASKING_SHARE: u32 = 3;
/// Of those for the work, half are for the batch lane at most: the others are left to real-time.
const BATCH_SHARE: u32 = 2;
/// Prepared statements kept for each connection: more than there are statements.
const STATEMENTS: usize = 256;
/// No statement of ours takes longer; one that does is hung.
const STATEMENT_TIMEOUT: &str = "60s";
/// How the work's statements are planned: once, and row by row along indexes, whatever the values are. PostgreSQL guesses
/// the size of a table that it has not counted yet, and would keep a plan for a small one when it has grown large: through
/// all rows of a company, say. So where another index begins with the company, that is compared in a way that no index answers
/// (`IS NOT DISTINCT FROM`), or the row is looked up by itself (`LATERAL … LIMIT`); and a list is said to be short (`LIMIT
/// cardinality(…)`, of which PostgreSQL expects a tenth), so that it is gone through and the table is not. An index is
/// walked and not read into a bitmap first, since only who walks it leaves out for the next one what is dead: of the jobs at
/// work there are many times as many gone ones as there are.
/// <https://www.postgresql.org/docs/current/runtime-config-query.html>
const PLANNED_ONCE: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];
/// What is done in longer than this is given up: several times what its slowest statement may take.
const ANSWER_WAIT: Duration = Duration::from_secs(150);
/// A transaction whose owner has stopped talking is ended by the server, so that its locks are given back.
const IDLE_IN_TRANSACTION: &str = "30s";

/// The engine.
#[derive(Clone)]
pub struct PostgresStore {
    /// For the work.
    connections: Connections,
    /// For questions, whose best plan depends on what is asked.
    asking: PgPool,
    batch: Arc<Semaphore>,
    partitions: Partitions,
    accepting: Arc<Group<inbox::Accept>>,
    finishing: Arc<Group<jobs::End>>,
    calling: Arc<Group<jobs::Called>>,
    opening: Arc<Group<inbox::Open>>,
    recording: Arc<Group<facts::Record>>,
    loading: Arc<Group<shipments::load::Load>>,
    putting: Arc<Group<shipments::commit::Put>>,
    noting: Arc<Group<shipments::notes::Note>>,
    signals: signals::PgSignals,
    _temporary: Option<Arc<Temporary>>,
}

pub(crate) type BoxFuture<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

impl PostgresStore {
    /// Connects to `postgres://user:password@host:port/database?sslmode=verify-full` and brings the tables up to date;
    /// of several nodes that start at once one does it and the others wait.
    ///
    /// # Errors
    /// `Unavailable` when the address is wrong, or the database cannot be reached or migrated.
    pub async fn open(url: &str) -> Result<Store> {
        let chain_is_new = migrate(url).await?;
        Ok(Store { chain_is_new, ..Self::connect(url).await? })
    }

    /// A store in a database of its own that is removed with it, on the cluster of a superuser's address. For tests.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn temporary(admin: &str) -> Result<Store> {
        let (temporary, url) = Temporary::migrated(admin).await?;
        Ok(Self::engine(&url, Some(Arc::new(temporary))).await?.into_store())
    }

    /// Connects for a command beside the servers: makes the tables where there are none at all, and leaves them as the
    /// servers made them otherwise.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn connect(url: &str) -> Result<Store> {
        let engine = Self::engine(url, None).await?;
        let empty: bool = sqlx::query_scalar("SELECT to_regclass('company') IS NULL")
            .fetch_one(&engine.asking)
            .await
            .map_err(|error| unavailable(&error))?;
        if empty {
            migrate(url).await?;
        }
        Ok(engine.into_store())
    }

    async fn engine(url: &str, temporary: Option<Arc<Temporary>>) -> Result<Self> {
        let (options, connections) = options(url)?;
        let asking = (connections / ASKING_SHARE).max(1);
        let listening = PgPoolOptions::new().max_connections(LISTENING).connect_lazy_with(options.clone());
        let working = connections - asking - LISTENING;
        let batch = (working / BATCH_SHARE).max(1);
        let connections = Connections::new(options.clone().options(PLANNED_ONCE), working);
        let asking = pool(options, asking).await?;
        let partitions = Partitions::new(connections.clone());
        let group = (connections.clone(), partitions.clone());
        Ok(Self {
            batch: Arc::new(Semaphore::new(batch as usize)),
            partitions,
            accepting: Arc::new(Group::start(group.clone())),
            finishing: Arc::new(Group::start(group.clone())),
            calling: Arc::new(Group::start(group.clone())),
            opening: Arc::new(Group::start(group.clone())),
            recording: Arc::new(Group::start(group.clone())),
            loading: Arc::new(Group::start(group.clone())),
            putting: Arc::new(Group::start(group.clone())),
            noting: Arc::new(Group::start(group)),
            signals: signals::PgSignals::start(connections.clone(), listening),
            connections,
            asking,
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
            people: Arc::new(Sql(self.clone())),
            signals: Arc::new(self.signals),
            chain_is_new: false,
        }
    }

    /// Writes in a transaction of its own.
    async fn write<T, F>(&self, lane: Lane, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, SqlError>> + Send + 'static,
    {
        let _share = self.share(lane).await;
        in_time(async {
            let mut conn = self.connections.acquire().await?;
            let mut transaction = conn.begin().await?;
            let done = work(&mut transaction).await?;
            transaction.commit().await?;
            conn.give_back();
            Ok(done)
        })
        .await
    }

    /// Writes by one statement, which is a transaction of its own: that saves two of three trips.
    async fn write_alone<T, F>(&self, lane: Lane, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, SqlError>> + Send + 'static,
    {
        let _share = self.share(lane).await;
        in_time(async {
            let mut conn = self.connections.acquire().await?;
            let done = work(&mut conn).await?;
            conn.give_back();
            Ok(done)
        })
        .await
    }

    /// The batch lane's share of the connections, while it is used.
    async fn share(&self, lane: Lane) -> Option<SemaphorePermit<'_>> {
        match lane {
            Lane::RealTime => None,
            Lane::Batch => Some(self.batch.acquire().await.expect("never closed")),
        }
    }

    /// A reader for one of the work's questions, which sees one moment anyhow.
    async fn read_one(&self) -> Result<Connection, SqlError> {
        self.connections.acquire().await
    }

    /// A reader that sees one moment, however many questions it is asked.
    async fn moment(&self) -> Result<Transaction<'static, Postgres>, SqlError> {
        Ok(self.asking.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }
}

/// A server that has gone without a word answers nothing, and ends no statement either.
pub(crate) async fn in_time<T>(work: impl Future<Output = Result<T, SqlError>>) -> Result<T> {
    within(ANSWER_WAIT, work).await
}

async fn within<T>(wait: Duration, work: impl Future<Output = Result<T, SqlError>>) -> Result<T> {
    let silent = |_| Err(SqlError(StoreError::Unavailable("PostgreSQL does not answer".to_owned())));
    Ok(tokio::time::timeout(wait, work).await.unwrap_or_else(silent)?)
}

async fn pool(options: PgConnectOptions, connections: u32) -> Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(WAIT)
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move { Ok(meta.idle_for < UNTRIED_IDLE || conn.ping().await.is_ok()) })
        })
        .connect_with(options)
        .await
        .map_err(|error| unavailable(&error))
}

/// Brings the tables of a database up to date; safe to run on several nodes at once. Whether that gave an audit trail its chain
/// ([`Store::chain_is_new`]).
///
/// # Errors
/// `Unavailable` when the database cannot be reached, or has tables of a newer version.
pub async fn migrate(url: &str) -> Result<bool> {
    let (options, _) = options(url)?;
    // making an index of a large table may take longer than any other statement
    let options = options.options([("statement_timeout", "0")]);
    let mut conn = PgConnection::connect_with(&options).await.map_err(|error| unavailable(&error))?;
    let chain_is_new = sqlx::query_scalar(
        "SELECT to_regclass('audit') IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('audit') AND attname = 'mac' AND NOT attisdropped)",
    );
    let chain_is_new = chain_is_new.fetch_one(&mut conn).await.map_err(|error| unavailable(&error))?;
    MIGRATIONS.run_direct(None, &mut conn, false).await.map_err(|error| unavailable(&error))?;
    conn.close().await.map_err(|error| unavailable(&error))?;
    Ok(chain_is_new)
}

fn options(url: &str) -> Result<(PgConnectOptions, u32)> {
    let (url, connections) = own_parameters(url)?;
    let options = PgConnectOptions::from_str(&url)
        .map_err(|error| StoreError::Unavailable(format!("the address of the database cannot be read: {error}")))?
        .application_name("milepost")
        .statement_cache_capacity(STATEMENTS)
        .options([
            // "exists already, skipping" is no news
            ("client_min_messages", "warning"),
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
            // no statement of ours lasts as long as compiling it
            ("jit", "off"),
            // a 202 means that it is on the disk, whatever the cluster's default is
            ("synchronous_commit", "on"),
        ]);
    Ok((options, connections))
}

/// Takes our own parameter, `max_connections`, out of the address.
fn own_parameters(url: &str) -> Result<(String, u32)> {
    let Some((address, query)) = url.split_once('?') else { return Ok((url.to_owned(), CONNECTIONS)) };
    let mut connections = CONNECTIONS;
    let mut kept = Vec::new();
    for parameter in query.split('&') {
        match parameter.strip_prefix("max_connections=") {
            None => kept.push(parameter),
            Some(number) => {
                connections = number.parse().ok().filter(|n| (4..=1000).contains(n)).ok_or_else(|| {
                    StoreError::Unavailable(format!("max_connections is {number}: must be a number from 4 to 1000"))
                })?;
            }
        }
    }
    Ok((format!("{address}?{}", kept.join("&")), connections))
}

/// The message names neither the address nor the password.
fn unavailable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("PostgreSQL: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_parameter_is_taken_out_of_the_address() {
        let (url, connections) = own_parameters("postgres://h/d?sslmode=require&max_connections=7").unwrap();
        assert_eq!((url.as_str(), connections), ("postgres://h/d?sslmode=require", 7));
        assert_eq!(own_parameters("postgres://h/d").unwrap().1, CONNECTIONS);
        assert!(own_parameters("postgres://h/d?max_connections=1").is_err());
    }

    #[tokio::test]
    async fn a_server_that_has_gone_without_a_word_is_given_up() {
        let silent = within(Duration::ZERO, std::future::pending::<Result<(), SqlError>>()).await;
        assert!(matches!(silent, Err(StoreError::Unavailable(_))));
        assert_eq!(within(Duration::ZERO, async { Ok(1) }).await.unwrap(), 1);
    }
}
