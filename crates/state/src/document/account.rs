use std::collections::BTreeMap;

use primitives::{Country, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    GeoRule, LevelOf, LimitValue, PropertyValue, UpstreamCredential, is_default, is_on, on,
    value::{CountryText, NameText},
};

/// A person or company; developers and users are accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Person or company.
    pub kind: AccountKind,
    /// Whether it is verified; an unverified account has nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub verified: bool,
    /// Registered country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<CountryText>")]
    pub country: Option<Country>,
    /// Its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub plan: Option<Name>,
    /// Values of declared properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, PropertyValue>")]
    pub properties: BTreeMap<Name, PropertyValue>,
    /// What replaces our account id towards an upstream, by name of the API.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub external_ids: BTreeMap<Name, String>,
    /// What upstreams want of us for this account, where that is not the API's own credential, by
    /// name of the API.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, AccountCredentials>")]
    pub upstream_credentials: BTreeMap<Name, AccountCredentials>,
    /// Present when it is a developer account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub developer: Option<Developer>,
}

/// What the upstreams of an API want for one account. Where a mode is left out, the API's own
/// credential is presented.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountCredentials {
    /// In live mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<UpstreamCredential>,
    /// In test mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<UpstreamCredential>,
}

/// Person or company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A natural person.
    Person,
    /// A company.
    Company,
}

/// What makes an account a developer's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Developer {
    /// The level, on the default ladder or by ladder; the lowest where none is given.
    #[serde(skip_serializing_if = "is_default")]
    pub levels: LevelOf,
    /// Capabilities switched off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub off: Vec<Name>,
    /// Capabilities granted by a business unit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub business_unit: Vec<Name>,
    /// Non-risk capabilities switched on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub on: Vec<Name>,
    /// The developer profile; everything when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub profile: Option<Name>,
    /// Edited limits, by name of the limit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, LimitValue>")]
    pub limits: BTreeMap<Name, LimitValue>,
    /// Where it may use capabilities, by name of the capability: rules of its own beside the
    /// capability's, all of which must hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Vec<GeoRule>>")]
    pub geography: BTreeMap<Name, Vec<GeoRule>>,
}

/// A developer's application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The developer account it belongs to.
    #[schemars(with = "NameText")]
    pub developer: Name,
    /// The account it acts for when a call names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub account: Option<Name>,
    /// The APIs it is subscribed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub apis: Vec<Name>,
    /// Capabilities switched off for this app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub off: Vec<Name>,
    /// The app profile; everything when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub profile: Option<Name>,
    /// Edited limits, by name of the limit; they can only narrow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, LimitValue>")]
    pub limits: BTreeMap<Name, LimitValue>,
    /// Whether it may call at all.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    pub active: bool,
    /// The provider's own traffic: identified, metered, passes every gate.
    #[serde(default, skip_serializing_if = "is_default")]
    pub provider: bool,
    /// Existing keys to be taken over, by the hash of their secret. Read from files only, and
    /// never exported.
    #[serde(default, skip_serializing)]
    pub keys: Vec<ImportedKey>,
}

/// An existing key of an app, taken over with the hash of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedKey {
    /// The id it was known by; callers go on using it as user name.
    pub id: String,
    /// Test or live.
    pub mode: KeyMode,
    /// `sha256:<hex>` or `sha256-salted:<salt hex>:<hex>` of the secret.
    pub hash: String,
    /// The permission profile it is bound to; everything when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub profile: Option<Name>,
}

/// Test or live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyMode {
    /// Goes to the test upstreams only.
    Test,
    /// For real.
    Live,
}
