use std::{borrow::Cow, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};

use crate::document::{
    Account, AnomalyRule, Api, App, Capability, Ladder, Limit, List, NameText, Plan, Policy,
    Profile, Property, Region, RiskModel, Settings,
};

/// An entry with its name.
struct Named<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Entry", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<NameText>();
        let mut schema = T::json_schema(generator);
        let entry = schema.ensure_object();
        let properties = entry.entry("properties").or_insert_with(|| json!({}));
        if let Value::Object(properties) = properties {
            properties.insert("name".to_owned(), name.into());
        }
        let required = entry.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(required) = required {
            required.insert(0, json!("name"));
        }
        schema
    }
}

/// A state file.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its shape is what is published")]
struct State {
    /// The format version.
    portreeve: FormatVersion,
    /// Settings of the installation.
    settings: Option<Settings>,
    /// Declared properties of accounts, usable in policies.
    properties: Option<Vec<Named<Property>>>,
    /// Ladders of access levels.
    ladders: Option<Vec<Named<Ladder>>>,
    /// Sets of countries.
    regions: Option<Vec<Named<Region>>>,
    /// Cedar policies that capabilities may demand.
    policies: Option<Vec<Named<Policy>>>,
    /// Permission profiles.
    profiles: Option<Vec<Named<Profile>>>,
    /// Functional capabilities.
    capabilities: Option<Vec<Named<Capability>>>,
    /// How the risk of developers is judged, each named like its ladder.
    risk_models: Option<Vec<Named<RiskModel>>>,
    /// Limits of capabilities and APIs.
    limits: Option<Vec<Named<Limit>>>,
    /// Allow and deny lists.
    lists: Option<Vec<Named<List>>>,
    /// Account plans.
    plans: Option<Vec<Named<Plan>>>,
    /// APIs with what their operations use.
    apis: Option<Vec<Named<Api>>>,
    /// Rules over how apps call.
    anomaly_rules: Option<Vec<Named<AnomalyRule>>>,
    /// Accounts.
    accounts: Option<Vec<Named<Account>>>,
    /// Apps.
    apps: Option<Vec<Named<App>>>,
}

struct FormatVersion;

impl JsonSchema for FormatVersion {
    fn schema_name() -> Cow<'static, str> {
        "FormatVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": 1 })
    }
}

/// The JSON Schema of state files, for editors and for the book.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<State>();
    schema.insert("title".to_owned(), json!("Portreeve state file"));
    schema.into()
}
