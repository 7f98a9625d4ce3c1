//! The engines, each with a fresh database for each run.

use super::now;
use anyhow::{Context, Result, bail, ensure};
use domain::ids::{CompanyId, content_id};
use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};
use storage::{Actor, Scope, Store};
use storage_postgres::PostgresStore;
use storage_sqlite::{Options, SqliteStore};

/// The variable with the address of a PostgreSQL where databases may be made.
pub const POSTGRES: &str = "MILEPOST_TEST_POSTGRES";

/// Where a tower keeps what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// Its name, as typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Whether it can be had here.
    pub fn is_there(self) -> bool {
        self == Self::Sqlite || std::env::var_os(POSTGRES).is_some()
    }
}

/// A database of a run's own; dropped with it.
#[derive(Debug)]
pub enum Database {
    /// In the tower's folder.
    File,
    /// On a server: the address of a superuser's database there, and this one's name.
    Server {
        /// Where databases are made.
        admin: String,
        /// This one's name.
        name: String,
    },
}

impl Database {
    /// A fresh one.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn fresh(engine: Engine) -> Result<Self> {
        match engine {
            Engine::Sqlite => Ok(Self::File),
            Engine::Postgres => {
                let admin = std::env::var(POSTGRES).with_context(|| format!("{POSTGRES} is not set"))?;
                Self::on(admin)
            }
        }
    }

    /// A fresh one on this server.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn on(admin: String) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("chaos_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        psql(&admin, &format!("CREATE DATABASE {name}"))?;
        Ok(Self::Server { admin, name })
    }

    /// What a tower is told about it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        self.url().map(|url| ("DATABASE_URL", url)).into_iter().collect()
    }

    fn url(&self) -> Option<String> {
        match self {
            Self::File => None,
            Self::Server { admin, name } => {
                let (server, _) = admin.rsplit_once('/')?;
                Some(format!("{server}/{name}"))
            }
        }
    }

    /// Opens it beside the tower whose folder this is.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&self, data: &Path) -> Result<(Store, Scope)> {
        let store = match self.url() {
            None => SqliteStore::open(&data.join("milepost.sqlite"), Options::tool()).await?,
            Some(url) => PostgresStore::connect(&url).await?,
        };
        let company = store.people.company(CompanyId(content_id("company", &[b"only"])), "Chaos", now()).await?;
        Ok((store, Scope { company, actor: Actor::Operator }))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Server { admin, name } = self {
            let _ = psql(admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

fn psql(url: &str, statement: &str) -> Result<()> {
    let done = Command::new("psql").args([url, "-qX", "-v", "ON_ERROR_STOP=1", "-c", statement]).output();
    let done = done.context("psql (Debian: postgresql-client)")?;
    ensure!(done.status.success(), "psql: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// The engines of this name: `sqlite`, `postgres`, `both`.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> Result<Vec<Engine>> {
    Ok(match name {
        "sqlite" => vec![Engine::Sqlite],
        "postgres" => vec![Engine::Postgres],
        "both" => vec![Engine::Sqlite, Engine::Postgres],
        other => bail!("there is no engine {other}: sqlite, postgres or both"),
    })
}
