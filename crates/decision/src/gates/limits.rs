//! What a limit comes to for a caller: the smallest of what developer, app and plan allow (J-1).

use primitives::Quantity;

use crate::{
    Limit, LimitValue,
    scene::{Scene, Stand},
};

/// Who contributes to the value of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    /// The value edited for the developer, or the one of the level, or the default.
    Developer,
    /// The value edited for the app; it can only narrow.
    App,
    /// The value in the plan of the account acted for.
    Plan,
}

/// No value of the limit is in the currency asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotListed;

/// Everything that bounds the limit for the caller.
pub(crate) fn factors<'a>(
    scene: &Scene<'a>,
    limit: &'a Limit,
) -> [Option<(Factor, &'a LimitValue)>; 3] {
    let edited = scene
        .developer()
        .and_then(|developer| developer.limits.get(limit.symbol));
    let of_developer = edited.unwrap_or_else(|| of_level(scene, limit));
    let of_app = scene.caller.app.limits.get(limit.symbol);
    [
        Some((Factor::Developer, of_developer)),
        of_app.map(|value| (Factor::App, value)),
        of_plan(scene, limit).map(|value| (Factor::Plan, value)),
    ]
}

/// The bound of one value in a currency; `None` is no bound.
pub(crate) fn bound(
    value: &LimitValue,
    currency: Option<&str>,
) -> Result<Option<Quantity>, NotListed> {
    match value {
        LimitValue::Unlimited => Ok(None),
        LimitValue::AtMost(most) => Ok(Some(*most)),
        LimitValue::ByCurrency(values) => {
            let wanted = currency.ok_or(NotListed)?;
            let listed = values.iter().find(|(name, _)| name == wanted);
            listed.map(|(_, most)| Some(*most)).ok_or(NotListed)
        }
    }
}

/// The smallest bound; `None` is no bound.
pub(crate) fn most(
    scene: &Scene<'_>,
    limit: &Limit,
    currency: Option<&str>,
) -> Result<Option<Quantity>, NotListed> {
    let mut smallest: Option<Quantity> = None;
    for (_, value) in factors(scene, limit).into_iter().flatten() {
        if let Some(most) = bound(value, currency)? {
            smallest = Some(smallest.map_or(most, |smallest| smallest.min(most)));
        }
    }
    Ok(smallest)
}

/// The value of the developer's level, or of the nearest level below that has one.
fn of_level<'a>(scene: &Scene<'a>, limit: &'a Limit) -> &'a LimitValue {
    if limit.by_level.is_empty() {
        return &limit.default;
    }
    let (Some(ladder), Stand::Rank(stand)) = (scene.ladder, scene.stand) else {
        return &limit.default;
    };
    limit
        .by_level
        .iter()
        .filter_map(|(level, value)| {
            let at = ladder.rank(*level)?;
            ladder.belongs(stand, at).then_some((at, value))
        })
        .max_by_key(|(at, _)| *at)
        .map_or(&limit.default, |(_, value)| value)
}

fn of_plan<'a>(scene: &Scene<'a>, limit: &Limit) -> Option<&'a LimitValue> {
    let (symbol, plan) = scene.plan()?;
    let mut changed = scene.changes.plan_limits.iter();
    changed
        .find(|(plan, edited, _)| *plan == symbol && *edited == limit.symbol)
        .map(|(_, _, value)| value)
        .or_else(|| plan?.limits.get(limit.symbol))
}
