//! How a job ends: done, tried again, given back, dead.

use super::job;
use crate::{
    codec::{Columns, SqlError, micros, opt_micros, word},
    group::Grouped,
};
use async_trait::async_trait;
use domain::ids::{CompanyId, JobId};
use jiff::Timestamp;
use sqlx::{Connection, PgConnection, postgres::PgRow};
use storage::{Result, jobs::Finish};

/// A try that ended.
pub(crate) struct End {
    pub(super) owner: String,
    pub(super) job: JobId,
    pub(super) finish: Finish,
    pub(super) now: Timestamp,
}

#[async_trait]
impl Grouped for End {
    type Output = ();

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<()>, SqlError> {
        let (mut done, others): (Vec<&Self>, Vec<&Self>) = batch.iter().partition(|end| end.finish == Finish::Done);
        done.sort_by_key(|end| end.job);
        end_done(conn, &done).await?;
        if !others.is_empty() {
            let mut transaction = conn.begin().await?;
            for end in others {
                end_try(&mut transaction, end).await?;
            }
            transaction.commit().await?;
        }
        Ok(vec![(); batch.len()])
    }
}

/// Most tries end well: these in one statement, row by row in the order of the list (only what is leased has an owner).
/// It waits for the disk where one of them wrote to a destination.
pub(super) async fn end_done(conn: &mut PgConnection, done: &[&End]) -> Result<(), SqlError> {
    if done.is_empty() {
        return Ok(());
    }
    sqlx::query(concat!(
        "WITH done AS (
             UPDATE job SET status = 'done', attempts = attempts + 1, error = NULL, class = NULL, owner = NULL, lease_until = NULL, updated_at = d.at
             FROM (SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[]) LIMIT cardinality($1)) d (id, owner, at)
             WHERE job.id = d.id AND job.owner = d.owner RETURNING job.company_id, job.kind, job.target, job.destination),
         -- what failed before for the same targets has succeeded later; in the order in which a retry takes them up
         overtaken AS (
             SELECT d.id FROM done JOIN job d ON d.status = 'dead' AND d.target = done.target AND d.kind IS NOT DISTINCT FROM done.kind
                 AND d.company_id IS NOT DISTINCT FROM done.company_id
             ORDER BY d.updated_at DESC, d.seq DESC FOR UPDATE OF d),
         noted AS (UPDATE job SET succeeded_later = TRUE FROM overtaken WHERE job.id = overtaken.id)
         SELECT ", without_waiting!(), " WHERE NOT EXISTS (SELECT 1 FROM done WHERE destination IS NOT NULL)"
    ))
    .bind(done.iter().map(|end| end.job.0).collect::<Vec<_>>())
    .bind(done.iter().map(|end| end.owner.as_str()).collect::<Vec<_>>())
    .bind(done.iter().map(|end| micros(end.now)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn end_try(conn: &mut PgConnection, end: &End) -> Result<(), SqlError> {
    let row = sqlx::query("SELECT * FROM job WHERE id = $1 AND owner = $2 AND status = 'leased' FOR UPDATE")
        .bind(end.job.0)
        .bind(&end.owner)
        .fetch_optional(&mut *conn)
        .await?;
    // somebody else has it now, and will finish it
    let Some(row) = row else { return Ok(()) };
    let (id, now) = (end.job, end.now);
    match &end.finish {
        Finish::Done => end_done(conn, &[end]).await,
        Finish::Dead { error, class } => {
            sqlx::query(
                "UPDATE job SET status = 'dead', attempts = attempts + 1, error = $1, class = $2, owner = NULL, lease_until = NULL, updated_at = $3,
                     succeeded_later = FALSE
                 WHERE id = $4",
            )
            .bind(error.packed())
            .bind(class)
            .bind(micros(now))
            .bind(id.0)
            .execute(conn)
            .await?;
            Ok(())
        }
        Finish::Retry { at, error, class } | Finish::Deferred { at, error, class } => {
            // what came meanwhile waits for the same other side: its time is that of the retry
            merge_waiting(conn, &row, Some(*at)).await?;
            let counts = i64::from(matches!(end.finish, Finish::Retry { .. }));
            sqlx::query(
                "UPDATE job SET status = 'retrying', attempts = attempts + $1, run_at = $2, error = $3, class = $4, owner = NULL, lease_until = NULL, updated_at = $5
                 WHERE id = $6",
            )
            .bind(counts)
            .bind(micros(*at))
            .bind(error.packed())
            .bind(class)
            .bind(micros(now))
            .bind(id.0)
            .execute(conn)
            .await?;
            Ok(())
        }
        Finish::Released => give_back(conn, &row, None, now).await,
        Finish::Later(at) => give_back(conn, &row, Some(*at), now).await,
    }
}

/// Back to waiting; the try does not count.
pub(super) async fn give_back(
    conn: &mut PgConnection,
    row: &PgRow,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let merged = merge_waiting(conn, row, at).await?;
    sqlx::query(
        "UPDATE job SET status = CASE WHEN attempts > 0 THEN 'retrying' ELSE 'ready' END, run_at = coalesce($1, run_at),
             owner = NULL, lease_until = NULL, updated_at = $2
         WHERE id = $3",
    )
    .bind(opt_micros(merged.or(at)))
    .bind(micros(now))
    .bind(row.id::<JobId>("id")?.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// A leased job that goes back to waiting takes in the one that came for its target meanwhile: one waits for a target.
/// Returns the earlier of both times, where there was one.
pub(super) async fn merge_waiting(
    conn: &mut PgConnection,
    leased: &PgRow,
    at: Option<Timestamp>,
) -> Result<Option<Timestamp>, SqlError> {
    let waiting = sqlx::query("DELETE FROM job WHERE company_id = $1 AND kind = $2 AND target = $3 AND status IN ('ready', 'retrying') RETURNING *")
        .bind(leased.id::<CompanyId>("company_id")?.0)
        .bind(leased.text("kind")?)
        .bind(leased.text("target")?)
        .fetch_optional(&mut *conn)
        .await?;
    let Some(waiting) = waiting else { return Ok(None) };
    let (mine, other) = (job(leased)?, job(&waiting)?);
    let stronger = if other.cause.strength() > mine.cause.strength() { &other } else { &mine };
    sqlx::query("UPDATE job SET destination = $1, lane = $2, cause = $3, correlation = $4 WHERE id = $5")
        .bind(&other.destination)
        .bind(word(mine.lane.min(other.lane)))
        .bind(word(stronger.cause))
        .bind(stronger.correlation.0)
        .bind(mine.id.0)
        .execute(conn)
        .await?;
    Ok(Some(at.unwrap_or(mine.run_at).min(other.run_at)))
}
