//! What the open gates of a refusal had and wanted, so that the whole answer can be checked and
//! not only the part that refuses.
//!
//! Told only where somebody reads it: a call that is granted pays nothing for it.

use primitives::Symbol;

use crate::{
    Answer, Capability, Gate, GateAnswer, LimitAnswer, LimitKind, Outcome,
    finding::Refusal,
    gates::geography,
    scene::Scene,
    words::{self, Said},
};

/// Fills in rule, value and threshold of every gate that passed.
pub(crate) fn tell(scene: &Scene<'_>, answer: &mut Answer) {
    let passing = Passing { scene };
    let limits = &answer.limits;
    for gate in passed(&mut answer.gates) {
        let said = passing.of_call(gate.gate, limits);
        fill(gate, said);
    }
    for one in &mut answer.capabilities {
        let Some(capability) = scene.catalogue.capabilities.get(one.capability) else {
            continue;
        };
        for gate in passed(&mut one.gates) {
            let said = passing.of_capability(gate.gate, capability, &one.limits);
            fill(gate, said);
        }
    }
}

fn passed(gates: &mut [GateAnswer]) -> impl Iterator<Item = &mut GateAnswer> {
    gates
        .iter_mut()
        .filter(|gate| gate.outcome == Outcome::Passed)
}

fn fill(gate: &mut GateAnswer, said: Option<Said>) {
    if let Some(said) = said {
        gate.rule = Some(said.rule).filter(|rule| !rule.is_empty());
        gate.value = Some(said.value);
        gate.threshold = Some(said.threshold);
    }
}

struct Passing<'s, 'a> {
    scene: &'s Scene<'a>,
}

impl<'a> Passing<'_, 'a> {
    fn of_call(&self, gate: Gate, limits: &[LimitAnswer]) -> Option<Said> {
        let lists = self
            .scene
            .catalogue
            .index
            .api_lists
            .get(self.scene.api.symbol);
        match gate {
            Gate::Api => Some(self.had(&Refusal::ApiInactive)),
            Gate::Subscription => Some(self.had(&Refusal::NotSubscribed)),
            Gate::Operation => Some(self.had(&Refusal::NoCapabilityApplies)),
            Gate::List => Some(self.lists(lists.map_or(&[], Vec::as_slice))),
            gate => self.limits(gate, limits),
        }
    }

    fn of_capability(
        &self,
        gate: Gate,
        capability: &'a Capability,
        limits: &[LimitAnswer],
    ) -> Option<Said> {
        let scene = self.scene;
        let lists = &scene.catalogue.index.capability_lists;
        let developer = scene.developer();
        Some(match gate {
            Gate::Level => return self.level(capability),
            Gate::BusinessUnit => {
                let unit = capability.business_unit.as_ref()?;
                self.had(&Refusal::NoBusinessUnitGrant(unit))
            }
            Gate::Switch => self.had(&Refusal::NotSwitchedOn),
            Gate::OffList => self.had(&Refusal::OffForDeveloper),
            Gate::DeveloperProfile => {
                let profile = developer?.profile.as_deref()?;
                self.had(&Refusal::DeveloperProfile(profile.name.as_ref()))
            }
            Gate::AppProfile => {
                let profile = scene.caller.app.profile.as_deref()?;
                self.had(&Refusal::AppProfile(profile.name.as_ref()))
            }
            Gate::KeyPermissions => {
                let profile = scene.caller.permissions?;
                self.had(&Refusal::KeyPermissions(profile.name.as_ref()))
            }
            Gate::Plan => self.had(&Refusal::Plan(scene.plan()?.0)),
            Gate::List => self.lists(lists.get(capability.symbol).map_or(&[], Vec::as_slice)),
            Gate::Policy => {
                let refusal = Refusal::Policy {
                    policy: capability.policy?,
                    conditions: vec!["permitted".to_owned()],
                };
                self.had(&refusal)
            }
            Gate::Geography => self.places(capability),
            gate => return self.limits(gate, limits),
        })
    }

    /// Of a yes or no, what was wanted is what was found.
    fn had(&self, refusal: &Refusal<'_>) -> Said {
        let said = words::say_refusal(self.scene, refusal);
        Said {
            value: said.threshold.clone(),
            ..said
        }
    }

    fn level(&self, capability: &Capability) -> Option<Said> {
        let ladder = self.scene.api.ladder;
        let (_, wants) = capability.levels.iter().find(|(on, _)| *on == ladder)?;
        let exact = self.scene.ladder.is_some_and(|ladder| {
            let level = ladder.rank(*wants).and_then(|at| ladder.levels.get(at));
            level.is_some_and(|level| level.exact)
        });
        let refusal = Refusal::Level {
            stand: self.scene.stand,
            wants: *wants,
            exact,
        };
        Some(words::say_refusal(self.scene, &refusal))
    }

    /// Which deny lists there are is the provider's to know.
    fn lists(&self, lists: &[Symbol]) -> Said {
        let allowing = lists.iter().any(|list| self.scene.allows(*list));
        if allowing {
            return self.had(&Refusal::NotOnAllowList(lists));
        }
        Said::of_passed("", "not listed", "not listed")
    }

    fn places(&self, capability: &'a Capability) -> Said {
        let rules = geography::rules(self.scene, capability);
        joined(rules.filter_map(|rule| {
            let place = geography::place(self.scene, rule).ok()??;
            Some(words::say_refusal(self.scene, &Refusal::Place(rule, place)))
        }))
    }

    fn limits(&self, gate: Gate, limits: &[LimitAnswer]) -> Option<Said> {
        let told = limits.iter().filter_map(|answer| {
            let limit = self.scene.catalogue.limits.get(answer.limit)?;
            let unit = answer.currency.as_deref();
            let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
            let most = answer
                .most
                .map_or_else(|| "unlimited".to_owned(), |most| format!("{most}{unit}"));
            let value = match (&limit.kind, answer.used) {
                (LimitKind::Numeric { fact, .. }, None) if gate == Gate::NumericLimit => self
                    .scene
                    .quantity(fact)
                    .map_or_else(|_| "any".to_owned(), |value| format!("{value}{unit}")),
                (LimitKind::Counted { .. }, Some(used)) if gate == Gate::RateLimit => {
                    format!("{used} used")
                }
                _ => return None,
            };
            Some(Said::of_passed(limit.name.as_str(), &value, &most))
        });
        let said = joined(told);
        (!said.value.is_empty()).then_some(said)
    }
}

/// Several rules of one gate, in one line.
fn joined(all: impl Iterator<Item = Said>) -> Said {
    let mut whole = Said::of_passed("", "", "");
    for said in all {
        for (part, more) in [
            (&mut whole.rule, said.rule),
            (&mut whole.value, said.value),
            (&mut whole.threshold, said.threshold),
        ] {
            if !part.is_empty() {
                part.push_str("; ");
            }
            part.push_str(&more);
        }
    }
    whole
}
