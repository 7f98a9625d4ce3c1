//! A small pool of read-only connections. A question is asked on a thread where it may take its time, and sees one moment,
//! however many statements it needs.

use crate::{connection, error::failed};
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use storage::{Result, StoreError};
use tokio::sync::Semaphore;

/// Connections that answer questions.
const READERS: usize = 4;
/// How long a question waits for a free one before the store is called busy.
const WAIT: Duration = Duration::from_secs(10);

/// The pool.
pub(crate) struct Readers {
    path: PathBuf,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// None is opened yet.
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, free: Arc::new(Semaphore::new(READERS)), idle: Mutex::default() })
    }

    /// The file.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Asks a question.
    pub(crate) async fn ask<T, F>(self: &Arc<Self>, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let free = tokio::time::timeout(WAIT, Arc::clone(&self.free).acquire_owned());
        let reader = free.await.map_err(|_| StoreError::Busy)?.expect("never closed");
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let answer = readers.answer(question);
            drop(reader);
            answer
        });
        let unanswered = |error| StoreError::Unavailable(format!("the question was not answered: {error}"));
        answer.await.map_err(unanswered)?
    }

    fn answer<T>(&self, question: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle().pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => connection::reading(&self.path).map_err(failed)?,
        };
        conn.execute_batch("BEGIN").map_err(failed)?;
        let answer = question(&mut conn);
        // one whose moment cannot be ended, or whose question panicked, is not used again
        if conn.execute_batch("ROLLBACK").is_ok() {
            self.idle().push(conn);
        }
        answer
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
