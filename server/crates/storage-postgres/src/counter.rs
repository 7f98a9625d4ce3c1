//! Counters, which the tables' triggers keep in the transaction that changes what they count (migration 23). Each connection
//! has rows of its own, so that no transaction waits for another's; a counter is their sum.

use crate::codec::{Columns, Done};
use sqlx::PgConnection;
use storage::Scope;

/// Microseconds of a bucket of what is counted by time.
pub(crate) const QUARTER_US: i64 = 900_000_000;

/// A measure by its keys; keys that nothing counts for any more are left out.
pub(crate) async fn read(conn: &mut PgConnection, scope: Scope, measure: &str) -> Done<Vec<(String, u64)>> {
    since(conn, scope, measure, i64::MIN).await
}

/// The same from a bucket on.
pub(crate) async fn since(
    conn: &mut PgConnection,
    scope: Scope,
    measure: &str,
    bucket: i64,
) -> Done<Vec<(String, u64)>> {
    let rows = sqlx::query(
        "SELECT key, sum(number)::bigint AS number FROM counter WHERE company_id = $1 AND measure = $2 AND bucket >= $3
         GROUP BY key HAVING sum(number) <> 0 ORDER BY key",
    )
    .bind(scope.company.0)
    .bind(measure)
    .bind(bucket)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| Ok((row.text("key")?, row.count("number")?))).collect()
}

/// A measure without keys, from a bucket on.
pub(crate) async fn total_since(conn: &mut PgConnection, scope: Scope, measure: &str, bucket: i64) -> Done<u64> {
    sqlx::query("SELECT coalesce(sum(number), 0)::bigint AS number FROM counter WHERE company_id = $1 AND measure = $2 AND key = '' AND bucket >= $3")
        .bind(scope.company.0)
        .bind(measure)
        .bind(bucket)
        .fetch_one(conn)
        .await?
        .count("number")
}

/// A measure without keys by its buckets, from one on.
pub(crate) async fn buckets(conn: &mut PgConnection, scope: Scope, measure: &str, first: i64) -> Done<Vec<(i64, u64)>> {
    let rows = sqlx::query(
        "SELECT bucket, sum(number)::bigint AS number FROM counter WHERE company_id = $1 AND measure = $2 AND key = '' AND bucket >= $3
         GROUP BY bucket HAVING sum(number) <> 0",
    )
    .bind(scope.company.0)
    .bind(measure)
    .bind(first)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| Ok((row.int("bucket")?, row.count("number")?))).collect()
}

/// Adds up what the connections counted: a number would come from each otherwise, for ever. What one of them is changing is
/// left to the next time, so that nobody waits in a circle.
pub(crate) async fn settle(conn: &mut PgConnection) -> Done<()> {
    // of two nodes that do it at once one goes on
    let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtext('milepost: counters'))")
        .fetch_one(&mut *conn)
        .await?;
    if free {
        sqlx::query(
            "WITH idle AS MATERIALIZED (
                 SELECT company_id, measure, key, bucket, slot FROM counter WHERE slot <> 0 FOR UPDATE SKIP LOCKED),
             gone AS (
                 DELETE FROM counter c USING idle i
                 WHERE (c.company_id, c.measure, c.key, c.bucket, c.slot) = (i.company_id, i.measure, i.key, i.bucket, i.slot)
                 RETURNING c.company_id, c.measure, c.key, c.bucket, c.number)
             INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
             SELECT company_id, measure, key, bucket, 0, sum(number)::bigint FROM gone GROUP BY company_id, measure, key, bucket
             ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number",
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query("DELETE FROM counter WHERE slot = 0 AND number = 0").execute(conn).await?;
    }
    Ok(())
}
