//! The suite that every engine passes, on PostgreSQL: on the cluster that `tests/peers/postgres-peer.sh` starts.

use storage::Store;
use storage_postgres::PostgresStore;

async fn fresh() -> Store {
    let admin = std::env::var("MILEPOST_TEST_POSTGRES")
        .expect("MILEPOST_TEST_POSTGRES: eval \"$(tests/peers/postgres-peer.sh env)\" after `up`");
    PostgresStore::temporary(&admin).await.expect("a database of its own")
}

storage::conformance_suite!(fresh);
