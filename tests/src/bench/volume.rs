//! Throughput with ten million observations in the database against that with none. They are copies of one shipment that
//! came in through ingest: every index of theirs is as large as it would be, and what is new lands anywhere among them.

use super::{Line, child::Served, load, load::Messages, median};
use crate::chaos::engine::{Database, Engine};
use anyhow::{Context, Result, ensure};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use storage::{Scope, Store, jobs::Lane};

/// Observations of the full database, unless MILEPOST_BENCH_OBSERVATIONS says otherwise.
pub const OBSERVATIONS: u64 = 10_000_000;
/// Of each copied shipment.
const OF_ONE: u64 = 10;
/// The copied shipment's number.
const TEMPLATE: &str = "TEMPLATE0001";
/// Messages of one measurement; each is of a shipment of its own.
const MESSAGES: u64 = 4_000;
const CLIENTS: usize = 8;
const ROUNDS: u64 = 3;
/// Messages that nobody counts, first.
const WARM_UP: u64 = 500;
/// Everything is done within this time.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(20);
/// Of the throughput with an empty database, in percent.
const GOAL: f64 = 80.0;
/// Ids of copies lie so far apart that they fill the whole space of ids.
const SPREAD: u64 = 1 << 32;
/// Shipments copied in one statement.
const CHUNK: u64 = 100_000;

/// Messages per second, from ingest to the state, with no observation and with many.
///
/// # Errors
/// When a step fails.
pub async fn volume(engine: Engine, observations: u64, peaks: &mut Vec<f64>) -> Result<Vec<Line>> {
    let (folder, database) = (tempfile::tempdir()?, Database::fresh(engine)?);
    let empty = rounds(folder.path(), &database, 0, peaks).await?;
    let begun = Instant::now();
    copy(folder.path(), &database, observations / OF_ONE).await?;
    println!("{}: {observations} observations were made in {:.0} s", engine.name(), begun.elapsed().as_secs_f64());
    let full = rounds(folder.path(), &database, ROUNDS, peaks).await?;
    let (name, millions) = (engine.name(), observations as f64 / 1e6);
    Ok(vec![
        Line::info(format!("{name}: messages from the endpoint to the state, empty database"), empty, "/s"),
        Line::info(format!("{name}: the same with {millions} million observations"), full, "/s"),
        Line::at_least(
            format!("{name}: throughput with {millions} million observations of that with none"),
            100.0 * full / empty,
            "%",
            GOAL,
        ),
    ])
}

async fn rounds(data: &Path, database: &Database, first: u64, peaks: &mut Vec<f64>) -> Result<f64> {
    let (path, url) = (data.display().to_string(), database.url());
    let words: Vec<&str> = ["endpoint", "whole", &path].into_iter().chain(url.as_deref()).collect();
    let installation = Served::start(&words)?;
    let (store, scope) = database.open(data).await?;
    if first == 0 {
        load::post(&installation.address, load::body(TEMPLATE, usize::try_from(OF_ONE)?)).await?;
    }
    let mut rates = Vec::new();
    for round in first..first + ROUNDS {
        let messages = Arc::new(Messages::new(100 + round));
        load::deliver(&installation.address, CLIENTS, WARM_UP, &messages).await?;
        idle(&store, scope).await?;
        let begun = Instant::now();
        load::deliver(&installation.address, CLIENTS, MESSAGES, &messages).await?;
        idle(&store, scope).await?;
        rates.push(MESSAGES as f64 / begun.elapsed().as_secs_f64());
    }
    peaks.push(installation.peak_mb());
    Ok(median(rates))
}

/// Waits until nothing is due any more.
async fn idle(store: &Store, scope: Scope) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut waits = false;
        for lane in [Lane::RealTime, Lane::Batch] {
            waits |= store.jobs.next_due(lane).await?.is_some();
        }
        if !waits {
            return Ok(());
        }
        ensure!(Instant::now() < end, "the installation of {:?} is not idle after {PATIENCE:?}", scope.company);
        tokio::time::sleep(LOOK).await;
    }
}

/// The words in which the engines differ.
struct Dialect {
    /// An id from a number below [`SPREAD`] and a number that tells kinds apart.
    id: fn(&str, u8) -> String,
    /// Numbers `n` from one to another.
    series: fn(u64, u64) -> String,
    /// A number as text.
    text: fn(&str) -> String,
}

const SQLITE: Dialect = Dialect {
    id: |number, kind| format!("unhex(printf('%08x%024x', {number}, {kind}))"),
    series: |from, to| {
        format!("(WITH RECURSIVE s(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM s WHERE n < {to}) SELECT n FROM s)")
    },
    text: |number| format!("printf('COPY%010d', {number})"),
};

const POSTGRES: Dialect = Dialect {
    id: |number, kind| format!("(lpad(to_hex(({number})::bigint), 8, '0') || lpad('{kind}', 24, '0'))::uuid"),
    series: |from, to| format!("(SELECT generate_series({from}::bigint, {to}::bigint) AS n)"),
    text: |number| format!("'COPY' || lpad(({number})::text, 10, '0')"),
};

/// A table, which of its rows are the template's, and the columns in which a copy differs.
type Copied<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>);

/// Makes so many copies of the template.
async fn copy(data: &Path, database: &Database, shipments: u64) -> Result<()> {
    let mut engine = match database {
        Database::File => Writing::Sqlite(
            SqliteConnectOptions::new()
                .filename(data.join("milepost.sqlite"))
                .foreign_keys(false)
                .pragma("cache_size", "-200000")
                .connect()
                .await?,
        ),
        Database::Server(server) => Writing::Postgres(server),
    };
    let dialect = engine.dialect();
    let shipment = |of: u8| (dialect.id)(&format!("s.n * {}", SPREAD / (shipments + 1)), of);
    let observation = (dialect.id)(&format!("(s.n * {OF_ONE} + t.place) * {}", SPREAD / ((shipments + 1) * OF_ONE)), 4);
    let number = (dialect.text)("s.n");
    let (shipment_id, tracker_id) = (shipment(1), shipment(2));
    let mut reading = vec![("observation_id", observation.as_str())];
    if matches!(engine, Writing::Sqlite(_)) {
        reading.push(("tracker_id", &tracker_id));
    }
    let own: Vec<Copied<'_>> = vec![
        (
            "shipment",
            "id = (SELECT shipment_id FROM binding WHERE tracker_id IN (SELECT id FROM tracker WHERE number = $))",
            vec![("id", &shipment_id)],
        ),
        (
            "shipment_fold",
            "shipment_id = (SELECT shipment_id FROM binding WHERE tracker_id IN (SELECT id FROM tracker WHERE number = $))",
            vec![("shipment_id", &shipment_id)],
        ),
        ("tracker", "number = $", vec![("id", &tracker_id), ("number", &number)]),
        (
            "binding",
            "tracker_id IN (SELECT id FROM tracker WHERE number = $)",
            vec![("id", &shipment_id), ("tracker_id", &tracker_id), ("shipment_id", &shipment_id)],
        ),
        ("shipment_term", "term = $", vec![("term", &number), ("shipment_id", &shipment_id)]),
        (
            "snapshot",
            "tracker_id IN (SELECT id FROM tracker WHERE number = $)",
            vec![("id", &tracker_id), ("tracker_id", &tracker_id)],
        ),
        (
            "observation",
            "tracker_id IN (SELECT id FROM tracker WHERE number = $)",
            vec![("id", &observation), ("tracker_id", &tracker_id)],
        ),
        (
            "reading",
            "observation_id IN (SELECT id FROM observation WHERE tracker_id IN (SELECT id FROM tracker WHERE number = $))",
            reading,
        ),
        (
            "sighting",
            "tracker_id IN (SELECT id FROM tracker WHERE number = $)",
            vec![("observation_id", &observation), ("tracker_id", &tracker_id), ("snapshot_id", &tracker_id)],
        ),
    ];
    for (table, which, own) in own {
        let own: BTreeMap<&str, &str> = own.into_iter().collect();
        let columns = engine.columns(table).await?;
        ensure!(own.keys().all(|c| columns.iter().any(|have| have == c)), "{table} has other columns: {columns:?}");
        let values: Vec<String> =
            columns.iter().map(|c| own.get(c.as_str()).map_or_else(|| format!("t.{c}"), |v| (*v).to_owned())).collect();
        let which = which.replace('$', &format!("'{TEMPLATE}'"));
        for from in (1..=shipments).step_by(usize::try_from(CHUNK)?) {
            let series = (dialect.series)(from, (from + CHUNK - 1).min(shipments));
            let sql = format!(
                "INSERT INTO {table} ({}) SELECT {} FROM {series} s CROSS JOIN (SELECT *, row_number() OVER () - 1 AS place FROM {table} WHERE {which}) t",
                columns.join(", "),
                values.join(", ")
            );
            engine.run(&sql).await.with_context(|| format!("copies of {table}"))?;
        }
    }
    engine.done().await
}

/// A connection that fills the tables and checks nothing.
enum Writing<'a> {
    Sqlite(SqliteConnection),
    Postgres(&'a crate::postgres::Database),
}

impl Writing<'_> {
    fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Sqlite(_) => &SQLITE,
            Self::Postgres(_) => &POSTGRES,
        }
    }

    async fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(conn) => {
                Ok(sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(table).fetch_all(conn).await?)
            }
            Self::Postgres(database) => {
                let sql = format!(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
                );
                Ok(database.ask(&sql)?.lines().map(str::to_owned).collect())
            }
        }
    }

    async fn run(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(conn) => sqlx::query(sqlx::AssertSqlSafe(sql)).execute(conn).await.map(|_| ())?,
            // the copies refer to each other; nothing is checked row by row
            Self::Postgres(database) => drop(database.ask(&format!("SET session_replication_role = replica; {sql}"))?),
        }
        Ok(())
    }

    /// The engine knows what it has, and owes the disk nothing.
    async fn done(self) -> Result<()> {
        match self {
            Self::Sqlite(mut conn) => {
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut conn).await?;
                Ok(conn.close().await?)
            }
            Self::Postgres(database) => {
                database.ask("VACUUM ANALYZE")?;
                database.ask("CHECKPOINT").map(drop)
            }
        }
    }
}
