//! How a job ends: done, tried again, given back, dead.

use super::job;
use crate::{
    codec::{SqlError, micros, opt_micros, word},
    sql::{Row, query},
};
use domain::ids::{CompanyId, JobId};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{Result, Sealed, jobs::Finish};

/// A try that ended. Where somebody else has the job now, that one will finish it.
pub(super) fn end_try(
    conn: &mut Connection,
    owner: &str,
    id: JobId,
    finish: &Finish,
    now: Timestamp,
) -> Result<(), SqlError> {
    let ours = || {
        query("SELECT * FROM job WHERE id = ? AND owner = ? AND status = 'leased'")
            .bind(id.0)
            .bind(owner)
            .fetch_optional(conn)
    };
    match finish {
        Finish::Done => {
            if over(conn, owner, id, "done", None, now)? == 1 {
                overtake(conn, id)?;
            }
            Ok(())
        }
        Finish::Dead { error, class } => over(conn, owner, id, "dead", Some((error, class)), now).map(drop),
        Finish::Released => ours()?.map_or(Ok(()), |row| give_back(conn, &row, None, now)),
        Finish::Later(at) => ours()?.map_or(Ok(()), |row| give_back(conn, &row, Some(*at), now)),
        Finish::Retry { at, error, class } | Finish::Deferred { at, error, class } => {
            let Some(row) = ours()? else { return Ok(()) };
            // what came meanwhile waits for the same other side: its time is that of the retry
            merge_waiting(conn, &row, Some(*at))?;
            let counts = i64::from(matches!(finish, Finish::Retry { .. }));
            query(
                "UPDATE job SET status = 'retrying', attempts = attempts + ?, run_at = ?, error = ?, class = ?, owner = NULL, lease_until = NULL, updated_at = ?
                 WHERE seq = ?",
            )
            .bind(counts)
            .bind(micros(*at))
            .bind(error.packed())
            .bind(class)
            .bind(micros(now))
            .bind(row.int("seq")?)
            .execute(conn)?;
            Ok(())
        }
    }
}

/// It was tried for the last time, unless somebody else has it now; how many jobs that changed.
pub(super) fn over(
    conn: &mut Connection,
    owner: &str,
    id: JobId,
    status: &'static str,
    failure: Option<(&Sealed, &String)>,
    now: Timestamp,
) -> Result<u64, SqlError> {
    query(
        "UPDATE job SET status = ?1, attempts = attempts + 1, error = ?2, class = ?3, owner = NULL, lease_until = NULL, updated_at = ?4, succeeded_later = 0
         WHERE id = ?5 AND owner = ?6 AND status = 'leased'",
    )
    .bind(status)
    .bind(failure.map(|(error, _)| error.packed()))
    .bind(failure.map(|(_, class)| class))
    .bind(micros(now))
    .bind(id.0)
    .bind(owner)
    .execute(conn)
}

/// What failed before for the target of a job that is done has succeeded later.
pub(super) fn overtake(conn: &mut Connection, done: JobId) -> Result<(), SqlError> {
    query(
        "UPDATE job AS d SET succeeded_later = 1 FROM job j
         WHERE j.id = ? AND d.target = j.target AND d.kind = j.kind AND d.company_id = j.company_id AND d.status = 'dead'",
    )
    .bind(done.0)
    .execute(conn)?;
    Ok(())
}

/// Back to waiting; the try does not count.
pub(super) fn give_back(
    conn: &mut Connection,
    row: &Row,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let merged = merge_waiting(conn, row, at)?;
    query(
        "UPDATE job SET status = CASE WHEN attempts > 0 THEN 'retrying' ELSE 'ready' END, run_at = coalesce(?, run_at),
             owner = NULL, lease_until = NULL, updated_at = ?
         WHERE seq = ?",
    )
    .bind(opt_micros(merged.or(at)))
    .bind(micros(now))
    .bind(row.int("seq")?)
    .execute(conn)?;
    Ok(())
}

/// A leased job that goes back to waiting takes in the one that came for its target meanwhile: one waits for a target.
/// Returns the earlier of both times, where there was one.
pub(super) fn merge_waiting(
    conn: &mut Connection,
    leased: &Row,
    at: Option<Timestamp>,
) -> Result<Option<Timestamp>, SqlError> {
    let waiting = query("DELETE FROM job WHERE company_id = ? AND kind = ? AND target = ? AND status IN ('ready', 'retrying') RETURNING *")
        .bind(leased.id::<CompanyId>("company_id")?.0)
        .bind(leased.text("kind")?)
        .bind(leased.text("target")?)
        .fetch_optional(conn)?;
    let Some(waiting) = waiting else { return Ok(None) };
    let (mine, other) = (job(leased)?, job(&waiting)?);
    let stronger = if other.cause.strength() > mine.cause.strength() { &other } else { &mine };
    query("UPDATE job SET destination = ?, lane = ?, cause = ?, correlation = ? WHERE seq = ?")
        .bind(&other.destination)
        .bind(word(mine.lane.min(other.lane)))
        .bind(word(stronger.cause))
        .bind(stronger.correlation.0)
        .bind(leased.int("seq")?)
        .execute(conn)?;
    Ok(Some(at.unwrap_or(mine.run_at).min(other.run_at)))
}
