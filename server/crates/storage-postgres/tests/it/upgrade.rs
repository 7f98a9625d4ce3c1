//! A database of an earlier version.

use sqlx::{AssertSqlSafe, Connection, PgConnection, migrate::Migrator};
use storage::conformance::upgrade;
use storage_postgres::{PostgresStore, temporary::Temporary};

static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/postgres");

#[tokio::test]
async fn a_database_of_version_36_with_data_opens_and_nothing_is_lost_or_doubled() {
    let admin = std::env::var("MILEPOST_TEST_POSTGRES")
        .expect("MILEPOST_TEST_POSTGRES: eval \"$(tests/peers/postgres-peer.sh env)\" after `up`");
    let (database, url) = Temporary::make(&admin).await.unwrap();
    let plain = url.split('?').next().unwrap();
    let mut older = PgConnection::connect(plain).await.unwrap();
    MIGRATIONS.run_direct(Some(upgrade::VERSION), &mut older, false).await.unwrap();
    let data = upgrade::data(|id| format!("'{id}'"), "'\\x01'", "true", "false");
    sqlx::raw_sql(AssertSqlSafe(data)).execute(&mut older).await.unwrap();
    older.close().await.unwrap();
    let store = PostgresStore::open(&url).await.unwrap();
    upgrade::nothing_is_lost_or_doubled(store).await;
    drop(database);
}
