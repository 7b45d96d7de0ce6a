//! Does a counter still cover the call (P-51)? Counters are only asked here; all of them are
//! taken together later, or none.

use catalog::{FactValue, UnusableFact};
use primitives::{Name, Quantity, Symbol, fingerprint};
use quota::{CounterKey, Demand};

use crate::{
    Capability, Gate, Limit, LimitKind, LimitScope,
    finding::{Finding, LimitView, Listener, Refusal},
    gates::limits::{NotListed, most},
    scene::{Obstacle, Scene, usable},
};

const ONE: Quantity = Quantity::from_millionths(1_000_000);
const LEAST: Quantity = Quantity::from_millionths(1);

/// `of` is the capability whose limits they are; `None` for those of every call of an API.
pub(super) fn rate_limits<'a>(
    scene: &Scene<'a>,
    of: Option<&Capability>,
    limits: &'a [Symbol],
    listener: &mut impl Listener<'a>,
) {
    let (mut any, mut clean) = (false, true);
    for limit in limits
        .iter()
        .filter_map(|&symbol| scene.catalogue.limits.get(symbol))
    {
        if matches!(limit.kind, LimitKind::Counted { .. }) {
            any = true;
            let finding = check(scene, of, limit, listener);
            if !matches!(finding, Finding::Passed) {
                clean = false;
                listener.hear(Gate::RateLimit, finding);
            }
        }
    }
    if !any {
        listener.hear(Gate::RateLimit, Finding::NotApplicable);
    } else if clean {
        listener.hear(Gate::RateLimit, Finding::Passed);
    }
}

fn check<'a>(
    scene: &Scene<'a>,
    of: Option<&Capability>,
    limit: &'a Limit,
    listener: &mut impl Listener<'a>,
) -> Finding<'a> {
    let demand = match demand(scene, of, limit) {
        Ok(demand) => demand,
        Err(finding) => {
            if let (Finding::Unread, Ok(most)) = (&finding, most(scene, limit, None)) {
                listener.limit(view(limit, most));
            }
            return finding;
        }
    };
    let Some(standing) = listener.demand(demand) else {
        return Finding::Passed;
    };
    listener.limit(LimitView {
        used: Some(standing.used),
        resets_at: standing.resets_at,
        ..view(limit, demand.most)
    });
    let Some(most) = demand.most else {
        return Finding::Passed;
    };
    let after = standing.used.checked_add(demand.cost);
    let refusal = Refusal::Exhausted {
        limit,
        standing,
        cost: demand.cost,
        most,
    };
    Finding::or_refused(after.is_some_and(|after| after <= most), refusal)
}

fn view(limit: &Limit, most: Option<Quantity>) -> LimitView<'_> {
    LimitView {
        limit: limit.symbol,
        currency: None,
        most,
        used: None,
        resets_at: None,
    }
}

/// What the call wants of the counter.
fn demand<'a>(
    scene: &Scene<'a>,
    of: Option<&Capability>,
    limit: &'a Limit,
) -> Result<Demand, Finding<'a>> {
    let LimitKind::Counted {
        window,
        scope,
        key,
        cost,
    } = &limit.kind
    else {
        return Err(Finding::NotApplicable);
    };
    let subject = subject(scene, of, *scope).ok_or(Finding::Refused(Refusal::NoAccount(limit)))?;
    let obstructed = |obstacle| Finding::of_obstacle(Some(&limit.name), obstacle);
    let fact = key
        .as_ref()
        .map_or(Ok(0), |name| keyed_by(scene, name))
        .map_err(obstructed)?;
    let cost = match cost {
        None => ONE,
        // Before there is a call, the question is whether anything is left.
        Some(_) if scene.request.is_none() => LEAST,
        Some(name) => cost_of(scene, name).map_err(obstructed)?,
    };
    let most = most(scene, limit, None).map_err(|NotListed| {
        Finding::Refused(Refusal::Currency {
            limit,
            currency: None,
        })
    })?;
    Ok(Demand {
        limit: limit.symbol,
        key: CounterKey {
            limit: limit.stable,
            mode: scene.caller.mode,
            subject,
            fact,
        },
        window: *window,
        most,
        cost,
    })
}

fn subject(scene: &Scene<'_>, of: Option<&Capability>, scope: LimitScope) -> Option<u128> {
    let caller = scene.caller;
    Some(match scope {
        LimitScope::Developer => caller.developer.id.as_u128(),
        LimitScope::App => caller.app.id.as_u128(),
        LimitScope::Account => caller.account?.id.as_u128(),
        LimitScope::Credential => caller.credential.as_u128(),
        // The same after a restart, and after the capability was deleted and made again.
        LimitScope::Capability => fingerprint(of?.name.as_str().as_bytes()),
    })
}

/// A negative cost would give quota back.
fn cost_of<'a>(scene: &Scene<'a>, name: &'a Name) -> Result<Quantity, Obstacle<'a>> {
    let cost = scene.quantity(name)?;
    if cost < Quantity::ZERO {
        return Err(Obstacle::Unusable(name, UnusableFact::Negative));
    }
    Ok(cost)
}

fn keyed_by<'a>(scene: &Scene<'a>, name: &'a Name) -> Result<u128, Obstacle<'a>> {
    Ok(match usable(name, scene.fact(name))? {
        FactValue::Text(text) => fingerprint(text.as_bytes()),
        FactValue::Quantity(quantity) => fingerprint(quantity.to_string().as_bytes()),
        FactValue::Country(country) => fingerprint(country.to_string().as_bytes()),
        FactValue::Boolean(true) => fingerprint(b"true"),
        FactValue::Boolean(false) => fingerprint(b"false"),
        FactValue::Unread | FactValue::Absent | FactValue::Unusable(_) => {
            return Err(Obstacle::Missing(name));
        }
    })
}
