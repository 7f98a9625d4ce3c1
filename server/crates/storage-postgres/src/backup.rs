//! PostgreSQL's own tools for a copy of a database and back: `pg_dump` and `pg_restore`. Passwords go to them by the
//! environment, so that no list of processes shows them.

use crate::{codec::SqlError, options, unavailable};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use storage::{Result, StoreError};
use tokio::process::Command;

/// Where Debian's packages put the tools of each version.
const TOOLS: &str = "/usr/lib/postgresql";
/// Names of schemas that a restore moved aside begin so.
const ASIDE: &str = "before_restore_";
/// Characters of a tool's complaint that are shown.
const COMPLAINT_CHARS: usize = 600;

/// Copies the database as it is at one moment into a file (custom format). Servers go on writing.
///
/// # Errors
/// `Unavailable` when the tool is missing, older than the server, or fails, with what it said.
pub async fn dump(url: &str, to: &Path) -> Result<()> {
    let mut command = tool("pg_dump", url)?;
    // what a restore moved aside is no part of the installation
    let aside = format!("--exclude-schema={ASIDE}*");
    command.args(["--format=custom", "--compress=1", "--no-owner", "--no-acl", &aside, "--file"]).arg(to);
    run("pg_dump", command).await
}

/// Fills an empty database from such a file, all of it or nothing.
///
/// # Errors
/// As [`dump`].
pub async fn load(url: &str, from: &Path) -> Result<()> {
    let mut command = tool("pg_restore", url)?;
    command.args(["--exit-on-error", "--single-transaction", "--no-owner", "--no-acl"]).arg(from);
    run("pg_restore", command).await
}

/// Whether a file can be read by `pg_restore`.
///
/// # Errors
/// `Damaged` with what it said.
pub async fn check(from: &Path) -> Result<()> {
    let mut command = Command::new(path_of("pg_restore")?);
    command.arg("--list").arg(from);
    run("pg_restore --list", command).await.map_err(|error| StoreError::Damaged(error.to_string()))
}

/// What is in a database that a backup is to be restored into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// No table of ours.
    Empty,
    /// An installation's tables.
    Filled,
}

/// Looks at the database that a backup is to be restored into.
///
/// # Errors
/// `Conflict` while a server is connected to it.
pub async fn target(url: &str) -> Result<Target> {
    let mut conn = connect(url).await?;
    let others: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'milepost' AND pid <> pg_backend_pid()",
    )
    .fetch_one(&mut conn)
    .await
    .map_err(SqlError::from)?;
    if others > 0 {
        return Err(StoreError::Conflict("servers are connected to the database: stop them first".into()));
    }
    let filled: bool = sqlx::query_scalar("SELECT to_regclass('company') IS NOT NULL")
        .fetch_one(&mut conn)
        .await
        .map_err(SqlError::from)?;
    Ok(if filled { Target::Filled } else { Target::Empty })
}

/// A setting of the installation in a database; none where there is no installation.
///
/// # Errors
/// When the database refuses.
pub async fn setting(url: &str, name: &str) -> Result<Option<String>> {
    let mut conn = connect(url).await?;
    let filled: bool = sqlx::query_scalar("SELECT to_regclass('setting') IS NOT NULL")
        .fetch_one(&mut conn)
        .await
        .map_err(SqlError::from)?;
    let value = match filled {
        true => sqlx::query_scalar("SELECT value FROM setting WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut conn)
            .await
            .map_err(SqlError::from)?,
        false => None,
    };
    // what looks for servers next must not find this
    conn.close().await.map_err(SqlError::from)?;
    Ok(value)
}

/// Moves what is there into a schema of its own, which can be dropped when nobody misses it.
///
/// # Errors
/// When the database refuses.
pub async fn move_aside(url: &str, name: &str) -> Result<()> {
    let mut conn = connect(url).await?;
    // the name is made of digits by the caller
    for sql in [format!("ALTER SCHEMA public RENAME TO {ASIDE}{name}"), "CREATE SCHEMA public".to_owned()] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await.map_err(SqlError::from)?;
    }
    Ok(())
}

/// Moves it back, after a load that failed and left nothing.
///
/// # Errors
/// When the database refuses.
pub async fn move_back(url: &str, name: &str) -> Result<()> {
    let mut conn = connect(url).await?;
    for sql in ["DROP SCHEMA public".to_owned(), format!("ALTER SCHEMA {ASIDE}{name} RENAME TO public")] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await.map_err(SqlError::from)?;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<PgConnection> {
    let (options, _) = options(url)?;
    PgConnection::connect_with(&options).await.map_err(|error| unavailable(&error))
}

fn tool(name: &str, url: &str) -> Result<Command> {
    let (address, password) = without_password(url);
    let mut command = Command::new(path_of(name)?);
    command.arg("--dbname").arg(address);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    Ok(command)
}

/// The newest version of a tool that is installed: an older one refuses a newer server.
fn path_of(name: &str) -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(TOOLS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(name))))
        .filter(|(_, path)| path.exists())
        .collect();
    versions.sort();
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.exists())
    };
    versions.pop().map(|(_, path)| path).or_else(on_path).ok_or_else(|| {
        StoreError::Unavailable(format!("{name} is not installed: install PostgreSQL's client of the server's version"))
    })
}

async fn run(name: &str, mut command: Command) -> Result<()> {
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let done = done.map_err(|error| StoreError::Unavailable(format!("{name}: {error}")))?;
    if done.status.success() {
        return Ok(());
    }
    let complaint: String = String::from_utf8_lossy(&done.stderr).trim().chars().take(COMPLAINT_CHARS).collect();
    Err(StoreError::Unavailable(format!("{name}: {complaint}")))
}

/// The address for the tools, without the password and our own parameter; and the password.
fn without_password(url: &str) -> (String, Option<String>) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
    let (path, query) = path.split_once('?').map_or((path.as_str(), ""), |(p, q)| (p, q));
    let query: Vec<&str> = query.split('&').filter(|p| !p.is_empty() && !p.starts_with("max_connections=")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let (authority, password) = match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, password)) => (format!("{user}@{host}"), Some(decoded(password))),
            None => (authority.to_owned(), None),
        },
        None => (authority.to_owned(), None),
    };
    (format!("{scheme}://{authority}{path}{query}"), password)
}

/// `%40` is `@`.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        match code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_in_the_address() {
        let of = |url: &str| without_password(url);
        assert_eq!(
            of("postgres://me:p%40ss%2@h:5432/d?max_connections=9&sslmode=require"),
            ("postgres://me@h:5432/d?sslmode=require".into(), Some("p@ss%2".into()))
        );
        assert_eq!(of("postgres://me@h/d?max_connections=9"), ("postgres://me@h/d".into(), None));
        assert_eq!(of("postgres:///d"), ("postgres:///d".into(), None));
    }
}
