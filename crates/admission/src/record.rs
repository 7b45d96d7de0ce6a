//! What is written down of a call, and what its upstream is told.

use catalog::{Api, Facts};
use decision::{
    Account, Answer, Call, Caller, CapabilityAnswer, Catalogue, Grant, GrantedLimit, LimitAnswer,
    Verdict,
};
use journal::{CallRecord, CounterSpend, Granted, LimitStand, Manner};
use primitives::{AccountId, Enforcement, Name, RecordId, Symbol};
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
        method: case.method.to_string(),
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
        manner: case.found.manner.clone(),
    }
}

/// The record of a call that every gate let pass. Its texts are lent: it is written at once.
pub(crate) fn granted<'a>(
    case: &'a Case,
    call: &Call<'a>,
    (grant, facts): (&Grant<'a>, &Facts),
    taken: &[Taken],
) -> CallRecord<&'a str> {
    let caller = call.caller;
    let catalogue = case.catalogue();
    let stand = |limit: &GrantedLimit<'a>| stand(catalogue, limit, (&grant.demands, taken));
    let capabilities = grant.capabilities.iter();
    let (facts, facts_left_out) = facts::recorded(&call.operation.facts, facts);
    let lent = |account: &'a Account| (account.id, account.name.as_str());
    CallRecord {
        id: case.id,
        at: case.at,
        mode: Some(caller.mode),
        api: call.api.name.as_str(),
        operation: call.operation.id.as_str(),
        method: case.method.as_str(),
        path: &case.path,
        credential: Some(caller.credential),
        app: Some((caller.app.id, caller.app.name.as_str())),
        developer: Some(lent(caller.developer)),
        account: caller.account.map(lent),
        capabilities: capabilities
            .clone()
            .map(|one| capability_name(catalogue, one.capability).map_or("", Name::as_str))
            .collect(),
        facts,
        facts_left_out,
        enforcement: call.api.enforcement,
        status: 0,
        code: "",
        answer: "",
        granted: Some(Granted {
            gates: grant.gates.clone(),
            limits: grant.limits.iter().map(stand).collect(),
            capabilities: capabilities
                .map(|one| (one.gates.clone(), one.limits.iter().map(stand).collect()))
                .collect(),
        }),
        counters: taken.iter().map(write_spend).collect(),
        revision: case.snapshot.revision(),
        trace_id: &case.trace_id,
        manner: case.found.manner.as_ref().map(Manner::lent),
    }
}

/// Where a limit stood before the call took of it.
fn stand<'a>(
    catalogue: &'a Catalogue,
    limit: &GrantedLimit<'a>,
    (demands, taken): (&[Demand], &[Taken]),
) -> LimitStand<&'a str> {
    let taken = demands.iter().zip(taken);
    let taken = taken.map(|(demand, taken)| (demand.limit, taken));
    let taken = taken.into_iter().find(|(of, _)| *of == limit.limit);
    let taken = taken.map(|(_, taken)| taken);
    LimitStand {
        limit: limit_name(catalogue, limit.limit).map_or("", Name::as_str),
        currency: limit.currency,
        most: limit.most,
        used: taken.and_then(|taken| taken.used.checked_sub(taken.spend.cost)),
        resets_at: taken.and_then(|taken| taken.standing().resets_at),
    }
}

fn capability_name(catalogue: &Catalogue, symbol: Symbol) -> Option<&Name> {
    let known = catalogue.capabilities.get(symbol);
    known.map(|known| &known.name)
}

pub(crate) fn limit_name(catalogue: &Catalogue, symbol: Symbol) -> Option<&Name> {
    let known = catalogue.limits.get(symbol);
    known.map(|known| &known.name)
}

/// What the upstream is told of a call that every gate let pass.
pub(crate) fn context_of(
    case: &Case,
    call: &Call<'_>,
    grant: &Grant<'_>,
    taken: &[Taken],
) -> Context {
    let catalogue = case.catalogue();
    let limit = |limit: &GrantedLimit<'_>| {
        let LimitStand { most, used, .. } = stand(catalogue, limit, (&grant.demands, taken));
        Some(ContextLimit {
            name: limit_name(catalogue, limit.limit)?.clone(),
            most,
            remaining: most.zip(used).map(|(most, used)| remaining(most, used)),
        })
    };
    let capabilities = grant.capabilities.iter().filter_map(|one| {
        Some(ContextCapability {
            name: capability_name(catalogue, one.capability)?.clone(),
            granted: true,
            limits: one.limits.iter().filter_map(limit).collect(),
        })
    });
    context_with(case.id, call.api, &call.caller, capabilities.collect())
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
            id: caller.app.id,
            name: caller.app.name.clone(),
        },
        developer: Named {
            id: caller.developer.id,
            name: caller.developer.name.clone(),
        },
        account: caller.account.map(|account| ContextAccount {
            id: account.id,
            name: account.name.clone(),
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
        capabilities
            .filter_map(|one| capability(case.catalogue(), one))
            .collect(),
    ))
}

fn capability(catalogue: &Catalogue, answer: &CapabilityAnswer) -> Option<ContextCapability> {
    let limit = |limit: &LimitAnswer| {
        let standing = limit.most.zip(limit.used);
        Some(ContextLimit {
            name: limit_name(catalogue, limit.limit)?.clone(),
            most: limit.most,
            remaining: standing.map(|(most, used)| remaining(most, used)),
        })
    };
    Some(ContextCapability {
        name: capability_name(catalogue, answer.capability)?.clone(),
        granted: answer.granted,
        limits: answer.limits.iter().filter_map(limit).collect(),
    })
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
