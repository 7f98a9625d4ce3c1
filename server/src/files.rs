//! The data folder and the files of an installation are their owner's alone.

use crate::config::{Config, Database};
use anyhow::{Result, bail, ensure};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Bits with which others may read, write or enter.
const OTHERS: u32 = 0o077;

/// Files that this process makes are its owner's alone, whatever the shell says.
pub fn make_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(OTHERS));
}

/// What others can read, and the mode that it should have.
pub fn open_to_others(config: &Config) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    if mode(&config.data).is_some_and(|mode| mode & OTHERS != 0) {
        found.push((config.data.clone(), 0o700));
    }
    // links are left alone: what they lead to may be somebody else's
    let is_open = |path: &PathBuf| {
        fs::symlink_metadata(path).is_ok_and(|is| is.is_file() && is.permissions().mode() & OTHERS != 0)
    };
    found.extend(own_files(config).into_iter().filter(is_open).map(|path| (path, 0o600)));
    found
}

/// Takes from others what they can read.
///
/// # Errors
/// When the folder holds other things as well, or is another user's; with what to do.
pub fn close_to_others(config: &Config) -> Result<()> {
    for (path, mode) in open_to_others(config) {
        if path == config.data {
            let has_ours = own_files(config).iter().any(|file| file.parent() == Some(&path) && file.exists());
            ensure!(
                has_ours || entries(&path).is_empty(),
                "{} can be read by others and holds other things: choose a folder of its own with --data, or run \
                 `chmod 700` on it",
                path.display()
            );
        }
        if let Err(error) = fs::set_permissions(&path, Permissions::from_mode(mode)) {
            bail!("{} can be read by others: run `chmod {mode:o}` on it as its owner ({error})", path.display());
        }
        tracing::warn!("{} could be read by others; now its owner alone can", path.display());
    }
    Ok(())
}

/// The files that the configuration names, and those that lie beside the database under its name.
fn own_files(config: &Config) -> Vec<PathBuf> {
    let mut files = vec![config.master_key_file.clone(), config.tombstones.clone(), config.audit_anchor.clone()];
    if let Database::Sqlite(file) = &config.database
        && let (Some(folder), Some(name)) = (file.parent(), file.file_name())
    {
        let named = |path: &PathBuf| {
            path.file_name().is_some_and(|own| own.as_encoded_bytes().starts_with(name.as_encoded_bytes()))
        };
        files.extend(entries(folder).into_iter().filter(named));
    }
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).into_iter().flatten();
    read.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|is| is.permissions().mode())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn installation(folder: &Path) -> Config {
        Settings { data: Some(folder.to_owned()), ..Settings::default() }.resolve().unwrap()
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn put(path: &Path, mode: u32) {
        fs::write(path, "x").unwrap();
        set(path, mode);
    }

    #[test]
    fn what_others_can_read_is_found_and_closed() {
        for loose in [0o755, 0o750, 0o711, 0o707, 0o770] {
            let outer = tempfile::tempdir().unwrap();
            let data = outer.path().join("data");
            fs::create_dir(&data).unwrap();
            set(&data, loose);
            let names = ["master.key", "milepost.sqlite", "milepost.sqlite-wal", "milepost.sqlite-shm", "tombstones"];
            names.iter().for_each(|name| put(&data.join(name), loose & 0o666));
            put(&data.join("milepost.sqlite.of-monday"), loose & 0o666);
            put(&data.join("letter"), 0o644);
            put(&outer.path().join("elsewhere"), 0o644);
            std::os::unix::fs::symlink(outer.path().join("elsewhere"), data.join("link")).unwrap();
            let config = installation(&data);
            assert!(open_to_others(&config).contains(&(data.clone(), 0o700)), "{loose:o}");
            close_to_others(&config).unwrap();
            assert_eq!(open_to_others(&config), []);
            assert_eq!(mode(&data).unwrap() & 0o777, 0o700);
            assert_eq!(mode(&data.join("milepost.sqlite")).unwrap() & 0o777, 0o600);
            for foreign in [data.join("letter"), outer.path().join("elsewhere")] {
                assert_eq!(mode(&foreign).unwrap() & 0o777, 0o644, "{}", foreign.display());
            }
        }
    }

    #[test]
    fn a_folder_with_other_things_is_refused_and_an_empty_one_is_taken() {
        let outer = tempfile::tempdir().unwrap();
        let (shared, empty) = (outer.path().join("shared"), outer.path().join("empty"));
        for folder in [&shared, &empty] {
            fs::create_dir(folder).unwrap();
            set(folder, 0o755);
        }
        put(&shared.join("letters"), 0o644);
        let error = close_to_others(&installation(&shared)).unwrap_err().to_string();
        assert!(error.contains("--data") && error.contains("chmod 700"), "{error}");
        assert_eq!(mode(&shared).unwrap() & 0o777, 0o755);
        assert_eq!(mode(&shared.join("letters")).unwrap() & 0o777, 0o644);
        close_to_others(&installation(&empty)).unwrap();
        assert_eq!(mode(&empty).unwrap() & 0o777, 0o700);
    }
}
