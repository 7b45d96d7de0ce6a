//! A small provider with one API, one developer and one app, changed field by field.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use catalog::{
    Api, CapabilityUse, Condition, FactDefinition, FactIndex, FactSource, FactTable, FactType,
    FactValue, Facts, Fold, Operation, Upstream, UpstreamCredential, UpstreamIdentity,
};
use primitives::{
    AccountId, AppId, Country, CredentialId, Enforcement, Mode, Name, Quantity, Symbol, SymbolSet,
    Timestamp, short_fingerprint,
};
use quota::{CalendarUnit, Demand, Standing, Window};

use crate::{
    Account, Answer, App, Call, Caller, Capability, Catalogue, Developer, Evidence, Exhausted,
    Gate, GateAnswer, Ladder, Level, Limit, LimitKind, LimitScope, LimitValue, List, ListEffect,
    ListSubject, Outcome, Places, Plan, PolicyVerdict, Profile, Region, Verdict, evaluate,
};

pub(super) const FACTS: [(&str, FactType); 7] = [
    ("amount", FactType::Quantity),
    ("legs", FactType::Quantity),
    ("agreement", FactType::Text),
    ("currency", FactType::Text),
    ("target", FactType::Country),
    ("fast", FactType::Boolean),
    ("years", FactType::Quantity),
];

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub(super) fn country(text: &str) -> Country {
    text.parse().unwrap()
}

pub(super) fn fact(text: &str) -> FactIndex {
    let at = FACTS.iter().position(|(fact, _)| *fact == text).unwrap();
    FactIndex(u16::try_from(at).unwrap())
}

pub(super) fn set(symbols: &[Symbol]) -> SymbolSet {
    symbols.iter().copied().collect()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is set where none would be open"
)]
pub(super) fn profile(symbols: &[Symbol]) -> Option<Arc<Profile>> {
    Some(Arc::new(Profile {
        name: Some(name("narrow")),
        capabilities: set(symbols),
    }))
}

pub(super) fn at_most(text: &str) -> LimitValue {
    LimitValue::AtMost(quantity(text))
}

/// What policies and counters say in a test.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness {
    pub used: BTreeMap<Symbol, Quantity>,
    /// What each policy wants.
    pub policies: BTreeMap<Symbol, Wants>,
    /// How often a counter was asked.
    pub asked: RefCell<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    Nothing,
    TheImpossible,
    Rank(usize),
    NotSwitchedOff,
    AmountOf50,
}

impl Witness {
    fn settled(wants: Wants, capability: Symbol, caller: &Caller<'_>) -> PolicyVerdict {
        let developer = caller.developer.developer.as_ref().unwrap();
        let open = match wants {
            Wants::Nothing => true,
            Wants::TheImpossible => false,
            Wants::Rank(rank) => {
                // Levels are interned in their order, so the symbol is the rank.
                let stand = developer
                    .levels
                    .first()
                    .map_or(0, |(_, level)| level.index());
                stand >= rank
            }
            Wants::NotSwitchedOff => !developer.switches.off.contains(capability),
            Wants::AmountOf50 => return PolicyVerdict::Unread,
        };
        if open {
            PolicyVerdict::Permit
        } else {
            PolicyVerdict::Refuse(vec![format!("{wants:?}")])
        }
    }
}

impl Evidence for Witness {
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict {
        match self.policies[&policy] {
            Wants::AmountOf50 => match facts.get(fact("amount")) {
                FactValue::Unread => PolicyVerdict::Unread,
                FactValue::Quantity(amount) if *amount <= quantity("50") => PolicyVerdict::Permit,
                _ => PolicyVerdict::Refuse(vec!["context.facts.amount <= 50000000".to_owned()]),
            },
            wants => Self::settled(wants, capability, &call.caller),
        }
    }

    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        _: &Api,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        Self::settled(self.policies[&policy], capability, caller)
    }

    fn standing(&self, demand: &Demand) -> Standing {
        *self.asked.borrow_mut() += 1;
        Standing {
            used: self.used.get(&demand.limit).copied().unwrap_or_default(),
            resets_at: Some(Timestamp::from_seconds(86_400)),
        }
    }
}

pub(super) struct World {
    pub catalogue: Catalogue,
    pub api: Api,
    pub app: App,
    pub developer: Account,
    pub account: Option<Account>,
    pub permissions: Option<Profile>,
    pub mode: Mode,
    pub places: Places,
    pub facts: Facts,
    pub witness: Witness,
}

impl World {
    /// Four levels, no capability yet; the developer stands on the second level, and the app is
    /// subscribed.
    pub(super) fn new() -> Self {
        let mut catalogue = Catalogue::default();
        let words = Arc::clone(&catalogue.vocabulary);
        let ladder = words.ladders.intern("default");
        let levels = ["standard", "entry", "advanced", "partner"].map(|level| Level {
            symbol: words.levels.intern(&format!("default/{level}")),
            name: name(level),
            exact: false,
        });
        let assigned = levels[1].symbol;
        catalogue.ladders.insert(
            ladder,
            Ladder {
                levels: levels.into(),
            },
        );
        let api = api(words.apis.intern("payments"), ladder);
        let developer = Account {
            developer: Some(Arc::new(Developer {
                levels: vec![(ladder, assigned)],
                ..Developer::default()
            })),
            ..account(1, "acme")
        };
        Self {
            app: app(&developer, set(&[api.symbol])),
            catalogue,
            api,
            account: Some(account(2, "user")),
            developer,
            permissions: None,
            mode: Mode::Live,
            places: Places {
                address: Some([192, 0, 2, 7].into()),
                now: Some(country("US")),
            },
            facts: Facts(vec![FactValue::Absent; FACTS.len()]),
            witness: Witness::default(),
        }
    }

    /// A capability of the level of this rank, used by the operation.
    pub(super) fn capability(&mut self, text: &str, rank: Option<usize>) -> Symbol {
        let words = Arc::clone(&self.catalogue.vocabulary);
        let symbol = words.capabilities.intern(text);
        let ladder = self.api.ladder;
        let levels = &self.catalogue.ladders.get(ladder).unwrap().levels;
        let levels = rank
            .map(|rank| (ladder, levels[rank].symbol))
            .into_iter()
            .collect();
        self.catalogue.capabilities.insert(
            symbol,
            Capability {
                symbol,
                name: name(text),
                levels,
                business_unit: None,
                non_risk: false,
                policy: None,
                geography: vec![],
                admission: None,
            },
        );
        self.uses(symbol, None);
        symbol
    }

    pub(super) fn uses(&mut self, capability: Symbol, when: Option<Condition>) {
        let operation = Arc::make_mut(&mut self.api.operations[0]);
        operation
            .uses
            .retain(|usage| usage.capability != capability);
        operation.uses.push(CapabilityUse { capability, when });
    }

    pub(super) fn edit(&mut self, symbol: Symbol, edit: impl FnOnce(&mut Capability)) {
        let mut capability = self.catalogue.capabilities.get(symbol).unwrap().clone();
        edit(&mut capability);
        self.catalogue.capabilities.insert(symbol, capability);
    }

    pub(super) fn edit_ladder(&mut self, edit: impl FnOnce(&mut Ladder)) {
        let mut ladder = self.catalogue.ladders.get(self.api.ladder).unwrap().clone();
        edit(&mut ladder);
        self.catalogue.ladders.insert(self.api.ladder, ladder);
    }

    pub(super) fn edit_developer(&mut self, edit: impl FnOnce(&mut Developer)) {
        edit(Arc::make_mut(self.developer.developer.as_mut().unwrap()));
    }

    pub(super) fn stand_on(&mut self, rank: usize) {
        let ladder = self.api.ladder;
        let level = self.catalogue.ladders.get(ladder).unwrap().levels[rank].symbol;
        self.edit_developer(|developer| developer.levels = vec![(ladder, level)]);
    }

    /// A limit of a capability, or of the whole API.
    pub(super) fn limit(
        &mut self,
        text: &str,
        of: Option<Symbol>,
        kind: LimitKind,
        default: LimitValue,
    ) -> Symbol {
        let symbol = self.catalogue.vocabulary.limits.intern(text);
        self.catalogue.limits.insert(
            symbol,
            Limit {
                symbol,
                name: name(text),
                stable: short_fingerprint(text.as_bytes()),
                kind,
                default,
                by_level: vec![],
                exhausted: Exhausted::Refuse,
            },
        );
        let index = &mut self.catalogue.index;
        let (limits, of) = match of {
            Some(capability) => (&mut index.capability_limits, capability),
            None => (&mut index.api_limits, self.api.symbol),
        };
        let mut concerning = limits.get(of).cloned().unwrap_or_default();
        concerning.push(symbol);
        limits.insert(of, concerning);
        symbol
    }

    pub(super) fn by_level(&mut self, limit: Symbol, values: &[(usize, LimitValue)]) {
        let levels = &self.catalogue.ladders.get(self.api.ladder).unwrap().levels;
        let values = values
            .iter()
            .map(|(rank, value)| (levels[*rank].symbol, value.clone()));
        let mut edited = self.catalogue.limits.get(limit).unwrap().clone();
        edited.by_level = values.collect();
        self.catalogue.limits.insert(limit, edited);
    }

    /// A list about a capability, or about every call of the API.
    pub(super) fn list(
        &mut self,
        text: &str,
        of: Option<Symbol>,
        effect: ListEffect,
        subject: ListSubject,
    ) -> Symbol {
        let symbol = self.catalogue.vocabulary.lists.intern(text);
        self.catalogue
            .lists
            .insert(symbol, List { effect, subject });
        let index = &mut self.catalogue.index;
        let (lists, of) = match of {
            Some(capability) => (&mut index.capability_lists, capability),
            None => (&mut index.api_lists, self.api.symbol),
        };
        let mut concerning = lists.get(of).cloned().unwrap_or_default();
        concerning.push(symbol);
        lists.insert(of, concerning);
        symbol
    }

    pub(super) fn region(&mut self, text: &str, countries: &[&str]) -> Symbol {
        let symbol = self.catalogue.vocabulary.regions.intern(text);
        let mut countries: Vec<_> = countries.iter().map(|text| country(text)).collect();
        countries.sort_unstable();
        self.catalogue.regions.insert(symbol, Region { countries });
        symbol
    }

    pub(super) fn plan(&mut self, text: &str, profile: Option<Arc<Profile>>) -> Symbol {
        let symbol = self.catalogue.vocabulary.plans.intern(text);
        self.catalogue.plans.insert(
            symbol,
            Plan {
                name: name(text),
                title: None,
                profile,
                limits: Arc::default(),
            },
        );
        self.account.as_mut().unwrap().plan = Some(symbol);
        symbol
    }

    /// A plan that holds a limit to a value; the account stays on its own.
    pub(super) fn other_plan(&mut self, text: &str, limits: &[(Symbol, LimitValue)]) -> Symbol {
        let own = self.account.as_ref().unwrap().plan;
        let symbol = self.plan(text, None);
        let mut plan = self.catalogue.plans.get(symbol).unwrap().clone();
        for (limit, value) in limits {
            Arc::make_mut(&mut plan.limits).set(*limit, value.clone());
        }
        self.catalogue.plans.insert(symbol, plan);
        self.account.as_mut().unwrap().plan = own;
        symbol
    }

    pub(super) fn put_on(&mut self, plan: Symbol) {
        self.account.as_mut().unwrap().plan = Some(plan);
    }

    /// Has the limit offer a plan when it does not cover a call.
    pub(super) fn offers(&mut self, limit: Symbol, plan: Symbol) {
        let mut edited = self.catalogue.limits.get(limit).unwrap().clone();
        edited.exhausted = Exhausted::OfferPlan(plan);
        self.catalogue.limits.insert(limit, edited);
    }

    pub(super) fn policy(&mut self, capability: Symbol, text: &str, wants: Wants) {
        let symbol = self.catalogue.vocabulary.policies.intern(text);
        self.witness.policies.insert(symbol, wants);
        self.edit(capability, |capability| capability.policy = Some(symbol));
    }

    pub(super) fn has(&mut self, text: &str, value: FactValue) {
        self.facts.0[usize::from(fact(text).0)] = value;
    }

    pub(super) fn caller(&self) -> Caller<'_> {
        Caller {
            credential: CredentialId::from_u128(1),
            permissions: self.permissions.as_ref(),
            mode: self.mode,
            app: &self.app,
            developer: &self.developer,
            account: self.account.as_ref(),
        }
    }

    pub(super) fn call(&self) -> Call<'_> {
        Call {
            api: &self.api,
            operation: &self.api.operations[0],
            caller: self.caller(),
            places: self.places,
        }
    }

    pub(super) fn answer(&self) -> Answer {
        evaluate(&self.catalogue, &self.call(), &self.facts, &self.witness)
    }

    pub(super) fn verdict(&self) -> Verdict {
        crate::assess(&self.catalogue, &self.call(), &self.facts, &self.witness).verdict
    }

    pub(super) fn codes(&self) -> Vec<(Gate, &'static str)> {
        refusals(&self.answer())
            .map(|gate| (gate.gate, gate.code))
            .collect()
    }
}

/// Every gate of the answer, of the call and of its capabilities.
pub(super) fn gates(answer: &Answer) -> impl Iterator<Item = &GateAnswer> {
    let of_capabilities = answer
        .capabilities
        .iter()
        .flat_map(|capability| &capability.gates);
    answer.gates.iter().chain(of_capabilities)
}

pub(super) fn refusals(answer: &Answer) -> impl Iterator<Item = &GateAnswer> {
    gates(answer).filter(|gate| gate.outcome == Outcome::Refused)
}

pub(super) fn numeric(fact: &str, currency: Option<&str>) -> LimitKind {
    LimitKind::Numeric {
        fact: name(fact),
        currency: currency.map(name),
    }
}

pub(super) fn counted(window: Window, scope: LimitScope) -> LimitKind {
    LimitKind::Counted {
        window,
        scope,
        key: None,
        cost: None,
    }
}

pub(super) const DAY: Window = Window::Calendar(CalendarUnit::Day);

fn api(symbol: Symbol, ladder: Symbol) -> Api {
    let upstream = Some(Arc::new(Upstream {
        url: "https://upstream.example".to_owned(),
        credential: UpstreamCredential::None,
        timeout: std::time::Duration::from_secs(1),
        identity: UpstreamIdentity::Ed25519,
        refund_server_errors: false,
    }));
    let facts = FACTS.map(|(text, kind)| FactDefinition {
        name: name(text),
        source: FactSource::Body(format!("$.{text}")),
        kind,
        fold: Fold::Single,
    });
    Api {
        symbol,
        name: name("payments"),
        version: "1".to_owned(),
        active: true,
        enforcement: Enforcement::Enforce,
        ladder,
        mounts: vec![],
        live: upstream.clone(),
        test: upstream,
        cors: None,
        operations: vec![Arc::new(Operation {
            index: 0,
            id: name("Pay"),
            method: "POST".to_owned(),
            template: "/Pay".to_owned(),
            uses: vec![],
            facts: FactTable(facts.into()),
            account: None,
            bodies: catalog::ReadableBodies::default(),
        })],
    }
}

fn account(id: u128, text: &str) -> Account {
    Account {
        id: AccountId::from_u128(id),
        name: name(text),
        verified: true,
        home: Some(country("US")),
        plan: None,
        attributes: Arc::default(),
        external_ids: Arc::default(),
        upstream_credentials: Arc::default(),
        developer: None,
    }
}

fn app(developer: &Account, subscriptions: SymbolSet) -> App {
    App {
        id: AppId::from_u128(3),
        name: name("shop"),
        developer: developer.id,
        account: None,
        active: true,
        provider: false,
        subscriptions: Arc::new(subscriptions),
        off: Arc::default(),
        profile: None,
        limits: Arc::default(),
    }
}
