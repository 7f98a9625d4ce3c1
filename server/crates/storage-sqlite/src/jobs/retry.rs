//! Jobs that a person or a replay starts again.

use crate::{
    codec::{SqlError, id_list, micros, word},
    sql::{Query, query},
};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    Result, Scope,
    jobs::{JobSelection, Lane},
    limits::RETRY_JOBS,
    tally::Tally,
};

pub(super) fn chosen<'q>(sql: &'static str, scope: Scope, which: &JobSelection) -> Query<'q> {
    query(sql)
        .bind(scope.company.0)
        .bind(id_list(which.jobs.iter().map(|id| id.0)))
        .bind(which.destination.clone())
        .bind(which.class.clone())
        .bind(which.since.map_or(i64::MIN, micros))
        .bind(which.until.map_or(i64::MAX, micros))
        .bind(which.created_until.map_or(i64::MAX, micros))
}

pub(super) fn count(conn: &mut Connection, scope: Scope, which: &JobSelection) -> Result<Tally, SqlError> {
    // of several for one target the newest is the one to take up
    let sql = concat!(
        "WITH dead AS (SELECT *, row_number() OVER (PARTITION BY kind, target ORDER BY updated_at DESC, seq DESC) AS place
                       FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        ") SELECT count(*) AS number, coalesce(sum(CASE WHEN place > 1 OR ",
        succeeded_later!(),
        " THEN 1 ELSE 0 END), 0) AS skip FROM dead d"
    );
    let row = chosen(sql, scope, which).fetch_one(conn)?;
    let (number, skip): (u64, u64) = (row.count("number")?, row.count("skip")?);
    Ok(Tally { take: number.saturating_sub(skip), skip })
}

/// Takes up the newest dead jobs, in the lane given or the one that they had. That they were tried is remembered: what the
/// last try left behind may not be known.
pub(crate) fn retry(
    conn: &mut Connection,
    scope: Scope,
    which: &JobSelection,
    lane: Option<Lane>,
    now: Timestamp,
) -> Result<Tally, SqlError> {
    let sql = concat!(
        "SELECT seq FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        " ORDER BY updated_at DESC, seq DESC LIMIT ?8"
    );
    let dead = chosen(sql, scope, which).bind(i64::from(RETRY_JOBS)).fetch_all(conn)?;
    let mut tally = Tally::default();
    for row in &dead {
        let seq = row.int("seq")?;
        let sql = concat!("SELECT ", succeeded_later!(), " AS later FROM job d WHERE d.seq = ?1");
        if query(sql).bind(seq).fetch_one(conn)?.int("later")? == 1 {
            query("DELETE FROM job WHERE seq = ?1").bind(seq).execute(conn)?;
            tally.skip += 1;
            continue;
        }
        query(
            "UPDATE job SET status = 'ready', attempts = 1, run_at = ?1, updated_at = ?1, lane = coalesce(?2, lane) WHERE seq = ?3",
        )
        .bind(micros(now))
        .bind(lane.map(word))
        .bind(seq)
        .execute(conn)?;
        tally.take += 1;
    }
    Ok(tally)
}
