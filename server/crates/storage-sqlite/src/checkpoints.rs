//! Checkpoints: what commits wrote to the log is brought into the file by a connection of its own, so that whoever waits
//! for a commit does not wait for that too. The writer makes one itself only where the log has grown to
//! [`LOG_PAGES`] in spite of it; little is left to be brought over then, and the log begins anew.

use sqlx::SqliteConnection;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinHandle};

/// Pages (4 KiB) of the log at which the writer makes a checkpoint itself.
pub(crate) const LOG_PAGES: &str = "8192";
/// Commits of this time are brought over together: pages that many of them changed are written once.
const TOGETHER: Duration = Duration::from_millis(50);

/// The task that makes them.
pub(crate) struct Checkpoints {
    committed: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Checkpoints {
    pub(crate) fn start(conn: SqliteConnection) -> Self {
        let committed = Arc::<Notify>::default();
        let task = tokio::spawn(run(conn, Arc::clone(&committed)));
        Self { committed, task }
    }

    /// Something was committed.
    pub(crate) fn committed(&self) {
        self.committed.notify_one();
    }

    /// Ends the task, so that the writer is the last to close the file.
    pub(crate) async fn end(self) {
        self.task.abort();
        // it was told to end: that it was cancelled is no news
        drop(self.task.await);
    }
}

async fn run(mut conn: SqliteConnection, committed: Arc<Notify>) {
    loop {
        committed.notified().await;
        tokio::time::sleep(TOGETHER).await;
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut conn).await {
            tracing::debug!("no checkpoint, the next one makes it good: {error}");
        }
    }
}
