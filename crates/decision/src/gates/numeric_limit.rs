//! Does a value of the request exceed what the limit allows (P-46)?

use catalog::UnusableFact;
use primitives::{Name, Quantity, Symbol};

use crate::{
    Gate, Limit, LimitKind, LimitValue,
    finding::{Finding, LimitView, Listener, Refusal},
    gates::limits::{NotListed, factors, most},
    scene::{Obstacle, Scene},
};

pub(super) fn numeric_limits<'a>(
    scene: &Scene<'a>,
    limits: &'a [Symbol],
    listener: &mut impl Listener<'a>,
) {
    let (mut any, mut clean) = (false, true);
    for limit in limits
        .iter()
        .filter_map(|&symbol| scene.catalogue.limits.get(symbol))
    {
        let LimitKind::Numeric { fact, currency } = &limit.kind else {
            continue;
        };
        any = true;
        let finding = check(scene, limit, fact, currency.as_ref(), listener);
        if !matches!(finding, Finding::Passed) {
            clean = false;
            listener.hear(Gate::NumericLimit, finding);
        }
    }
    if !any {
        listener.hear(Gate::NumericLimit, Finding::NotApplicable);
    } else if clean {
        listener.hear(Gate::NumericLimit, Finding::Passed);
    }
}

fn check<'a>(
    scene: &Scene<'a>,
    limit: &'a Limit,
    fact: &'a Name,
    currency: Option<&'a Name>,
    listener: &mut impl Listener<'a>,
) -> Finding<'a> {
    let obstructed = |obstacle| Finding::of_obstacle(Some(&limit.name), obstacle);
    let by_currency = factors(scene, limit)
        .into_iter()
        .flatten()
        .any(|(_, value)| matches!(value, LimitValue::ByCurrency(_)));
    let currency = match currency
        .filter(|_| by_currency)
        .map(|fact| scene.text(fact))
    {
        None => None,
        Some(Ok(currency)) => Some(currency),
        Some(Err(obstacle)) => {
            if obstacle == Obstacle::Unread {
                tell_all(scene, limit, listener);
            }
            return obstructed(obstacle);
        }
    };
    let bound = match most(scene, limit, currency) {
        Ok(bound) => bound,
        Err(NotListed) => return Finding::Refused(Refusal::Currency { limit, currency }),
    };
    listener.limit(LimitView {
        limit: limit.symbol,
        currency,
        most: bound,
        used: None,
        resets_at: None,
    });
    let Some(most) = bound else {
        return Finding::Passed;
    };
    match scene.quantity(fact) {
        Err(obstacle) => obstructed(obstacle),
        // Below every value, and never what a limit on amounts meant to let through.
        Ok(value) if value < Quantity::ZERO => {
            obstructed(Obstacle::Unusable(fact, UnusableFact::Negative))
        }
        Ok(value) => {
            let refusal = Refusal::Exceeded {
                limit,
                currency,
                value,
                most,
            };
            Finding::or_refused(value <= most, refusal)
        }
    }
}

/// Before the currency is known, the limit is what it would be in each.
fn tell_all<'a>(scene: &Scene<'a>, limit: &'a Limit, listener: &mut impl Listener<'a>) {
    let listed = factors(scene, limit)
        .into_iter()
        .flatten()
        .find_map(|(_, value)| match value {
            LimitValue::ByCurrency(values) => Some(values),
            LimitValue::Unlimited | LimitValue::AtMost(_) => None,
        });
    for (currency, _) in listed.into_iter().flatten() {
        if let Ok(bound) = most(scene, limit, Some(currency)) {
            listener.limit(LimitView {
                limit: limit.symbol,
                currency: Some(currency),
                most: bound,
                used: None,
                resets_at: None,
            });
        }
    }
}
