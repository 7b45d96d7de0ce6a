use std::sync::Arc;

use decision::{Catalogue, Exhausted, Limit, LimitKind, LimitScope, LimitValue, Plan, SymbolMap};
use primitives::{Name, Quantity, Symbol};
use quota::{CalendarUnit, Window};
use store::Kind;

use super::{
    names::{At, Names},
    setup::each,
};
use crate::{document, document::DEFAULT_LADDER, problem::suggestion};

pub(super) fn limit_value(
    names: &mut Names<'_>,
    at: At<'_>,
    value: document::LimitValue,
) -> LimitValue {
    let value = plain_limit_value(value);
    if let Some((message, mend)) = unusable(&value) {
        names.refuse(at.problem(message).mend(mend));
    }
    value
}

/// What is wrong with the value of a limit, and what would mend it.
pub(super) fn unusable(value: &LimitValue) -> Option<(String, &'static str)> {
    let numbers = match value {
        LimitValue::Unlimited => return None,
        LimitValue::AtMost(most) => vec![*most],
        LimitValue::ByCurrency(values) => {
            for (currency, _) in values {
                let letters = currency.bytes().all(|c| c.is_ascii_uppercase());
                if !letters || currency.len() != 3 {
                    let message = format!("`{currency}` is not a currency");
                    return Some((message, "write three letters of ISO 4217, such as `EUR`"));
                }
            }
            values.iter().map(|(_, most)| *most).collect()
        }
    };
    let negative = numbers.iter().any(|most| *most < Quantity::ZERO);
    negative.then(|| ("a limit is not negative".to_owned(), "write 0 or more"))
}

pub(super) fn plain_limit_value(value: document::LimitValue) -> LimitValue {
    match value {
        document::LimitValue::Unlimited => LimitValue::Unlimited,
        document::LimitValue::AtMost(number) => LimitValue::AtMost(number.0),
        document::LimitValue::ByCurrency(values) => LimitValue::ByCurrency(
            values
                .into_iter()
                .map(|(currency, number)| (currency, number.0))
                .collect(),
        ),
    }
}

pub(super) fn limits(names: &mut Names<'_>, catalogue: &mut Catalogue) {
    for (name, entry) in each::<document::Limit>(names) {
        let at = At::new(Kind::Limit, &name);
        let symbol = names.vocabulary.limits.intern(name.as_str());
        let capabilities = names.symbols(
            Kind::Capability,
            &entry.capabilities,
            at.field("capabilities"),
        );
        let api = entry
            .api
            .as_ref()
            .and_then(|api| names.symbol(Kind::Api, api, at.field("api")));
        if entry.capabilities.is_empty() == entry.api.is_none() {
            let message = "a limit is on `capabilities` or on an `api`, on exactly one of them";
            names.refuse(at.problem(message).mend("write one of the two"));
        }
        for capability in &capabilities {
            concern(&mut catalogue.index.capability_limits, *capability, symbol);
        }
        if let Some(api) = api {
            concern(&mut catalogue.index.api_limits, api, symbol);
        }
        let default = limit_value(names, at.field("value"), entry.value.clone());
        let by_level = by_level(names, at, &entry);
        let Some(kind) = limit_kind(names, at, &entry) else {
            continue;
        };
        let used = (capabilities.as_slice(), api);
        facts_exist(names, catalogue, at, &kind, used);
        let limit = Limit {
            symbol,
            name: name.clone(),
            stable: stable(&name),
            kind,
            default,
            by_level,
            exhausted: exhausted(names, catalogue, at, &entry.exhausted, symbol),
        };
        catalogue.limits.insert(symbol, limit);
    }
}

fn by_level(
    names: &mut Names<'_>,
    at: At<'_>,
    entry: &document::Limit,
) -> Vec<(Symbol, LimitValue)> {
    let mut values = Vec::new();
    for (level, value) in &entry.by_level {
        let field = format!("by_level.{level}");
        let at = at.field(&field);
        let (ladder, level) = level.split_once('/').unwrap_or((DEFAULT_LADDER, level));
        match (ladder.parse::<Name>(), level.parse::<Name>()) {
            (Ok(ladder), Ok(level)) => {
                if let Some((_, symbol)) = names.level(&ladder, &level, at) {
                    values.push((symbol, limit_value(names, at, value.clone())));
                }
            }
            (Err(problem), _) | (_, Err(problem)) => names.refuse(at.problem(problem.to_string())),
        }
    }
    values.sort_by_key(|(symbol, _)| *symbol);
    values
}

/// A plan can only raise what another plan holds lower: the smallest value wins, and whoever is on
/// no plan is held by none.
fn exhausted(
    names: &mut Names<'_>,
    catalogue: &Catalogue,
    at: At<'_>,
    entry: &document::Exhausted,
    limit: Symbol,
) -> Exhausted {
    let document::Exhausted::OfferPlan(name) = entry else {
        return Exhausted::Refuse;
    };
    let at = at.field("exhausted.offer_plan");
    let Some(symbol) = names.symbol(Kind::Plan, name, at) else {
        return Exhausted::Refuse;
    };
    let value = |plan: &Plan| plan.limits.get(limit).cloned();
    let value = |plan: &Plan| value(plan).unwrap_or(LimitValue::Unlimited);
    let raises = catalogue.plans.get(symbol).is_some_and(|offered| {
        let mut plans = catalogue.plans.iter();
        plans.any(|(_, other)| value(offered).is_above(&value(other)))
    });
    if !raises {
        let message =
            format!("the plan `{name}` does not raise this limit: no other plan holds it lower");
        let mend = "give the plan that is outgrown a lower value for it, or offer another plan";
        names.refuse(at.problem(message).mend(mend));
    }
    Exhausted::OfferPlan(symbol)
}

fn limit_kind(names: &mut Names<'_>, at: At<'_>, entry: &document::Limit) -> Option<LimitKind> {
    let kind = match (&entry.numeric, &entry.counted) {
        (Some(numeric), None) => LimitKind::Numeric {
            fact: numeric.fact.clone(),
            currency: numeric.currency.clone(),
        },
        (None, Some(counted)) => LimitKind::Counted {
            window: window(names, at, counted.window),
            scope: match counted.per {
                document::Per::Developer => LimitScope::Developer,
                document::Per::App => LimitScope::App,
                document::Per::Account => LimitScope::Account,
                document::Per::Key => LimitScope::Credential,
                document::Per::Capability => LimitScope::Capability,
            },
            key: counted.key.clone(),
            cost: counted.cost.clone(),
        },
        _ => {
            let message = "a limit is `numeric` or `counted`, exactly one of them";
            names.refuse(at.problem(message).mend("write one of the two"));
            return None;
        }
    };
    let of_capability = matches!(
        &kind,
        LimitKind::Counted {
            scope: LimitScope::Capability,
            ..
        }
    );
    if of_capability && entry.api.is_some() {
        let problem = at
            .field("counted.per")
            .problem("a limit of a whole API has no capability to count by");
        names.refuse(problem.mend("name `capabilities` instead of the `api`"));
    }
    let by_currency =
        |value: &document::LimitValue| matches!(value, document::LimitValue::ByCurrency(_));
    let has_currency = matches!(
        &kind,
        LimitKind::Numeric {
            currency: Some(_),
            ..
        }
    );
    if !has_currency && (by_currency(&entry.value) || entry.by_level.values().any(by_currency)) {
        let problem = at
            .field("value")
            .problem("nothing says which currency a call is in");
        names.refuse(problem.mend("name the fact: `numeric: { fact: …, currency: … }`"));
    }
    Some(kind)
}

fn window(names: &mut Names<'_>, at: At<'_>, window: document::Window) -> Window {
    match window {
        document::Window::Day => Window::Calendar(CalendarUnit::Day),
        document::Window::Week => Window::Calendar(CalendarUnit::Week),
        document::Window::Month => Window::Calendar(CalendarUnit::Month),
        document::Window::Lifetime => Window::Lifetime,
        document::Window::Rolling(interval) => {
            if interval.0.as_secs() == 0 {
                let problem = at
                    .field("counted.window")
                    .problem("the window is too short");
                names.refuse(problem.mend("write `1s` or more"));
            }
            Window::Rolling(interval.0)
        }
    }
}

/// The first 8 bytes of SHA-256 of the name: a counter's identity survives a restart.
fn stable(name: &Name) -> u64 {
    let digest = keys::sha256(name.as_str().as_bytes());
    digest
        .first_chunk()
        .map_or(0, |first| u64::from_be_bytes(*first))
}

/// A fact that no operation in question takes would refuse every call.
fn facts_exist(
    names: &mut Names<'_>,
    catalogue: &Catalogue,
    at: At<'_>,
    kind: &LimitKind,
    (capabilities, api): (&[Symbol], Option<Symbol>),
) {
    let wanted = match kind {
        LimitKind::Numeric { fact, currency } => [
            Some(("numeric.fact", fact)),
            currency.as_ref().map(|fact| ("numeric.currency", fact)),
        ],
        LimitKind::Counted { key, cost, .. } => [
            key.as_ref().map(|fact| ("counted.key", fact)),
            cost.as_ref().map(|fact| ("counted.cost", fact)),
        ],
    };
    let concerned = |symbol: Symbol, operation: &catalog::Operation| {
        let uses = &operation.uses;
        (api == Some(symbol) && !uses.is_empty())
            || uses
                .iter()
                .any(|used| capabilities.contains(&used.capability))
    };
    let operations: Vec<_> = catalogue
        .apis
        .iter()
        .flat_map(|(symbol, api)| api.operations.iter().map(move |op| (symbol, op)))
        .filter(|(symbol, operation)| concerned(*symbol, operation))
        .map(|(_, operation)| operation)
        .collect();
    for (field, fact) in wanted.into_iter().flatten() {
        let taken = |op: &&Arc<catalog::Operation>| op.facts.find(fact.as_str()).is_some();
        if !operations.is_empty() && !operations.iter().any(taken) {
            let known = operations.iter().flat_map(|op| &op.facts.0);
            let mend = suggestion(fact.as_str(), known.map(|fact| fact.name.as_str()));
            let message = format!("no operation concerned takes the fact `{fact}`");
            names.refuse(at.field(field).problem(message).mend(mend));
        }
    }
}

/// Adds `rule` to what concerns `symbol`.
pub(super) fn concern(index: &mut SymbolMap<Vec<Symbol>>, symbol: Symbol, rule: Symbol) {
    let mut rules = index.get(symbol).cloned().unwrap_or_default();
    if !rules.contains(&rule) {
        rules.push(rule);
        index.insert(symbol, rules);
    }
}
