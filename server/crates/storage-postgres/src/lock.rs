//! Locks that last for a transaction, on things that may have no row yet. A transaction that takes several takes them in one order,
//! so that two transactions never wait for each other: the mapping, then numbers, then rows.

use crate::codec::{SqlError, id_list};
use domain::ids::CompanyId;
use sqlx::PgConnection;
use storage_sql::lock::{key, mapping_key, number_keys};
use uuid::Uuid;

/// Of two transactions that speak of the same number, one sees what the other did.
pub(crate) async fn numbers<'a>(
    conn: &mut PgConnection,
    company: CompanyId,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Result<(), SqlError> {
    let keys = number_keys(company, numbers);
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) WITH ORDINALITY k(key, place) ORDER BY place",
    )
    .bind(keys)
    .execute(conn)
    .await?;
    Ok(())
}

/// What recordings take: the mapping stays, and then their numbers.
pub(crate) async fn recording<'a>(
    conn: &mut PgConnection,
    company: CompanyId,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Result<(), SqlError> {
    let mut keys = vec![mapping_key(company)];
    keys.extend(number_keys(company, numbers));
    sqlx::query(
        "SELECT CASE place WHEN 1 THEN pg_advisory_xact_lock_shared(key) ELSE pg_advisory_xact_lock(key) END
         FROM unnest($1::bigint[]) WITH ORDINALITY k(key, place) ORDER BY place",
    )
    .bind(keys)
    .execute(conn)
    .await?;
    Ok(())
}

/// The numbers of these trackers.
pub(crate) async fn numbers_of(
    conn: &mut PgConnection,
    company: CompanyId,
    trackers: impl IntoIterator<Item = Uuid>,
) -> Result<(), SqlError> {
    let trackers = id_list(trackers);
    if trackers.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query_scalar::<_, String>("SELECT number FROM tracker WHERE id = ANY ($1)")
        .bind(trackers)
        .fetch_all(&mut *conn)
        .await?;
    numbers(conn, company, rows.iter().map(String::as_str)).await
}

/// Changes are numbered by one at a time.
pub(crate) async fn change_numbers(conn: &mut PgConnection) -> Result<(), SqlError> {
    exclusive(conn, key("change numbers", &[])).await
}

/// A partition is made by one.
pub(crate) async fn partitions(conn: &mut PgConnection) -> Result<(), SqlError> {
    exclusive(conn, key("partitions", &[])).await
}

async fn exclusive(conn: &mut PgConnection, key: i64) -> Result<(), SqlError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(key).execute(conn).await?;
    Ok(())
}
