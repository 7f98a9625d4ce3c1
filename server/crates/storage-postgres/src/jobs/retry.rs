//! Jobs that a person or a replay starts again.

use crate::codec::{Columns, SqlError, id_list, micros, word};
use domain::ids::JobId;
use jiff::Timestamp;
use sqlx::{PgConnection, query::Query};
use storage::{
    Result, Scope,
    jobs::{JobSelection, Lane},
    limits::RETRY_JOBS,
    tally::Tally,
};

pub(super) fn chosen<'q>(
    sql: &'static str,
    scope: Scope,
    which: &JobSelection,
) -> Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments> {
    sqlx::query(sql)
        .bind(scope.company.0)
        .bind(id_list(which.jobs.iter().map(|id| id.0)))
        .bind(which.destination.clone())
        .bind(which.class.clone())
        .bind(which.since.map_or(i64::MIN, micros))
        .bind(which.until.map_or(i64::MAX, micros))
        .bind(which.created_until.map_or(i64::MAX, micros))
}

pub(super) async fn count(conn: &mut PgConnection, scope: Scope, which: &JobSelection) -> Result<Tally, SqlError> {
    // of several for one target the newest is the one to take up
    let sql = concat!(
        "WITH dead AS (SELECT *, row_number() OVER (PARTITION BY kind, target ORDER BY updated_at DESC, seq DESC) AS place
                       FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        ") SELECT count(*) AS number, coalesce(sum(CASE WHEN place > 1 OR ",
        succeeded_later!(),
        " THEN 1 ELSE 0 END), 0)::bigint AS skip FROM dead d"
    );
    let row = chosen(sql, scope, which).fetch_one(conn).await?;
    let (number, skip): (u64, u64) = (row.count("number")?, row.count("skip")?);
    Ok(Tally { take: number.saturating_sub(skip), skip })
}

/// Takes up the newest dead jobs, in the lane given or the one that they had. That they were tried is remembered: what the
/// last try left behind may not be known.
pub(crate) async fn retry(
    conn: &mut PgConnection,
    scope: Scope,
    which: &JobSelection,
    lane: Option<Lane>,
    now: Timestamp,
) -> Result<Tally, SqlError> {
    let sql = concat!(
        "SELECT id FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        " ORDER BY updated_at DESC, seq DESC LIMIT $8 FOR UPDATE"
    );
    let dead = chosen(sql, scope, which).bind(i64::from(RETRY_JOBS)).fetch_all(&mut *conn).await?;
    let mut tally = Tally::default();
    for row in &dead {
        let id: JobId = row.id("id")?;
        let sql = concat!("SELECT ", succeeded_later!(), " AS later FROM job d WHERE d.id = $1");
        if sqlx::query(sql).bind(id.0).fetch_one(&mut *conn).await?.flag("later")? {
            sqlx::query("DELETE FROM job WHERE id = $1").bind(id.0).execute(&mut *conn).await?;
            tally.skip += 1;
            continue;
        }
        sqlx::query(
            "UPDATE job SET status = 'ready', attempts = 1, run_at = $1, updated_at = $1, lane = coalesce($2, lane) WHERE id = $3",
        )
        .bind(micros(now))
        .bind(lane.map(word))
        .bind(id.0)
        .execute(&mut *conn)
        .await?;
        tally.take += 1;
    }
    Ok(tally)
}
