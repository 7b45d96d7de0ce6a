use journal::Entry;
use primitives::{Mode, Secret, SeededEntropy, Timestamp};
use serde_json::Value;

use super::fixture::{NOON, Town};
use crate::{Arrived, Audience, Presented, Refusal, cut};

pub(super) fn refusal(arrived: Arrived) -> Refusal {
    match arrived {
        Arrived::Refused(refusal) => *refusal,
        other => panic!("{other:?}"),
    }
}

/// Shows: P-36, P-55, P-57.
#[tokio::test]
async fn a_refusal_names_every_gate_and_the_edit_that_opens_it() {
    let town = Town::new();
    let refused = refusal(town.call("POST", "/pay/bulk").await);
    assert_eq!((refused.status, refused.code), (403, "level_too_low"));
    assert!(refused.detail.contains("advanced"), "{}", refused.detail);
    let told = Value::Object(refused.more.clone());
    assert_eq!(told["decision_id"], refused.decision.to_string());
    assert_eq!(told["capabilities"][0]["capability"], "BULK");
    assert_eq!(told["capabilities"][0]["granted"], false);
    let gates = told["capabilities"][0]["gates"].as_array().unwrap();
    assert_eq!(gates.len(), decision::Gate::OF_CAPABILITY.len());
    let level = gates.iter().find(|gate| gate["gate"] == "level").unwrap();
    assert_eq!(level["outcome"], "refused");
    assert_eq!(level["threshold"], "default/advanced");
    assert_eq!(told["edits"][0]["edit"], "assign_level");
    assert_eq!(told["edits"][0]["by"], "operator");
    assert_eq!(told["edits"][0]["level"], "advanced");
    assert!(town.counters.is_empty());
    let entries = town.entries();
    let [Entry::Refused(call)] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    assert_eq!((call.status, call.code.as_str()), (403, "level_too_low"));
    assert_eq!((call.id, call.counters.len()), (refused.decision, 0));
    let kept: Value = serde_json::from_str(&call.answer).unwrap();
    assert_eq!(kept["edits"], told["edits"]);
}

#[tokio::test]
async fn a_policy_s_text_is_for_the_operator_only() {
    let town = Town::new();
    let refused = refusal(town.call("GET", "/pay/approved").await);
    assert_eq!(refused.code, "policy_refused");
    let told = Value::Object(refused.more).to_string() + &refused.detail;
    assert!(!told.contains("principal.approved"), "{told}");
    assert!(told.contains("approved-only"), "{told}");
    let entries = town.entries();
    let [Entry::Refused(call)] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    assert!(
        call.answer.contains("principal.approved"),
        "{}",
        call.answer
    );
    let kept: Value = serde_json::from_str(&call.answer).unwrap();
    let for_app = cut(kept.clone(), Audience::App).to_string();
    assert!(!for_app.contains("principal.approved"));
    assert_eq!(cut(kept, Audience::Anonymous), serde_json::json!({}));
}

/// Shows: P-51, P-55.
#[tokio::test]
async fn a_refused_call_consumes_nothing_anywhere() {
    let town = Town::new();
    let mut permits = Vec::new();
    for _ in 0..3 {
        permits.push(super::passing::permit(town.call("POST", "/pay/send").await));
    }
    for _ in 0..5 {
        let refused = refusal(town.call("POST", "/pay/send").await);
        assert_eq!((refused.status, refused.code), (429, "quota_exhausted"));
        let midnight = 86_400 - NOON.as_seconds().rem_euclid(86_400);
        assert_eq!(refused.retry_after, u64::try_from(midnight).ok());
        let day = refused
            .limits
            .iter()
            .find(|one| one.name.as_str() == "sends-per-day");
        assert_eq!(day.unwrap().remaining.millionths(), 0);
        assert_eq!(day.unwrap().window, Some(86_400));
    }
    // The counter of the whole API has taken three, and the next day begins anew.
    let permit = super::passing::permit(town.call("GET", "/pay/accounts/user/calls").await);
    let ever = permit
        .limits()
        .iter()
        .find(|one| one.name.as_str() == "calls-ever");
    assert_eq!(ever.unwrap().remaining.as_whole(), Some(96));
    town.clock.advance_seconds(86_400);
    super::passing::permit(town.call("POST", "/pay/send").await)
        .settle(journal::CallOutcome::NotSent);
}

#[tokio::test]
async fn k_concurrent_calls_admit_exactly_the_limit() {
    let town = std::sync::Arc::new(Town::new());
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let town = std::sync::Arc::clone(&town);
            tokio::spawn(async move { town.call("POST", "/pay/send").await })
        })
        .collect();
    let (mut permits, mut refused) = (Vec::new(), 0);
    for call in calls {
        match call.await.unwrap() {
            Arrived::Permitted(permit) => permits.push(permit),
            Arrived::Refused(refusal) => {
                assert_eq!(refusal.code, "quota_exhausted");
                refused += 1;
            }
            Arrived::NeedsBody(waiting) => panic!("{waiting:?}"),
        }
    }
    assert_eq!((permits.len(), refused), (3, 17));
}

#[tokio::test]
async fn the_way_to_an_operation_is_told_only_to_the_identified() {
    let town = Town::new();
    let presented = town.presented();
    for (presented, method, path, status, code) in [
        (&presented, "GET", "/nowhere", 404, "no_such_api"),
        (&presented, "GET", "/pay/nowhere", 404, "operation_unknown"),
        (&presented, "GET", "/pay/send", 405, "method_not_supported"),
        (
            &presented,
            "GET",
            "/pay/closed",
            403,
            "operation_not_annotated",
        ),
        (
            &Presented::Nothing,
            "GET",
            "/pay/nowhere",
            401,
            "credential_missing",
        ),
        (
            &Presented::Malformed,
            "GET",
            "/pay/send",
            401,
            "credential_malformed",
        ),
    ] {
        let refused = refusal(town.call_as(presented, method, path, &[]).await);
        assert_eq!((refused.status, refused.code), (status, code), "{path}");
        if refused.status == 401 {
            let known: Vec<_> = refused.more.keys().collect();
            assert_eq!(known, ["decision_id"]);
        }
        if refused.status == 405 {
            assert_eq!(refused.allow, ["POST"]);
        }
    }
    assert_eq!(town.entries().len(), 6, "every refusal is recorded");
}

#[tokio::test]
async fn an_account_the_app_may_not_act_for_is_as_unknown_as_one_that_is_not_there() {
    let town = Town::new();
    let presented = town.presented();
    let header = |values: &[&'static str]| -> Vec<_> {
        values
            .iter()
            .map(|value| ("portreeve-account", *value))
            .collect()
    };
    let mut told = Vec::new();
    for (method, path, headers) in [
        ("GET", "/pay/accounts/stranger/calls", vec![]),
        ("GET", "/pay/accounts/AC3/calls", vec![]),
        ("GET", "/pay/accounts/nobody/calls", vec![]),
        ("POST", "/pay/send", header(&["stranger"])),
        ("POST", "/pay/send", header(&["user", "user"])),
    ] {
        let refused = refusal(town.call_as(&presented, method, path, &headers).await);
        assert_eq!(
            (refused.status, refused.code),
            (401, "account_unknown"),
            "{path}"
        );
        told.push(refused.detail);
    }
    told.dedup();
    assert_eq!(told.len(), 1);
    let refused = refusal(
        town.call_with("/pay/transfers", r#"{"account": "AC3"}"#)
            .await,
    );
    assert_eq!(refused.code, "account_unknown");
    assert!(town.counters.is_empty());
}

#[tokio::test]
async fn keys_are_recognised_by_either_id_and_never_after_their_end() {
    let mut town = Town::new();
    let (id, secret) = (town.key.0.to_string(), town.key.1.expose().to_owned());
    let code = |town: &Town, presented: &Presented| {
        let snapshot = town.snapshots.load_full();
        let known = town.admission.identify(&snapshot, presented);
        known
            .map(|known| known.app.name.to_string())
            .map_err(super::super::Unidentified::code)
    };
    let good = town.presents(&id, &secret);
    for _ in 0..2 {
        assert_eq!(code(&town, &good), Ok("shop".to_owned()));
    }
    assert!(code(&town, &town.presents("old-key", &secret)).is_ok());
    let issue = |mode| keys::issue(keys::IssuedFor::App(mode), &SeededEntropy::new(9)).unwrap();
    let mut mistyped = secret.clone();
    mistyped.pop();
    for (user, password, expected) in [
        (
            id.as_str(),
            issue(Mode::Live).expose(),
            "credential_unknown",
        ),
        (
            id.as_str(),
            issue(Mode::Test).expose(),
            "credential_unknown",
        ),
        (id.as_str(), "a guess", "credential_unknown"),
        (id.as_str(), mistyped.as_str(), "credential_malformed"),
        ("nobody", secret.as_str(), "credential_unknown"),
    ] {
        assert_eq!(code(&town, &town.presents(user, password)), Err(expected));
    }
    town.change_credential(|key, _| key.expires_at = Some(NOON.plus_seconds(10)));
    assert!(code(&town, &good).is_ok());
    town.clock.advance_seconds(10);
    assert_eq!(code(&town, &good), Err("credential_expired"));
    town.change_credential(|key, _| key.revoked_at = Some(Timestamp::from_seconds(1)));
    assert_eq!(code(&town, &good), Err("credential_revoked"));
    let other = issue(Mode::Live);
    town.change_credential(|key, hashing| {
        (key.revoked_at, key.expires_at) = (None, None);
        key.hash = hashing.hash(&other).to_string();
    });
    assert_eq!(
        code(&town, &good),
        Err("credential_unknown"),
        "another secret now"
    );
    assert!(code(&town, &town.presents(&id, other.expose())).is_ok());
}

/// Shows: G-07, G-08.
#[tokio::test]
async fn what_is_revoked_while_a_body_is_on_its_way_is_refused() {
    let json = Some("application/json");
    let body = br#"{"agreement":"a","amount":"1"}"#;
    let wait = async |town: &Town| match town.call("POST", "/pay/agreements").await {
        Arrived::NeedsBody(waiting) => waiting,
        other => panic!("{other:?}"),
    };
    let refused = |arrived| refusal(arrived).code;
    let mut town = Town::new();
    let waiting = wait(&town).await;
    town.change_credential(|key, _| key.revoked_at = Some(Timestamp::from_seconds(1)));
    assert_eq!(
        refused(waiting.with_body(json, body).await),
        "credential_revoked"
    );

    let mut town = Town::new();
    let waiting = wait(&town).await;
    town.change_credential(|key, hashing| {
        key.hash = hashing.hash(&Secret::new("another".to_owned())).to_string();
    });
    assert_eq!(
        refused(waiting.with_body(json, body).await),
        "credential_unknown"
    );

    let mut town = Town::new();
    let (one, other) = (wait(&town).await, wait(&town).await);
    let switched_off = town.state().replace(
        "name: AGREE, level: standard",
        "name: AGREE, level: advanced",
    );
    town.change_state(&switched_off);
    assert_eq!(refused(one.with_body(json, body).await), "level_too_low");
    let read_otherwise = town.state().replace("$.amount", "$.total");
    town.change_state(&read_otherwise);
    assert_eq!(refused(other.with_body(json, body).await), "state_stale");

    let mut town = Town::new();
    let waiting = wait(&town).await;
    town.change_credential(|_, _| {});
    assert!(matches!(
        waiting.with_body(json, body).await,
        Arrived::Permitted(_)
    ));
}

/// As above, for a body that turns out to be one that cannot be read: where decisions bind the
/// key's end is what is told, and where they do not the call passes as one of nobody.
///
/// Shows: G-07, G-08.
#[tokio::test]
async fn what_is_revoked_while_an_unreadable_body_is_on_its_way_is_nobodys() {
    let wait = async |town: &Town, path: &str| match town.call("POST", path).await {
        Arrived::NeedsBody(waiting) => waiting,
        other => panic!("{other:?}"),
    };
    let mut town = Town::new();
    let enforced = wait(&town, "/pay/agreements").await;
    let observed = wait(&town, "/watched/agreements").await;
    let known = wait(&town, "/watched/agreements").await;
    let Arrived::Permitted(known) = known.without_body("body_too_large", "too long").await else {
        panic!("an API that observes refused");
    };
    assert!(known.context().is_some(), "its key was good");
    assert_eq!(known.would_refuse(), "body_too_large");

    town.change_credential(|key, _| key.revoked_at = Some(Timestamp::from_seconds(1)));
    let told = refusal(enforced.without_body("body_too_large", "too long").await);
    assert_eq!((told.status, told.code), (401, "credential_revoked"));
    let observed = observed.without_body("body_too_large", "too long").await;
    let Arrived::Permitted(observed) = observed else {
        panic!("{observed:?}");
    };
    assert!(observed.context().is_none(), "nobody vouches for the key");
    assert_eq!(observed.would_refuse(), "credential_revoked");
}
