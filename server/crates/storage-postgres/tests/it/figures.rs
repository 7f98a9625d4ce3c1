//! Figures in a database that something else wrote to.

use sqlx::{Connection, PgConnection};
use storage::conformance::rollups;
use storage_postgres::{PostgresStore, temporary::Temporary};

#[tokio::test]
async fn figures_that_were_falsified_are_made_anew() {
    let admin = std::env::var("MILEPOST_TEST_POSTGRES")
        .expect("MILEPOST_TEST_POSTGRES: eval \"$(tests/peers/postgres-peer.sh env)\" after `up`");
    let (database, url) = Temporary::make(&admin).await.unwrap();
    let store = PostgresStore::open(&url).await.unwrap();
    let mut direct = PgConnection::connect(url.split('?').next().unwrap()).await.unwrap();
    let falsify = async |sql| _ = sqlx::query(sql).execute(&mut direct).await.unwrap();
    rollups::what_was_falsified_is_made_anew(store, falsify).await;
    direct.close().await.unwrap();
    drop(database);
}
