//! A file of an earlier version.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};
use storage::conformance::upgrade;
use storage_sqlite::{Options, SqliteStore};

static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/sqlite");

#[tokio::test]
async fn a_file_of_version_36_with_data_opens_and_nothing_is_lost_or_doubled() {
    let directory = crate::file::Directory::new("upgrade");
    let options = SqliteConnectOptions::new().filename(directory.file()).create_if_missing(true);
    let mut older = SqliteConnection::connect_with(&options).await.unwrap();
    MIGRATIONS.run_direct(Some(upgrade::VERSION), &mut older, false).await.unwrap();
    let data = upgrade::data(|id| format!("X'{}'", id.simple()), "X'01'", "1", "0");
    sqlx::raw_sql(AssertSqlSafe(data)).execute(&mut older).await.unwrap();
    older.close().await.unwrap();
    let store = SqliteStore::open(&directory.file(), Options::test()).await.unwrap();
    upgrade::nothing_is_lost_or_doubled(store).await;
}
