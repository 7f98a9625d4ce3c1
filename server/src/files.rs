//! Files that are their owner's alone.

use anyhow::{Result, bail};
use rustix::{
    fs::{StatVfsMountFlags, statvfs},
    process::geteuid,
};
use std::{
    fmt, fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Bits with which others may read, write or enter.
const OTHERS: u32 = 0o077;

/// Files that this process makes are its owner's alone, whatever the shell says.
pub fn make_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(OTHERS));
}

/// What others can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The file or folder.
    pub path: PathBuf,
    /// The mode that it should have.
    pub mode: u32,
    /// Whether this user can close it. Not where it has another owner or cannot be written: what containers are given.
    pub ours: bool,
}

impl Open {
    /// Whether others can read this, which should have that mode.
    pub fn of(path: &Path, mode: u32) -> Option<Self> {
        let is = fs::metadata(path).ok().filter(|is| is.permissions().mode() & OTHERS != 0)?;
        let fixed = statvfs(path).is_ok_and(|of| of.f_flag.contains(StatVfsMountFlags::RDONLY));
        Some(Self { path: path.to_owned(), mode, ours: is.uid() == geteuid().as_raw() && !fixed })
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, mode) = (self.path.display(), self.mode);
        match self.ours {
            true => write!(f, "{path} can be read by others: run `chmod {mode:o} {path}`"),
            false => write!(
                f,
                "{path} can be read by others, and this user cannot change that: have its provider take it from \
                 everybody but its owner and a group of this service alone"
            ),
        }
    }
}

/// Refuses a file with a secret that others can read and that is ours to close.
///
/// # Errors
/// Says which, and how it is closed.
pub fn require_private(path: &Path) -> Result<()> {
    match Open::of(path, 0o600) {
        Some(open) if open.ours => bail!("{open}"),
        _ => Ok(()),
    }
}
