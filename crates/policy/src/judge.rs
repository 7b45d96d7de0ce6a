use catalog::Facts;
use cedar_policy::{Context, Decision, Effect, Request, Response};
use decision::{Call, Caller, PolicyVerdict};
use primitives::Symbol;
use quick_cache::Equivalent;

use crate::{
    Policies,
    compile::Policy,
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
        if !compiled.reads.context {
            return self.settled((policy, compiled), capability, &call.caller);
        }
        let Some(party) = self.party(PartyView::of(&call.caller, compiled.reads.resource)) else {
            return unsound();
        };
        match context(compiled, call, facts) {
            Ok(context) => self.judge(compiled, capability, &party, context),
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
            Some(compiled) if compiled.reads.context => PolicyVerdict::Unread,
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
        let verdict = self.judge(compiled, capability, &party, Context::empty());
        self.settled
            .insert((policy, capability, view.to_key()), verdict.clone());
        verdict
    }

    fn judge(
        &self,
        policy: &Policy,
        capability: Symbol,
        party: &Party,
        context: Context,
    ) -> PolicyVerdict {
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
        let response = self
            .authorizer
            .is_authorized(&request, &policy.set, &party.entities);
        let sound = response.diagnostics().errors().next().is_none();
        // Cedar leaves out a statement that fails. If that were a `forbid`, the call would pass
        // because it was not understood; so any failure refuses.
        if response.decision() == Decision::Allow && sound {
            return PolicyVerdict::Permit;
        }
        PolicyVerdict::Refuse(reasons(policy, &response))
    }

    fn unknown(&self, policy: Symbol) -> PolicyVerdict {
        let name = self.vocabulary.policies.name(policy);
        PolicyVerdict::Refuse(vec![format!("there is no policy `{name}`")])
    }
}

/// The `forbid` that was satisfied, or else every `permit`, for none was; then what failed.
fn reasons(policy: &Policy, response: &Response) -> Vec<String> {
    let decisive: Vec<_> = response.diagnostics().reason().collect();
    let forbidding = policy
        .words
        .iter()
        .filter(|(id, effect, _)| *effect == Effect::Forbid && decisive.contains(&id));
    let mut said: Vec<String> = forbidding.map(|(_, _, words)| words.clone()).collect();
    if said.is_empty() {
        let permitting = policy
            .words
            .iter()
            .filter(|(_, effect, _)| *effect == Effect::Permit);
        said.extend(permitting.map(|(_, _, words)| words.clone()));
    }
    said.extend(response.diagnostics().errors().map(ToString::to_string));
    said
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
