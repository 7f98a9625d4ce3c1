//! A database that goes with its owner. For tests.

use crate::{MIGRATIONS, migrate, unavailable};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};
use storage::Result;

/// Owns databases of tests without any right beside; stays in the cluster.
const OWNER: &str = "milepost_owner";
/// Held while the database that tests copy is made.
const MODEL_LOCK: i64 = 0x006d_6f64_656c;

/// A database; dropped with this.
pub struct Temporary {
    admin: PgConnectOptions,
    name: String,
}

impl Temporary {
    /// Makes an empty database on the cluster of this address, which must be a superuser's; with the new one's address.
    ///
    /// # Errors
    /// `Unavailable` when the cluster is not there or refuses.
    pub async fn make(admin: &str) -> Result<(Self, String)> {
        Self::copied(admin, "template1").await
    }

    /// The same with all tables: a copy of a database that the first test made, since bringing a new one up to date takes
    /// longer than most tests.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub async fn migrated(admin: &str) -> Result<(Self, String)> {
        let model = model(admin).await?;
        Self::copied(admin, &model).await
    }

    async fn copied(admin: &str, model: &str) -> Result<(Self, String)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("milepost_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let options = PgConnectOptions::from_str(admin).map_err(|error| unavailable(&error))?;
        let made = [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name} TEMPLATE {model}")];
        run(&options, made).await.map_err(|error| unavailable(&error))?;
        let url = format!("{}?max_connections=8", beside(admin, &name));
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
        let owned = format!("ALTER DATABASE {} OWNER TO {OWNER}", made.name);
        run(&made.admin, [role, owned]).await.map_err(|error| unavailable(&error))?;
        Ok((made, format!("{url}&options[role]={OWNER}")))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let (options, sql) = (self.admin.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // a runtime of its own: the test's may be ending
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(run(&options, [sql])))
        });
        drop(dropping.join());
    }
}

/// The database that is copied: one for each list of migrations, so that a changed list has another one. It stays in the
/// cluster; of several processes one makes it and the others wait.
async fn model(admin: &str) -> Result<String> {
    let mut digest = DefaultHasher::new();
    for migration in MIGRATIONS.iter() {
        migration.checksum.hash(&mut digest);
    }
    let name = format!("milepost_model_{:016x}", digest.finish());
    let failed = |error: sqlx::Error| unavailable(&error);
    let mut conn = PgConnection::connect(admin).await.map_err(failed)?;
    if !exists(&mut conn, &name).await.map_err(failed)? {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(MODEL_LOCK).execute(&mut conn).await.map_err(failed)?;
        if !exists(&mut conn, &name).await.map_err(failed)? {
            let new = format!("{name}_new");
            let options = PgConnectOptions::from_str(admin).map_err(failed)?;
            let made = [format!("DROP DATABASE IF EXISTS {new}"), format!("CREATE DATABASE {new}")];
            run(&options, made).await.map_err(failed)?;
            migrate(&beside(admin, &new)).await?;
            // what is connected with a database keeps it from being copied
            let closed = [
                format!("ALTER DATABASE {new} ALLOW_CONNECTIONS false"),
                format!("ALTER DATABASE {new} RENAME TO {name}"),
            ];
            run(&options, closed).await.map_err(failed)?;
        }
    }
    // its lock goes with it
    conn.close().await.map_err(failed)?;
    Ok(name)
}

async fn exists(conn: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)").bind(name).fetch_one(conn).await
}

/// The address of another database of this cluster.
fn beside(admin: &str, name: &str) -> String {
    let (cluster, _) = admin.rsplit_once('/').unwrap_or((admin, ""));
    format!("{cluster}/{name}")
}

/// The statements are made of our own names.
async fn run(options: &PgConnectOptions, statements: impl IntoIterator<Item = String>) -> sqlx::Result<()> {
    let mut conn = PgConnection::connect_with(options).await?;
    for sql in statements {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await?;
    }
    conn.close().await
}
