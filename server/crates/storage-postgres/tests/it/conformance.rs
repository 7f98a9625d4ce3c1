//! The suite that every engine passes, on PostgreSQL: on the cluster that `tests/peers/postgres-peer.sh` starts.

use storage::Store;
use storage_postgres::PostgresStore;

async fn fresh() -> Store {
    let admin = std::env::var("MILEPOST_TEST_POSTGRES")
        .expect("MILEPOST_TEST_POSTGRES: eval \"$(tests/peers/postgres-peer.sh env)\" after `up`");
    PostgresStore::temporary(&admin).await.expect("a database of its own")
}

storage::conformance_suite!(fresh);

#[tokio::test]
async fn a_command_makes_the_tables_of_an_empty_database_and_finds_them_there_the_next_time() {
    let admin = std::env::var("MILEPOST_TEST_POSTGRES").expect("as above");
    let (database, url) = storage_postgres::temporary::Temporary::make(&admin).await.expect("a database");
    for _ in 0..2 {
        let store = PostgresStore::connect(&url).await.expect("connected");
        assert_eq!(store.connections.by_name("nobody").await.expect("an answer").map(drop), None);
    }
    drop(database);
}
