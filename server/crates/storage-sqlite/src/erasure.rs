//! What follows an erasure in the file.

use crate::{SqliteStore, connection};
use std::time::Duration;
use storage::{Result, StoreError};

/// How long cutting off the log waits for those who read: so long nobody writes.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(500);

/// The log is brought into the file and cut off, unless somebody reads what stands in it for longer: what was overwritten is
/// not in it any more.
pub(crate) async fn settle(store: &SqliteStore) -> Result<bool> {
    let path = store.readers.path().to_owned();
    let cut = tokio::task::spawn_blocking(move || {
        let conn = connection::writing(&path, crate::Durability::Full)?;
        conn.busy_timeout(SETTLE_TIMEOUT)?;
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0))
    });
    let unavailable = |why: String| StoreError::Unavailable(format!("the log is not cut off: {why}"));
    let busy = cut.await.map_err(|e| unavailable(e.to_string()))?.map_err(|e| unavailable(e.to_string()))?;
    Ok(busy == 0)
}
