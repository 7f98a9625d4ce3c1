//! The bare thing: what each engine can do at most, with nothing of ours around it. Two plain tables, one transaction for
//! all rows of a batch, the driver that the engines use, and the same durability.

use super::load::Answers;
use anyhow::{Context, Result};
use domain::ids::content_id;
use rusqlite::Connection;
use sqlx::{Connection as _, PgConnection};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinSet,
};
use uuid::Uuid;

/// Rows of one commit at most.
const BATCH: usize = 256;
/// Transactions under way at once on PostgreSQL: while one waits for the disk another takes in.
const AT_ONCE: usize = 2;
const WARM_UP: Duration = Duration::from_millis(500);

/// A durable row with its job, and the caller that waits for it. Rows are found by a digest, which lies anywhere in the index: what
/// came before must be noticed.
type Waiting = ((Uuid, Vec<u8>), oneshot::Sender<()>);
/// The queue in front of the committing loops.
type Queue = Arc<Mutex<mpsc::Receiver<Waiting>>>;

/// How rows come to the committing loops.
#[derive(Clone)]
pub struct Rows(mpsc::Sender<Waiting>);

impl Rows {
    /// Keeps a row; it is durable when this returns.
    ///
    /// # Errors
    /// When the loops have ended.
    pub async fn keep(&self, id: Uuid, body: Vec<u8>) -> Result<()> {
        let (reply, done) = oneshot::channel();
        self.0.send(((id, body), reply)).await.ok().context("the loop ended")?;
        Ok(done.await?)
    }
}

/// A bare connection.
pub enum Bare {
    /// One file has one writer.
    Sqlite(Connection),
    /// Of a server.
    Postgres(Vec<PgConnection>),
}

impl Bare {
    /// The two tables in a file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn sqlite(file: &Path) -> Result<Self> {
        let conn = Connection::open(file)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.execute_batch(
            "CREATE TABLE bare_message (id BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT;
             CREATE TABLE bare_job (seq INTEGER PRIMARY KEY, message BLOB NOT NULL, status TEXT NOT NULL) STRICT;
             CREATE INDEX bare_due ON bare_job (seq) WHERE status = 'ready'",
        )?;
        Ok(Self::Sqlite(conn))
    }

    /// The two tables in a database.
    ///
    /// # Errors
    /// When they cannot be made.
    pub async fn postgres(url: &str) -> Result<Self> {
        let mut conns = Vec::new();
        for _ in 0..AT_ONCE {
            conns.push(PgConnection::connect(url).await?);
        }
        for sql in [
            "CREATE TABLE bare_message (id UUID PRIMARY KEY, body BYTEA NOT NULL)",
            "CREATE TABLE bare_job (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message UUID NOT NULL, status TEXT NOT NULL)
             WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)",
            "CREATE INDEX bare_due ON bare_job (seq) WHERE status = 'ready'",
        ] {
            sqlx::query(sql).execute(&mut conns[0]).await?;
        }
        Ok(Self::Postgres(conns))
    }

    /// Starts the committing loops: how they are given rows, and themselves, which end when nobody can give any more.
    pub fn start(self) -> (Rows, JoinSet<Result<()>>) {
        let (queue, waiting) = mpsc::channel(1024);
        let waiting: Queue = Arc::new(Mutex::new(waiting));
        let mut loops = JoinSet::new();
        match self {
            Self::Sqlite(conn) => {
                loops.spawn_blocking(move || sqlite_loop(conn, &waiting));
            }
            Self::Postgres(conns) => conns.into_iter().for_each(|conn| {
                loops.spawn(postgres_loop(conn, Arc::clone(&waiting)));
            }),
        }
        (Rows(queue), loops)
    }

    /// So many clients, each with one row under way, for so long: the ceiling of group commit. `body_bytes` has each row.
    ///
    /// # Errors
    /// When a commit fails.
    pub async fn group_commit(self, clients: usize, body_bytes: usize, lasting: Duration) -> Result<Answers> {
        let (rows, mut loops) = self.start();
        let mut running = JoinSet::new();
        let from = Instant::now() + WARM_UP;
        for client in 0..u8::try_from(clients)? {
            let rows = rows.clone();
            running.spawn(async move {
                let mut took_ms = Vec::new();
                for number in 0_u64.. {
                    let begun = Instant::now();
                    if begun >= from + lasting {
                        return anyhow::Ok(took_ms);
                    }
                    rows.keep(content_id("bare", &[&[client], &number.to_be_bytes()]), vec![7; body_bytes]).await?;
                    if begun >= from {
                        took_ms.push(begun.elapsed().as_secs_f64() * 1000.0);
                    }
                }
                Ok(took_ms)
            });
        }
        drop(rows);
        let mut took_ms = Vec::new();
        while let Some(client) = running.join_next().await {
            took_ms.extend(client??);
        }
        while let Some(ended) = loops.join_next().await {
            ended??;
        }
        Ok(Answers::new(took_ms, lasting))
    }

    /// Claims and completes all of so many jobs in batches of this size, each step durable; jobs per second.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn claim_and_complete(mut self, jobs: usize, batch: usize) -> Result<f64> {
        match &mut self {
            Self::Sqlite(conn) => {
                let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                           INSERT INTO bare_job (message, status) SELECT randomblob(16), 'ready' FROM n";
                conn.execute(sql, [jobs as i64])?;
            }
            Self::Postgres(conns) => {
                let sql = "INSERT INTO bare_job (message, status) SELECT gen_random_uuid(), 'ready' FROM generate_series(1, $1)";
                sqlx::query(sql).bind(jobs as i64).execute(&mut conns[0]).await?;
                sqlx::query("ANALYZE bare_job").execute(&mut conns[0]).await?;
            }
        }
        let begun = Instant::now();
        let mut done = 0;
        loop {
            let claimed = match &mut self {
                Self::Sqlite(conn) => sqlite_claim(conn, batch)?,
                Self::Postgres(conns) => postgres_claim(&mut conns[0], batch).await?,
            };
            if claimed == 0 {
                break;
            }
            done += claimed;
        }
        anyhow::ensure!(done == jobs, "{done} of {jobs} jobs were done");
        Ok(done as f64 / begun.elapsed().as_secs_f64())
    }
}

fn sqlite_claim(conn: &Connection, batch: usize) -> Result<usize> {
    let claimed = conn
        .prepare_cached(
            "UPDATE bare_job SET status = 'leased' WHERE seq IN (SELECT seq FROM bare_job WHERE status = 'ready' ORDER BY seq LIMIT ?)
             RETURNING seq",
        )?
        .query_map([batch as i64], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    conn.prepare_cached("UPDATE bare_job SET status = 'done' WHERE seq IN (SELECT value FROM json_each(?))")?
        .execute([serde_json::to_string(&claimed)?])?;
    Ok(claimed.len())
}

async fn postgres_claim(conn: &mut PgConnection, batch: usize) -> Result<usize> {
    let claimed: Vec<i64> = sqlx::query_scalar(
        "UPDATE bare_job SET status = 'leased'
         WHERE seq IN (SELECT seq FROM bare_job WHERE status = 'ready' ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING seq",
    )
    .bind(batch as i64)
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query("UPDATE bare_job SET status = 'done' WHERE seq = ANY ($1)").bind(&claimed).execute(conn).await?;
    Ok(claimed.len())
}

fn sqlite_loop(mut conn: Connection, waiting: &Queue) -> Result<()> {
    let (mut waiting, mut batch) = (waiting.blocking_lock(), Vec::new());
    while waiting.blocking_recv_many(&mut batch, BATCH) > 0 {
        let transaction = conn.transaction()?;
        for ((id, body), _) in &batch {
            transaction.prepare_cached("INSERT INTO bare_message (id, body) VALUES (?, ?)")?.execute((id, body))?;
            transaction.prepare_cached("INSERT INTO bare_job (message, status) VALUES (?, 'ready')")?.execute([id])?;
        }
        transaction.commit()?;
        batch.drain(..).for_each(|(_, reply)| {
            let _ = reply.send(());
        });
    }
    Ok(())
}

/// What waits, at once; none when nobody can come any more.
async fn next(waiting: &Queue) -> Option<(Vec<(Uuid, Vec<u8>)>, Vec<oneshot::Sender<()>>)> {
    let mut batch = Vec::new();
    (waiting.lock().await.recv_many(&mut batch, BATCH).await > 0).then(|| batch.into_iter().unzip())
}

async fn postgres_loop(mut conn: PgConnection, waiting: Queue) -> Result<()> {
    while let Some((rows, replies)) = next(&waiting).await {
        let (ids, bodies): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let mut transaction = conn.begin().await?;
        sqlx::query("INSERT INTO bare_message (id, body) SELECT * FROM unnest($1::uuid[], $2::bytea[])")
            .bind(&ids)
            .bind(&bodies)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO bare_job (message, status) SELECT *, 'ready' FROM unnest($1::uuid[])")
            .bind(&ids)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        replies.into_iter().for_each(|reply| {
            let _ = reply.send(());
        });
    }
    Ok(conn.close().await?)
}
