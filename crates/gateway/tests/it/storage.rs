//! A disk without room.

use testkit::SmallDisk;
use tokio::time::{Duration, sleep};

use crate::{
    client::Answer,
    upstream::{Received, Step, Upstream, answer},
    world::{Setup, World},
};

/// More calls than the room that the journal has made ready can hold.
const MANY: usize = 5_000;

/// Shows: F-04.
#[tokio::test]
async fn a_full_disk_refuses_with_507_until_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), 4) else {
        return;
    };
    let upstream = Upstream::start(|got: &Received| {
        let mut steps = vec![];
        if got.line().contains("slow") {
            steps.push(Step::Wait(800));
        }
        steps.extend(answer("200 OK", "", "fine"));
        steps
    })
    .await;
    let mut setup = Setup::to(upstream.url());
    setup.journal = Some(folder.path().join("journal"));
    setup.reads = 1_000_000;
    setup.timeout = "10s";
    let world = World::start(setup).await;
    let call = async || world.call("GET /shop/items", "", "").await;
    assert_eq!(call().await.status, 200);

    let under_way = world.call("GET /shop/items?slow", "", "");
    let filled = async {
        sleep(Duration::from_millis(100)).await;
        disk.fill();
        // Refused calls are written down as well, and their paths are long.
        let long = format!("GET /shop/{}", "x".repeat(2_000));
        for _ in 0..MANY {
            assert_eq!(world.call(&long, "", "").await.status, 404);
            let answer = call().await;
            if answer.status != 200 {
                return answer;
            }
        }
        panic!("{MANY} calls found room");
    };
    let (under_way, full) = tokio::join!(under_way, filled);
    assert_full(&full);
    assert_eq!(
        under_way.status, 200,
        "what was admitted goes on: {under_way:?}"
    );
    let reached = upstream.received().len();
    for _ in 0..20 {
        assert_full(&call().await);
    }
    assert_eq!(upstream.received().len(), reached);

    disk.free();
    assert_eq!(call().await.status, 200);
    let admitted = world.admitted().await.len();
    assert_eq!(upstream.received().len(), admitted);
    assert_eq!(world.outcomes(admitted).await.len(), admitted);
}

#[track_caller]
fn assert_full(answer: &Answer) {
    assert_eq!(answer.status, 507, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let problem = answer.json();
    assert_eq!(problem["code"], "storage_full");
    assert_eq!(problem["status"], 507);
    assert_eq!(
        problem["type"],
        "https://site.test/docs/problems#storage_full"
    );
    assert!(problem["decision_id"].is_string(), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("disk is full"));
}
