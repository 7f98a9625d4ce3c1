//! `milepost migrate`: brings the tables up to date ahead of a start, and takes a SQLite installation over into PostgreSQL.

use crate::{
    bootstrap,
    config::{Config, Database, Settings},
};
use anyhow::{Context, Result, bail, ensure};
use application::{
    audit,
    clock::{Clock, SystemClock},
    vault::Vault,
};
use clap::Args;
use secrecy::ExposeSecret;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use storage::{
    Actor, Scope, Store,
    chain::{Position, Walked, walk},
};
use storage_postgres::{PostgresStore, import::Import};
use storage_sqlite::{
    Options, SqliteStore,
    export::{After, Export},
};

/// Bring the database's tables up to date; servers do it at their start too.
#[derive(Args)]
pub struct Migrate {
    /// Take over everything from this SQLite file (its server stopped) into the empty PostgreSQL database of
    /// DATABASE_URL. All of it or nothing; the file's own tables are brought up to date first. Master key and settings go on to be used.
    #[arg(long, value_name = "FILE")]
    from_sqlite: Option<PathBuf>,
}

impl Migrate {
    /// Migrates, and says what was done.
    pub async fn run(self, settings: Settings) -> Result<()> {
        let config = settings.resolve()?;
        match (&config.database, &self.from_sqlite) {
            (Database::Sqlite(file), None) => {
                std::fs::create_dir_all(&config.data)?;
                begin(&config, &SqliteStore::open(file, Options::server()).await?).await?;
                say!("{} is up to date", file.display());
            }
            (Database::Postgres(url), None) => {
                begin(&config, &PostgresStore::open(url.expose_secret()).await?).await?;
                say!("the PostgreSQL database is up to date");
            }
            (Database::Sqlite(_), Some(_)) => {
                bail!("set DATABASE_URL to the PostgreSQL database that takes it all over")
            }
            (Database::Postgres(url), Some(file)) => take_over(&config, url.expose_secret(), file).await?,
        }
        Ok(())
    }
}

/// Begins the chain of the audit trail where the tables have just been brought up to it.
async fn begin(config: &Config, store: &Store) -> Result<()> {
    if !store.chain_is_new {
        return Ok(());
    }
    let master = config.master_key().context(
        "the tables are up to date, but the audit trail's chain, which begins with it, has to be begun by `milepost audit accept`",
    )?;
    let scope = Scope { company: bootstrap::company(store, config, &SystemClock).await?, actor: Actor::System };
    Ok(audit::begin(store, scope, &Vault::new(&master, Arc::new(SystemClock)), SystemClock.now()).await?)
}

pub(super) async fn take_over(config: &Config, url: &str, file: &Path) -> Result<()> {
    config.master_key().context("what is taken over is sealed under the master key")?;
    let from = Export::open(file).await?;
    storage_postgres::migrate(url).await?;
    let mut into = Import::begin(url).await?;
    let theirs = from.tables()?;
    let mut total = 0;
    for table in into.order().await? {
        let name = table.trim_matches('"');
        ensure!(theirs.iter().any(|t| t == name), "{} has no table {name}", file.display());
        let (mut after, mut rows) = (After::START, 0);
        loop {
            let read = from.rows(name, &mut after).with_context(|| format!("reading {name}"))?;
            if read.rows.is_empty() {
                break;
            }
            rows += into.add(&table, &read).await.with_context(|| format!("writing {name}"))?;
        }
        say!("{rows:>12}  {name}");
        total += rows;
    }
    into.finish().await?;
    say!("{total:>12}  rows taken over");
    check(url, config, from.chain_is_new()).await
}

/// The audit trail was taken over whole only if its chain holds; that of a file of an earlier version begins here.
async fn check(url: &str, config: &Config, chain_is_new: bool) -> Result<()> {
    let store = Store { chain_is_new, ..PostgresStore::connect(url).await? };
    begin(config, &store).await?;
    let company = bootstrap::company(&store, config, &SystemClock).await?;
    let key = Vault::new(&config.master_key()?, Arc::new(SystemClock)).audit_key();
    let scope = Scope { company, actor: Actor::Operator };
    match walk(&*store.people, scope, &key, Position::default()).await? {
        Walked::Through(place) => say!("{:>12}  lines of the audit trail, the chain holds", place.seq),
        Walked::Broken(line) => bail!(
            "all is taken over, but line {line} of the audit trail is not what it was, here or already in the file: look at \
             `milepost audit check` before a server starts"
        ),
        Walked::NotBegun(lines) => bail!(
            "all is taken over, but none of the {lines} lines of the audit trail carries a MAC: look at `milepost audit check` \
             before a server starts"
        ),
    }
    Ok(())
}
