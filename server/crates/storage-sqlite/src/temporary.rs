//! A file that goes with its store. For tests.

use crate::{beside, connection};
use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};
use storage::Result;

/// A file; removed with this.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    /// Makes one with all tables: a copy of a file that the first test made, since bringing a new one up to date takes longer
    /// than most tests.
    ///
    /// # Errors
    /// `Unavailable` when the folder of temporary files cannot be written.
    pub(crate) async fn make() -> Result<Self> {
        let (made, model) = (Self::new(), model());
        match fs::copy(&model, made.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => make_model(&model).await?,
            copied => return done(&model, copied).map(|()| made),
        }
        done(&model, fs::copy(&model, made.path())).map(|()| made)
    }

    fn remove(&self) {
        for end in ["", "-wal", "-shm", ".lock"] {
            // what is not there need not be removed
            drop(fs::remove_file(beside(&self.0, end)));
        }
    }

    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let new = Self(env::temp_dir().join(format!("milepost-{}-{number}.sqlite", process::id())));
        // a process that was killed may have had this number, and left a log that would be read into the new file
        new.remove();
        new
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The file that is copied: one for each list of migrations, so that a changed list has another one.
fn model() -> PathBuf {
    let mut digest = DefaultHasher::new();
    for migration in connection::MIGRATIONS.iter() {
        migration.checksum.hash(&mut digest);
    }
    env::temp_dir().join(format!("milepost-model-{:016x}.sqlite", digest.finish()))
}

/// Of several processes that make it at once each puts a whole one there.
async fn make_model(model: &Path) -> Result<()> {
    let new = Temporary::new();
    connection::migrate(new.path()).await?;
    done(model, fs::rename(new.path(), model))
}

fn done<T>(path: &Path, result: io::Result<T>) -> Result<()> {
    result.map(drop).map_err(|error| connection::unavailable(path, &error))
}
