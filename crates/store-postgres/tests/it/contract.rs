use std::sync::Arc;

use primitives::Timestamp;
use store_contract::CASES;
use store_postgres::PostgresStore;
use testkit::Postgres;

/// All cases in one test, because they share one server and a test has a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_case_of_the_contract_holds() {
    let Some(server) = Postgres::launch().await else {
        return;
    };
    let migrated = server.database().await;
    let now = Timestamp::default();
    let store = PostgresStore::connect(&migrated.address(), now)
        .await
        .unwrap();
    store.close().await;
    let mut broken = Vec::new();
    for (name, case) in CASES {
        let database = server.copy_of(&migrated).await;
        let store = PostgresStore::connect(&database.address(), now)
            .await
            .unwrap();
        let held = tokio::spawn(case(Arc::new(store.clone()))).await;
        store.close().await;
        if held.is_err() {
            broken.push(*name);
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
}
