//! The suite that every engine passes, on SQLite.

use storage::Store;
use storage_sqlite::SqliteStore;

async fn fresh() -> Store {
    SqliteStore::temporary().await.expect("a store in the directory for temporary files")
}

storage::conformance_suite!(fresh);
