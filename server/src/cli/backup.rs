//! `milepost backup` and `milepost restore`: a copy of the database while servers write to it, and back.

use crate::{
    bootstrap,
    config::{Config, Database, Settings},
};
use anyhow::{Context as _, Result, bail, ensure};
use application::{
    alerts::backups,
    audit::anchor,
    clock::{Clock, SystemClock},
    context::Context,
    governance::{
        erasure,
        tombstones::{self, Seen},
    },
    keys::sealed_audit,
    vault::Vault,
};
use clap::Args;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::Read,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};
use storage::{Actor, Scope, chain::Position};
use storage_postgres::backup::{self as postgres, Target};

/// Bytes of one read while a file's digest is taken.
const CHUNK_BYTES: usize = 1024 * 1024;
/// The action of the line that says that a copy was restored.
const RESTORED: &str = "backup.restored";
/// Copies that are kept at least.
const KEEP_MIN: usize = 1;

/// Copy the database while servers write to it. The copy is private and sealed under the master key, which is not in it.
#[derive(Args)]
pub struct Backup {
    /// The folder for the copies; default: backups in the data directory.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Keep only so many copies there, the newest.
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
}

/// Put a copy in the place of the database (servers stopped).
#[derive(Args)]
pub struct Restore {
    /// The copy, as `milepost backup` named it.
    file: PathBuf,
    /// Move aside what is there; it is not deleted.
    #[arg(long)]
    replace: bool,
    /// Restore although the list of erasures is missing or not the newest: who was erased since the copy was made, or before
    /// and is not in the list, is there again and has to be erased again. The audit trail keeps that it was done.
    #[arg(long)]
    without_erasures: bool,
}

/// What is written beside a copy.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    engine: Engine,
    version: String,
    made_at: Timestamp,
    bytes: u64,
    sha256: String,
    /// What was known to be erased.
    #[serde(default)]
    erasures: Seen,
    /// Over all of it, under the master key.
    #[serde(default)]
    mac: String,
}

impl Manifest {
    fn sealed(mut self, vault: &Vault) -> Self {
        self.mac = self.expected(vault);
        self
    }

    fn expected(&self, vault: &Vault) -> String {
        let Self { engine, version, made_at, bytes, sha256, erasures, mac: _ } = self;
        let all = serde_json::to_vec(&(engine, version, made_at, bytes, sha256, erasures));
        vault.file_mac("backup manifest", &all.expect("plain data serialises"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    fn of(database: &Database) -> Self {
        match database {
            Database::Sqlite(_) => Self::Sqlite,
            Database::Postgres(_) => Self::Postgres,
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "pgdump",
        }
    }
}

impl Backup {
    /// Makes the copy.
    pub async fn run(self, settings: Settings) -> Result<()> {
        let config = settings.resolve()?;
        let folder = self.to.unwrap_or_else(|| config.data.join("backups"));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        if let Database::Sqlite(file) = &config.database {
            ensure!(file.exists(), "there is no database {}", file.display());
        }
        let context = bootstrap::beside(config.clone(), Arc::new(SystemClock)).await?;
        let copied = Self::copied(self.keep, &config, &context, &folder).await;
        let kept = match &copied {
            Ok(()) => backups::finished(&context, context.scope()).await,
            Err(_) => backups::failed(&context, context.scope()).await,
        };
        if let Err(error) = kept {
            eprintln!("how the backup ended is not kept, so an alert may be missing or wrong: {error}");
        }
        copied
    }

    async fn copied(keep: Option<usize>, config: &Config, context: &Context, folder: &Path) -> Result<()> {
        let (engine, made_at) = (Engine::of(&config.database), SystemClock.now());
        let name = format!("milepost-{}.{}", made_at.strftime("%Y%m%dT%H%M%SZ"), engine.ending());
        let (file, unfinished) = (folder.join(&name), folder.join(format!(".{name}.unfinished")));
        // whatever way it ends, half a copy is not left behind
        let _removed = Removed(&unfinished);
        copy(config, &unfinished).await?;
        let (bytes, sha256) = digest(&unfinished)?;
        let erasures = tombstones::known(context).await?;
        let version = env!("CARGO_PKG_VERSION").into();
        let manifest = Manifest { engine, version, made_at, bytes, sha256, erasures, mac: String::new() };
        let manifest = manifest.sealed(&context.vault);
        keep_private(&unfinished)?;
        write_private(&manifest_of(&file), &serde_json::to_vec_pretty(&manifest)?)?;
        std::fs::rename(&unfinished, &file)?;
        File::open(folder)?.sync_all()?;
        say!("{} ({} MB)", file.display(), manifest.bytes / 1_000_000);
        if let Some(keep) = keep {
            drop_older(folder, engine, keep.max(KEEP_MIN))?;
        }
        say!("Keep the master key and {} apart from it.", config.system.tombstones.display());
        Ok(())
    }
}

async fn copy(config: &Config, to: &Path) -> Result<()> {
    match &config.database {
        Database::Sqlite(file) => {
            storage_sqlite::backup::copy(file, to).await?;
            storage_sqlite::backup::check(to).await?;
        }
        Database::Postgres(url) => {
            postgres::dump(url.expose_secret(), to).await?;
            postgres::check(to).await?;
        }
    }
    Ok(())
}

fn digest(file: &Path) -> Result<(u64, String)> {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    let mut reader = File::open(file).with_context(|| file.display().to_string())?;
    let (mut chunk, mut bytes) = (vec![0; CHUNK_BYTES], 0);
    loop {
        let read = reader.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        bytes += read as u64;
    }
    let digest = hash.finish();
    Ok((bytes, digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()))
}

fn manifest_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

fn keep_private(file: &Path) -> Result<()> {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
    Ok(File::open(file)?.sync_all()?)
}

fn write_private(file: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut out = File::options().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    out.write_all(bytes)?;
    Ok(out.sync_all()?)
}

struct Removed<'a>(&'a Path);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        // it is not there when all went well
        drop(std::fs::remove_file(self.0));
    }
}

/// Names sort by time.
fn drop_older(folder: &Path, engine: Engine, keep: usize) -> Result<()> {
    let is_copy = |name: &str| name.starts_with("milepost-") && name.ends_with(engine.ending());
    let mut copies: Vec<PathBuf> = std::fs::read_dir(folder)?
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_copy))
        .map(|entry| entry.path())
        .collect();
    copies.sort();
    for copy in copies.iter().rev().skip(keep) {
        std::fs::remove_file(copy)?;
        drop(std::fs::remove_file(manifest_of(copy)));
        say!("{} removed", copy.display());
    }
    Ok(())
}

impl Restore {
    /// Checks the copy, puts it in place, and says what follows.
    pub async fn run(self, settings: Settings) -> Result<()> {
        let config = settings.resolve()?;
        let master = config.master_key().context("a copy is sealed under the master key of its installation")?;
        let vault = Vault::new(&master, Arc::new(SystemClock));
        let manifest = verified(&self.file, &vault)?;
        let engine = Engine::of(&config.database);
        ensure!(
            manifest.engine == engine,
            "the copy is of {:?} and the database is {engine:?}: set or leave out DATABASE_URL",
            manifest.engine
        );
        self.require_erasures(&config, &vault, &manifest).await?;
        let now = SystemClock.now();
        let aside = now.strftime("%Y%m%d%H%M%S%3f").to_string();
        match &config.database {
            Database::Sqlite(file) => put_file(&self.file, file, self.replace, &aside).await?,
            Database::Postgres(url) => put_dump(&self.file, url.expose_secret(), self.replace, &aside).await?,
        }
        // opened as a server does: tables brought up to date, the master key checked, erasures applied again
        let context = bootstrap::alone(config, Arc::new(SystemClock)).await?;
        context.store.upkeep.restored(now).await?;
        let erased = erasure::reapply(&context).await?;
        tombstones::remember(&context).await?;
        self.note(&context, &manifest, erased).await?;
        say!("Restored what was there at {:.0}. {erased} erasures were applied again.", manifest.made_at);
        say!(
            "What came since is missing until its sender repeats it; Odoo is taken in again by itself. Notes, activities and\n\
             cases made since are found under their own ids and not made twice. Everybody has to sign in again."
        );
        match anchor::walk(&context, context.scope(), Position::default()).await? {
            Ok(place) => say!("The audit trail holds: {} lines.", place.seq),
            Err(fault) => bail!("the copy is in place, and its audit trail was not sound when it was made: {fault}"),
        }
        Ok(())
    }

    /// What was erased must not come back unnoticed: the list has to have all that the copy and the database know of it.
    async fn require_erasures(&self, config: &Config, vault: &Vault, manifest: &Manifest) -> Result<()> {
        let there = match &config.database {
            Database::Sqlite(file) if file.exists() => storage_sqlite::backup::setting(file, tombstones::SEEN).await,
            Database::Sqlite(_) => Ok(None),
            Database::Postgres(url) => postgres::setting(url.expose_secret(), tombstones::SEEN).await,
        };
        let there = there.unwrap_or_else(|error| {
            say!("What the database there knows of erasures cannot be read: {error}");
            None
        });
        for known in [&manifest.erasures, &Seen::parsed(there.as_deref())] {
            if let Some(lacking) = tombstones::lacks(&config.system.tombstones, vault, known)? {
                ensure!(
                    self.without_erasures,
                    "{lacking}; --without-erasures restores without it, and who is erased by now is there again"
                );
                say!("Without all erasures: {lacking}");
            }
        }
        Ok(())
    }

    /// The trail goes on from the copy's newest line: it says so, and the anchor keeps what was the newest one.
    async fn note(&self, context: &Context, manifest: &Manifest, erased: u64) -> Result<()> {
        let scope = Scope { company: context.company, actor: Actor::Operator };
        let after = serde_json::json!({
            "made_at": manifest.made_at, "sha256": manifest.sha256, "erased_again": erased,
            "without_erasures": self.without_erasures,
        });
        let after = sealed_audit(context, scope, &after).await?;
        context.store.people.audit(scope, context.audit(RESTORED, "database").after(after)).await?;
        Ok(anchor::anew(context, scope, RESTORED).await?)
    }
}

fn verified(file: &Path, vault: &Vault) -> Result<Manifest> {
    let beside = manifest_of(file);
    let text = std::fs::read(&beside).with_context(|| format!("{}: it lies beside the copy", beside.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text).with_context(|| beside.display().to_string())?;
    ensure!(
        !manifest.mac.is_empty(),
        "{} carries no MAC: it was changed, or is of a version that made none; what it says cannot be trusted, take another copy",
        beside.display()
    );
    ensure!(
        manifest.expected(vault) == manifest.mac,
        "{} was changed, or is of an installation with another master key: take another copy, or set --master-key-file",
        beside.display()
    );
    let (bytes, sha256) = digest(file)?;
    ensure!(
        (bytes, &sha256) == (manifest.bytes, &manifest.sha256),
        "{} is not what was written: {bytes} bytes of {}, or another digest; take another copy",
        file.display(),
        manifest.bytes
    );
    Ok(manifest)
}

async fn put_file(copy: &Path, file: &Path, replace: bool, aside: &str) -> Result<()> {
    storage_sqlite::backup::check(copy).await?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let _only_us = storage_sqlite::lock(file)?;
    ensure!(replace || !file.exists(), "there is a database {}: --replace moves it aside", file.display());
    // the copy first: a disk that is full by then leaves what is there where it is
    let unfinished = PathBuf::from(format!("{}.unfinished", file.display()));
    let _removed = Removed(&unfinished);
    std::fs::copy(copy, &unfinished)?;
    keep_private(&unfinished)?;
    for ending in ["", "-wal", "-shm"] {
        let named = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        let old = named(file);
        if old.exists() {
            std::fs::rename(&old, named(&PathBuf::from(format!("{}.before-{aside}", file.display()))))?;
        }
    }
    Ok(std::fs::rename(&unfinished, file)?)
}

async fn put_dump(copy: &Path, url: &str, replace: bool, aside: &str) -> Result<()> {
    postgres::check(copy).await?;
    let filled = postgres::target(url).await? == Target::Filled;
    ensure!(
        replace || !filled,
        "there is an installation in the database: --replace moves it aside, into another schema"
    );
    if filled {
        postgres::move_aside(url, aside).await?;
    }
    let loaded = postgres::load(url, copy).await;
    if loaded.is_err() && filled {
        // of the copy nothing is kept
        postgres::move_back(url, aside).await.context("what was there is still aside")?;
    }
    Ok(loaded?)
}
