use std::sync::Arc;

use decision::{
    Admission, Capability, Catalogue, GeoRule, GeoSubject, Ladder, Level, Overrides, Plan, Profile,
    Region,
};
use primitives::{Name, Symbol};
use store::Kind;

use super::{
    Setup,
    limits::limit_value,
    names::{At, Names},
    setup::each,
};
use crate::{document, problem::Problem};

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

/// Compiles the capabilities; their own risks are for the risk models alone.
pub(super) fn capabilities(
    names: &mut Names<'_>,
    catalogue: &mut Catalogue,
    setup: &mut Setup,
) -> Vec<(Name, u32)> {
    let mut risks = Vec::new();
    for (name, entry) in each::<document::Capability>(names) {
        let at = At::new(Kind::Capability, &name);
        let symbol = names.vocabulary.capabilities.intern(name.as_str());
        spellings(names, setup, at, &entry, symbol);
        if entry.risk > 0 {
            risks.push((name.clone(), entry.risk));
        }
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
                names.refuse(nowhere(at.field(&field)));
            }
            geography.push(GeoRule {
                subject: geo_subject(rule.subject),
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
            admission: entry.admission.map(|admission| match admission {
                document::Admission::Strict => Admission::Strict,
                document::Admission::Relaxed => Admission::Relaxed,
            }),
        };
        catalogue.capabilities.insert(symbol, capability);
    }
    risks
}

pub(super) const fn geo_subject(place: document::Place) -> GeoSubject {
    match place {
        document::Place::CallerHome => GeoSubject::CallerHome,
        document::Place::CallerNow => GeoSubject::CallerNow,
        document::Place::UserHome => GeoSubject::UserHome,
        document::Place::Target => GeoSubject::Target,
    }
}

/// A location rule that allows no place.
pub(super) fn nowhere(at: At<'_>) -> Problem {
    at.problem("without a region no place is allowed")
        .mend("name a region, or take the rule out")
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
            title: entry.title,
            profile,
            limits,
        };
        catalogue.plans.insert(symbol, plan);
    }
}
