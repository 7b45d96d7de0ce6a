//! Calls that are unlike those that their app usually makes.

use accounts::anomalies::{Habit, Seen, Value as Unusual};
use journal::{CallRecord, Entry};
use primitives::{AppId, Mode};
use serde_json::Value;

use super::{
    fixture::{NOON, Town},
    refusing::refusal,
};
use crate::{Arrived, Whose, anomaly_id};

/// The town with a rule over how its apps call.
fn town(rule: &str) -> Town {
    let state = Town::STATE
        .replace(
            "developer: {}",
            "developer: { levels: { default: advanced } }",
        )
        .replace(
            "accounts:\n",
            &format!("anomaly_rules: [ {{ {rule} }} ]\naccounts:\n"),
        );
    let town = Town::with(&state);
    let mut habit = Habit::default();
    for day in 1..=20 {
        habit.observe(&Seen {
            at: NOON.plus_seconds(-86_400 * day),
            technology: "acme-sdk",
            country: None,
            in_hour: 1,
        });
    }
    town.habits.publish(whose(&town), habit);
    town
}

fn whose(town: &Town) -> Whose {
    let snapshot = town.snapshots.load();
    let app: AppId = snapshot.app_named("shop").unwrap().id;
    (app, Mode::Live)
}

const LEARNT: &str = "after_calls: 10, after_days: 7";

async fn call(town: &Town, path: &str, client: &str) -> Arrived {
    let headers = [("user-agent", client)];
    town.call_as(&town.presented(), "POST", path, &headers)
        .await
}

async fn refused_as(town: &Town, path: &str, client: &str) -> &'static str {
    match call(town, path, client).await {
        Arrived::Refused(refusal) => refusal.code,
        Arrived::Permitted(_) => "",
        Arrived::NeedsBody(_) => panic!("a body is asked for"),
    }
}

fn records(town: &Town) -> Vec<CallRecord> {
    let record = |entry| match entry {
        Entry::Refused(call) | Entry::Admitted(call) => Some(*call),
        Entry::Settled(_) => None,
    };
    town.entries().into_iter().filter_map(record).collect()
}

/// Shows: P-33.
#[tokio::test]
async fn an_unusual_technology_is_refused_explained_and_passes_once_it_is_marked() {
    let rule = format!("name: strange-client, looks_at: technology, {LEARNT}, action: refuse");
    let town = town(&rule);
    assert_eq!(refused_as(&town, "/pay/send", "acme-sdk/2").await, "");
    let refused = refusal(call(&town, "/pay/send", "curl/8").await);
    assert_eq!((refused.status, refused.code), (403, "anomaly_refused"));
    let told = Value::Object(refused.more).to_string() + &refused.detail;
    for secret in ["strange-client", "acme-sdk", "20 calls"] {
        assert!(
            !told.contains(secret),
            "the caller is told `{secret}`: {told}"
        );
    }
    assert!(told.contains(r#""edits":null"#), "{told}");
    let anomaly = anomaly_id(whose(&town), "strange-client", "curl");
    town.habits.mark_fine(
        whose(&town),
        anomaly,
        &Unusual::Technology("curl".to_owned()),
    );
    assert_eq!(refused_as(&town, "/pay/send", "curl/8").await, "");
    let records = records(&town);
    let anomalies = |at: usize| &records[at].manner.as_ref().unwrap().anomalies;
    assert!(anomalies(0).is_empty() && anomalies(2).is_empty());
    let found = &anomalies(1)[0];
    assert_eq!(
        [
            &*found.rule,
            &*found.signal,
            &*found.value,
            &*found.action,
            &*found.found,
            &*found.wanted
        ],
        [
            "strange-client",
            "technology",
            "curl",
            "refuse",
            "curl, in 0 of 20 calls",
            "in 10 of 1000 calls or more; usual: acme-sdk"
        ]
    );
    let answer: Value = serde_json::from_str(&records[1].answer).unwrap();
    assert_eq!(answer["gates"][0]["gate"], "anomaly", "{answer}");
    assert_eq!(answer["gates"][0]["rule"], "strange-client");
    assert_eq!(answer["gates"][0]["value"], "curl, in 0 of 20 calls");
}

/// Shows: P-33.
#[tokio::test]
async fn what_is_only_noted_passes_and_stands_in_the_record() {
    let rule = format!("name: night, looks_at: hour, {LEARNT}, action: note");
    let town = town(&rule);
    town.clock.advance_seconds(12 * 3_600);
    assert_eq!(refused_as(&town, "/pay/send", "acme-sdk").await, "");
    let records = records(&town);
    let found = &records[0].manner.as_ref().unwrap().anomalies[0];
    assert_eq!((found.value.as_str(), found.action.as_str()), ("0", "note"));
    assert!(found.wanted.contains("usual: 12"), "{}", found.wanted);
}

/// Shows: P-33.
#[tokio::test]
async fn an_app_stands_lower_at_once_and_until_the_time_is_over() {
    let rule = format!(
        "name: strange-client, looks_at: technology, {LEARNT}, action: {{ step_down: {{ for: 1h }} }}"
    );
    let town = town(&rule);
    assert_eq!(refused_as(&town, "/pay/bulk", "acme-sdk").await, "");
    let refused = refusal(call(&town, "/pay/bulk", "curl").await);
    assert_eq!(refused.code, "level_too_low");
    assert_eq!(refused.more["edits"], Value::Null, "no level is the way in");
    assert_eq!(
        refused_as(&town, "/pay/bulk", "acme-sdk").await,
        "level_too_low"
    );
    assert_eq!(
        refused_as(&town, "/pay/send", "acme-sdk").await,
        "",
        "the lowest stays"
    );
    let snapshot = town.snapshots.load_full();
    let lists_bulk = || {
        let all = town
            .admission
            .capabilities(&snapshot, snapshot.app_named("shop").unwrap());
        all[0].1.iter().filter(|one| one.granted).count()
    };
    let lower = lists_bulk();
    town.clock.advance_seconds(3_600);
    assert!(lists_bulk() > lower, "what an app may do is told as it is");
    assert_eq!(refused_as(&town, "/pay/bulk", "acme-sdk").await, "");
    let records = records(&town);
    let down: Vec<u32> = records
        .iter()
        .map(|call| call.manner.as_ref().unwrap().levels_down)
        .collect();
    assert_eq!(down, [0, 1, 1, 1, 0]);
    let until = records[1].manner.as_ref().unwrap().anomalies[0].until;
    assert_eq!(until, Some(NOON.plus_seconds(3_600)));
}

#[tokio::test]
async fn without_rules_nothing_is_looked_at() {
    let town = Town::new();
    assert_eq!(refused_as(&town, "/pay/send", "curl").await, "");
    assert_eq!(records(&town)[0].manner, None);
}
