//! The locks of the hot path; see [`storage_sql::lock`].

use crate::codec::SqlError;
use domain::ids::CompanyId;
use sqlx::PgConnection;
use storage_sql::lock::{key, mapping_key, number_keys};

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
