use primitives::{AccountId, AppId, Clock as _, Mode, RecordId, Timestamp};
use serde_json::Value;
use store::{CallIndexRow, FoldedCalls};

use crate::desk::Desk;

fn row(desk: &(AppId, AccountId), sequence: u64) -> CallIndexRow {
    let refused = sequence.is_multiple_of(3);
    CallIndexRow {
        id: RecordId { epoch: 1, sequence },
        at: Timestamp::from_seconds(1_760_000_000 + i64::try_from(sequence).unwrap()),
        mode: (sequence > 1).then_some(if sequence.is_multiple_of(2) {
            Mode::Live
        } else {
            Mode::Test
        }),
        api: "shop".to_owned(),
        operation: "look".to_owned(),
        app: (sequence > 1).then_some(desk.0),
        developer: (sequence > 1).then_some(desk.1),
        account: None,
        capabilities: " LOOK PAY ".to_owned(),
        outcome: if refused { "refused" } else { "served" }.to_owned(),
        status: if refused { 403 } else { 200 },
        code: if refused { "level_too_low" } else { "" }.to_owned(),
        record: serde_json::json!({ "call": {
            "sequence": sequence,
            "facts": [{ "name": "amount", "type": "quantity", "value": "12.5" }],
            "answer": r#"{"verdict":"refused","offers":[{"offer":"plan"}]}"#,
        } })
        .to_string()
        .into_bytes(),
    }
}

async fn with_calls(count: u64) -> Desk {
    let desk = Desk::with_state().await;
    let app = desk.get("/v1/apps/till").await.body["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let developer = desk.get("/v1/accounts/acme").await.body["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let folded = FoldedCalls {
        gateway: "one".to_owned(),
        to_cursor: "1".to_owned(),
        calls: (1..=count).map(|n| row(&(app, developer), n)).collect(),
        ..FoldedCalls::default()
    };
    let _ = desk.store.fold_calls(folded).await.unwrap();
    desk
}

/// Shows: P-61.
#[tokio::test]
async fn calls_are_charted_over_time() {
    let desk = with_calls(9).await;
    let since = desk.clock.now().plus_seconds(-3_600);
    let path = format!("/v1/call-chart?slot_seconds=3600&since={since}");
    let counted = async |path: &str| -> u64 {
        let slots = desk.get(path).await.is(200).body["slots"].clone();
        let slots = slots.as_array().unwrap().clone();
        slots
            .iter()
            .map(|slot| slot["calls"].as_u64().unwrap())
            .sum()
    };
    let all = counted(&path).await;
    let of_app = counted(&format!("{path}&app=till")).await;
    assert!(all > of_app && of_app > 0, "{all} {of_app}");
    desk.get(&format!("{path}&app=nobody"))
        .await
        .refuses(404, "resource_unknown");
    for wrong in [
        "/v1/call-chart".to_owned(),
        path.replace("3600&", "59&"),
        path.replace("3600&", "86401&"),
        "/v1/call-chart?slot_seconds=60&since=1970-01-01T00:00:00Z".to_owned(),
    ] {
        desk.get(&wrong).await.refuses(400, "query_invalid");
    }
}

async fn sequences(desk: &Desk, query: &str) -> Vec<u64> {
    let page = desk
        .get(&format!("/v1/call-records?limit=100&{query}"))
        .await
        .is(200)
        .body;
    let ids = page["items"].as_array().unwrap().iter();
    ids.map(|call| {
        call["id"]
            .as_str()
            .unwrap()
            .parse::<RecordId>()
            .unwrap()
            .sequence
    })
    .collect()
}

#[tokio::test]
async fn calls_are_found_by_what_is_known_of_them() {
    let desk = with_calls(9).await;
    assert_eq!(sequences(&desk, "").await, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(sequences(&desk, "outcome=refused").await, [9, 6, 3]);
    assert_eq!(sequences(&desk, "mode=live&app=till").await, [8, 6, 4, 2]);
    assert_eq!(
        sequences(&desk, "developer=acme&mode=test").await,
        [9, 7, 5, 3]
    );
    assert_eq!(
        sequences(&desk, "capability=PAY&outcome=refused").await,
        [9, 6, 3]
    );
    assert!(sequences(&desk, "capability=PA").await.is_empty());
    assert!(sequences(&desk, "api=other").await.is_empty());
    let window = "from=2025-10-09T08:53:24Z&until=2025-10-09T08:53:26Z";
    assert_eq!(sequences(&desk, window).await, [5, 4]);
    let unknown = desk.get("/v1/call-records?app=nobody").await;
    unknown.refuses(404, "resource_unknown");
    let wrong = ["mode=loud", "from=yesterday", "color=red", "outcome=lost"];
    for query in wrong.into_iter().chain(["api=a%00b", "capability=a%20b"]) {
        desk.get(&format!("/v1/call-records?{query}"))
            .await
            .refuses(400, "query_invalid");
    }
}

#[tokio::test]
async fn pages_of_calls_hold_each_once() {
    let desk = with_calls(23).await;
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let page = desk
            .get(&format!("/v1/call-records?limit=5{cursor}"))
            .await
            .is(200)
            .body;
        seen += page["items"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 23);
}

#[tokio::test]
async fn a_decision_is_explained_by_its_id() {
    let desk = with_calls(3).await;
    let id = RecordId {
        epoch: 1,
        sequence: 3,
    };
    let told = desk.get(&format!("/v1/decisions/{id}")).await.is(200).body;
    assert_eq!(told["call"]["code"], "level_too_low");
    assert_eq!(told["record"]["call"]["sequence"], 3);
    assert_eq!(told["record"]["call"]["facts"][0]["value"], "12.5");
    assert_eq!(told["answer"]["offers"][0]["offer"], "plan");
    assert_eq!(told["call"]["mode"], "test");
    let id = RecordId {
        epoch: 1,
        sequence: 1,
    };
    let told = desk.get(&format!("/v1/decisions/{id}")).await.is(200).body;
    assert_eq!(told["call"]["mode"], Value::Null);
    let id = RecordId {
        epoch: 7,
        sequence: 1,
    };
    desk.get(&format!("/v1/decisions/{id}"))
        .await
        .refuses(404, "resource_unknown");
    desk.get("/v1/decisions/nonsense")
        .await
        .refuses(400, "path_invalid");
}
