//! Accounts and apps. Reading one resolves its names to symbols; whether what the symbols stand
//! for is there is asked apart (`check`), so that a changed set-up can be held against the
//! accounts and apps that are already compiled.

use std::{collections::BTreeMap, sync::Arc};

use catalog::AccountCredentials;
use decision::{
    Account, App, Attribute, Attributes, Developer, GeoRule, Overrides, Profile, Switches,
    Vocabulary,
};
use primitives::{AccountId, AppId, Name, Symbol, SymbolSet};
use store::Kind;

use super::{
    Setup, Sharing,
    check::{check_account, check_app, exists, known, level_exists},
    credential::of_account,
    entries::{geo_subject, nowhere},
    limits::plain_limit_value,
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

    fn credentials(
        &mut self,
        given: &BTreeMap<Name, document::AccountCredentials>,
    ) -> BTreeMap<Name, AccountCredentials> {
        let mut credentials = BTreeMap::new();
        for (api, entry) in given {
            let field = format!("upstream_credentials.{api}");
            self.symbol(Kind::Api, api.as_str(), &field);
            let entry = of_account(self.at.field(&field), entry, &mut self.problems);
            credentials.insert(api.clone(), entry);
        }
        credentials
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

    fn geography(
        &mut self,
        given: &BTreeMap<Name, Vec<document::GeoRule>>,
    ) -> Vec<(Symbol, Vec<GeoRule>)> {
        let mut geography = Vec::new();
        for (capability, rules) in given {
            let field = format!("developer.geography.{capability}");
            let symbol = self.symbol(Kind::Capability, capability.as_str(), &field);
            let mut compiled = Vec::with_capacity(rules.len());
            for (index, rule) in rules.iter().enumerate() {
                let field = format!("{field}[{index}].regions");
                if rule.regions.is_empty() {
                    self.problems.push(nowhere(self.at.field(&field)));
                }
                let regions = rule.regions.iter();
                compiled.push(GeoRule {
                    subject: geo_subject(rule.subject),
                    regions: regions
                        .filter_map(|region| self.symbol(Kind::Region, region.as_str(), &field))
                        .collect(),
                });
            }
            if let (Some(symbol), false) = (symbol, compiled.is_empty()) {
                geography.push((symbol, compiled));
            }
        }
        geography.sort_by_key(|(capability, _)| *capability);
        geography
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
            geography: self.geography(&entry.geography),
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
    let credentials = reader.credentials(&entry.upstream_credentials);
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
        upstream_credentials: sharing.credentials(credentials),
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
pub(super) fn attribute(declared: Option<PropertyType>, value: PropertyValue) -> Attribute {
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
