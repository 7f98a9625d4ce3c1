//! How a job ends: done, tried again, given back, dead.

use super::job;
use crate::{
    Db, Row,
    codec::{opt_micros, word},
    query,
};
use domain::ids::{CompanyId, JobId};
use jiff::Timestamp;
use storage::{Result, Sealed, jobs::Finish};

/// A try that ended. Where another has the job now, that one will finish it.
///
/// # Errors
/// When the engine fails.
pub async fn end_try(db: &mut dyn Db, owner: &str, id: JobId, finish: &Finish, now: Timestamp) -> Result<()> {
    match finish {
        Finish::Done => {
            if over(db, owner, id, "done", None, now).await? == 1 {
                succeeded_later(db, id).await?;
            }
            Ok(())
        }
        Finish::Dead { error, class } => over(db, owner, id, "dead", Some((error, class)), now).await.map(drop),
        Finish::Released | Finish::Later(_) | Finish::Retry { .. } | Finish::Deferred { .. } => {
            let row = query("SELECT * FROM job WHERE id = ? AND owner = ? AND status = 'leased' {for update}")
                .bind(id.0)
                .bind(owner)
                .optional(db)
                .await?;
            match row {
                Some(row) => wait_again(db, &row, finish, now).await,
                None => Ok(()),
            }
        }
    }
}

/// It was tried for the last time, unless another has it now; how many jobs that changed.
async fn over(
    db: &mut dyn Db,
    owner: &str,
    id: JobId,
    status: &'static str,
    failure: Option<(&Sealed, &String)>,
    now: Timestamp,
) -> Result<u64> {
    query(
        "UPDATE job SET status = ?1, attempts = attempts + 1, error = ?2, class = ?3, owner = NULL, lease_until = NULL, updated_at = ?4, succeeded_later = FALSE
         WHERE id = ?5 AND owner = ?6 AND status = 'leased'",
    )
    .bind(status)
    .bind(failure.map(|(error, _)| error.packed()))
    .bind(failure.map(|(_, class)| class.as_str()))
    .bind(now)
    .bind(id.0)
    .bind(owner)
    .execute(db)
    .await
}

/// What failed before for the target of a job that is done has succeeded later.
async fn succeeded_later(db: &mut dyn Db, done: JobId) -> Result<()> {
    query(
        "UPDATE job AS d SET succeeded_later = TRUE FROM job j
         WHERE j.id = ? AND d.target = j.target AND d.kind = j.kind AND d.company_id = j.company_id AND d.status = 'dead'",
    )
    .bind(done.0)
    .execute(db)
    .await
    .map(drop)
}

/// Back to waiting.
async fn wait_again(db: &mut dyn Db, row: &Row, finish: &Finish, now: Timestamp) -> Result<()> {
    let (at, failure) = match finish {
        Finish::Retry { at, error, class } | Finish::Deferred { at, error, class } => (Some(*at), Some((error, class))),
        Finish::Later(at) => (Some(*at), None),
        Finish::Released | Finish::Done | Finish::Dead { .. } => (None, None),
    };
    let merged = merge_waiting(db, row, at).await?;
    let Some((error, class)) = failure else {
        return query(
            "UPDATE job SET status = CASE WHEN attempts > 0 THEN 'retrying' ELSE 'ready' END, run_at = coalesce(?, run_at),
                 owner = NULL, lease_until = NULL, updated_at = ?
             WHERE seq = ?",
        )
        .bind(opt_micros(merged.or(at)))
        .bind(now)
        .bind(row.int("seq")?)
        .execute(db)
        .await
        .map(drop);
    };
    // what came meanwhile waits for the same other side: its time is that of the retry
    query(
        "UPDATE job SET status = 'retrying', attempts = attempts + ?, run_at = ?, error = ?, class = ?, owner = NULL, lease_until = NULL, updated_at = ?
         WHERE seq = ?",
    )
    .bind(i64::from(matches!(finish, Finish::Retry { .. })))
    .bind(at)
    .bind(error.packed())
    .bind(class)
    .bind(now)
    .bind(row.int("seq")?)
    .execute(db)
    .await
    .map(drop)
}

/// A leased job that goes back to waiting takes in the one that came for its target meanwhile: one waits for a target.
/// Returns the earlier of both times, where there was one.
async fn merge_waiting(db: &mut dyn Db, leased: &Row, at: Option<Timestamp>) -> Result<Option<Timestamp>> {
    let waiting = query(
        "DELETE FROM job WHERE company_id = ? AND kind = ? AND target = ? AND status IN ('ready', 'retrying') RETURNING *",
    )
    .bind(leased.id::<CompanyId>("company_id")?.0)
    .bind(leased.text("kind")?)
    .bind(leased.text("target")?)
    .optional(db)
    .await?;
    let Some(waiting) = waiting else { return Ok(None) };
    let (mine, other) = (job(leased)?, job(&waiting)?);
    let stronger = if other.cause.strength() > mine.cause.strength() { &other } else { &mine };
    query("UPDATE job SET destination = ?, lane = ?, cause = ?, correlation = ? WHERE seq = ?")
        .bind(&other.destination)
        .bind(word(mine.lane.min(other.lane)))
        .bind(word(stronger.cause))
        .bind(stronger.correlation.0)
        .bind(leased.int("seq")?)
        .execute(db)
        .await?;
    Ok(Some(at.unwrap_or(mine.run_at).min(other.run_at)))
}
