//! Monthly partitions of what retention drops as a whole. One is made when its month is first written to.

use crate::{codec::Done, lock};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use std::{
    collections::HashSet,
    sync::{Arc, RwLock},
};

/// A table with a partition for each month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Monthly {
    Body,
    Attempt,
}

impl Monthly {
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Body => "message_body",
            Self::Attempt => "attempt",
        }
    }
}

/// The partitions that are known to be there.
#[derive(Clone)]
pub(crate) struct Partitions {
    pool: PgPool,
    known: Arc<RwLock<HashSet<(Monthly, i64)>>>,
}

impl Partitions {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, known: Arc::default() }
    }

    /// Makes the partitions of these months where they are missing, before anything is written to them.
    pub(crate) async fn ensure(&self, table: Monthly, months: impl IntoIterator<Item = i64>) -> Done<()> {
        for month in months {
            if self.known.read().expect("no panic while held").contains(&(table, month)) {
                continue;
            }
            let mut transaction = self.pool.begin().await?;
            lock::partitions(&mut transaction).await?;
            make(&mut transaction, table.table(), month).await?;
            transaction.commit().await?;
            self.known.write().expect("no panic while held").insert((table, month));
        }
        Ok(())
    }
}

/// Makes a partition where it is missing. The table is one of ours, so the statement is made of our own words.
pub(crate) async fn make(conn: &mut PgConnection, table: &str, month: i64) -> Done<()> {
    let sql = format!("CREATE TABLE IF NOT EXISTS {table}_{month} PARTITION OF {table} FOR VALUES IN ({month})");
    sqlx::query(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
