use std::{borrow::Cow, collections::BTreeMap, fmt};

use primitives::Name;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{Interval, Number, Scalar, is_default, is_on, on, value::NameText};

/// An API of the provider, with what its operations use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The OpenAPI description: a path relative to this file, or `api@version` of one that was
    /// applied before.
    pub description: String,
    /// The version of the description.
    #[serde(default = "version_1")]
    pub version: String,
    /// Whether calls are taken at all.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    pub active: bool,
    /// Whether decisions bind.
    #[serde(default, skip_serializing_if = "is_default")]
    pub enforcement: Enforcement,
    /// The ladder whose levels count here; `default` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub ladder: Option<Name>,
    /// Where it is reached on the public listener.
    pub mounts: Vec<Mount>,
    /// Where live calls go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Upstream>,
    /// Where test calls go; they never go anywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Upstream>,
    /// Which browsers' origins may call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Facts that every annotated operation takes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Fact>")]
    pub facts: BTreeMap<Name, Fact>,
    /// The annotated operations; all others are closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
}

fn version_1() -> String {
    "1".to_owned()
}

/// Whether decisions bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Decide and record, but never refuse.
    Observe,
    /// Refuse what is not granted.
    #[default]
    Enforce,
}

/// Where on the public listener an API is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mount {
    /// The beginning of the path, taken off before forwarding.
    Path(String),
    /// The host name.
    Host(String),
}

/// A server of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Scheme, authority and base path.
    pub url: String,
    /// What the upstream wants of us.
    #[serde(default, skip_serializing_if = "is_default")]
    pub credential: UpstreamCredential,
    /// How long the first byte of an answer may take; `30s` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Interval>,
    /// How the signed context is signed; when left out, HS256 with the secret `API-context`, or
    /// `API-test-context` for the test upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Whether a 5xx answer gives the quota back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub refund_server_errors: bool,
}

/// The provider's own credential, which apps never see. Secrets are named, never written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamCredential {
    /// Nothing is injected.
    #[default]
    None,
    /// A header with a secret value.
    Header(HeaderCredential),
    /// HTTP Basic.
    Basic(BasicCredential),
    /// OAuth 2.0 client credentials.
    ClientCredentials(ClientCredential),
    /// A TLS client certificate.
    Mtls(MtlsCredential),
}

/// A header with a secret value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderCredential {
    /// Name of the header.
    pub name: String,
    /// Name of the secret.
    #[schemars(with = "NameText")]
    pub secret: Name,
}

/// HTTP Basic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicCredential {
    /// User name.
    pub user: String,
    /// Name of the secret.
    #[schemars(with = "NameText")]
    pub secret: Name,
}

/// OAuth 2.0 client credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredential {
    /// Token endpoint.
    pub token_url: String,
    /// Client id.
    pub client: String,
    /// Name of the secret.
    #[schemars(with = "NameText")]
    pub secret: Name,
    /// Scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// A TLS client certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MtlsCredential {
    /// Name of the secret that holds the certificate chain in PEM.
    #[schemars(with = "NameText")]
    pub certificate: Name,
    /// Name of the secret that holds the private key in PEM.
    #[schemars(with = "NameText")]
    pub key: Name,
}

/// How the upstream recognises that a call came through us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Ed25519 with the installation's key.
    Ed25519,
    /// HS256 with a key of this upstream: the name of a secret.
    Shared(#[schemars(with = "NameText")] Name),
    /// No signed context: the upstream only learns the decision's id.
    None,
}

/// Cross-origin settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Origins, exact.
    pub origins: Vec<String>,
    /// Request headers a browser may send beyond the safe ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
}

/// What an operation uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its `operationId`, or method and path template such as `POST /v1/payments`.
    pub operation: String,
    /// The parameter that names the account the call acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountParameter>,
    /// The facts it takes from requests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Fact>")]
    pub facts: BTreeMap<Name, Fact>,
    /// The capabilities it uses.
    pub uses: Vec<Use>,
}

/// The parameter that names an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountParameter {
    /// A parameter of the path template.
    Path(String),
    /// A query parameter.
    Query(String),
    /// A header.
    Header(String),
    /// A top-level field of the body.
    Body(String),
}

/// A value taken from requests: exactly one of `path`, `query`, `header`, `body`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fact {
    /// A parameter of the path template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// An RFC 9535 JSONPath over the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What it is; text when left out.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub kind: FactKind,
    /// How several matches become one; `single` refuses several.
    #[serde(skip_serializing_if = "is_default")]
    pub fold: FactFold,
}

/// What a fact is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Text.
    #[default]
    Text,
    /// An exact decimal.
    Quantity,
    /// True or false.
    Boolean,
    /// A country as ISO 3166-1 alpha-2.
    Country,
}

/// How several matches become one fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactFold {
    /// Exactly one match.
    #[default]
    Single,
    /// The number of matches.
    Count,
    /// The sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// A capability that an operation uses: its name, or its name with a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The capability.
    pub capability: Name,
    /// When it is used; always when left out.
    pub when: Option<Condition>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LongUse {
    /// The capability.
    #[schemars(with = "NameText")]
    capability: Name,
    /// When it is used; always when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    when: Option<Condition>,
}

impl Serialize for Use {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.when.is_none() {
            return self.capability.serialize(to);
        }
        LongUse {
            capability: self.capability.clone(),
            when: self.when.clone(),
        }
        .serialize(to)
    }
}

struct UseVisitor;

impl<'de> Visitor<'de> for UseVisitor {
    type Value = Use;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a capability, or `{ capability, when }`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Use, E> {
        Ok(Use {
            capability: text.parse().map_err(E::custom)?,
            when: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Use, A::Error> {
        let LongUse { capability, when } = LongUse::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Use { capability, when })
    }
}

impl<'de> Deserialize<'de> for Use {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(UseVisitor)
    }
}

impl JsonSchema for Use {
    fn schema_name() -> Cow<'static, str> {
        "Use".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<NameText>();
        let long = generator.subschema_for::<LongUse>();
        json_schema!({ "anyOf": [name, long] })
    }
}

/// A question about facts. Exactly one of `present`, `all`, `any`, `not`, or `fact` with exactly
/// one comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The fact is in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub present: Option<Name>,
    /// Every one holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Condition>>,
    /// At least one holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Condition>>,
    /// It does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
    /// The fact to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub fact: Option<Name>,
    /// It equals this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<Scalar>,
    /// It equals one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Scalar>>,
    /// It is less than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub less: Option<Number>,
    /// It is this or less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Number>,
    /// It is greater than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greater: Option<Number>,
    /// It is this or greater.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Number>,
}
