use journal::{CallOutcome, Entry};
use primitives::{Enforcement, Quantity};
use serde_json::Value;

use super::fixture::{NOON, TRACE, Town};
use crate::{Arrived, ExternalAccount, Permit, Presented, granted_in_words, rate_limit_fields};

pub(super) fn permit(arrived: Arrived) -> Permit {
    match arrived {
        Arrived::Permitted(permit) => *permit,
        other => panic!("{other:?}"),
    }
}

const SERVED: CallOutcome = CallOutcome::Served {
    status: 200,
    bytes_in: 1,
    bytes_out: 2,
    micros: 3,
};

/// Shows: P-17, P-18, P-56, P-59.
#[tokio::test]
async fn a_granted_call_is_written_down_and_tells_the_upstream_who_calls() {
    let town = Town::new();
    let permit = permit(town.call("POST", "/pay/send?x=1").await);
    assert_eq!(permit.api().as_str(), "pay");
    assert_eq!(permit.operation().unwrap().id.as_str(), "Send");
    assert_eq!(permit.upstream().url, "http://127.0.0.1:1/pay");
    assert_eq!(permit.path().to_string(), "/send");
    let context = serde_json::to_value(permit.context().unwrap()).unwrap();
    assert_eq!(context["decision"], permit.decision().to_string());
    assert_eq!(context["app"]["name"], "shop");
    assert_eq!(context["developer"]["name"], "acme");
    assert_eq!(context["account"]["name"], "user");
    assert_eq!(context["account"]["external_id"], "AC2");
    assert_eq!(context["mode"], "live");
    assert_eq!(context["capabilities"][0]["name"], "SEND");
    assert_eq!(context["capabilities"][0]["granted"], true);
    assert_eq!(context["capabilities"][0]["limits"][0]["remaining"], "3");
    let (policy, state) = rate_limit_fields(permit.limits(), NOON).unwrap();
    assert!(policy.contains("\"sends-per-day\";q=3;w=86400"), "{policy}");
    assert!(policy.contains("\"calls-ever\";q=100"), "{policy}");
    assert!(state.contains("\"sends-per-day\";r=2;t="), "{state}");
    let decision = permit.decision();
    permit.settle(SERVED);
    let entries = town.entries();
    let [Entry::Admitted(call), Entry::Settled(settlement)] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    assert_eq!((call.id, call.at, call.status), (decision, NOON, 0));
    assert_eq!(
        (call.api.as_str(), call.operation.as_str()),
        ("pay", "Send")
    );
    assert_eq!((call.path.as_str(), call.code.as_str()), ("/pay/send", ""));
    assert_eq!(call.capabilities, ["SEND"]);
    assert_eq!((call.counters.len(), call.trace_id.as_str()), (2, TRACE));
    assert_eq!(call.answer, "", "words are made when the call is folded");
    let words = granted_in_words(call).unwrap();
    assert_eq!(words["verdict"], "granted");
    let gates = |gates: &Value| gates.as_array().unwrap().len();
    assert!(gates(&words["gates"]) >= 3, "{words}");
    assert_eq!(gates(&words["capabilities"][0]["gates"]), 13, "{words}");
    assert_eq!(words["capabilities"][0]["gates"][0]["outcome"], "passed");
    assert_eq!((settlement.id, settlement.outcome), (decision, SERVED));
    assert!(!settlement.refunded);
}

/// Shows: P-49.
#[tokio::test]
async fn a_counter_keyed_by_a_fact_of_the_body_waits_for_the_body() {
    let town = Town::new();
    let agree = |agreement: &str, amount: &str| {
        format!(r#"{{"agreement": "{agreement}", "amount": {amount}}}"#)
    };
    assert!(matches!(
        town.call("POST", "/pay/agreements").await,
        Arrived::NeedsBody(_)
    ));
    assert!(town.counters.is_empty(), "waiting takes nothing");
    permit(town.call_with("/pay/agreements", &agree("a", "7.5")).await).settle(SERVED);
    permit(town.call_with("/pay/agreements", &agree("b", "10")).await).settle(SERVED);
    let too_much = town.call_with("/pay/agreements", &agree("a", "2.6")).await;
    assert!(matches!(too_much, Arrived::Refused(refusal) if refusal.status == 429));
    permit(town.call_with("/pay/agreements", &agree("a", "2.5")).await).settle(SERVED);
}

/// Shows: P-17.
#[tokio::test]
async fn an_account_is_named_by_parameter_then_header_then_the_app() {
    let town = Town::new();
    let external = |given: Option<&str>, external_id: &str| ExternalAccount {
        given: given.map(str::to_owned),
        external_id: external_id.to_owned(),
    };
    let presented = town.presented();
    let id = town
        .snapshots
        .load()
        .account_named("acme")
        .unwrap()
        .id
        .to_string();
    for (path, header, name, expected) in [
        (
            "/pay/accounts/acme/calls",
            None,
            "acme",
            external(Some("acme"), "AC1"),
        ),
        (
            "/pay/accounts/AC2/calls",
            Some("acme"),
            "user",
            external(Some("AC2"), "AC2"),
        ),
        (
            "/pay/send",
            Some(id.as_str()),
            "acme",
            external(None, "AC1"),
        ),
        ("/pay/send", None, "user", external(None, "AC2")),
    ] {
        let headers: Vec<_> = header
            .map(|id| ("portreeve-account", id))
            .into_iter()
            .collect();
        let method = if path == "/pay/send" { "POST" } else { "GET" };
        let permit = permit(town.call_as(&presented, method, path, &headers).await);
        let context = permit.context().unwrap();
        assert_eq!(
            context.account.as_ref().unwrap().name.as_str(),
            name,
            "{path}"
        );
        assert_eq!(permit.external_account(), Some(&expected), "{path}");
    }
    let permit = permit(
        town.call_with("/pay/transfers", r#"{"account": "AC1"}"#)
            .await,
    );
    assert_eq!(
        permit.external_account(),
        Some(&external(Some("AC1"), "AC1"))
    );
}

#[tokio::test]
async fn observing_lets_everything_pass_and_says_what_would_have_stopped_it() {
    let town = Town::new();
    let refused = permit(town.call("POST", "/watched/bulk").await);
    assert_eq!(refused.enforcement(), Enforcement::Observe);
    assert!(!refused.context().unwrap().capabilities[0].granted);
    assert!(refused.limits().is_empty());
    refused.settle(SERVED);
    permit(town.call("POST", "/watched/nowhere").await).settle(SERVED);
    let nobody = &Presented::Malformed;
    let stranger = permit(town.call_as(nobody, "POST", "/watched/send", &[]).await);
    assert!(stranger.context().is_none() && stranger.external_account().is_none());
    stranger.settle(SERVED);
    // What cannot be read stays refused.
    let broken = town.call_with("/watched/agreements", "{").await;
    assert!(matches!(broken, Arrived::Refused(refusal) if refusal.code == "malformed_request"));
    let codes: Vec<_> = town
        .entries()
        .iter()
        .filter_map(|entry| match entry {
            Entry::Admitted(call) => Some((call.status, call.code.clone(), call.mode.is_some())),
            _ => None,
        })
        .collect();
    assert_eq!(
        codes,
        [
            (0, "level_too_low".to_owned(), true),
            (0, "operation_unknown".to_owned(), true),
            (0, "credential_malformed".to_owned(), false)
        ]
    );
}

#[tokio::test]
async fn observing_counts_as_enforcing_would() {
    let town = Town::new();
    for expected in ["", "", "", "quota_exhausted"] {
        let mut watcher = town.admission.watch();
        permit(town.call("POST", "/watched/send").await).settle(SERVED);
        assert_eq!(watcher.recv().await.unwrap().code, expected);
    }
    assert!(matches!(
        town.call("POST", "/pay/send").await,
        Arrived::Refused(_)
    ));
}

/// Shows: P-54.
#[tokio::test]
async fn the_complete_list_of_capabilities_is_told_for_every_api() {
    let town = Town::new();
    permit(town.call("POST", "/pay/send").await).settle(SERVED);
    let snapshot = town.snapshots.load_full();
    let presented = town.presented();
    let caller = town.admission.identify(&snapshot, &presented).unwrap();
    let vocabulary = snapshot.vocabulary();
    let apis = town.admission.capabilities_as(&snapshot, &caller);
    assert_eq!(apis.len(), 2);
    for (_, capabilities) in &apis {
        let granted: Vec<_> = capabilities
            .iter()
            .map(|one| (vocabulary.capabilities.name(one.capability), one.granted))
            .map(|(name, granted)| (name.to_string(), granted))
            .collect();
        let expected = ["SEND", "BULK", "APPROVED", "AGREE", "CALLS"];
        assert_eq!(granted.len(), expected.len());
        for (name, granted) in granted {
            assert_eq!(granted, name != "BULK" && name != "APPROVED", "{name}");
        }
    }
    let send = vocabulary.capabilities.get("SEND").unwrap();
    let answer = apis[0].1.iter().find(|one| one.capability == send).unwrap();
    assert_eq!(answer.limits[0].used, Quantity::whole(1));
    assert_eq!(town.admission.capabilities(&snapshot, caller.app).len(), 2);
}
