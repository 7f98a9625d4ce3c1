//! How jobs end: many that are done at once.

use crate::{
    codec::{SqlError, micros},
    db::Pg,
    group::Grouped,
};
use async_trait::async_trait;
use domain::ids::JobId;
use jiff::Timestamp;
use sqlx::{Connection, PgConnection};
use storage::{Result, jobs::Finish};
use storage_sql::jobs::end_try;

/// A try that ended.
pub(crate) struct End {
    pub(crate) owner: String,
    pub(crate) job: JobId,
    pub(crate) finish: Finish,
    pub(crate) now: Timestamp,
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
                end_try(&mut Pg(&mut transaction), &end.owner, end.job, &end.finish, end.now).await?;
            }
            transaction.commit().await?;
        }
        Ok(vec![(); batch.len()])
    }
}

/// Most tries end well: these in one statement, row by row in the order of the list (only what is leased has an owner).
/// It waits for the disk where one of them wrote to a destination.
async fn end_done(conn: &mut PgConnection, done: &[&End]) -> Result<(), SqlError> {
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
             SELECT d.id FROM done JOIN job d ON d.status = 'dead' AND d.target = done.target AND d.kind = done.kind AND d.company_id = done.company_id
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
