//! Dropping what is old, whole months at once where there are partitions, and what follows a restore.

use crate::{
    PostgresStore,
    codec::{SqlError, micros},
    counter,
    db::Pg,
    partitions::Monthly,
};
use async_trait::async_trait;
use domain::ids::CompanyId;
use jiff::{Span, Timestamp, tz::TimeZone};
use sqlx::{AssertSqlSafe, PgConnection};
use storage::{
    Result, StoreError,
    jobs::Lane,
    upkeep::{Old, Pruned, Upkeep},
};
use storage_sql::jobs::done_destinations;
use uuid::Uuid;

/// Rows of one table that a step drops.
const STEP_ROWS: i64 = 5_000;
/// Transactions that use a partition go first; the next step tries again. While it waits, others wait behind it.
const WAIT_FOR_TABLE: &str = "SET LOCAL lock_timeout = '100ms'";
/// Months ahead for which there are partitions.
const MONTHS_AHEAD: i64 = 2;
/// Numbers that a restore or a takeover leaves out: more than were ever given.
const SKIPPED_NUMBERS: i64 = 1 << 32;

#[async_trait]
impl Upkeep for PostgresStore {
    async fn prune(&self, old: Old) -> Result<Pruned> {
        let mut pruned =
            self.write(Lane::Batch, move |conn| Box::pin(async move { prune_rows(conn, old).await })).await?;
        for (table, before) in [(Monthly::Body, old.bodies), (Monthly::Attempt, old.attempts)] {
            let Some(before) = before else { continue };
            let mut read = self.moment().await?;
            let months = months_before(&mut read, table, before).await?;
            drop(read);
            for month in months {
                // a transaction for each: the lock that it needs is given back at once
                let rows =
                    self.write(Lane::Batch, move |conn| Box::pin(async move { prune_month(conn, table, month).await }));
                let rows = match rows.await {
                    // somebody reads it, a backup for instance
                    Err(StoreError::Busy) => continue,
                    rows => rows?,
                };
                pruned.more |= rows >= STEP_ROWS.unsigned_abs();
                match table {
                    Monthly::Body => pruned.bodies += rows,
                    Monthly::Attempt => pruned.attempts += rows,
                }
            }
        }
        Ok(pruned)
    }

    async fn prepare(&self, now: Timestamp) -> Result<()> {
        let month = Span::new().months(1);
        let mut day = now.to_zoned(TimeZone::UTC);
        for _ in 0..=MONTHS_AHEAD {
            for table in [Monthly::Body, Monthly::Attempt] {
                self.partitions.ensure(table, [crate::codec::month(day.timestamp())]).await?;
            }
            day = day.saturating_add(month);
        }
        Ok(())
    }

    async fn restored(&self, now: Timestamp) -> Result<()> {
        self.write(Lane::RealTime, move |conn| Box::pin(async move { restored(conn, now).await })).await
    }
}

async fn prune_rows(conn: &mut PgConnection, old: Old) -> Result<Pruned, SqlError> {
    let mut pruned = Pruned::default();
    counter::settle(&mut *conn).await?;
    if let Some(before) = old.jobs {
        pruned.jobs = drop_jobs(&mut *conn, micros(before)).await?;
    }
    if let Some(before) = old.changes {
        // from the front only: what is behind the first young one is young too
        let sql = "DELETE FROM change WHERE id IN (SELECT id FROM (SELECT id, at FROM change ORDER BY id LIMIT $2) c WHERE at < $1)";
        pruned.changes = drop_rows(conn, sql, micros(before)).await?;
    }
    pruned.more = [pruned.jobs, pruned.changes].iter().any(|rows| *rows >= STEP_ROWS.unsigned_abs());
    Ok(pruned)
}

/// Finished jobs of each company and destination along their index.
async fn drop_jobs(conn: &mut PgConnection, before: i64) -> Result<u64, SqlError> {
    let mut dropped = 0;
    let companies: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM company").fetch_all(&mut *conn).await?;
    for company in companies {
        for destination in done_destinations(&mut Pg(conn), CompanyId(company)).await? {
            let left = STEP_ROWS.saturating_sub_unsigned(dropped);
            if left <= 0 {
                return Ok(dropped);
            }
            let done = sqlx::query(
                "DELETE FROM job WHERE id IN (
                     SELECT id FROM job WHERE company_id = $1 AND coalesce(destination, 'inside') = $2 AND status = 'done' AND updated_at < $3
                     ORDER BY updated_at LIMIT $4)",
            )
            .bind(company)
            .bind(destination)
            .bind(before)
            .bind(left)
            .execute(&mut *conn)
            .await?;
            dropped += done.rows_affected();
        }
    }
    Ok(dropped)
}

/// A month goes as a whole when all of its messages were read; else those that were. How many rows or partitions.
async fn prune_month(conn: &mut PgConnection, table: Monthly, month: i64) -> Result<u64, SqlError> {
    sqlx::query(WAIT_FOR_TABLE).execute(&mut *conn).await?;
    let unread = match table {
        Monthly::Attempt => None,
        Monthly::Body => {
            sqlx::query(
                "SELECT 1 FROM message_body b JOIN message m ON m.id = b.message_id
                 WHERE b.month = $1 AND m.status IN ('received', 'quarantined') LIMIT 1",
            )
            .bind(month)
            .fetch_optional(&mut *conn)
            .await?
        }
    };
    if unread.is_none() {
        drop_partition(conn, table, month).await?;
        return Ok(1);
    }
    let sql = "DELETE FROM message_body WHERE month = $1 AND message_id IN (
                   SELECT b.message_id FROM message_body b JOIN message m ON m.id = b.message_id
                   WHERE b.month = $1 AND m.status NOT IN ('received', 'quarantined') LIMIT $2)";
    drop_rows(conn, sql, month).await
}

/// The months before one that have a partition, oldest first.
async fn months_before(conn: &mut PgConnection, table: Monthly, month: u32) -> Result<Vec<i64>, SqlError> {
    let names = sqlx::query_scalar::<_, String>(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass ORDER BY 1",
    )
    .bind(table.table())
    .fetch_all(conn)
    .await?;
    let number = |name: &String| name.rsplit('_').next()?.parse().ok();
    Ok(names.iter().filter_map(number).filter(|number| *number < i64::from(month)).collect())
}

async fn drop_partition(conn: &mut PgConnection, table: Monthly, month: i64) -> Result<(), SqlError> {
    // both parts are ours: a constant and a number
    sqlx::query(AssertSqlSafe(format!("DROP TABLE {}_{month}", table.table()))).execute(conn).await?;
    Ok(())
}

async fn drop_rows(conn: &mut PgConnection, sql: &'static str, before: i64) -> Result<u64, SqlError> {
    Ok(sqlx::query(sql).bind(before).bind(STEP_ROWS).execute(conn).await?.rows_affected())
}

async fn restored(conn: &mut PgConnection, now: Timestamp) -> Result<(), SqlError> {
    for sql in ["DELETE FROM session", "DELETE FROM throttle", "DELETE FROM lease"] {
        sqlx::query(sql).execute(&mut *conn).await?;
    }
    // what came meanwhile for the same target waits already: the lease ends by itself and they follow each other
    sqlx::query("UPDATE job SET lease_until = $1 WHERE status = 'leased'")
        .bind(micros(now))
        .execute(&mut *conn)
        .await?;
    skip_change_numbers(conn).await
}

/// Live streams go on behind every number that a browser may have seen.
pub(crate) async fn skip_change_numbers(conn: &mut PgConnection) -> Result<(), SqlError> {
    sqlx::query("SELECT setval('change_seq', nextval('change_seq') + $1)").bind(SKIPPED_NUMBERS).execute(conn).await?;
    Ok(())
}
