//! Monthly partitions of what retention drops as a whole. One is made when its month is first written to.

use crate::{codec::SqlError, connections::Connections, lock};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
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
    connections: Connections,
    known: Arc<RwLock<HashSet<(Monthly, i64)>>>,
}

impl Partitions {
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections, known: Arc::default() }
    }

    /// Makes the partitions of these months where they are missing, before anything is written to them.
    pub(crate) async fn ensure(&self, table: Monthly, months: impl IntoIterator<Item = i64>) -> Result<(), SqlError> {
        for month in months {
            if self.known.read().expect("no panic while held").contains(&(table, month)) {
                continue;
            }
            let mut conn = self.connections.acquire().await?;
            let mut transaction = conn.begin().await?;
            lock::partitions(&mut transaction).await?;
            make(&mut transaction, table.table(), month).await?;
            transaction.commit().await?;
            conn.give_back();
            self.known.write().expect("no panic while held").insert((table, month));
        }
        Ok(())
    }
}

/// Makes a partition where it is missing: a table of its own first, which is then attached, since that waits for nobody who
/// reads or writes the other months, a backup among them. The table is one of ours, so the statements are made of our own
/// words.
pub(crate) async fn make(conn: &mut PgConnection, table: &str, month: i64) -> Result<(), SqlError> {
    let partition = format!("{table}_{month}");
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass($1))")
        .bind(&partition)
        .fetch_one(&mut *conn)
        .await?;
    if there {
        return Ok(());
    }
    for sql in [
        format!("CREATE TABLE {partition} (LIKE {table} INCLUDING ALL)"),
        format!("ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES IN ({month})"),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    }
    Ok(())
}
