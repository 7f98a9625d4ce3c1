//! Databases on the private PostgreSQL cluster of the tests; each goes with its owner.

use anyhow::{Context, Result, ensure};
use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// A database of one test.
pub struct Database {
    admin: String,
    name: String,
}

impl Database {
    /// One where the tests run on PostgreSQL (MILEPOST_TEST_ENGINE=postgres); none where they run on SQLite.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn wanted() -> Result<Option<Self>> {
        match std::env::var("MILEPOST_TEST_ENGINE").as_deref() {
            Ok("postgres") => {
                let admin = std::env::var("MILEPOST_TEST_POSTGRES").context("MILEPOST_TEST_POSTGRES is not set")?;
                Self::on(&admin).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// One on the cluster of this superuser's address.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn on(admin: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tests_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let database = Self { admin: admin.to_owned(), name };
        database.admin(&format!("DROP DATABASE IF EXISTS {}", database.name))?;
        database.admin(&format!("CREATE DATABASE {}", database.name))?;
        Ok(database)
    }

    /// Its address.
    pub fn url(&self) -> String {
        let (cluster, _) = self.admin.rsplit_once('/').unwrap_or((&self.admin, ""));
        format!("{cluster}/{}", self.name)
    }

    /// Asks it something; the rows, columns apart by `|`.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn ask(&self, sql: &str) -> Result<String> {
        psql(&self.url(), sql)
    }

    fn admin(&self, sql: &str) -> Result<String> {
        psql(&self.admin, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn psql(url: &str, sql: &str) -> Result<String> {
    let done =
        Command::new("psql").args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).output().context("psql")?;
    ensure!(done.status.success(), "psql: {}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
