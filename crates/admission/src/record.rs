//! What is written down of a call, and what its upstream is told.

use decision::{Account, Answer, CapabilityAnswer, LimitAnswer, Verdict};
use journal::{CallRecord, CounterSpend};
use primitives::{AccountId, Enforcement};
use quota::{Spend, Taken};
use serde_json::{Value, json};

use crate::{
    Context, ContextAccount, ContextCapability, ContextLimit, ExternalAccount, Named,
    case::Case,
    explain::{Audience, explanation, remaining},
    facts,
    refusal::Ground,
    target::AccountNamed,
};

/// The record of a call: of an admitted one unless its status says otherwise. `ground` is what
/// refuses it, or would.
pub(crate) fn of(case: &Case, answer: Option<&Answer>, ground: Option<&Ground>) -> CallRecord {
    let view = case.view();
    let caller = view.and_then(|view| view.caller);
    let vocabulary = &case.catalogue().vocabulary;
    let (facts, facts_left_out) = case
        .operation
        .as_ref()
        .map_or_else(Default::default, |operation| {
            facts::recorded(&operation.facts, &case.facts)
        });
    CallRecord {
        id: case.id,
        at: case.at,
        mode: view.and_then(|view| view.mode()),
        api: view.map_or_else(String::new, |view| view.api.name.to_string()),
        operation: view
            .and_then(|view| view.operation)
            .map_or_else(String::new, |operation| operation.id.to_string()),
        method: case.method.clone(),
        path: case.path.clone(),
        credential: case.credential,
        app: caller.map(|caller| (caller.app.id, caller.app.name.to_string())),
        developer: caller.map(|caller| named(caller.developer)),
        account: view.and_then(|view| view.account).map(named),
        capabilities: answer.map_or_else(Vec::new, |answer| {
            let capabilities = answer.capabilities.iter();
            capabilities
                .map(|one| vocabulary.capabilities.name(one.capability).to_string())
                .collect()
        }),
        facts,
        facts_left_out,
        enforcement: view.map_or(Enforcement::Enforce, |view| view.api.enforcement),
        status: 0,
        code: ground.map_or_else(String::new, |ground| ground.code.to_owned()),
        answer: told(case, answer, ground).map_or_else(String::new, |told| told.to_string()),
        counters: Vec::new(),
        revision: case.snapshot.revision(),
        trace_id: case.trace_id.clone(),
    }
}

/// The answer in words. What no gate says stands in `because`: why there is no answer, or why it
/// could not be completed.
fn told(case: &Case, answer: Option<&Answer>, ground: Option<&Ground>) -> Option<Value> {
    let because = || ground.map(|ground| ground.detail.as_str());
    let Some((answer, names)) = answer.zip(case.names()) else {
        return because().map(|because| json!({ "verdict": "refused", "because": because }));
    };
    let mut told = explanation(answer, names, Audience::Operator);
    if answer.verdict == Verdict::NeedsBody
        && let (Some(because), Some(told)) = (because(), told.as_object_mut())
    {
        told.insert("verdict".to_owned(), "undecided".into());
        told.insert("because".to_owned(), because.into());
    }
    Some(told)
}

fn named(account: &Account) -> (AccountId, String) {
    (account.id, account.name.to_string())
}

/// What the upstream is told; `None` for a caller who was not identified.
pub(crate) fn context(case: &Case, answer: Option<&Answer>) -> Option<Context> {
    let view = case.view()?;
    let caller = view.caller?;
    let capabilities = answer.map_or(&[][..], |answer| &answer.capabilities);
    Some(Context {
        decision: case.id,
        app: Named {
            id: caller.app.id.to_string(),
            name: caller.app.name.to_string(),
        },
        developer: Named {
            id: caller.developer.id.to_string(),
            name: caller.developer.name.to_string(),
        },
        account: view.account.map(|account| ContextAccount {
            id: account.id.to_string(),
            name: account.name.to_string(),
            external_id: account.external_ids.get(view.api.name.as_str()).cloned(),
        }),
        mode: caller.mode(),
        capabilities: capabilities
            .iter()
            .map(|one| capability(case, one))
            .collect(),
    })
}

fn capability(case: &Case, answer: &CapabilityAnswer) -> ContextCapability {
    let vocabulary = &case.catalogue().vocabulary;
    let limit = |limit: &LimitAnswer| ContextLimit {
        name: vocabulary.limits.name(limit.limit).to_string(),
        most: limit.most.map(|most| most.to_string()),
        remaining: limit
            .most
            .zip(limit.used)
            .map(|(most, used)| remaining(most, used).to_string()),
    };
    ContextCapability {
        name: vocabulary.capabilities.name(answer.capability).to_string(),
        granted: answer.granted,
        limits: answer.limits.iter().map(limit).collect(),
    }
}

impl Case {
    /// How the account acted for is called upstream, and what the request calls it.
    pub(crate) fn external_account(&self) -> Option<ExternalAccount> {
        let view = self.view()?;
        let external_id = view.account?.external_ids.get(view.api.name.as_str())?;
        Some(ExternalAccount {
            given: match &self.named {
                AccountNamed::ByParameter(given) => Some(given.clone()),
                _ => None,
            },
            external_id: external_id.clone(),
        })
    }
}

/// What a call took of a counter, as the journal keeps it.
pub(crate) fn write_spend(taken: &Taken) -> CounterSpend {
    let Spend {
        key,
        begins_at,
        ends_at,
        cost,
    } = taken.spend;
    CounterSpend {
        limit: key.limit,
        subject: format!("{:x}", key.subject),
        fact: format!("{:x}", key.fact),
        begins_at,
        ends_at,
        cost,
    }
}
