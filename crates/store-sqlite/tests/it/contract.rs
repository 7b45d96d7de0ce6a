use std::sync::Arc;

use primitives::Timestamp;
use store_sqlite::SqliteStore;

macro_rules! tests {
    ($($module:ident :: $case:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $case() {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("portreeve.db");
            let store = SqliteStore::open(file, Timestamp::default()).await.unwrap();
            store_contract::$module::$case(Arc::new(store.clone())).await;
            store.close().await;
        }
    )+};
}
store_contract::for_each_case!(tests);
