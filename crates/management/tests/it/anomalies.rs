use primitives::{AnomalyId, AppId, Mode, RecordId, Timestamp};
use serde_json::{Value, json};
use store::{Anomaly, FoldedCalls};

use crate::desk::Desk;

fn anomaly(id: u128, app: AppId, rule: &str) -> Anomaly {
    let at = Timestamp::from_seconds(1_759_999_000 + i64::try_from(id).unwrap());
    Anomaly {
        id: AnomalyId::from_u128(id),
        app,
        app_name: "till".to_owned(),
        mode: Mode::Live,
        rule: rule.to_owned(),
        signal: "technology".to_owned(),
        value: format!("curl-{id}"),
        state: Anomaly::OPEN.to_owned(),
        action: "step_down".to_owned(),
        levels: 1,
        found: "curl, in 0 of 20 calls".to_owned(),
        wanted: "in 10 of 1000 calls or more; usual: acme-sdk".to_owned(),
        decision: RecordId {
            epoch: 1,
            sequence: 7,
        },
        calls: 3,
        first_at: at,
        last_at: at,
        until: Some(Timestamp::from_seconds(1_760_003_600)),
        marked_by: String::new(),
        note: String::new(),
        marked_at: None,
    }
}

async fn with_anomalies() -> Desk {
    let desk = Desk::with_state().await;
    let till = desk.get("/v1/apps/till").await.body;
    let till = till["id"].as_str().unwrap().parse().unwrap();
    let other = AppId::from_u128(99);
    let folded = FoldedCalls {
        gateway: "one".to_owned(),
        to_cursor: "1".to_owned(),
        anomalies: vec![
            anomaly(1, till, "strange-client"),
            anomaly(2, till, "night"),
            anomaly(3, other, "night"),
        ],
        ..FoldedCalls::default()
    };
    let _ = desk.store.fold_calls(folded).await.unwrap();
    desk
}

async fn listed(desk: &Desk, query: &str) -> Vec<u128> {
    let page = desk
        .get(&format!("/v1/anomalies?{query}"))
        .await
        .is(200)
        .body;
    let items = page["items"].as_array().unwrap().iter();
    let id = |one: &Value| {
        one["id"]
            .as_str()
            .unwrap()
            .parse::<AnomalyId>()
            .unwrap()
            .as_u128()
    };
    items.map(id).collect()
}

/// Shows: P-33.
#[tokio::test]
async fn anomalies_are_listed_found_last_first_and_filtered() {
    let desk = with_anomalies().await;
    assert_eq!(listed(&desk, "").await, [3, 2, 1]);
    assert_eq!(listed(&desk, "app=till").await, [2, 1]);
    assert_eq!(listed(&desk, "rule=night&state=open").await, [3, 2]);
    assert_eq!(listed(&desk, "state=fine").await, [0; 0]);
    let page = desk.get("/v1/anomalies?limit=2").await.is(200).body;
    let next = page["next"].as_str().unwrap();
    assert_eq!(listed(&desk, &format!("limit=2&cursor={next}")).await, [1]);
    let first = &page["items"][1];
    assert_eq!(first["found"], "curl, in 0 of 20 calls");
    assert_eq!(first["lower_until"], "2025-10-09T09:53:20Z");
    assert_eq!(
        (&first["calls"], &first["reason"]),
        (&json!(3), &Value::Null)
    );
    for wrong in ["state=wrong", "colour=red"] {
        let answer = desk.get(&format!("/v1/anomalies?{wrong}")).await;
        answer.refuses(400, "query_invalid");
    }
    desk.get("/v1/anomalies?app=nobody")
        .await
        .refuses(404, "resource_unknown");
}

/// Shows: P-33.
#[tokio::test]
async fn a_mark_as_fine_says_who_and_why_and_is_told_in_the_log() {
    let desk = with_anomalies().await;
    let id = AnomalyId::from_u128(1);
    let path = format!("/v1/anomalies/{id}/fine");
    let reason = json!({ "reason": " our own test " });
    let marked = desk.post(&path, &reason).await.is(200).body;
    assert_eq!(
        (&marked["state"], &marked["reason"]),
        (&json!("fine"), &json!("our own test"))
    );
    assert_eq!(marked["marked_by"], "operator");
    assert_eq!(marked["lower_until"], Value::Null);
    assert_eq!(listed(&desk, "state=fine").await, [1]);
    let log = desk.get("/v1/events?kind=anomaly").await.is(200).body;
    let event = &log["items"][0];
    assert_eq!(
        (&event["actor"], &event["name"]),
        (&json!("operator"), &json!("till"))
    );
    assert_eq!(event["detail"]["alert"], "anomaly.fine");
    let told = event.to_string();
    for kept in ["our own test", "curl-1"] {
        assert!(!told.contains(kept), "the log tells `{kept}`: {told}");
    }
    for nothing in ["", "  "] {
        let answer = desk.post(&path, &json!({ "reason": nothing })).await;
        answer.refuses(422, "change_refused");
    }
    let wordy = json!({ "reason": "x".repeat(2_001) });
    desk.post(&path, &wordy)
        .await
        .refuses(422, "change_refused");
    let nobody = format!("/v1/anomalies/{}/fine", AnomalyId::from_u128(77));
    desk.post(&nobody, &reason)
        .await
        .refuses(404, "resource_unknown");
    desk.post("/v1/anomalies/nonsense/fine", &reason)
        .await
        .refuses(400, "path_invalid");
}

#[tokio::test]
async fn what_is_known_of_an_app_and_what_is_wanted_is_told() {
    let desk = Desk::with_state().await;
    let rule = json!({ "looks_at": "technology", "after_calls": 20, "action": "note" });
    let headers = [("if-none-match", "*")];
    let put = desk.ask(
        "PUT",
        "/v1/anomaly_rules/strange-client",
        &headers,
        Some(&rule),
    );
    assert!(put.await.status.is_success());
    let told = desk.get("/v1/apps/till/habits").await.is(200).body;
    assert_eq!(
        (&told["calls"], &told["days"], &told["mode"]),
        (&json!(0), &json!(0), &json!("live"))
    );
    assert_eq!(told["usual"], json!([]));
    assert_eq!(
        told["rules"],
        json!([{ "rule": "strange-client", "judges": false, "after_calls": 20, "after_days": 14 }])
    );
    desk.get("/v1/apps/nobody/habits")
        .await
        .refuses(404, "resource_unknown");
}
