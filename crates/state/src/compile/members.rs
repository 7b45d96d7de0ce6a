//! Accounts and apps. Reading one resolves its names to symbols; checking one asks whether what
//! its symbols stand for is (still) there, so that a changed set-up can be held against the
//! accounts and apps that are already compiled.

use std::{collections::BTreeMap, sync::Arc};

use decision::{
    Account, App, Attribute, Attributes, Developer, LimitKind, LimitValue, Overrides, Profile,
    Switches, Vocabulary,
};
use primitives::{AccountId, AppId, Name, Symbol, SymbolSet};
use store::Kind;

use super::{
    Setup, Sharing,
    entries::{plain_limit_value, unusable},
    names::{At, Members, table, unknown},
};
use crate::{
    document::{self, Document, PropertyType, PropertyValue},
    problem::{Problem, suggestion},
};

/// Reads names into symbols, collecting what is not there.
struct Reader<'a> {
    setup: &'a Setup,
    at: At<'a>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn vocabulary(&self) -> &'a Vocabulary {
        &self.setup.catalogue.vocabulary
    }

    fn unknown(&mut self, kind: Kind, given: &str, field: &str) {
        let known = known(self.setup, kind);
        let mend = suggestion(given, known.iter().map(|name| &**name));
        self.problems
            .push(unknown(kind, given, self.at.field(field)).mend(mend));
    }

    fn symbol(&mut self, kind: Kind, given: &str, field: &str) -> Option<Symbol> {
        let symbol = table(self.vocabulary(), kind)
            .and_then(|table| table.get(given))
            .filter(|symbol| exists(self.setup, kind, *symbol));
        if symbol.is_none() {
            self.unknown(kind, given, field);
        }
        symbol
    }

    fn set(&mut self, kind: Kind, given: &[Name], field: &str) -> SymbolSet {
        let mut set = SymbolSet::default();
        for (index, name) in given.iter().enumerate() {
            let field = format!("{field}[{index}]");
            if let Some(symbol) = self.symbol(kind, name.as_str(), &field) {
                set.insert(symbol);
            }
        }
        set
    }

    fn profile(&mut self, given: Option<&Name>, field: &str) -> Option<Arc<Profile>> {
        let symbol = self.symbol(Kind::Profile, given?.as_str(), field)?;
        self.setup.profiles.get(symbol).cloned()
    }

    fn limits(&mut self, given: BTreeMap<Name, document::LimitValue>, field: &str) -> Overrides {
        let mut limits = Overrides::default();
        for (name, value) in given {
            let field = format!("{field}.{name}");
            if let Some(symbol) = self.symbol(Kind::Limit, name.as_str(), &field) {
                limits.set(symbol, plain_limit_value(value));
            }
        }
        limits
    }

    fn levels(&mut self, given: &document::LevelOf) -> Vec<(Symbol, Symbol)> {
        let mut levels = Vec::new();
        for (ladder, level) in &given.0 {
            let field = "developer.levels";
            let Some(on) = self.symbol(Kind::Ladder, ladder.as_str(), field) else {
                continue;
            };
            let symbol = self.vocabulary().levels.get(&format!("{ladder}/{level}"));
            let there = symbol.filter(|symbol| level_exists(self.setup, on, *symbol));
            if let Some(symbol) = there {
                levels.push((on, symbol));
            } else {
                let ladder_of = self.setup.catalogue.ladders.get(on);
                let names = ladder_of.map(|ladder| ladder.levels.as_slice());
                let names = names.unwrap_or_default().iter().map(|l| l.name.as_str());
                let mend = suggestion(level.as_str(), names);
                let message = format!("the ladder `{ladder}` has no level `{level}`");
                self.problems
                    .push(self.at.field(field).problem(message).mend(mend));
            }
        }
        levels.sort_unstable();
        levels
    }

    fn developer(&mut self, entry: document::Developer, sharing: &mut Sharing) -> Arc<Developer> {
        let switches = Switches {
            off: self.set(Kind::Capability, &entry.off, "developer.off"),
            business_unit: self.set(
                Kind::Capability,
                &entry.business_unit,
                "developer.business_unit",
            ),
            on: self.set(Kind::Capability, &entry.on, "developer.on"),
        };
        let limits = self.limits(entry.limits, "developer.limits");
        let developer = Developer {
            levels: self.levels(&entry.levels),
            switches: sharing.switches(switches),
            profile: self.profile(entry.profile.as_ref(), "developer.profile"),
            limits: sharing.overrides(limits),
        };
        sharing.developer(developer)
    }
}

/// Compiles an account's body.
///
/// # Errors
/// When it cannot be read, or names something that the set-up does not have.
pub fn account(
    setup: &Setup,
    sharing: &mut Sharing,
    (name, id): (&Name, AccountId),
    body: &str,
) -> Result<Account, Vec<Problem>> {
    let at = At::new(Kind::Account, name);
    let entry = document::Account::from_body(body)
        .map_err(|problem| vec![at.problem(problem.to_string())])?;
    let mut reader = Reader {
        setup,
        at,
        problems: Vec::new(),
    };
    let mut attributes = Attributes::new();
    for (property, value) in entry.properties {
        let declared = setup
            .properties
            .get(&property)
            .map(|declared| declared.kind);
        let attribute = attribute(declared, value);
        attributes.insert(property, attribute);
    }
    for api in entry.external_ids.keys() {
        let field = format!("external_ids.{api}");
        reader.symbol(Kind::Api, api.as_str(), &field);
    }
    let plan = entry
        .plan
        .and_then(|plan| reader.symbol(Kind::Plan, plan.as_str(), "plan"));
    let developer = entry
        .developer
        .map(|developer| reader.developer(developer, sharing));
    let account = Account {
        id,
        name: name.clone(),
        verified: entry.verified,
        home: entry.country,
        plan,
        attributes: sharing.attributes(attributes),
        external_ids: sharing.external_ids(entry.external_ids),
        developer,
    };
    let mut problems = reader.problems;
    if problems.is_empty() {
        problems = check_account(setup, &account);
    }
    if problems.is_empty() {
        Ok(account)
    } else {
        Err(problems)
    }
}

/// The value as its property declares it; as it is when it is of another type, which the check
/// refuses.
fn attribute(declared: Option<PropertyType>, value: PropertyValue) -> Attribute {
    match (declared, value) {
        (_, PropertyValue::Boolean(value)) => Attribute::Boolean(value),
        // A number without quotes where text is declared, such as a postal code.
        (Some(PropertyType::Text), PropertyValue::Integer(number)) => {
            Attribute::Text(number.to_string())
        }
        (_, PropertyValue::Integer(number)) => Attribute::Integer(number),
        (_, PropertyValue::Text(text)) => Attribute::Text(text),
        (_, PropertyValue::Texts(mut texts)) => {
            texts.sort_unstable();
            texts.dedup();
            Attribute::Texts(texts)
        }
    }
}

/// Compiles an app's body; `developer` finds accounts that are compiled already.
///
/// # Errors
/// When it cannot be read, or names something that is not there.
pub fn app(
    setup: &Setup,
    sharing: &mut Sharing,
    members: &dyn Members,
    (name, id): (&Name, AppId),
    body: &str,
) -> Result<App, Vec<Problem>> {
    let at = At::new(Kind::App, name);
    let entry =
        document::App::from_body(body).map_err(|problem| vec![at.problem(problem.to_string())])?;
    let mut reader = Reader {
        setup,
        at,
        problems: Vec::new(),
    };
    let developer = members.account_id(entry.developer.as_str());
    if developer.is_none() {
        let problem = unknown(
            Kind::Account,
            entry.developer.as_str(),
            at.field("developer"),
        );
        reader.problems.push(problem);
    }
    let account = entry.account.and_then(|account| {
        let found = members.account_id(account.as_str());
        if found.is_none() {
            let problem = unknown(Kind::Account, account.as_str(), at.field("account"));
            reader.problems.push(problem);
        }
        found
    });
    let subscriptions = reader.set(Kind::Api, &entry.apis, "apis");
    let off = reader.set(Kind::Capability, &entry.off, "off");
    let profile = reader.profile(entry.profile.as_ref(), "profile");
    let limits = reader.limits(entry.limits, "limits");
    let mut problems = reader.problems;
    let Some(developer) = developer.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    let app = App {
        id,
        name: name.clone(),
        developer,
        account,
        active: entry.active,
        provider: entry.provider,
        subscriptions: sharing.set(subscriptions),
        off: sharing.set(off),
        profile,
        limits: sharing.overrides(limits),
    };
    problems = check_app(setup, &app);
    if problems.is_empty() {
        Ok(app)
    } else {
        Err(problems)
    }
}

/// The profile that a key is bound to.
///
/// # Errors
/// When there is no such profile; the problem is the key's app's.
pub fn permissions(
    setup: &Setup,
    app: &Name,
    profile: &Name,
) -> Result<Arc<Profile>, Box<Problem>> {
    let symbol = setup.catalogue.vocabulary.profiles.get(profile.as_str());
    let found = symbol.and_then(|symbol| setup.profiles.get(symbol));
    found.cloned().ok_or_else(|| {
        let known = known(setup, Kind::Profile);
        let mend = suggestion(profile.as_str(), known.iter().map(|name| &**name));
        let problem = unknown(Kind::Profile, profile.as_str(), At::new(Kind::App, app));
        Box::new(problem.mend(mend))
    })
}

/// Whether everything that a compiled account refers to is in the set-up.
#[must_use]
pub fn check_account(setup: &Setup, account: &Account) -> Vec<Problem> {
    let mut check = Check::new(setup, At::new(Kind::Account, &account.name));
    for (property, value) in account.attributes.iter() {
        let field = format!("properties.{property}");
        check.property(property, value, &field);
    }
    for api in account.external_ids.keys() {
        let symbol = setup.catalogue.vocabulary.apis.get(api.as_str());
        if !symbol.is_some_and(|symbol| exists(setup, Kind::Api, symbol)) {
            let field = format!("external_ids.{api}");
            check.refuse(&field, format!("there is no api `{api}`"));
        }
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

fn exists(setup: &Setup, kind: Kind, symbol: Symbol) -> bool {
    let catalogue = &setup.catalogue;
    match kind {
        Kind::Api => catalogue.apis.get(symbol).is_some(),
        Kind::Capability => catalogue.capabilities.get(symbol).is_some(),
        Kind::Ladder => catalogue.ladders.get(symbol).is_some(),
        Kind::Limit => catalogue.limits.get(symbol).is_some(),
        Kind::Plan => catalogue.plans.get(symbol).is_some(),
        Kind::Profile => setup.profiles.get(symbol).is_some(),
        _ => false,
    }
}

fn level_exists(setup: &Setup, ladder: Symbol, level: Symbol) -> bool {
    let ladder = setup.catalogue.ladders.get(ladder);
    ladder.is_some_and(|ladder| ladder.levels.iter().any(|there| there.symbol == level))
}

/// The names there are of a kind.
fn known(setup: &Setup, kind: Kind) -> Vec<Arc<str>> {
    let catalogue = &setup.catalogue;
    let symbols: Vec<Symbol> = match kind {
        Kind::Api => catalogue.apis.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Capability => catalogue.capabilities.iter().map(|(s, _)| s).collect(),
        Kind::Ladder => catalogue.ladders.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Limit => catalogue.limits.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Plan => catalogue.plans.iter().map(|(symbol, _)| symbol).collect(),
        Kind::Profile => setup.profiles.iter().map(|(symbol, _)| symbol).collect(),
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
