use std::collections::BTreeMap;

use catalog::FactType;
use cedar_policy::{Schema, SchemaError};
use decision::Catalogue;
use primitives::{Name, Symbol};
use serde_json::{Map, Value, json};

/// A property that the provider declares for accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name, as policies write it.
    pub name: Name,
    /// What its values are.
    pub kind: PropertyType,
    /// Whether policies must ask with `has` before they read it. Without that, an account that
    /// lacks it is refused by every policy that reads it.
    pub optional: bool,
}

/// What the values of a property are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyType {
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// A set of texts.
    Texts,
}

/// What accounts have besides their declared properties.
pub(crate) const BUILT_IN: [&str; 3] = ["verified", "country", "switched_off"];

/// The facts of each capability. A fact that operations declare with different types is none.
pub(crate) type CapabilityFacts = BTreeMap<Symbol, BTreeMap<Name, Option<FactType>>>;

/// Collects what requests can tell about each capability, over all operations that use it.
pub(crate) fn facts_of(catalogue: &Catalogue) -> CapabilityFacts {
    let mut all = CapabilityFacts::new();
    let operations = catalogue.apis.iter().flat_map(|(_, api)| &api.operations);
    for operation in operations {
        for usage in &operation.uses {
            let known = all.entry(usage.capability).or_default();
            for fact in &operation.facts.0 {
                let kind = known.entry(fact.name.clone()).or_insert(Some(fact.kind));
                if *kind != Some(fact.kind) {
                    *kind = None;
                }
            }
        }
    }
    all
}

/// The schema against which the policy of `capabilities` is validated: exactly these are
/// actions that something can apply to, all others only have a name.
pub(crate) fn schema(
    catalogue: &Catalogue,
    properties: &[Property],
    facts: &CapabilityFacts,
    capabilities: &[Symbol],
) -> Result<Schema, Box<SchemaError>> {
    let mut actions = Map::new();
    for (symbol, capability) in catalogue.capabilities.iter() {
        let applies_to = if capabilities.contains(&symbol) {
            json!({
                "principalTypes": ["Developer"],
                "resourceTypes": ["Account"],
                "context": context_type(facts.get(&symbol)),
            })
        } else {
            json!({ "principalTypes": [], "resourceTypes": [] })
        };
        actions.insert(
            capability.name.to_string(),
            json!({ "appliesTo": applies_to }),
        );
    }
    let mut developer = account_type(properties);
    developer.insert(
        "switched_off".to_owned(),
        json!({ "type": "Set", "element": { "type": "String" } }),
    );
    let entity_types = json!({
        "Level": level_type(catalogue),
        "Developer": {
            "memberOfTypes": ["Level"],
            "shape": { "type": "Record", "attributes": developer },
        },
        "Account": { "shape": { "type": "Record", "attributes": account_type(properties) } },
    });
    let schema = json!({ "": { "entityTypes": entity_types, "actions": actions } });
    Schema::from_json_value(schema).map_err(Box::new)
}

/// The levels by name, so that a misspelt one is found when the policy is applied.
fn level_type(catalogue: &Catalogue) -> Value {
    let names: Vec<String> = catalogue
        .ladders
        .iter()
        .flat_map(|(_, ladder)| &ladder.levels)
        .map(|level| catalogue.vocabulary.levels.name(level.symbol).to_string())
        .collect();
    if names.is_empty() {
        json!({})
    } else {
        json!({ "enum": names })
    }
}

fn account_type(properties: &[Property]) -> Map<String, Value> {
    let mut attributes = Map::new();
    for property in properties {
        let mut kind = match property.kind {
            PropertyType::Boolean => json!({ "type": "Boolean" }),
            PropertyType::Integer => json!({ "type": "Long" }),
            PropertyType::Text => json!({ "type": "String" }),
            PropertyType::Texts => json!({ "type": "Set", "element": { "type": "String" } }),
        };
        if let Some(kind) = kind.as_object_mut() {
            kind.insert("required".to_owned(), Value::Bool(!property.optional));
        }
        attributes.insert(property.name.to_string(), kind);
    }
    attributes.insert("verified".to_owned(), json!({ "type": "Boolean" }));
    attributes.insert(
        "country".to_owned(),
        json!({ "type": "String", "required": false }),
    );
    attributes
}

fn context_type(facts: Option<&BTreeMap<Name, Option<FactType>>>) -> Value {
    let typed = facts.into_iter().flatten().filter_map(|(name, kind)| {
        let kind = match (*kind)? {
            FactType::Quantity => "Long",
            FactType::Text | FactType::Country => "String",
            FactType::Boolean => "Boolean",
        };
        Some((name.to_string(), json!({ "type": kind, "required": false })))
    });
    let facts: Map<String, Value> = typed.collect();
    json!({
        "type": "Record",
        "attributes": {
            "api": { "type": "String" },
            "operation": { "type": "String" },
            "mode": { "type": "String" },
            "country": { "type": "String", "required": false },
            "facts": { "type": "Record", "attributes": facts },
        },
    })
}
