//! Dropping what is old in small steps, and what follows a restore.

use crate::{
    SqliteStore,
    db::{Run as _, Sqlite, drive},
    writer::Priority,
};
use async_trait::async_trait;
use domain::ids::CompanyId;
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    Result,
    upkeep::{Old, Pruned, Upkeep},
};
use storage_sql::{codec::micros, jobs::done_destinations, query};

/// Rows of one table that a step drops: the writer is busy with them for some milliseconds.
const STEP_ROWS: i64 = 400;
/// Free pages that a step gives back to the file system.
const STEP_PAGES: &str = "PRAGMA incremental_vacuum(400)";
/// Numbers that a restore leaves out: more than are given between a backup and its restore.
const SKIPPED_NUMBERS: i64 = 1 << 32;

#[async_trait]
impl Upkeep for SqliteStore {
    async fn prune(&self, old: Old) -> Result<Pruned> {
        self.writer.write(Priority::Batch, move |conn| prune(conn, old)).await
    }

    async fn prepare(&self, _now: Timestamp) -> Result<()> {
        Ok(())
    }

    async fn restored(&self, now: Timestamp) -> Result<()> {
        self.writer.write(Priority::RealTime, move |conn| restored(conn, now)).await
    }
}

fn prune(conn: &mut Connection, old: Old) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    if let Some(month) = old.bodies {
        pruned.bodies = drop_rows(
            conn,
            "DELETE FROM message_body WHERE rowid IN (
                 SELECT b.rowid FROM message_body b JOIN message m ON m.id = b.message_id
                 WHERE b.month < ? AND m.status NOT IN ('received', 'quarantined') ORDER BY b.month LIMIT ?)",
            i64::from(month),
        )?;
    }
    if let Some(month) = old.attempts {
        let sql =
            "DELETE FROM attempt WHERE rowid IN (SELECT rowid FROM attempt WHERE month < ? ORDER BY month LIMIT ?)";
        pruned.attempts = drop_rows(conn, sql, i64::from(month))?;
    }
    if let Some(before) = old.jobs {
        pruned.jobs = drop_jobs(conn, micros(before))?;
    }
    if let Some(before) = old.changes {
        // from the front only: what is behind the first young one is young too
        let sql = "DELETE FROM change WHERE seq IN (SELECT seq FROM (SELECT seq, at FROM change ORDER BY seq LIMIT ?2) WHERE at < ?1)";
        pruned.changes = drop_rows(conn, sql, micros(before))?;
    }
    query("DELETE FROM counter WHERE number = 0").run(conn)?;
    let steps = [pruned.bodies, pruned.attempts, pruned.jobs, pruned.changes];
    if steps.iter().any(|rows| *rows > 0) {
        query(STEP_PAGES).rows(conn)?;
    }
    pruned.more = steps.iter().any(|rows| *rows >= STEP_ROWS.unsigned_abs());
    Ok(pruned)
}

/// Finished jobs of each company and destination along their index.
fn drop_jobs(conn: &mut Connection, before: i64) -> Result<u64> {
    let mut dropped = 0;
    for company in query("SELECT id FROM company").rows(conn)? {
        let company: CompanyId = company.id("id")?;
        for destination in drive(done_destinations(&mut Sqlite(conn), company))? {
            let left = STEP_ROWS.saturating_sub_unsigned(dropped);
            if left <= 0 {
                return Ok(dropped);
            }
            dropped += query(
                "DELETE FROM job WHERE seq IN (
                     SELECT seq FROM job WHERE company_id = ?1 AND coalesce(destination, 'inside') = ?2 AND status = 'done' AND updated_at < ?3
                     LIMIT ?4)",
            )
            .bind(company.0)
            .bind(&destination)
            .bind(before)
            .bind(left)
            .run(conn)?;
        }
    }
    Ok(dropped)
}

fn drop_rows(conn: &mut Connection, sql: &'static str, before: i64) -> Result<u64> {
    query(sql).bind(before).bind(STEP_ROWS).run(conn)
}

fn restored(conn: &mut Connection, now: Timestamp) -> Result<()> {
    for sql in ["DELETE FROM session", "DELETE FROM throttle", "DELETE FROM lease"] {
        query(sql).run(conn)?;
    }
    // what came meanwhile for the same target waits already: the lease ends by itself and they follow each other
    query("UPDATE job SET lease_until = ? WHERE status = 'leased'").bind(now).run(conn)?;
    query("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'change'").bind(SKIPPED_NUMBERS).run(conn)?;
    Ok(())
}
