//! Whether what a compiled account or app refers to is in a set-up.

use std::sync::Arc;

use decision::{Account, App, Attribute, Developer, LimitKind, LimitValue, Overrides, Profile};
use primitives::{Name, Symbol};
use store::Kind;

use super::{
    Setup,
    limits::unusable,
    names::{At, table},
};
use crate::{
    document::PropertyType,
    problem::{Problem, suggestion},
};

/// Whether everything that a compiled account refers to is in the set-up.
#[must_use]
pub fn check_account(setup: &Setup, account: &Account) -> Vec<Problem> {
    let mut check = Check::new(setup, At::new(Kind::Account, &account.name));
    for (property, value) in account.attributes.iter() {
        let field = format!("properties.{property}");
        check.property(property, value, &field);
    }
    for api in account.external_ids.keys() {
        check.api(api, &format!("external_ids.{api}"));
    }
    for api in account.upstream_credentials.keys() {
        check.api(api, &format!("upstream_credentials.{api}"));
    }
    if let Some(plan) = account.plan {
        check.there(Kind::Plan, plan, "plan");
    }
    if let Some(developer) = &account.developer {
        check.developer(developer);
    }
    check.problems
}

/// Whether everything that a compiled app refers to is in the set-up. Its accounts are checked
/// where accounts are.
#[must_use]
pub fn check_app(setup: &Setup, app: &App) -> Vec<Problem> {
    let mut check = Check::new(setup, At::new(Kind::App, &app.name));
    for api in app.subscriptions.iter() {
        check.there(Kind::Api, api, "apis");
    }
    for capability in app.off.iter() {
        check.there(Kind::Capability, capability, "off");
    }
    check.profile(app.profile.as_ref(), "profile");
    check.limits(&app.limits, "limits");
    check.problems
}

struct Check<'a> {
    setup: &'a Setup,
    at: At<'a>,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    const fn new(setup: &'a Setup, at: At<'a>) -> Self {
        Self {
            setup,
            at,
            problems: Vec::new(),
        }
    }

    fn refuse(&mut self, field: &str, message: String) {
        self.problems.push(self.at.field(field).problem(message));
    }

    fn there(&mut self, kind: Kind, symbol: Symbol, field: &str) {
        if !exists(self.setup, kind, symbol) {
            let vocabulary = &self.setup.catalogue.vocabulary;
            let name = table(vocabulary, kind).map(|table| table.name(symbol));
            let name = name.unwrap_or_else(|| "?".into());
            self.refuse(field, format!("there is no {kind} `{name}`"));
        }
    }

    fn api(&mut self, api: &Name, field: &str) {
        let symbol = self.setup.catalogue.vocabulary.apis.get(api.as_str());
        if !symbol.is_some_and(|symbol| exists(self.setup, Kind::Api, symbol)) {
            self.refuse(field, format!("there is no api `{api}`"));
        }
    }

    fn property(&mut self, property: &Name, value: &Attribute, field: &str) {
        let Some(declared) = self.setup.properties.get(property) else {
            let known = self.setup.properties.keys().map(Name::as_str);
            let mend = match suggestion(property.as_str(), known) {
                none if none.is_empty() => "declare it under `properties:`".to_owned(),
                near => near,
            };
            let message = format!("there is no property `{property}`");
            let problem = self.at.field(field).problem(message);
            return self.problems.push(problem.mend(mend));
        };
        let (fits, word) = match declared.kind {
            PropertyType::Boolean => (matches!(value, Attribute::Boolean(_)), "`true` or `false`"),
            PropertyType::Integer => (matches!(value, Attribute::Integer(_)), "a whole number"),
            PropertyType::Text => (matches!(value, Attribute::Text(_)), "text"),
            PropertyType::Texts => (matches!(value, Attribute::Texts(_)), "a list of texts"),
        };
        if !fits {
            self.refuse(field, format!("the property `{property}` is {word}"));
        }
    }

    fn developer(&mut self, developer: &Developer) {
        for (ladder, level) in &developer.levels {
            if !level_exists(self.setup, *ladder, *level) {
                let name = self.setup.catalogue.vocabulary.levels.name(*level);
                self.refuse("developer.levels", format!("there is no level `{name}`"));
            }
        }
        let capability = Kind::Capability;
        for off in developer.switches.off.iter() {
            self.there(capability, off, "developer.off");
        }
        for granted in developer.switches.business_unit.iter() {
            self.there(capability, granted, "developer.business_unit");
        }
        for on in developer.switches.on.iter() {
            self.there(capability, on, "developer.on");
        }
        self.profile(developer.profile.as_ref(), "developer.profile");
        self.limits(&developer.limits, "developer.limits");
        for (of, rules) in &developer.geography {
            self.there(capability, *of, "developer.geography");
            for region in rules.iter().flat_map(|rule| &rule.regions) {
                self.there(Kind::Region, *region, "developer.geography");
            }
        }
    }

    fn profile(&mut self, profile: Option<&Arc<Profile>>, field: &str) {
        let Some(name) = profile.and_then(|profile| profile.name.as_ref()) else {
            return;
        };
        let symbol = self.setup.catalogue.vocabulary.profiles.get(name.as_str());
        if !symbol.is_some_and(|symbol| exists(self.setup, Kind::Profile, symbol)) {
            self.refuse(field, format!("there is no profile `{name}`"));
        }
    }

    fn limits(&mut self, limits: &Overrides, field: &str) {
        for (symbol, value) in &limits.0 {
            let name = self.setup.catalogue.vocabulary.limits.name(*symbol);
            let field = format!("{field}.{name}");
            let Some(limit) = self.setup.catalogue.limits.get(*symbol) else {
                self.refuse(&field, format!("there is no limit `{name}`"));
                continue;
            };
            if let Some((message, mend)) = unusable(value) {
                let problem = self.at.field(&field).problem(message);
                self.problems.push(problem.mend(mend));
            }
            let has_currency = matches!(
                &limit.kind,
                LimitKind::Numeric {
                    currency: Some(_),
                    ..
                }
            );
            if matches!(value, LimitValue::ByCurrency(_)) && !has_currency {
                self.refuse(&field, format!("the limit `{name}` has no currency"));
            }
        }
    }
}

pub(super) fn exists(setup: &Setup, kind: Kind, symbol: Symbol) -> bool {
    let catalogue = &setup.catalogue;
    match kind {
        Kind::Api => catalogue.apis.get(symbol).is_some(),
        Kind::Capability => catalogue.capabilities.get(symbol).is_some(),
        Kind::Ladder => catalogue.ladders.get(symbol).is_some(),
        Kind::Limit => catalogue.limits.get(symbol).is_some(),
        Kind::Plan => catalogue.plans.get(symbol).is_some(),
        Kind::Profile => setup.profiles.get(symbol).is_some(),
        Kind::Region => catalogue.regions.get(symbol).is_some(),
        _ => false,
    }
}

pub(super) fn level_exists(setup: &Setup, ladder: Symbol, level: Symbol) -> bool {
    let ladder = setup.catalogue.ladders.get(ladder);
    ladder.is_some_and(|ladder| ladder.levels.iter().any(|there| there.symbol == level))
}

/// The names there are of a kind.
pub(super) fn known(setup: &Setup, kind: Kind) -> Vec<Arc<str>> {
    let catalogue = &setup.catalogue;
    let symbols: Vec<Symbol> = match kind {
        Kind::Api => catalogue.apis.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Capability => catalogue.capabilities.iter().map(|(s, _)| s).collect(),
        Kind::Ladder => catalogue.ladders.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Limit => catalogue.limits.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Plan => catalogue.plans.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Profile => setup.profiles.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Region => catalogue.regions.iter().map(|(symbol, _)| symbol).collect(),
        _ => Vec::new(),
    };
    let Some(table) = table(&catalogue.vocabulary, kind) else {
        return Vec::new();
    };
    symbols
        .into_iter()
        .map(|symbol| table.name(symbol))
        .collect()
}
