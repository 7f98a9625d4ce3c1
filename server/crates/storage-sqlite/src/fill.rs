//! Fills a file with simulated shipments, much faster than messages come in: many in one transaction that waits for no disk,
//! by the statements that importing, recording and folding use. The file must have no server, unless it is filled beside one, slower.

use crate::{
    Access, Durability, Lock,
    commit::commit,
    connection,
    db::{Run as _, Sqlite, drive},
    error::failed,
    facts,
};
use rusqlite::Connection;
use std::path::Path;
use storage::{
    Result, Scope, StoreError,
    facts::Recording,
    shipments::Committed,
    transfer::{Filled, FilledStep},
};
use storage_sql::{cases, codec::stored_count, jobs, query, shipments::import};

/// What is kept in memory of the file, in KiB with a minus: rows land anywhere in its indexes.
const CACHE: i32 = -524_288;

/// A file that is being filled.
pub struct Fill {
    conn: Connection,
    _lock: Option<Lock>,
}

impl Fill {
    /// Opens a file, made and brought up to date where necessary.
    ///
    /// # Errors
    /// `Conflict` when it holds a shipment that is not simulated; `Unavailable` when a server has it.
    pub async fn open(path: &Path) -> Result<Self> {
        let lock = Lock::of(path, Access::Server)?
            .ok_or_else(|| StoreError::Unavailable(format!("{} is in use", path.display())))?;
        connection::migrate(path).await?;
        let unavailable = |error: rusqlite::Error| connection::unavailable(path, &error);
        let conn = connection::writing(path, Durability::Process).map_err(unavailable)?;
        conn.pragma_update(None, "cache_size", CACHE).map_err(unavailable)?;
        let real = query("SELECT 1 AS found FROM shipment WHERE sandbox = 0 LIMIT 1").first(&conn)?;
        if real.is_some() {
            return Err(StoreError::Conflict(format!(
                "{} holds shipments that are not simulated: take another data directory",
                path.display()
            )));
        }
        Ok(Self { conn, _lock: Some(lock) })
    }

    /// Opens the file of a server that runs: its own writes go on between the batches, which are to be small.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be opened.
    pub fn beside_server(path: &Path) -> Result<Self> {
        let conn =
            connection::writing(path, Durability::Full).map_err(|error| connection::unavailable(path, &error))?;
        Ok(Self { conn, _lock: None })
    }

    /// How many shipments there are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn shipments(&self) -> Result<u64> {
        let number = query("SELECT count(*) AS number FROM shipment").first(&self.conn)?;
        number.map_or(Ok(0), |row| row.count("number"))
    }

    /// Adds shipments, all or none.
    ///
    /// # Errors
    /// When one of them is there already, or the file cannot be written.
    pub fn add(&mut self, scope: Scope, shipments: &[Filled]) -> Result<()> {
        self.conn.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        let added = shipments.iter().try_for_each(|filled| add(&mut self.conn, scope, filled));
        self.conn.execute_batch(if added.is_ok() { "COMMIT" } else { "ROLLBACK" }).map_err(failed)?;
        added
    }

    /// Brings everything from the log into the file, and counts the tables for the planner.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> Result<()> {
        self.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(failed)
    }
}

fn add(conn: &mut Connection, scope: Scope, filled: &Filled) -> Result<()> {
    let Filled { shipment, imported_at, steps, .. } = filled;
    drive(import(&mut Sqlite(conn), scope, std::slice::from_ref(shipment), *imported_at))?;
    query("UPDATE shipment SET sandbox = 1 WHERE id = ?").bind(shipment.id.0).run(conn)?;
    for step in steps {
        match step {
            FilledStep::Received { recording, size } => {
                put_message(conn, scope, recording, *size)?;
                facts::record(conn, scope, recording)?;
            }
            FilledStep::Folded(folded) => {
                if commit(conn, scope, folded)? != Committed::Done(folded.expected + 1) {
                    return Err(StoreError::Conflict(format!("shipment {} is there already", shipment.id)));
                }
            }
        }
    }
    for case in &filled.cases {
        drive(cases::put_case(&mut Sqlite(conn), scope, case))?;
    }
    // what was asked for on the way is done
    query("DELETE FROM job WHERE company_id = ? AND kind = 'fold' AND target = ? AND status IN ('ready', 'retrying')")
        .bind(scope.company.0)
        .bind(shipment.id.to_string())
        .run(conn)?;
    for job in &filled.done {
        drive(jobs::enqueue(&mut Sqlite(conn), scope, job, job.run_at))?;
        query("UPDATE job SET status = 'done', attempts = 1, updated_at = ? WHERE id = ?")
            .bind(job.run_at)
            .bind(job.id.0)
            .run(conn)?;
    }
    Ok(())
}

fn put_message(conn: &mut Connection, scope: Scope, recording: &Recording, size: u64) -> Result<()> {
    query(
        "INSERT INTO message (id, company_id, source_id, correlation, received_at, digest, headers, content_type, verified_by, size)
         VALUES (?1, ?2, ?3, ?4, ?5, ?1, '{}', 'application/json', ?6, ?7)",
    )
    .bind(recording.message.0)
    .bind(scope.company.0)
    .bind(recording.source.0)
    .bind(recording.correlation.0)
    .bind(recording.recorded_at)
    .bind("hmac_base64")
    .bind(stored_count(size))
    .run(conn)?;
    Ok(())
}
