use std::{net::IpAddr, sync::Arc};

use decision::{
    Capability, Catalogue, GeoRule, GeoSubject, Ladder, Level, Limit, LimitKind, LimitScope,
    LimitValue, List, ListEffect, ListSubject, Overrides, Plan, Profile, Region, SymbolMap,
};
use ipnet::IpNet;
use primitives::{Name, Quantity, Symbol};
use quota::{CalendarUnit, Window};
use store::Kind;

use super::{
    Setup,
    names::{At, Names},
    setup::each,
};
use crate::{document, document::DEFAULT_LADDER, problem::suggestion};

pub(super) fn ladders(names: &mut Names<'_>, catalogue: &mut Catalogue) {
    let entries = each::<document::Ladder>(names);
    for (name, entry) in entries {
        let at = At::new(Kind::Ladder, &name);
        let mut ladder = Ladder::default();
        let mut seen: Vec<Name> = Vec::new();
        for (index, level) in entry.levels.into_iter().enumerate() {
            if seen.contains(&level.name) {
                let field = format!("levels[{index}]");
                let message = format!("the level `{}` stands twice; keep one", level.name);
                names.refuse(at.field(&field).problem(message));
                continue;
            }
            seen.push(level.name.clone());
            let symbol = format!("{name}/{}", level.name);
            ladder.levels.push(Level {
                symbol: names.vocabulary.levels.intern(&symbol),
                name: level.name,
                exact: level.exact,
            });
        }
        if seen.is_empty() {
            let problem = at
                .field("levels")
                .problem("a ladder has at least one level");
            names.refuse(problem);
        }
        names.levels.insert(name.clone(), seen);
        let symbol = names.vocabulary.ladders.intern(name.as_str());
        catalogue.ladders.insert(symbol, ladder);
    }
}

pub(super) fn regions(names: &mut Names<'_>, catalogue: &mut Catalogue) {
    for (name, mut entry) in each::<document::Region>(names) {
        entry.countries.sort_unstable();
        entry.countries.dedup();
        let symbol = names.vocabulary.regions.intern(name.as_str());
        let countries = entry.countries;
        catalogue.regions.insert(symbol, Region { countries });
    }
}

pub(super) fn profiles(names: &mut Names<'_>, setup: &mut Setup) {
    for (name, entry) in each::<document::Profile>(names) {
        let at = At::new(Kind::Profile, &name).field("capabilities");
        let capabilities = names.symbols(Kind::Capability, &entry.capabilities, at);
        let symbol = names.vocabulary.profiles.intern(name.as_str());
        let profile = Profile {
            name: Some(name.clone()),
            capabilities: capabilities.into_iter().collect(),
        };
        setup.profiles.insert(symbol, Arc::new(profile));
    }
}

pub(super) fn capabilities(names: &mut Names<'_>, catalogue: &mut Catalogue, setup: &mut Setup) {
    for (name, entry) in each::<document::Capability>(names) {
        let at = At::new(Kind::Capability, &name);
        let symbol = names.vocabulary.capabilities.intern(name.as_str());
        spellings(names, setup, at, &entry, symbol);
        let levels = entry.level.unwrap_or_default().0;
        let levels = levels
            .iter()
            .filter_map(|(ladder, level)| names.level(ladder, level, at.field("level")))
            .collect();
        let policy = entry
            .policy
            .and_then(|policy| names.symbol(Kind::Policy, &policy, at.field("policy")));
        let mut geography = Vec::new();
        for (index, rule) in entry.geography.iter().enumerate() {
            let field = format!("geography[{index}].regions");
            if rule.regions.is_empty() {
                let problem = at
                    .field(&field)
                    .problem("without a region no place is allowed");
                names.refuse(problem.mend("name a region, or take the rule out"));
            }
            geography.push(GeoRule {
                subject: match rule.subject {
                    document::Place::CallerHome => GeoSubject::CallerHome,
                    document::Place::CallerNow => GeoSubject::CallerNow,
                    document::Place::UserHome => GeoSubject::UserHome,
                    document::Place::Target => GeoSubject::Target,
                },
                regions: names.symbols(Kind::Region, &rule.regions, at.field(&field)),
            });
        }
        let capability = Capability {
            symbol,
            name: name.clone(),
            levels,
            business_unit: entry.business_unit,
            non_risk: entry.non_risk,
            policy,
            geography,
        };
        catalogue.capabilities.insert(symbol, capability);
    }
}

/// Names win over titles and aliases; two capabilities may not share an alias.
fn spellings(
    names: &mut Names<'_>,
    setup: &mut Setup,
    at: At<'_>,
    entry: &document::Capability,
    symbol: Symbol,
) {
    for (index, alias) in entry.aliases.iter().enumerate() {
        let spelled = alias.trim().to_lowercase();
        match setup.spellings.insert(spelled, symbol) {
            Some(other) if other != symbol => {
                let other = names.vocabulary.capabilities.name(other);
                let field = format!("aliases[{index}]");
                let message = format!("`{alias}` also stands for the capability `{other}`");
                names.refuse(at.field(&field).problem(message).mend("keep one of them"));
            }
            _ => {}
        }
    }
    if let Some(title) = &entry.title {
        let spelled = title.trim().to_lowercase();
        setup.spellings.entry(spelled).or_insert(symbol);
    }
    setup
        .spellings
        .insert(at.name.as_str().to_lowercase(), symbol);
}

pub(super) fn plans(names: &mut Names<'_>, catalogue: &mut Catalogue, setup: &Setup) {
    for (name, entry) in each::<document::Plan>(names) {
        let at = At::new(Kind::Plan, &name);
        let profile = entry
            .profile
            .and_then(|profile| names.symbol(Kind::Profile, &profile, at.field("profile")))
            .and_then(|profile| setup.profiles.get(profile).cloned());
        let mut limits = Overrides::default();
        for (limit, value) in entry.limits {
            let field = format!("limits.{limit}");
            if let Some(symbol) = names.symbol(Kind::Limit, &limit, at.field(&field)) {
                let value = limit_value(names, at.field(&field), value);
                limits.set(symbol, value);
            }
        }
        let symbol = names.vocabulary.plans.intern(name.as_str());
        let limits = Arc::new(limits);
        let plan = Plan {
            name: name.clone(),
            profile,
            limits,
        };
        catalogue.plans.insert(symbol, plan);
    }
}

fn limit_value(names: &mut Names<'_>, at: At<'_>, value: document::LimitValue) -> LimitValue {
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
fn concern(index: &mut SymbolMap<Vec<Symbol>>, symbol: Symbol, rule: Symbol) {
    let mut rules = index.get(symbol).cloned().unwrap_or_default();
    if !rules.contains(&rule) {
        rules.push(rule);
        index.insert(symbol, rules);
    }
}

pub(super) fn lists(names: &mut Names<'_>, catalogue: &mut Catalogue) {
    for (name, entry) in each::<document::List>(names) {
        let at = At::new(Kind::List, &name);
        let symbol = names.vocabulary.lists.intern(name.as_str());
        let mut capabilities = names.symbols(
            Kind::Capability,
            &entry.capabilities,
            at.field("capabilities"),
        );
        let apis = names.symbols(Kind::Api, &entry.apis, at.field("apis"));
        if entry.capabilities.is_empty() && entry.apis.is_empty() {
            capabilities = catalogue
                .capabilities
                .iter()
                .map(|(symbol, _)| symbol)
                .collect();
        }
        for capability in capabilities {
            concern(&mut catalogue.index.capability_lists, capability, symbol);
        }
        for api in apis {
            concern(&mut catalogue.index.api_lists, api, symbol);
        }
        let effect = match entry.effect {
            document::Effect::Allow => ListEffect::Allow,
            document::Effect::Deny => ListEffect::Deny,
        };
        let Some(subject) = list_subject(names, at, entry) else {
            continue;
        };
        catalogue.lists.insert(symbol, List { effect, subject });
    }
}

fn list_subject(names: &mut Names<'_>, at: At<'_>, entry: document::List) -> Option<ListSubject> {
    match (entry.developers, entry.apps, entry.accounts, entry.networks) {
        (Some(given), None, None, None) => {
            let ids = accounts(names, at.field("developers"), &given);
            Some(ListSubject::Developers(ids))
        }
        (None, Some(given), None, None) => {
            let mut ids = Vec::new();
            for (index, app) in given.iter().enumerate() {
                if let Some(id) = names.members.app_id(app.as_str()) {
                    ids.push(id);
                } else {
                    let field = format!("apps[{index}]");
                    names.refuse(super::names::unknown(
                        Kind::App,
                        app.as_str(),
                        at.field(&field),
                    ));
                }
            }
            ids.sort_unstable();
            Some(ListSubject::Apps(ids))
        }
        (None, None, Some(given), None) => {
            let ids = accounts(names, at.field("accounts"), &given);
            Some(ListSubject::Accounts(ids))
        }
        (None, None, None, Some(networks)) => Some(ListSubject::networks(
            networks.into_iter().map(range).collect(),
        )),
        _ => {
            let message = "a list names `developers`, `apps`, `accounts` or `networks`";
            names.refuse(at.problem(message).mend("write exactly one of them"));
            None
        }
    }
}

fn accounts(names: &mut Names<'_>, at: At<'_>, given: &[Name]) -> Vec<primitives::AccountId> {
    let mut ids = Vec::new();
    for (index, account) in given.iter().enumerate() {
        if let Some(id) = names.members.account_id(account.as_str()) {
            ids.push(id);
        } else {
            let field = format!("{}[{index}]", at.field);
            let problem = super::names::unknown(Kind::Account, account.as_str(), at.field(&field));
            names.refuse(problem);
        }
    }
    ids.sort_unstable();
    ids
}

/// First and last address as numbers, IPv4 mapped into IPv6.
fn range(network: IpNet) -> (u128, u128) {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    };
    (number(network.network()), number(network.broadcast()))
}
