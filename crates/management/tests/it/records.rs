//! Records about developers, the profile that grows from them, and what vetting makes of it.

use flows::VettingDesk;
use serde_json::{Value, json};

use crate::desk::{Desk, STATE, state_request};

const RECORDS: &str = "/v1/accounts/acme/records";
const PROFILE: &str = "/v1/accounts/acme/profile";

/// A market whose risk model asks the profile.
async fn desk() -> Desk {
    let text = STATE.replace(
        "capabilities:\n  - { name: LOOK, level: standard }\n  - { name: PAY, level: advanced }",
        r"risk_models:
  - name: default
    base: 20
    tolerance: 100
    automatic: advanced
    signals:
      - { name: disputed, records: { kind: payment, fact: disputed, measure: sum }, at_least: 2, points: 60 }
      - { name: well-known, records: { source: bureau, kind: report }, at_least: 1, points: -10 }
      - { name: large, records: { source: ledger, kind: payment, fact: amount, measure: most }, at_least: 1000000, points: 15, missing: 5 }
capabilities:
  - { name: LOOK, level: standard, risk: 10 }
  - { name: PAY, level: advanced, risk: 60 }",
    );
    assert_ne!(text, STATE);
    let desk = Desk::empty().await;
    desk.post("/v1/state/apply", &state_request(&text))
        .await
        .is(200);
    desk
}

fn payment(reference: &str, amount: i64, disputed: bool) -> Value {
    json!({
        "reference": reference, "kind": "payment", "at": "2023-11-01T00:00:00Z",
        "facts": { "amount": amount, "disputed": disputed, "country": "DE" },
    })
}

fn of(source: &str, records: &[Value]) -> Value {
    json!({ "source": source, "records": records })
}

/// Shows: P-02, P-22, P-24, P-26.
#[tokio::test]
async fn a_profile_grows_from_records_and_each_counts_once() {
    let desk = desk().await;
    let first = of(
        "ledger",
        &[payment("a", 500, false), payment("b", -20, true)],
    );
    let taken = desk.post(RECORDS, &first).await.is(200).body;
    assert_eq!(taken, json!({ "taken": 2, "known": 0 }));
    // A sender repeats itself, with one more, and one that it names twice.
    let again = of(
        "ledger",
        &[
            payment("b", -20, true),
            payment("c", 7, true),
            payment("c", 9, true),
        ],
    );
    let taken = desk.post(RECORDS, &again).await.is(200).body;
    assert_eq!(taken, json!({ "taken": 1, "known": 2 }));
    // A partner's record of the same name is another.
    let report = json!({
        "reference": "a", "kind": "report", "at": "2023-11-02T00:00:00Z", "facts": { "score": 71 },
    });
    desk.post(RECORDS, &of("bureau", &[report])).await.is(200);
    let profile = desk.get(PROFILE).await.is(200).body;
    let lines: Vec<String> = profile["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let of = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            let numbers = ["count", "sum", "least", "most"].map(|name| line[name].to_string());
            format!(
                "{} {} {} {}",
                of("source"),
                of("kind"),
                of("fact"),
                numbers.join(" ")
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "bureau report - 1 0 0 0",
            "bureau report score 1 71 71 71",
            "ledger payment - 3 0 0 0",
            "ledger payment amount 3 487 -20 500",
            "ledger payment country 3 0 0 0",
            "ledger payment disputed 3 2 0 1",
        ]
    );
    let mut seen = Vec::new();
    let mut path = format!("{RECORDS}?limit=3");
    loop {
        let page = desk.get(&path).await.is(200).body;
        for one in page["items"].as_array().unwrap() {
            seen.push(one["reference"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("{RECORDS}?limit=3&cursor={next}");
    }
    // Those of one moment stand in no order.
    seen.sort_unstable();
    assert_eq!(seen, ["a", "a", "b", "c"]);
    let events = desk.get("/v1/events?kind=record").await.is(200).body;
    let told = &events["items"][0]["detail"];
    assert_eq!(*told, json!({ "records": 1, "sources": ["bureau"] }));
}

/// Shows: P-24, P-25, P-26.
#[tokio::test]
async fn the_risk_of_a_developer_follows_from_records_with_every_line_told() {
    let desk = desk().await;
    let lines = |body: &Value| -> Vec<(String, i64)> {
        let lines = body["assessment"]["signals"].as_array().unwrap();
        let line = |one: &Value| {
            let name = one["signal"].as_str().unwrap_or_default().to_owned();
            (name, one["points"].as_i64().unwrap())
        };
        lines.iter().map(line).collect()
    };
    let told = |points: [i64; 3]| -> Vec<(String, i64)> {
        let names = ["disputed", "well-known", "large"].map(str::to_owned);
        names.into_iter().zip(points).collect()
    };
    let risk = desk.get("/v1/accounts/acme/risk").await.is(200).body;
    assert_eq!(lines(&risk), told([0, 0, 5]), "{risk}");
    let vetted = desk
        .post("/v1/accounts/acme/vetting", &json!({}))
        .await
        .is(200)
        .body;
    assert_eq!(vetted["level"], "advanced");
    // Data arrive that say otherwise: the level is looked at again without anybody asking.
    let disputed = [payment("a", 1_000_000, true), payment("b", 1, true)];
    desk.post(RECORDS, &of("ledger", &disputed)).await.is(200);
    let risk = desk.get("/v1/accounts/acme/risk").await.is(200).body;
    assert_eq!(lines(&risk), told([60, 0, 15]));
    let looked = || async {
        let vetting = VettingDesk {
            at: &desk.authority,
            loader: &desk.loader,
            services: &desk.services,
        };
        flows::look_again_where_needed(vetting).await.unwrap()
    };
    assert_eq!(looked().await, 1);
    assert_eq!(looked().await, 0);
    let vetting = desk.get("/v1/accounts/acme/vetting").await.is(200).body;
    assert_eq!(vetting["standing"]["state"], "in_review");
    assert_eq!(vetting["level"], Value::Null);
    // What was derived from the records is kept with the decision.
    assert!(vetting["standing"].to_string().contains("disputed"));
}

/// Shows: P-24, S-76.
#[tokio::test]
async fn records_that_cannot_be_change_nothing() {
    let desk = desk().await;
    let good = payment("a", 1, false);
    let with = |place: &str, value: Value| {
        let mut bent = good.clone();
        *bent.pointer_mut(place).unwrap() = value;
        of("ledger", &[good.clone(), bent])
    };
    for body in [
        with("/facts/amount", json!(1.5)),
        with("/facts/amount", json!(9_223_372_036_854_775_808_u64)),
        with("/facts/amount", json!(null)),
        with("/facts/amount", json!({ "is": 1 })),
        with("/kind", json!("a kind")),
        with("/at", json!("yesterday")),
        json!({ "source": "ledger" }),
        json!({ "source": "ledger", "records": [], "trusted": true }),
    ] {
        desk.post(RECORDS, &body)
            .await
            .refuses(400, "body_malformed");
    }
    for body in [
        with("/reference", json!("")),
        with("/reference", json!("x".repeat(201))),
        with("/facts/country", json!("x".repeat(201))),
        with("/at", json!("2123-01-01T00:00:00Z")),
        of("ledger", &vec![good.clone(); 101]),
    ] {
        desk.post(RECORDS, &body)
            .await
            .refuses(422, "change_refused");
    }
    desk.post(
        "/v1/accounts/nobody/records",
        &of("ledger", std::slice::from_ref(&good)),
    )
    .await
    .refuses(404, "resource_unknown");
    let profile = desk.get(PROFILE).await.is(200).body;
    assert_eq!(profile["lines"], json!([]));
    let (_, support) = desk.person("kim@example.com", &["support"], &[]).await;
    desk.ask_as(
        &support,
        ("POST", RECORDS),
        &[],
        Some(&of("ledger", &[good])),
    )
    .await
    .refuses(403, "role_missing");
}

/// Shows: P-24.
#[tokio::test]
async fn a_repetition_with_an_idempotency_key_is_answered_as_before() {
    let desk = desk().await;
    let body = of("ledger", &[payment("a", 1, false)]);
    let again = [("idempotency-key", "one")];
    let first = desk.ask("POST", RECORDS, &again, Some(&body)).await.is(200);
    let second = desk.ask("POST", RECORDS, &again, Some(&body)).await.is(200);
    assert_eq!(first.body, second.body);
    let other = [("idempotency-key", "two")];
    for _ in 0..2 {
        let known = desk.ask("POST", RECORDS, &other, Some(&body)).await.is(200);
        assert_eq!(known.body, json!({ "taken": 0, "known": 1 }));
    }
}
