use std::collections::BTreeMap;

use decision::Vocabulary;
use primitives::{AccountId, AppId, Name, Symbol, Symbols};
use store::Kind;

use super::Sourced;
use crate::problem::{Problem, suggestion};

/// Accounts and apps by name, for lists that name them.
pub trait Members {
    /// The account with this name.
    fn account_id(&self, name: &str) -> Option<AccountId>;
    /// The app with this name.
    fn app_id(&self, name: &str) -> Option<AppId>;
}

/// Where a reference stands: an entry and a field of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a Name,
    pub(super) field: &'a str,
}

impl<'a> At<'a> {
    pub(super) const fn new(kind: Kind, name: &'a Name) -> Self {
        Self {
            kind,
            name,
            field: "",
        }
    }

    pub(super) const fn field(self, field: &'a str) -> Self {
        Self { field, ..self }
    }

    pub(super) fn problem(self, message: impl Into<String>) -> Problem {
        Problem::of(self.kind, self.name.as_str(), self.field, message)
    }
}

/// The names of a set-up: what there is, its symbols, and what was found wrong.
pub(super) struct Names<'s> {
    pub(super) sources: &'s BTreeMap<(Kind, Name), Sourced>,
    pub(super) vocabulary: &'s Vocabulary,
    pub(super) members: &'s dyn Members,
    /// Levels of each ladder, for suggestions.
    pub(super) levels: BTreeMap<Name, Vec<Name>>,
    pub(super) problems: Vec<Problem>,
}

impl Names<'_> {
    pub(super) fn refuse(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The symbol of an entry that a field names; a problem when there is no such entry.
    pub(super) fn symbol(&mut self, kind: Kind, given: &Name, at: At<'_>) -> Option<Symbol> {
        if self.sources.contains_key(&(kind, given.clone())) {
            return table(self.vocabulary, kind).map(|table| table.intern(given.as_str()));
        }
        let known = self
            .sources
            .keys()
            .filter(|(other, _)| *other == kind)
            .map(|(_, name)| name.as_str());
        let mend = suggestion(given.as_str(), known);
        self.refuse(unknown(kind, given.as_str(), at).mend(mend));
        None
    }

    /// The symbols of a list of names; the field is that of the list.
    pub(super) fn symbols(&mut self, kind: Kind, given: &[Name], at: At<'_>) -> Vec<Symbol> {
        let mut symbols = Vec::with_capacity(given.len());
        for (index, name) in given.iter().enumerate() {
            let field = format!("{}[{index}]", at.field);
            symbols.extend(self.symbol(kind, name, at.field(&field)));
        }
        symbols
    }

    /// A level of a ladder.
    pub(super) fn level(
        &mut self,
        ladder: &Name,
        level: &Name,
        at: At<'_>,
    ) -> Option<(Symbol, Symbol)> {
        let symbol = self.symbol(Kind::Ladder, ladder, at)?;
        let known = self
            .levels
            .get(ladder)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if !known.contains(level) {
            let mend = suggestion(level.as_str(), known.iter().map(Name::as_str));
            let message = format!("the ladder `{ladder}` has no level `{level}`");
            self.refuse(at.problem(message).mend(mend));
            return None;
        }
        let level = self.vocabulary.levels.intern(&format!("{ladder}/{level}"));
        Some((symbol, level))
    }
}

pub(super) fn unknown(kind: Kind, given: &str, at: At<'_>) -> Problem {
    at.problem(format!("there is no {kind} `{given}`"))
}

/// The symbol table of a kind.
pub(super) const fn table(vocabulary: &Vocabulary, kind: Kind) -> Option<&Symbols> {
    Some(match kind {
        Kind::Api => &vocabulary.apis,
        Kind::Capability => &vocabulary.capabilities,
        Kind::Ladder => &vocabulary.ladders,
        Kind::Policy => &vocabulary.policies,
        Kind::Limit => &vocabulary.limits,
        Kind::Region => &vocabulary.regions,
        Kind::List => &vocabulary.lists,
        Kind::Plan => &vocabulary.plans,
        Kind::Profile => &vocabulary.profiles,
        Kind::Settings
        | Kind::Property
        | Kind::RiskModel
        | Kind::Description
        | Kind::AnomalyRule
        | Kind::Account
        | Kind::App => return None,
    })
}
