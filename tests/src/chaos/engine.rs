//! The engines, each with a fresh database for each run.

use super::now;
use crate::postgres;
use anyhow::{Context, Result, bail};
use domain::ids::{CompanyId, content_id};
use std::path::Path;
use storage::{Actor, Scope, Store};
use storage_postgres::PostgresStore;
use storage_sqlite::{Options, SqliteStore};

/// The variable with the address of a PostgreSQL where databases may be made.
pub const POSTGRES: &str = "MILEPOST_TEST_POSTGRES";

/// Where an installation keeps what it knows.
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
pub enum Database {
    /// In the installation's folder.
    File,
    /// On a server.
    Server(postgres::Database),
}

impl Database {
    /// A fresh one.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn fresh(engine: Engine) -> Result<Self> {
        match engine {
            Engine::Sqlite => Ok(Self::File),
            Engine::Postgres => Self::on(&std::env::var(POSTGRES).with_context(|| format!("{POSTGRES} is not set"))?),
        }
    }

    /// A fresh one on the server of this superuser's address.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn on(admin: &str) -> Result<Self> {
        Ok(Self::Server(postgres::Database::on(admin)?))
    }

    /// Its address; none of a file.
    pub fn url(&self) -> Option<String> {
        match self {
            Self::File => None,
            Self::Server(server) => Some(server.url()),
        }
    }

    /// The settings that a server gets for it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::File => Vec::new(),
            Self::Server(server) => vec![("DATABASE_URL", server.url())],
        }
    }

    /// Opens it beside the installation whose folder this is.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&self, data: &Path) -> Result<(Store, Scope)> {
        let store = match self {
            Self::File => SqliteStore::open(&data.join("milepost.sqlite"), Options::tool()).await?,
            Self::Server(server) => PostgresStore::connect(&server.url()).await?,
        };
        let company = store.people.company(CompanyId(content_id("company", &[b"only"])), "Chaos", now()).await?;
        Ok((store, Scope { company, actor: Actor::Operator }))
    }
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
