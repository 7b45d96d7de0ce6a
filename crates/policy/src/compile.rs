use std::{str::FromStr, sync::Arc};

use cedar_policy::{
    Effect, EntityId, EntityTypeName, EntityUid, Expression, Policy as Statement, PolicySet,
    ValidationMode, Validator,
};
use decision::{Catalogue, Ladder, PolicyVerdict, SymbolMap, Vocabulary};
use primitives::{Name, Symbol};
use quick_cache::sync::Cache;

use crate::{
    PolicyProblem, Property, bounds,
    party::{Party, PartyKey},
    reads::Reads,
    schema::{BUILT_IN, CapabilityFacts, facts_of, schema},
};

/// How many answers about accounts that are alike are kept.
const SETTLED: usize = 65_536;
/// How many kinds of accounts are kept in Cedar's form.
const PARTIES: usize = 16_384;

/// Validated policies, ready to be asked.
pub struct Policies {
    pub(crate) compiled: SymbolMap<Policy>,
    pub(crate) vocabulary: Arc<Vocabulary>,
    pub(crate) ladders: SymbolMap<Ladder>,
    pub(crate) types: Types,
    pub(crate) parties: Cache<PartyKey, Arc<Party>>,
    pub(crate) settled: Cache<(Symbol, Symbol, PartyKey), PolicyVerdict>,
}

/// One validated policy.
pub(crate) struct Policy {
    pub rules: Vec<Rule>,
    pub reads: Reads,
    /// The capabilities that name it.
    pub actions: SymbolMap<EntityUid>,
    /// The facts it reads.
    pub facts: Vec<Name>,
}

/// One statement of a policy, its condition put together once: Cedar's own authorizer does that
/// for every request, and half of its time goes there.
pub(crate) struct Rule {
    pub effect: Effect,
    /// The head and every `when` and `unless`.
    pub condition: Expression,
    /// How refusals quote it.
    pub words: String,
}

impl Rule {
    fn new(statement: &Statement) -> Self {
        Self {
            effect: statement.effect(),
            condition: Expression::from(statement.as_ref().condition()),
            words: words(statement),
        }
    }
}

/// Cedar's names of our types.
pub(crate) struct Types {
    pub developer: EntityTypeName,
    pub account: EntityTypeName,
    pub level: EntityTypeName,
    pub action: EntityTypeName,
}

impl Types {
    fn new() -> Option<Self> {
        let name = |text| EntityTypeName::from_str(text).ok();
        Some(Self {
            developer: name("Developer")?,
            account: name("Account")?,
            level: name("Level")?,
            action: name("Action")?,
        })
    }
}

pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

impl Policies {
    /// Parses and validates policies, given as names and Cedar texts, against the catalogue
    /// whose capabilities name them.
    ///
    /// # Errors
    /// Every problem of every policy, with its place. Nothing is kept of a set with a problem.
    pub fn compile(
        catalogue: &Catalogue,
        properties: &[Property],
        texts: &[(Name, String)],
    ) -> Result<Self, Vec<PolicyProblem>> {
        let types = Types::new().ok_or_else(Vec::new)?;
        let mut problems = reserved(properties);
        let facts = facts_of(catalogue);
        let mut compiled = SymbolMap::default();
        let workshop = Workshop {
            catalogue,
            properties,
            facts: &facts,
            types: &types,
        };
        for (name, text) in texts {
            match bounds::with_stack(|| workshop.compile(name, text)) {
                Ok(policy) => {
                    let symbol = catalogue.vocabulary.policies.intern(name.as_str());
                    compiled.insert(symbol, policy);
                }
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut ladders = SymbolMap::default();
        for (symbol, ladder) in catalogue.ladders.iter() {
            ladders.insert(symbol, ladder.clone());
        }
        Ok(Self {
            compiled,
            vocabulary: Arc::clone(&catalogue.vocabulary),
            ladders,
            types,
            parties: Cache::new(PARTIES),
            settled: Cache::new(SETTLED),
        })
    }

    /// Whether the policy looks at anything of a call besides who makes it and for whom.
    #[must_use]
    pub fn is_request_dependent(&self, policy: Symbol) -> bool {
        self.compiled
            .get(policy)
            .is_some_and(|policy| policy.reads.request())
    }
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self
            .compiled
            .iter()
            .map(|(symbol, _)| self.vocabulary.policies.name(symbol));
        f.debug_list().entries(names).finish()
    }
}

fn reserved(properties: &[Property]) -> Vec<PolicyProblem> {
    let taken = properties
        .iter()
        .filter(|property| BUILT_IN.contains(&property.name.as_str()));
    taken
        .map(|property| PolicyProblem {
            policy: None,
            line: 1,
            column: 1,
            message: format!(
                "the property `{}` has the name of a built-in one",
                property.name
            ),
            mend: Some("give it another name".to_owned()),
        })
        .collect()
}

/// What policies are compiled against.
struct Workshop<'a> {
    catalogue: &'a Catalogue,
    properties: &'a [Property],
    facts: &'a CapabilityFacts,
    types: &'a Types,
}

impl Workshop<'_> {
    fn compile(&self, name: &Name, text: &str) -> Result<Policy, Vec<PolicyProblem>> {
        bounds::check_text(name, text)?;
        let set = parse(name, text)?;
        let capabilities = self.capabilities_of(name);
        self.check_shape(name, &set)?;
        self.validate(name, text, &set, &capabilities)?;
        let mut reads = Reads::default();
        let (mut signs, mut parts) = (0_usize, 0_usize);
        for statement in set.policies() {
            match statement.to_json() {
                Ok(json) => {
                    bounds::check_depth(name, &json)?;
                    reads.add_statement(&json);
                    signs = signs.saturating_add(bounds::signs(&json));
                    parts = parts.saturating_add(bounds::parts(&json));
                }
                Err(problem) => {
                    let mend = "write it in plain Cedar";
                    return Err(vec![PolicyProblem::of_policy(
                        name,
                        problem.to_string(),
                        mend,
                    )]);
                }
            }
        }
        bounds::check_patterns(name, signs)?;
        bounds::check_parts(name, parts)?;
        let facts = self.facts_read(&reads, &capabilities);
        let mut actions = SymbolMap::default();
        for symbol in capabilities {
            let capability = self.catalogue.vocabulary.capabilities.name(symbol);
            actions.insert(symbol, uid(&self.types.action, &capability));
        }
        Ok(Policy {
            rules: set.policies().map(Rule::new).collect(),
            reads,
            actions,
            facts,
        })
    }

    /// The capabilities that name the policy; every one while none does, so that a policy can
    /// be checked before it is used.
    fn capabilities_of(&self, name: &Name) -> Vec<Symbol> {
        let policy = self.catalogue.vocabulary.policies.get(name.as_str());
        let all = self.catalogue.capabilities.iter();
        let (users, others): (Vec<_>, Vec<_>) =
            all.partition(|(_, capability)| policy.is_some() && capability.policy == policy);
        let chosen = if users.is_empty() { others } else { users };
        chosen.into_iter().map(|(symbol, _)| symbol).collect()
    }

    fn check_shape(&self, name: &Name, set: &PolicySet) -> Result<(), Vec<PolicyProblem>> {
        if set.templates().next().is_some() {
            let message = "it has a slot such as `?principal`".to_owned();
            let mend = "write the condition itself, policies are not linked";
            return Err(vec![PolicyProblem::of_policy(name, message, mend)]);
        }
        if set
            .policies()
            .all(|statement| statement.effect() == Effect::Forbid)
        {
            let message = "it has no `permit`, so it refuses everything".to_owned();
            let mend = "add `permit(principal, action, resource);`";
            return Err(vec![PolicyProblem::of_policy(name, message, mend)]);
        }
        let literals = set.policies().flat_map(Statement::entity_literals);
        let named = literals
            .filter(|literal| {
                let kind = literal.type_name();
                *kind == self.types.developer || *kind == self.types.account
            })
            .map(|literal| {
                let message = format!("`{literal}` names a single account");
                let mend = "ask for a property, or put the account on a list";
                PolicyProblem::of_policy(name, message, mend)
            });
        let named: Vec<_> = named.collect();
        if named.is_empty() { Ok(()) } else { Err(named) }
    }

    fn validate(
        &self,
        name: &Name,
        text: &str,
        set: &PolicySet,
        capabilities: &[Symbol],
    ) -> Result<(), Vec<PolicyProblem>> {
        let schema = schema(self.catalogue, self.properties, self.facts, capabilities).map_err(
            |problem| {
                let mend = "mend the declarations that it speaks of";
                vec![PolicyProblem::of_policy(name, problem.to_string(), mend)]
            },
        )?;
        let result = Validator::new(schema).validate(set, ValidationMode::Strict);
        let mut found: Vec<PolicyProblem> = Vec::new();
        for error in result.validation_errors() {
            let problem = PolicyProblem::of_validation(name, text, error);
            // The same mistake is found once for every capability.
            if !found.contains(&problem) {
                found.push(problem);
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    fn facts_read(&self, reads: &Reads, capabilities: &[Symbol]) -> Vec<Name> {
        let declared = capabilities
            .iter()
            .filter_map(|symbol| self.facts.get(symbol))
            .flatten();
        let mut read: Vec<Name> = declared
            .filter(|(name, kind)| {
                kind.is_some() && (reads.all_facts || reads.facts.contains(name.as_str()))
            })
            .map(|(name, _)| name.clone())
            .collect();
        read.sort_unstable();
        read.dedup();
        read
    }
}

fn parse(name: &Name, text: &str) -> Result<PolicySet, Vec<PolicyProblem>> {
    PolicySet::from_str(text).map_err(|errors| {
        let of_cedar = |error| PolicyProblem::of_cedar(name, text, error);
        errors.iter().map(|error| of_cedar(error)).collect()
    })
}

/// A statement as refusals quote it; of a `permit` for everybody, only the conditions.
fn words(statement: &Statement) -> String {
    let text = statement
        .to_cedar()
        .unwrap_or_else(|| statement.to_string());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_end_matches(';');
    text.strip_prefix("permit(principal, action, resource) ")
        .unwrap_or(text)
        .to_owned()
}
