//! Which edits would mend a refusal.

use primitives::{Quantity, Symbol};

use crate::{
    Capability, Edit, Limit, LimitKind, LimitValue,
    finding::Refusal,
    gates::{
        limits::{Factor, bound, factors},
        lists::can_join,
    },
    scene::Scene,
};

/// What can be done about a refusal.
pub(super) enum Remedy {
    /// This opens it, or helps to.
    Edit(Edit),
    /// Only another level might.
    Level,
    /// Another gate of the same capability asks for the edit that opens this one too.
    Elsewhere,
    /// No edit of the fixed list can.
    Hopeless,
}

/// Adds to `remedies` what can be done about `refusal`.
pub(super) fn remedy(
    scene: &Scene<'_>,
    capability: Option<Symbol>,
    refusal: &Refusal<'_>,
    remedies: &mut Vec<Remedy>,
) {
    match refusal {
        Refusal::Exceeded {
            limit,
            currency,
            value,
            ..
        } => raise(scene, limit, *currency, *value, remedies),
        Refusal::Exhausted {
            limit,
            standing,
            cost,
            ..
        } => match standing.used.checked_add(*cost) {
            Some(wanted) => raise(scene, limit, None, wanted, remedies),
            None => remedies.push(Remedy::Hopeless),
        },
        Refusal::Currency { limit, currency } => match amount(scene, limit) {
            Some(wanted) if currency.is_some() => {
                raise(scene, limit, *currency, wanted, remedies);
            }
            _ => remedies.push(Remedy::Level),
        },
        // Where a level has no bound, the limit asks for nothing.
        Refusal::Fact { rule: Some(_), .. } => remedies.push(Remedy::Level),
        refusal => {
            let found = in_setup(scene, refusal)
                .or_else(|| of_capability(scene, capability?, refusal))
                .unwrap_or(Remedy::Hopeless);
            remedies.push(found);
        }
    }
}

/// Refusals that concern the call or the provider's set-up. `None` for all others.
fn in_setup(scene: &Scene<'_>, refusal: &Refusal<'_>) -> Option<Remedy> {
    let edit = match refusal {
        Refusal::NotSubscribed => Some(Edit::Subscribe {
            app: scene.caller.app.id,
            api: scene.api.symbol,
        }),
        Refusal::OnDenyList(list) => Some(Edit::ChangeList { list: *list }),
        Refusal::NotOnAllowList(lists) => lists
            .iter()
            .copied()
            .filter(|&list| scene.allows(list))
            .find(|&list| {
                let list = scene.catalogue.lists.get(list);
                list.is_some_and(|list| can_join(scene, list))
            })
            .map(|list| Edit::ChangeList { list }),
        Refusal::Place(rule, country) => rule.regions.first().map(|&region| Edit::AddToRegion {
            region,
            country: *country,
        }),
        // What a policy reads besides the level stays as it is, unless another gate asks for it.
        Refusal::Policy { .. } => return Some(Remedy::Level),
        _ => return None,
    };
    Some(edit.map_or(Remedy::Hopeless, Remedy::Edit))
}

/// Refusals of one capability. `None` for all others.
fn of_capability(scene: &Scene<'_>, symbol: Symbol, refusal: &Refusal<'_>) -> Option<Remedy> {
    let developer = scene.caller.developer.id;
    let app = scene.caller.app.id;
    let capability = symbol;
    let edit = match refusal {
        Refusal::Level { .. } | Refusal::NoBusinessUnitGrant(_) | Refusal::NotSwitchedOn => {
            let capability = scene.catalogue.capabilities.get(symbol)?;
            return Some(way_in(scene, capability, refusal));
        }
        Refusal::OffForDeveloper => Edit::ClearDeveloperOff {
            developer,
            capability,
        },
        Refusal::OffForApp => Edit::ClearAppOff { app, capability },
        Refusal::DeveloperProfile(_) => Edit::WidenDeveloperProfile {
            developer,
            capability,
        },
        Refusal::AppProfile(_) => Edit::WidenAppProfile { app, capability },
        Refusal::Plan(plan) => {
            scene.catalogue.plans.get(*plan)?;
            Edit::WidenPlan {
                plan: *plan,
                capability,
            }
        }
        _ => return None,
    };
    Some(Remedy::Edit(edit))
}

/// Of several ways in, the first of switch, business unit, level is taken.
fn way_in(scene: &Scene<'_>, capability: &Capability, refusal: &Refusal<'_>) -> Remedy {
    let developer = scene.caller.developer.id;
    let symbol = capability.symbol;
    match refusal {
        Refusal::NotSwitchedOn => Remedy::Edit(Edit::SwitchOn {
            developer,
            capability: symbol,
        }),
        _ if capability.non_risk => Remedy::Elsewhere,
        Refusal::NoBusinessUnitGrant(_) => Remedy::Edit(Edit::GrantBusinessUnit {
            developer,
            capability: symbol,
        }),
        _ if capability.business_unit.is_some() => Remedy::Elsewhere,
        _ => Remedy::Level,
    }
}

/// Raises everything that bounds the limit below `wanted`.
fn raise(
    scene: &Scene<'_>,
    limit: &Limit,
    currency: Option<&str>,
    wanted: Quantity,
    remedies: &mut Vec<Remedy>,
) {
    for (factor, value) in factors(scene, limit).into_iter().flatten() {
        let enough = match bound(value, currency) {
            Ok(None) => true,
            Ok(Some(most)) => most >= wanted,
            Err(_) => false,
        };
        if !enough {
            remedies.push(raise_factor(
                scene,
                (factor, value),
                limit,
                currency,
                wanted,
            ));
        }
    }
}

fn raise_factor(
    scene: &Scene<'_>,
    (factor, value): (Factor, &LimitValue),
    limit: &Limit,
    currency: Option<&str>,
    to: Quantity,
) -> Remedy {
    let limit = limit.symbol;
    let currency = match value {
        LimitValue::ByCurrency(_) => currency.map(str::to_owned),
        LimitValue::AtMost(_) | LimitValue::Unlimited => None,
    };
    let edit = match factor {
        Factor::Developer => Edit::RaiseDeveloperLimit {
            developer: scene.caller.developer.id,
            limit,
            to,
            currency,
        },
        Factor::App => Edit::RaiseAppLimit {
            app: scene.caller.app.id,
            limit,
            to,
            currency,
        },
        Factor::Plan => match scene.plan() {
            Some((plan, _)) => Edit::RaisePlanLimit {
                plan,
                limit,
                to,
                currency,
            },
            None => return Remedy::Hopeless,
        },
    };
    Remedy::Edit(edit)
}

fn amount(scene: &Scene<'_>, limit: &Limit) -> Option<Quantity> {
    match &limit.kind {
        LimitKind::Numeric { fact, .. } => scene.quantity(fact).ok(),
        LimitKind::Counted { .. } => None,
    }
}
