//! Locks that last for a transaction, on things that may have no row yet. A transaction that takes several takes them in one order,
//! so that two transactions never wait for each other: the mapping, then numbers, then rows. SQLite has one writer and
//! needs none.

use crate::{Db, Dialect, codec::id_list, query};
use domain::ids::{CompanyId, content_id};
use std::collections::BTreeSet;
use storage::Result;
use uuid::Uuid;

/// Of two transactions that speak of the same number, one sees what the other did.
///
/// # Errors
/// When the engine fails, as for the others.
pub async fn numbers<'a>(
    db: &mut dyn Db,
    company: CompanyId,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    let keys = number_keys(company, numbers);
    if db.dialect() == Dialect::Sqlite || keys.is_empty() {
        return Ok(());
    }
    let sql = "SELECT pg_advisory_xact_lock(key) FROM unnest(?::bigint[]) WITH ORDINALITY k(key, place) ORDER BY place";
    query(sql).bind(keys).execute(db).await.map(drop)
}

/// The keys of numbers in the one order.
pub fn number_keys<'a>(company: CompanyId, numbers: impl IntoIterator<Item = &'a str>) -> Vec<i64> {
    let keys: BTreeSet<i64> =
        numbers.into_iter().map(|number| key("number", &[company.0.as_bytes(), number.as_bytes()])).collect();
    keys.into_iter().collect()
}

/// The numbers of these trackers.
///
/// # Errors
/// As [`numbers`].
pub async fn numbers_of(db: &mut dyn Db, company: CompanyId, trackers: impl IntoIterator<Item = Uuid>) -> Result<()> {
    let trackers = id_list(trackers);
    if db.dialect() == Dialect::Sqlite || trackers.is_empty() {
        return Ok(());
    }
    let sql = "SELECT number FROM tracker WHERE id {in ids ?}";
    let rows = query(sql).bind(trackers).all(db).await?;
    let kept = rows.iter().map(|row| row.str("number")).collect::<Result<Vec<_>>>()?;
    numbers(db, company, kept).await
}

/// Lines of a company's audit trail are appended one after the other.
///
/// # Errors
/// As [`numbers`].
pub async fn audit(db: &mut dyn Db, company: CompanyId) -> Result<()> {
    take(db, "pg_advisory_xact_lock", key("audit", &[company.0.as_bytes()])).await
}

/// Nothing is published while statements that were read by the newest mapping are recorded…
///
/// # Errors
/// As [`numbers`].
pub async fn mapping_stays(db: &mut dyn Db, company: CompanyId) -> Result<()> {
    take(db, "pg_advisory_xact_lock_shared", mapping_key(company)).await
}

/// … and nothing is recorded while a mapping is published.
///
/// # Errors
/// As [`numbers`].
pub async fn mapping_changes(db: &mut dyn Db, company: CompanyId) -> Result<()> {
    take(db, "pg_advisory_xact_lock", mapping_key(company)).await
}

/// The key of [`mapping_stays`].
pub fn mapping_key(company: CompanyId) -> i64 {
    key("mapping", &[company.0.as_bytes()])
}

/// The company is made by one, and its people are changed by one at a time.
///
/// # Errors
/// As [`numbers`].
pub async fn company(db: &mut dyn Db) -> Result<()> {
    take(db, "pg_advisory_xact_lock", key("company", &[])).await
}

async fn take(db: &mut dyn Db, function: &str, key: i64) -> Result<()> {
    match db.dialect() {
        Dialect::Sqlite => Ok(()),
        Dialect::Postgres => query(format!("SELECT {function}(?)")).bind(key).execute(db).await.map(drop),
    }
}

/// Two things with one key only wait for each other without need.
pub fn key(what: &str, parts: &[&[u8]]) -> i64 {
    let (high, _) = content_id(what, parts).as_u64_pair();
    i64::from_be_bytes(high.to_be_bytes())
}
