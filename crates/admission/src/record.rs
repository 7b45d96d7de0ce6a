//! What is written down of a call, and what its upstream is told.

use catalog::{Api, Facts};
use decision::{
    Account, Answer, Call, Caller, CapabilityAnswer, Catalogue, Grant, GrantedLimit, LimitAnswer,
    Verdict,
};
use journal::{CallRecord, CounterSpend, Granted, LimitStand};
use primitives::{AccountId, Enforcement, RecordId, Symbol};
use quota::{Demand, Near, Spend, Taken};
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
        granted: None,
        counters: Vec::new(),
        revision: case.snapshot.revision(),
        trace_id: case.trace_id.clone(),
    }
}

/// The record of a call that every gate let pass. It takes texts out of the case that only the
/// record needs.
pub(crate) fn granted(
    case: &mut Case,
    call: &Call<'_>,
    (grant, facts): (&Grant<'_>, &Facts),
    taken: &[Taken],
) -> CallRecord {
    let caller = call.caller;
    let (method, path, trace_id) = (
        std::mem::take(&mut case.method),
        std::mem::take(&mut case.path),
        std::mem::take(&mut case.trace_id),
    );
    let catalogue = case.catalogue();
    let stand = |limit: &GrantedLimit<'_>| stand(catalogue, limit, (&grant.demands, taken));
    let capabilities = grant.capabilities.iter();
    let (facts, facts_left_out) = facts::recorded(&call.operation.facts, facts);
    CallRecord {
        id: case.id,
        at: case.at,
        mode: Some(caller.mode),
        api: call.api.name.to_string(),
        operation: call.operation.id.to_string(),
        method,
        path,
        credential: Some(caller.credential),
        app: Some((caller.app.id, caller.app.name.to_string())),
        developer: Some(named(caller.developer)),
        account: caller.account.map(named),
        capabilities: capabilities
            .clone()
            .map(|one| capability_name(catalogue, one.capability))
            .collect(),
        facts,
        facts_left_out,
        enforcement: call.api.enforcement,
        status: 0,
        code: String::new(),
        answer: String::new(),
        granted: Some(Granted {
            gates: grant.gates.clone(),
            limits: grant.limits.iter().map(stand).collect(),
            capabilities: capabilities
                .map(|one| (one.gates.clone(), one.limits.iter().map(stand).collect()))
                .collect(),
        }),
        counters: taken.iter().map(write_spend).collect(),
        revision: case.snapshot.revision(),
        trace_id,
    }
}

/// Where a limit stood before the call took of it.
fn stand(
    catalogue: &Catalogue,
    limit: &GrantedLimit<'_>,
    (demands, taken): (&[Demand], &[Taken]),
) -> LimitStand {
    let taken = demands.iter().zip(taken);
    let taken = taken.map(|(demand, taken)| (demand.limit, taken));
    let taken = taken.into_iter().find(|(of, _)| *of == limit.limit);
    let taken = taken.map(|(_, taken)| taken);
    LimitStand {
        limit: limit_name(catalogue, limit.limit),
        currency: limit.currency.map(str::to_owned),
        most: limit.most,
        used: taken.and_then(|taken| taken.used.checked_sub(taken.spend.cost)),
        resets_at: taken.and_then(|taken| taken.standing().resets_at),
    }
}

fn capability_name(catalogue: &Catalogue, symbol: Symbol) -> String {
    let known = catalogue.capabilities.get(symbol);
    known.map_or_else(String::new, |known| known.name.to_string())
}

pub(crate) fn limit_name(catalogue: &Catalogue, symbol: Symbol) -> String {
    let known = catalogue.limits.get(symbol);
    known.map_or_else(String::new, |known| known.name.to_string())
}

/// What the upstream is told of a call that every gate let pass: what its record says.
pub(crate) fn context_of(id: RecordId, call: &Call<'_>, record: &CallRecord) -> Context {
    let granted = record.granted.as_ref();
    let granted = granted.map_or(&[][..], |granted| &granted.capabilities);
    let limit = |limit: &LimitStand| ContextLimit {
        name: limit.limit.clone(),
        most: limit.most.map(|most| most.to_string()),
        remaining: limit
            .most
            .zip(limit.used)
            .map(|(most, used)| remaining(most, used).to_string()),
    };
    let capabilities = record.capabilities.iter().zip(granted);
    context_with(
        id,
        call.api,
        &call.caller,
        capabilities
            .map(|(name, (_, limits))| ContextCapability {
                name: name.clone(),
                granted: true,
                limits: limits.iter().map(limit).collect(),
            })
            .collect(),
    )
}

fn context_with(
    decision: RecordId,
    api: &Api,
    caller: &Caller<'_>,
    capabilities: Vec<ContextCapability>,
) -> Context {
    Context {
        decision,
        app: Named {
            id: caller.app.id.to_string(),
            name: caller.app.name.to_string(),
        },
        developer: Named {
            id: caller.developer.id.to_string(),
            name: caller.developer.name.to_string(),
        },
        account: caller.account.map(|account| ContextAccount {
            id: account.id.to_string(),
            name: account.name.to_string(),
            external_id: account.external_ids.get(api.name.as_str()).cloned(),
        }),
        mode: caller.mode,
        capabilities,
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
    let identified = view.caller?;
    let caller = Caller {
        credential: identified.credential.id(),
        permissions: identified.permissions(),
        mode: identified.mode(),
        app: identified.app,
        developer: identified.developer,
        account: view.account,
    };
    let capabilities = answer.map_or(&[][..], |answer| &answer.capabilities);
    let capabilities = capabilities.iter();
    Some(context_with(
        case.id,
        view.api,
        &caller,
        capabilities.map(|one| capability(case, one)).collect(),
    ))
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
        subject: key.subject,
        fact: key.fact,
        begins_at,
        ends_at,
        cost,
        near: taken.near.map_or(0, Near::number),
    }
}
