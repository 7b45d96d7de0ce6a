use catalog::Facts;
use cedar_policy::{Context, Effect, EvalResult, Request, eval_expression};
use decision::{Call, Caller, PolicyVerdict};
use primitives::Symbol;
use quick_cache::Equivalent;

use crate::{
    Policies,
    compile::{Policy, Rule},
    context::context,
    party::{Party, PartyKey, PartyView},
};

impl Policies {
    /// What a policy says of a call that uses one of its capabilities.
    #[must_use]
    pub fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict {
        let Some(compiled) = self.compiled.get(policy) else {
            return self.unknown(policy);
        };
        if !compiled.reads.request() {
            return self.settled((policy, compiled), capability, &call.caller);
        }
        let Some(party) = self.party(PartyView::of(&call.caller, compiled.reads.resource)) else {
            return unsound();
        };
        match context(compiled, call, facts) {
            Ok(context) => judge(compiled, capability, &party, context),
            Err(verdict) => verdict,
        }
    }

    /// What a policy says before there is a call: [`PolicyVerdict::Unread`] when it looks at
    /// one.
    #[must_use]
    pub fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        match self.compiled.get(policy) {
            None => self.unknown(policy),
            Some(compiled) if compiled.reads.request() => PolicyVerdict::Unread,
            Some(compiled) => self.settled((policy, compiled), capability, caller),
        }
    }

    fn settled(
        &self,
        (policy, compiled): (Symbol, &Policy),
        capability: Symbol,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        let view = PartyView::of(caller, compiled.reads.resource);
        let question = Question {
            policy,
            capability,
            view,
        };
        if let Some(verdict) = self.settled.get(&question) {
            return verdict;
        }
        let Some(party) = self.party(view) else {
            return unsound();
        };
        let verdict = judge(compiled, capability, &party, Context::empty());
        self.settled
            .insert((policy, capability, view.to_key()), verdict.clone());
        verdict
    }

    fn unknown(&self, policy: Symbol) -> PolicyVerdict {
        let name = self.vocabulary.policies.name(policy);
        PolicyVerdict::Refuse(vec![format!("there is no policy `{name}`")])
    }
}

fn judge(policy: &Policy, capability: Symbol, party: &Party, context: Context) -> PolicyVerdict {
    let Some(action) = policy.actions.get(capability) else {
        let said = "the policy does not know the capability".to_owned();
        return PolicyVerdict::Refuse(vec![said]);
    };
    let request = Request::new(
        party.principal.clone(),
        action.clone(),
        party.resource.clone(),
        context,
        None,
    );
    let Ok(request) = request else {
        return unsound();
    };
    weigh(&policy.rules, &request, party)
}

/// Permits when some `permit` holds and no `forbid` does. Cedar leaves out a statement that
/// fails; if that were a `forbid`, the call would pass because it was not understood. So here
/// any failure refuses.
fn weigh(rules: &[Rule], request: &Request, party: &Party) -> PolicyVerdict {
    let (mut permitted, mut against) = (false, Vec::new());
    for rule in rules {
        let truth = eval_expression(request, &party.entities, &rule.condition);
        match (rule.effect, truth) {
            (_, Ok(EvalResult::Bool(false))) => {}
            (Effect::Permit, Ok(EvalResult::Bool(true))) => permitted = true,
            (Effect::Forbid, Ok(EvalResult::Bool(true))) => against.push(rule.words.clone()),
            (_, Ok(_)) => against.push(format!("{}: neither true nor false", rule.words)),
            (_, Err(problem)) => against.push(format!("{}: {problem}", rule.words)),
        }
    }
    if permitted && against.is_empty() {
        return PolicyVerdict::Permit;
    }
    if against.is_empty() {
        let permits = rules.iter().filter(|rule| rule.effect == Effect::Permit);
        against.extend(permits.map(|rule| rule.words.clone()));
    }
    PolicyVerdict::Refuse(against)
}

fn unsound() -> PolicyVerdict {
    PolicyVerdict::Refuse(vec!["the account cannot be shown to policies".to_owned()])
}

/// The key of a settled verdict, as references.
#[derive(PartialEq, Eq, Hash)]
struct Question<'a> {
    policy: Symbol,
    capability: Symbol,
    view: PartyView<'a>,
}

impl Equivalent<(Symbol, Symbol, PartyKey)> for Question<'_> {
    fn equivalent(&self, (policy, capability, key): &(Symbol, Symbol, PartyKey)) -> bool {
        self.policy == *policy && self.capability == *capability && self.view.equivalent(key)
    }
}
