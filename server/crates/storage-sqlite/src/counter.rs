//! Counters, which the tables' triggers keep in the transaction that changes what they count (migration 23).

use crate::{codec::Done, sql::query};
use rusqlite::Connection;
use storage::Scope;

/// Microseconds of a bucket of what is counted by time.
pub(crate) const QUARTER_US: i64 = 900_000_000;

/// A measure by its keys; keys that nothing counts for any more are left out.
pub(crate) fn read(conn: &Connection, scope: Scope, measure: &str) -> Done<Vec<(String, u64)>> {
    since(conn, scope, measure, i64::MIN)
}

/// The same from a bucket on.
pub(crate) fn since(conn: &Connection, scope: Scope, measure: &str, bucket: i64) -> Done<Vec<(String, u64)>> {
    let rows = query(
        "SELECT key, sum(number) AS number FROM counter WHERE company_id = ? AND measure = ? AND bucket >= ?
         GROUP BY key HAVING sum(number) <> 0 ORDER BY key",
    )
    .bind(scope.company.0)
    .bind(measure)
    .bind(bucket)
    .fetch_all(conn)?;
    rows.iter().map(|row| Ok((row.text("key")?, row.count("number")?))).collect()
}

/// A measure without keys, from a bucket on.
pub(crate) fn total_since(conn: &Connection, scope: Scope, measure: &str, bucket: i64) -> Done<u64> {
    query("SELECT coalesce(sum(number), 0) AS number FROM counter WHERE company_id = ? AND measure = ? AND key = '' AND bucket >= ?")
        .bind(scope.company.0)
        .bind(measure)
        .bind(bucket)
        .fetch_one(conn)?
        .count("number")
}

/// A measure without keys by its buckets, from one on.
pub(crate) fn buckets(conn: &Connection, scope: Scope, measure: &str, first: i64) -> Done<Vec<(i64, u64)>> {
    let rows = query(
        "SELECT bucket, number FROM counter WHERE company_id = ? AND measure = ? AND key = '' AND bucket >= ? AND number <> 0",
    )
    .bind(scope.company.0)
    .bind(measure)
    .bind(first)
    .fetch_all(conn)?;
    rows.iter().map(|row| Ok((row.int("bucket")?, row.count("number")?))).collect()
}
