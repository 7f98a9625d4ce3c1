//! The numbers of changes. Transactions commit in another order than they begin, so a change gets its number afterwards.

use crate::{PostgresStore, codec::SqlError, lock};
use storage::{Result, jobs::Lane};

/// Changes that are numbered at once.
const NUMBERED_AT_ONCE: i64 = 5_000;

/// Numbers the changes that have committed, one caller at a time: a number that is read is never followed by a smaller one.
pub(crate) async fn number(store: &PostgresStore) -> Result<()> {
    let mut read = store.read_one().await?;
    let waiting = sqlx::query("SELECT 1 FROM change WHERE seq IS NULL LIMIT 1")
        .fetch_optional(&mut *read)
        .await
        .map_err(SqlError::from)?;
    read.give_back();
    if waiting.is_none() {
        return Ok(());
    }
    store
        .write(Lane::RealTime, |conn| {
            Box::pin(async move {
                lock::change_numbers(conn).await?;
                sqlx::query(
                    "UPDATE change SET seq = n.seq
                     FROM (SELECT id, nextval('change_seq') AS seq FROM (SELECT id FROM change WHERE seq IS NULL ORDER BY id LIMIT $1) w) n
                     WHERE change.id = n.id",
                )
                .bind(NUMBERED_AT_ONCE)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
}
