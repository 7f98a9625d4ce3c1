//! A database that goes with its owner. For tests.

use crate::unavailable;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};
use storage::Result;

/// Owns databases of tests without any right beside; stays in the cluster.
const OWNER: &str = "milepost_owner";

/// A database; dropped with this.
pub struct Temporary {
    admin: PgConnectOptions,
    name: String,
}

impl Temporary {
    /// Makes a database on the cluster of this address, which must be a superuser's; with the new one's address.
    ///
    /// # Errors
    /// `Unavailable` when the cluster is not there or refuses.
    pub async fn make(admin: &str) -> Result<(Self, String)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("milepost_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let options = PgConnectOptions::from_str(admin).map_err(|error| unavailable(&error))?;
        for sql in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
            run(&options, sql).await.map_err(|error| unavailable(&error))?;
        }
        let (cluster, _) = admin.rsplit_once('/').unwrap_or((admin, ""));
        let url = format!("{cluster}/{name}?max_connections=8");
        Ok((Self { admin: options, name }, url))
    }

    /// The same, owned and used by a role that is no superuser, as in an installation.
    ///
    /// # Errors
    /// `Unavailable` when the cluster is not there or refuses.
    pub async fn owned(admin: &str) -> Result<(Self, String)> {
        let (made, url) = Self::make(admin).await?;
        let role = format!(
            "DO $$ BEGIN CREATE ROLE {OWNER}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        );
        for sql in [role, format!("ALTER DATABASE {} OWNER TO {OWNER}", made.name)] {
            run(&made.admin, sql).await.map_err(|error| unavailable(&error))?;
        }
        Ok((made, format!("{url}&options[role]={OWNER}")))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let (options, sql) = (self.admin.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // a runtime of its own: the test's may be ending
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(run(&options, sql)))
        });
        drop(dropping.join());
    }
}

/// The statement is made of our own names.
async fn run(options: &PgConnectOptions, sql: String) -> sqlx::Result<()> {
    let mut conn = PgConnection::connect_with(options).await?;
    sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await?;
    conn.close().await
}
