//! What the machine and the database say of themselves. The port is here; who starts the process says how it is read.

use futures::{FutureExt as _, future::BoxFuture};
use std::{io, path::Path};
use storage::{Store, alerts::Engine};

/// Room on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What this process may still write.
    pub free_bytes: u64,
    /// What the disk has in all.
    pub all_bytes: u64,
}

/// The machine.
pub trait Machine: Send + Sync {
    /// The room on the disk on which a folder lies; of one that is not there yet, its nearest parent that is.
    ///
    /// # Errors
    /// When it cannot be read, or the disk does not answer.
    fn room<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, io::Result<Room>>;

    /// Size and clock of the database.
    ///
    /// # Errors
    /// When it does not answer.
    fn engine<'a>(&'a self, store: &'a Store) -> BoxFuture<'a, storage::Result<Engine>> {
        async move { store.alerts.engine().await }.boxed()
    }
}
