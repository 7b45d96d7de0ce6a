//! Developer and account in Cedar's form, shared by all that are alike in what policies see.

use std::{
    collections::{HashMap, HashSet},
    hash::{Hash, Hasher},
    sync::Arc,
};

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression};
use decision::{Account, Attribute, Attributes, Caller};
use primitives::{Country, Symbol, SymbolSet};
use quick_cache::Equivalent;

use crate::{Policies, compile::uid};

/// The two accounts of a call, as Cedar sees them.
pub(crate) struct Party {
    pub principal: EntityUid,
    pub resource: EntityUid,
    pub entities: Entities,
}

/// What policies see of an account. Two accounts with the same look are the same to them.
#[derive(Clone, Debug)]
struct Look {
    attributes: Arc<Attributes>,
    home: Option<Country>,
    verified: bool,
    levels: Vec<(Symbol, Symbol)>,
    off: SymbolSet,
}

/// What policies see of the developer, and of the account acted for when they look at it.
#[derive(Clone, Debug)]
pub(crate) struct PartyKey {
    developer: Look,
    account: Option<Look>,
}

/// A [`Look`] at an account where it stands, so that finding a known one copies nothing.
#[derive(Clone, Copy)]
struct LookAt<'a> {
    attributes: &'a Arc<Attributes>,
    home: Option<Country>,
    verified: bool,
    levels: &'a [(Symbol, Symbol)],
    off: Option<&'a SymbolSet>,
}

/// A [`PartyKey`] as references.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PartyView<'a> {
    developer: LookAt<'a>,
    account: Option<LookAt<'a>>,
}

impl<'a> PartyView<'a> {
    pub(crate) fn of(caller: &Caller<'a>, with_account: bool) -> Self {
        Self {
            developer: LookAt::developer(caller.developer),
            account: caller.account.filter(|_| with_account).map(LookAt::account),
        }
    }

    pub(crate) fn to_key(self) -> PartyKey {
        PartyKey {
            developer: self.developer.to_owned(),
            account: self.account.map(LookAt::to_owned),
        }
    }
}

impl<'a> LookAt<'a> {
    fn developer(account: &'a Account) -> Self {
        let developer = account.developer.as_deref();
        Self {
            levels: developer.map_or(&[], |developer| &developer.levels),
            off: developer.map(|developer| &developer.switches.off),
            ..Self::account(account)
        }
    }

    fn account(account: &'a Account) -> Self {
        Self {
            attributes: &account.attributes,
            home: account.home,
            verified: account.verified,
            levels: &[],
            off: None,
        }
    }

    fn to_owned(self) -> Look {
        Look {
            attributes: Arc::clone(self.attributes),
            home: self.home,
            verified: self.verified,
            levels: self.levels.to_vec(),
            off: self.off.cloned().unwrap_or_default(),
        }
    }

    fn off_symbols(&self) -> impl Iterator<Item = Symbol> + use<'a> {
        self.off.into_iter().flat_map(SymbolSet::iter)
    }
}

impl PartialEq for LookAt<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.home == other.home
            && self.verified == other.verified
            && self.levels == other.levels
            && (Arc::ptr_eq(self.attributes, other.attributes)
                || self.attributes == other.attributes)
            && self.off_symbols().eq(other.off_symbols())
    }
}

impl Eq for LookAt<'_> {}

impl Hash for LookAt<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.attributes.hash(state);
        self.home.hash(state);
        self.verified.hash(state);
        self.levels.hash(state);
        self.off_symbols().for_each(|symbol| symbol.hash(state));
    }
}

impl Look {
    fn view(&self) -> LookAt<'_> {
        LookAt {
            attributes: &self.attributes,
            home: self.home,
            verified: self.verified,
            levels: &self.levels,
            off: Some(&self.off),
        }
    }
}

impl PartyKey {
    pub(crate) fn view(&self) -> PartyView<'_> {
        PartyView {
            developer: self.developer.view(),
            account: self.account.as_ref().map(Look::view),
        }
    }
}

impl PartialEq for PartyKey {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for PartyKey {}

impl Hash for PartyKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
    }
}

impl Equivalent<PartyKey> for PartyView<'_> {
    fn equivalent(&self, key: &PartyKey) -> bool {
        *self == key.view()
    }
}

impl Policies {
    /// The party in Cedar's form; `None` when it cannot be put so, and nothing may pass then.
    pub(crate) fn party(&self, view: PartyView<'_>) -> Option<Arc<Party>> {
        if let Some(party) = self.parties.get(&view) {
            return Some(party);
        }
        let principal = uid(&self.types.developer, "caller");
        let resource = uid(&self.types.account, "account");
        let mut attributes = attributes(view.developer);
        let names = &self.vocabulary.capabilities;
        let off = view
            .developer
            .off_symbols()
            .map(|symbol| names.name(symbol).to_string());
        let off = RestrictedExpression::new_set(off.map(RestrictedExpression::new_string));
        attributes.insert("switched_off".to_owned(), off);
        let developer =
            Entity::new(principal.clone(), attributes, self.held(view.developer)).ok()?;
        // Without an account there is an entity without attributes: whatever asks for one fails.
        let of_account = view.account.map(|account| self::attributes(account));
        let account = Entity::new(
            resource.clone(),
            of_account.unwrap_or_default(),
            HashSet::new(),
        )
        .ok()?;
        let party = Arc::new(Party {
            principal,
            resource,
            entities: Entities::from_entities([developer, account], None).ok()?,
        });
        self.parties.insert(view.to_key(), Arc::clone(&party));
        Some(party)
    }

    /// Every level that the developer belongs to, on every ladder. An unverified one has none.
    fn held(&self, developer: LookAt<'_>) -> HashSet<EntityUid> {
        let ladders = self.ladders.iter().filter(|_| developer.verified);
        let held = ladders.flat_map(|(symbol, ladder)| {
            let assigned = developer.levels.iter().find(|(on, _)| *on == symbol);
            ladder.held(assigned.map(|(_, level)| *level))
        });
        held.map(|level| {
            uid(
                &self.types.level,
                &self.vocabulary.levels.name(level.symbol),
            )
        })
        .collect()
    }
}

fn attributes(account: LookAt<'_>) -> HashMap<String, RestrictedExpression> {
    let declared = account.attributes.iter();
    let mut attributes: HashMap<_, _> = declared
        .map(|(name, attribute)| (name.to_string(), value(attribute)))
        .collect();
    attributes.insert(
        "verified".to_owned(),
        RestrictedExpression::new_bool(account.verified),
    );
    if let Some(home) = account.home {
        attributes.insert(
            "country".to_owned(),
            RestrictedExpression::new_string(home.to_string()),
        );
    }
    attributes
}

fn value(attribute: &Attribute) -> RestrictedExpression {
    match attribute {
        Attribute::Boolean(value) => RestrictedExpression::new_bool(*value),
        Attribute::Integer(value) => RestrictedExpression::new_long(*value),
        Attribute::Text(text) => RestrictedExpression::new_string(text.clone()),
        Attribute::Texts(texts) => {
            let texts = texts.iter().cloned().map(RestrictedExpression::new_string);
            RestrictedExpression::new_set(texts)
        }
    }
}
