use journal::{CallOutcome, CallRecord, Entry, RecordedFact, RecordedType};

use super::{fixture::Town, passing::permit, refusing::refusal};
use crate::Arrived;

const STATE: &str = r#"
portreeve: 1
ladders: [ { name: default, levels: [ { name: standard }, { name: advanced } ] } ]
capabilities:
  - { name: CHARGE, level: standard }
  - { name: CHARGE_IN_BULK, level: advanced }
limits:
  - { name: charge-amount, capabilities: [CHARGE], numeric: { fact: amount }, value: 50 }
  - { name: charged-per-day, capabilities: [CHARGE], counted: { window: day, per: account, cost: amount }, value: 100 }
apis:
  - name: pay
    description: pay.openapi.yaml
    version: "1"
    mounts: [ { path: /pay } ]
    live: { url: "http://127.0.0.1:1/pay", credential: none, timeout: 1s, identity: ed25519 }
    operations:
      - operation: Charge
        account: { path: Sid }
        facts:
          amount: { body: "$.amount", type: quantity }
          bulk: { body: "$.bulk", type: boolean }
          note: { body: "$.note" }
          sid: { path: Sid }
          tax: { body: "$.tax[*]", type: quantity }
          where: { body: "$.where", type: country }
        uses:
          - CHARGE
          - { capability: CHARGE_IN_BULK, when: { present: bulk } }
accounts:
  - { name: acme, kind: company, verified: true, country: US, developer: {}, external_ids: { pay: AC1 } }
  - { name: user, kind: person, verified: true, external_ids: { pay: AC2 } }
  - { name: stranger, kind: person, verified: true, external_ids: { pay: AC3 } }
apps:
  - { name: shop, developer: acme, account: user, apis: [pay] }
"#;

const NOTE: &str = "for Jane Doe, born 1980";

fn charge(amount: &str, more: &str) -> String {
    format!(r#"{{"amount": "{amount}", "note": "{NOTE}"{more}}}"#)
}

fn records(town: &Town) -> Vec<CallRecord> {
    let entries = town.entries().into_iter();
    entries
        .filter_map(|entry| match entry {
            Entry::Refused(call) | Entry::Admitted(call) => Some(*call),
            Entry::Settled(_) => None,
        })
        .collect()
}

fn fact(name: &str, kind: RecordedType, value: &str) -> RecordedFact {
    RecordedFact::with_value(name, kind, value)
}

/// What a call comes to; one that is granted is settled.
async fn code(town: &Town, path: &str, body: &str) -> &'static str {
    match town.call_with(path, body).await {
        Arrived::Refused(refusal) => refusal.code,
        arrived => {
            let permit = permit(arrived);
            assert!(permit.external_account().unwrap().given.is_some());
            permit.settle(CallOutcome::Unknown);
            "granted"
        }
    }
}

/// The annotation of `Charge`, and nothing else, says what a call needs, what it costs, and whom
/// it acts for; what it measured stands in the record, where a price will be read from.
///
/// Shows: J-3.
#[tokio::test]
async fn one_annotation_serves_permission_limits_and_isolation_and_leaves_its_facts() {
    let town = Town::with(STATE);
    let ours = "/pay/accounts/user/charges";
    let mut codes = Vec::new();
    let mut ask = async |path, body: String| codes.push(code(&town, path, &body).await);
    // Permission: the capability that the annotation names, and the one under a condition.
    ask(ours, charge("10", r#", "bulk": true"#)).await;
    // A numeric limit on the amount.
    ask(ours, charge("50.000001", "")).await;
    // A counted one, which the same amount is the cost of.
    for amount in ["40", "40", "20.5", "20"] {
        ask(ours, charge(amount, "")).await;
    }
    // Isolation: no account but those the app may act for, and a counter for each account.
    ask("/pay/accounts/AC3/charges", charge("1", "")).await;
    ask(
        "/pay/accounts/AC1/charges",
        charge("40", r#", "where": "DE", "tax": [1, 2]"#),
    )
    .await;
    assert_eq!(
        codes,
        [
            "level_too_low",
            "limit_exceeded",
            "granted",
            "granted",
            "quota_exhausted",
            "granted",
            "account_unknown",
            "granted",
        ]
    );
    let records = records(&town);
    for (record, amount) in records
        .iter()
        .zip(["10", "50.000001", "40", "40", "20.5", "20"])
    {
        let taken = fact("amount", RecordedType::Quantity, amount);
        assert!(record.facts.contains(&taken), "{:?}", record.code);
        for spent in &record.counters {
            assert_eq!(spent.cost.to_string(), amount, "the same number");
        }
    }
    assert_eq!(records[2].counters.len(), 1);
    assert!(
        records[6].facts.is_empty(),
        "nothing was read for a stranger"
    );
    assert_eq!(
        records[7].facts,
        [
            fact("amount", RecordedType::Quantity, "40"),
            fact("note", RecordedType::Text, NOTE),
            fact("sid", RecordedType::Text, "AC1"),
            RecordedFact::unusable(
                "tax",
                RecordedType::Quantity,
                catalog::UnusableFact::Ambiguous
            ),
            fact("where", RecordedType::Country, "DE"),
        ]
    );
    assert_eq!(
        records[0].facts[1],
        fact("bulk", RecordedType::Boolean, "true")
    );
}

#[tokio::test]
async fn facts_are_neither_told_nor_forwarded_nor_shown_in_logs() {
    let town = Town::with(STATE);
    let path = "/pay/accounts/user/charges";
    let refused = refusal(town.call_with(path, &charge("60", "")).await);
    let told = serde_json::Value::Object(refused.more).to_string() + &refused.detail;
    assert!(
        told.contains("limit_exceeded") && !told.contains("Jane"),
        "{told}"
    );
    let permit = permit(town.call_with(path, &charge("1", "")).await);
    let context = serde_json::to_string(permit.context().unwrap()).unwrap();
    assert!(!context.contains("Jane"), "{context}");
    assert!(!format!("{permit:?}").contains("Jane"));
    drop(permit);
    for record in records(&town) {
        assert!(!format!("{record:?}").contains("Jane"));
        assert!(serde_json::to_string(&record).unwrap().contains("Jane"));
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_leaves_the_facts_of_the_head() {
    let town = Town::with(STATE);
    let broken = town.call_with("/pay/accounts/user/charges", "{").await;
    assert_eq!(refusal(broken).code, "malformed_request");
    assert_eq!(
        records(&town)[0].facts,
        [fact("sid", RecordedType::Text, "user")]
    );
}
