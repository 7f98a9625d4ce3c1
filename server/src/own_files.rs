//! The data folder and the files of an installation are their owner's alone.

use crate::{
    config::{Config, Database},
    files::Open,
};
use anyhow::{Context, Result};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The mark of a folder in which everybody may have files.
const STICKY: u32 = 0o1000;

/// What others can read of the installation, and of the files with keys that it was given.
pub fn open_to_others(config: &Config) -> Vec<Open> {
    // links are left alone: what they lead to may be somebody else's
    let is_file = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|is| is.is_file());
    let own = own_files(config).into_iter().filter(is_file).filter_map(|path| Open::of(&path, 0o600));
    let mut found: Vec<_> = Open::of(&config.data, 0o700).into_iter().chain(own).collect();
    // those of ours are refused where they are read
    let given = config.secret_files.iter().chain([&config.master_key_file]);
    for open in given.filter_map(|path| Open::of(path, 0o600)).filter(|open| !open.ours) {
        if !found.contains(&open) {
            found.push(open);
        }
    }
    found
}

/// Takes from others what they can read, as far as it is ours.
///
/// # Errors
/// When that fails, with what to do.
pub fn close_to_others(config: &Config) -> Result<()> {
    for open in open_to_others(config) {
        let path = &open.path;
        if !open.ours {
            tracing::warn!("{open}");
            continue;
        }
        if *path == config.data && is_shared(path) {
            tracing::warn!("{open}, or choose a folder of its own with --data");
            continue;
        }
        fs::set_permissions(path, Permissions::from_mode(open.mode)).with_context(|| open.to_string())?;
        tracing::warn!("{} could be read by others; now its owner alone can", path.display());
    }
    Ok(())
}

/// Whether others have business in a folder: one for everybody's files, or a home.
fn is_shared(folder: &Path) -> bool {
    let sticky = fs::metadata(folder).is_ok_and(|is| is.permissions().mode() & STICKY != 0);
    let home = std::env::var_os("HOME").is_some_and(|home| {
        let both = (fs::canonicalize(home).ok(), fs::canonicalize(folder).ok());
        both.0.is_some() && both.0 == both.1
    });
    sticky || home || folder.parent().is_none()
}

/// The files that the configuration names, and those that lie beside the database under its name.
fn own_files(config: &Config) -> Vec<PathBuf> {
    let mut files =
        vec![config.master_key_file.clone(), config.system.tombstones.clone(), config.system.audit_anchor.clone()];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Settings, files::require_private};
    use rustix::process::geteuid;

    fn installation(folder: &Path) -> Config {
        Settings { data: Some(folder.to_owned()), ..Settings::default() }.resolve().unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
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
            assert!(
                open_to_others(&config).contains(&Open { path: data.clone(), mode: 0o700, ours: true }),
                "{loose:o}"
            );
            close_to_others(&config).unwrap();
            assert_eq!(open_to_others(&config), []);
            assert_eq!(mode(&data), 0o700);
            assert_eq!(mode(&data.join("milepost.sqlite")), 0o600);
            for foreign in [data.join("letter"), outer.path().join("elsewhere")] {
                assert_eq!(mode(&foreign), 0o644, "{}", foreign.display());
            }
        }
    }

    #[test]
    fn a_folder_for_everybody_is_told_and_any_other_is_closed() {
        let outer = tempfile::tempdir().unwrap();
        let (shared, own) = (outer.path().join("shared"), outer.path().join("own"));
        for (folder, loose) in [(&shared, 0o1777), (&own, 0o755)] {
            fs::create_dir(folder).unwrap();
            set(folder, loose);
            put(&folder.join("letters"), 0o644);
            close_to_others(&installation(folder)).unwrap();
            assert_eq!(mode(&folder.join("letters")), 0o644);
        }
        assert_eq!((mode(&shared), mode(&own)), (0o777, 0o700));
        assert_eq!(open_to_others(&installation(&shared)).len(), 1, "doctor says it");
    }

    /// A user that is not the one who runs the tests.
    const SOMEBODY: u32 = 65_534;

    /// What Kubernetes and Docker give to a container: not the service's own, and readable by a group or by all.
    #[test]
    fn what_is_not_ours_is_told_and_taken() {
        if !geteuid().is_root() {
            // nobody else can give files away; this one is root's
            return require_private(Path::new("/etc/passwd")).unwrap();
        }
        let outer = tempfile::tempdir().unwrap();
        for loose in [0o640, 0o440, 0o644, 0o444, 0o604] {
            let (file, link) = (outer.path().join(format!("{loose:o}")), outer.path().join(format!("link-{loose:o}")));
            put(&file, loose);
            std::os::unix::fs::symlink(&file, &link).unwrap();
            for path in [&file, &link] {
                let error = require_private(path).unwrap_err().to_string();
                assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
            }
            std::os::unix::fs::chown(&file, Some(SOMEBODY), None).unwrap();
            require_private(&file).unwrap();
            require_private(&link).unwrap();
            let mut config = installation(outer.path());
            set(outer.path(), 0o700);
            (config.master_key_file, config.secret_files) = (link.clone(), vec![file.clone()]);
            let reported: Vec<_> = open_to_others(&config).into_iter().map(|open| (open.path, open.ours)).collect();
            assert_eq!(reported, [(file.clone(), false), (link.clone(), false)]);
            close_to_others(&config).unwrap();
            assert_eq!(mode(&file), loose);
        }
    }

    #[test]
    fn a_volume_of_somebody_else_is_told() {
        let outer = tempfile::tempdir().unwrap();
        let volume = outer.path().join("volume");
        fs::create_dir_all(volume.join("lost+found")).unwrap();
        set(&volume, 0o775);
        close_to_others(&installation(&volume)).unwrap();
        assert_eq!(mode(&volume), 0o700);
        if geteuid().is_root() {
            put(&volume.join("letter"), 0o644);
            set(&volume, 0o775);
            std::os::unix::fs::chown(&volume, Some(SOMEBODY), None).unwrap();
            close_to_others(&installation(&volume)).unwrap();
            let reported = open_to_others(&installation(&volume));
            assert!(
                reported.len() == 1 && reported[0].to_string().contains("this user cannot change that"),
                "{reported:?}"
            );
        }
    }
}
