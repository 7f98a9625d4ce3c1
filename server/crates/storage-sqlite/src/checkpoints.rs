//! Checkpoints: what commits wrote to the log is brought into the file by a connection of its own, so that those who wait
//! for a commit does not wait for that too. The writer makes one itself only where the log has grown to
//! [`LOG_PAGES`] in spite of it; little is left to be brought over then, and the log begins anew.

use rusqlite::Connection;
use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Pages (4 KiB) of the log at which the writer makes a checkpoint itself.
pub(crate) const LOG_PAGES: u32 = 8192;
/// Commits of this time are brought over together: pages that many of them changed are written once.
const TOGETHER: Duration = Duration::from_millis(50);

/// The thread that makes them.
pub(crate) struct Checkpoints {
    committed: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn start(conn: Connection) -> std::io::Result<Self> {
        let (committed, heard) = sync_channel(1);
        let thread = thread::Builder::new().name("sqlite-log".into()).spawn(move || run(&conn, &heard))?;
        Ok(Self { committed, thread })
    }

    /// Something was committed.
    pub(crate) fn committed(&self) {
        // one that is requested already counts for this one too
        let _ = self.committed.try_send(());
    }

    /// Ends the thread, so that the writer is the last to close the file.
    pub(crate) fn end(self) {
        drop(self.committed);
        // one that has panicked has ended too
        drop(self.thread.join());
    }
}

fn run(conn: &Connection, committed: &Receiver<()>) {
    while committed.recv().is_ok() {
        thread::sleep(TOGETHER);
        if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(())) {
            tracing::debug!("no checkpoint, the next one makes it good: {error}");
        }
    }
}
