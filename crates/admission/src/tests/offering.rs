use journal::{CallOutcome, Entry};
use serde_json::{Value, json};

use super::{fixture::Town, passing::permit, refusing::refusal};

const STATE: &str = r#"
portreeve: 1
ladders: [ { name: default, levels: [ { name: standard } ] } ]
capabilities:
  - { name: SEND, level: standard }
  - { name: AGREE, level: standard }
limits:
  - name: sends-per-day
    capabilities: [SEND]
    counted: { window: day, per: account }
    value: 100
    exhausted: { offer_plan: pro }
  - { name: agreed-amount, capabilities: [AGREE], numeric: { fact: amount }, value: unlimited, exhausted: { offer_plan: pro } }
plans:
  - { name: free, limits: { sends-per-day: 2, agreed-amount: 10 } }
  - { name: pro, title: Professional, limits: { sends-per-day: 5 } }
apis:
  - name: pay
    description: pay.openapi.yaml
    version: "1"
    mounts: [ { path: /pay } ]
    live: { url: "http://127.0.0.1:1/pay", credential: none, timeout: 1s, identity: ed25519 }
    operations:
      - { operation: Send, uses: [SEND] }
      - operation: Agree
        facts: { amount: { body: "$.amount", type: quantity } }
        uses: [AGREE]
accounts:
  - { name: acme, kind: company, verified: true, country: US, developer: {} }
  - { name: user, kind: person, verified: true, plan: free }
apps:
  - { name: shop, developer: acme, account: user, apis: [pay] }
"#;

/// Shows: J-5.
#[tokio::test]
async fn an_exhausted_limit_refuses_and_offers_the_plan_its_configuration_names() {
    let mut town = Town::with(STATE);
    for _ in 0..2 {
        permit(town.call("POST", "/pay/send").await).settle(CallOutcome::Unknown);
    }
    let refused = refusal(town.call("POST", "/pay/send").await);
    assert_eq!((refused.status, refused.code), (429, "quota_exhausted"));
    assert_eq!(
        refused.more["offers"],
        json!([{
            "offer": "plan",
            "text": "on the plan `Professional` the limit `sends-per-day` is 5 instead of 2",
            "who": "account",
            "limit": "sends-per-day",
            "plan": "pro",
            "title": "Professional",
            "current": "2",
            "offered": "5",
            "admits": true,
        }])
    );
    let amount = town.call_with("/pay/agreements", r#"{"amount": 11}"#).await;
    let offer = &refusal(amount).more["offers"][0];
    assert_eq!(
        (&offer["current"], &offer["offered"]),
        (&"10".into(), &"unlimited".into())
    );
    let unknown = town.presents(&town.key.0.to_string(), "a guess");
    let unknown = refusal(town.call_as(&unknown, "POST", "/pay/send", &[]).await);
    assert_eq!(unknown.more.keys().collect::<Vec<_>>(), ["decision_id"]);
    // The operator puts the account on the plan, and the offer is kept.
    town.change_state(&STATE.replace("plan: free", "plan: pro"));
    for _ in 0..3 {
        permit(town.call("POST", "/pay/send").await).settle(CallOutcome::Unknown);
    }
    let refused_again = refusal(town.call("POST", "/pay/send").await);
    assert_eq!(refused_again.status, 429);
    assert!(
        !refused_again.more.contains_key("offers"),
        "nothing helps any more"
    );
    let entries = town.entries();
    let recorded = entries.iter().find_map(|entry| match entry {
        Entry::Refused(call) if call.id == refused.decision => Some(call),
        _ => None,
    });
    let recorded: Value = serde_json::from_str(&recorded.unwrap().answer).unwrap();
    assert_eq!(recorded["offers"], refused.more["offers"]);
}

#[tokio::test]
async fn refusing_is_what_an_exhausted_limit_means_by_default() {
    let state = STATE.replace("exhausted: { offer_plan: pro }", "exhausted: refuse");
    for state in [
        &state,
        &state.replace("exhausted: refuse", "title: Of a day"),
    ] {
        let town = Town::with(state.as_str());
        for _ in 0..2 {
            permit(town.call("POST", "/pay/send").await).settle(CallOutcome::Unknown);
        }
        let refused = refusal(town.call("POST", "/pay/send").await);
        assert_eq!(refused.status, 429);
        assert!(!refused.more.contains_key("offers"));
    }
}
