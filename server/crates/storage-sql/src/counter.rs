//! Counters, which the tables' triggers keep in the transaction that changes what they count (migration 23). Each connection
//! has rows of its own, so that no transaction waits for another's; a counter is their sum.

use crate::{Db, query};
use storage::{Result, Scope};

/// Microseconds of a bucket of what is counted by time.
pub const QUARTER_US: i64 = 900_000_000;

/// A measure by its keys; keys that nothing counts for any more are left out.
pub async fn read(db: &mut dyn Db, scope: Scope, measure: &str) -> Result<Vec<(String, u64)>> {
    since(db, scope, measure, i64::MIN).await
}

/// The same from a bucket on.
pub async fn since(db: &mut dyn Db, scope: Scope, measure: &str, bucket: i64) -> Result<Vec<(String, u64)>> {
    let rows = query(
        "SELECT key, CAST(sum(number) AS BIGINT) AS number FROM counter WHERE company_id = ?1 AND measure = ?2 AND bucket >= ?3
         GROUP BY key HAVING sum(number) <> 0 ORDER BY key",
    )
    .bind(scope.company.0)
    .bind(measure)
    .bind(bucket)
    .all(db)
    .await?;
    rows.iter().map(|row| Ok((row.text("key")?, row.count("number")?))).collect()
}

/// A measure without keys, from a bucket on.
pub async fn total_since(db: &mut dyn Db, scope: Scope, measure: &str, bucket: i64) -> Result<u64> {
    query("SELECT CAST(coalesce(sum(number), 0) AS BIGINT) AS number FROM counter WHERE company_id = ?1 AND measure = ?2 AND key = '' AND bucket >= ?3")
        .bind(scope.company.0)
        .bind(measure)
        .bind(bucket)
        .one(db)
        .await?
        .count("number")
}

/// A measure without keys by its buckets, from one on.
pub async fn buckets(db: &mut dyn Db, scope: Scope, measure: &str, first: i64) -> Result<Vec<(i64, u64)>> {
    let rows = query(
        "SELECT bucket, CAST(sum(number) AS BIGINT) AS number FROM counter WHERE company_id = ?1 AND measure = ?2 AND key = '' AND bucket >= ?3
         GROUP BY bucket HAVING sum(number) <> 0",
    )
    .bind(scope.company.0)
    .bind(measure)
    .bind(first)
    .all(db)
    .await?;
    rows.iter().map(|row| Ok((row.int("bucket")?, row.count("number")?))).collect()
}
