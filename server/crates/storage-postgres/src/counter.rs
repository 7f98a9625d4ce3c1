//! Counters, which the tables' triggers keep in the transaction that changes what they count (migration 23). Each connection
//! has rows of its own, so that no transaction waits for another's; a counter is their sum.

use crate::codec::SqlError;
use sqlx::PgConnection;

/// Adds up what the connections counted: a number would come from each otherwise, for ever. What one of them is changing is
/// left to the next time, so that nobody waits in a circle.
pub(crate) async fn settle(conn: &mut PgConnection) -> Result<(), SqlError> {
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
