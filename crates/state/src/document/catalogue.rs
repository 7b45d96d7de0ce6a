use std::collections::BTreeMap;

use ipnet::IpNet;
use primitives::{Country, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    LevelOf, LimitValue, PropertyValue, Window, is_default,
    value::{CountryText, NameText},
};

/// Settings of the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The time zone of calendar windows, by its IANA name; UTC when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// For how many days call records are kept; 30 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_records_days: Option<u32>,
}

/// A declared property of accounts, usable in policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: PropertyType,
    /// Whether policies must ask with `has` before they read it. Otherwise a policy that reads it
    /// refuses accounts that lack it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional: bool,
}

/// What the values of a property are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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

/// A ladder of access levels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// The levels, the lowest first.
    pub levels: Vec<Level>,
}

/// An access level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its name within the ladder.
    #[schemars(with = "NameText")]
    pub name: Name,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// "Belongs to it" means exactly it, not it or higher.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exact: bool,
}

/// How the risk of developers is judged on the ladder of the same name, and what they are given
/// for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskModel {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Points that every account begins with; 0 when left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub base: i32,
    /// What adds points, or takes some away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
    /// A level fits when the account's points and the risk of each capability that the level
    /// opens together come to no more than this.
    pub tolerance: u32,
    /// The highest level that is given without a person; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub automatic: Option<Name>,
    /// More points than this are refused without a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse_above: Option<u32>,
    /// After so many days a level that was given is looked at again; never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_after_days: Option<u32>,
    /// A risk service that is asked for points as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<RiskService>,
}

/// A risk service, asked over HTTP. While it does not answer, a person has to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskService {
    /// Its name among the signals.
    #[schemars(with = "NameText")]
    pub name: Name,
    /// Where it is asked, by POST: `https`, or `http` on a network of yours.
    pub url: String,
    /// Name of the secret that questions are signed with.
    #[schemars(with = "NameText")]
    pub secret: Name,
}

/// Something about an account that says how risky it is: `property` with exactly one of `equals`,
/// `one_of`, `at_least` and `at_most`, or `records` with `at_least` or `at_most`, or `country` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Its name, unique in the model; reasons are told with it.
    #[schemars(with = "NameText")]
    pub name: Name,
    /// Points when it is so; below 0 for what speaks for an account.
    pub points: i32,
    /// Points when the account does not say. When left out, a person has to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<i32>,
    /// The registered country is in one of these regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<NameText>>")]
    pub country: Option<Vec<Name>>,
    /// A declared property of accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub property: Option<Name>,
    /// What the records about the developer come to, held against `at_least` or `at_most`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<RecordsAsked>,
    /// The property is this; a set of texts has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<PropertyValue>,
    /// The property is one of these; a set of texts has one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<PropertyValue>>,
    /// The property is a number, and this or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<i64>,
    /// The property is a number, and this or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<i64>,
}

/// Which records about a developer are asked, and what of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordsAsked {
    /// Whose system they are from; from all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub source: Option<Name>,
    /// Their kind.
    #[schemars(with = "NameText")]
    pub kind: Name,
    /// One of their facts; the records themselves when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub fact: Option<Name>,
    /// What of them; how many there are when left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub measure: RecordsMeasure,
}

/// What is asked of records. A fact that is yes or no adds up as 1 or 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordsMeasure {
    /// How many there are.
    #[default]
    Count,
    /// The sum of the fact.
    Sum,
    /// The least of it.
    Least,
    /// The most of it.
    Most,
}

/// A set of countries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its members.
    #[schemars(with = "Vec<CountryText>")]
    pub countries: Vec<Country>,
}

/// A Cedar policy that a capability may demand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its text in Cedar.
    pub cedar: String,
}

/// A permission profile: what may be used at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The capabilities it opens.
    #[schemars(with = "Vec<NameText>")]
    pub capabilities: Vec<Name>,
}

/// A functional capability. Without a level, a business unit or `non_risk` it is open to nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capability {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Other spellings, found by import and by commands, never used by a decision.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The level it belongs to, on the default ladder or by ladder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<LevelOf>,
    /// The business unit that may grant it without vetting.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub business_unit: Option<Name>,
    /// Tied to no level, off by default, may be switched on by the developer.
    #[serde(skip_serializing_if = "is_default")]
    pub non_risk: bool,
    /// The policy that must permit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub policy: Option<Name>,
    /// Where it may be used; all rules must hold. Everywhere when left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub geography: Vec<GeoRule>,
    /// How risky it is by itself, for the risk models of the ladders it has a level on.
    #[serde(skip_serializing_if = "is_default")]
    pub risk: u32,
    /// How surely a call that uses it is written down before it is forwarded; as
    /// `journal.durability` of the configuration says when left out. A call that uses several
    /// capabilities is strict if one of them is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
}

/// How surely a call is written down before its first byte goes upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// The disk has it: it survives the loss of power.
    Strict,
    /// The operating system has it, and the disk within 100 ms: it survives the end of the
    /// process, and the loss of power only after that time.
    Relaxed,
}

/// A location rule: the place must be known and lie in one of the regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeoRule {
    /// Whose place.
    pub subject: Place,
    /// The regions that are allowed.
    #[schemars(with = "Vec<NameText>")]
    pub regions: Vec<Name>,
}

/// Whose place a location rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The developer's registered country.
    CallerHome,
    /// Where the call's address is.
    CallerNow,
    /// The registered country of the account acted for.
    UserHome,
    /// The fact called `target`.
    Target,
}

/// A limit of capabilities, or of every call of an API. Either `numeric` or `counted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The capabilities it limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub capabilities: Vec<Name>,
    /// The API whose every call it limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub api: Option<Name>,
    /// A fact of the call must not exceed the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numeric: Option<Numeric>,
    /// A counter must not exceed the value within a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// The value where nothing else is set.
    pub value: LimitValue,
    /// Values by level of the default ladder, or by `ladder/level`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_level: BTreeMap<String, LimitValue>,
    /// What it means that the limit does not cover a call: `refuse`, or `offer_plan` with a plan.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exhausted: Exhausted,
}

/// What it means that a limit does not cover a call. The call is refused in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// Nothing beyond the refusal.
    #[default]
    Refuse,
    /// The refusal offers the account acted for this plan, under which the limit is higher.
    OfferPlan(#[schemars(with = "NameText")] Name),
}

/// A limit on a fact of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Numeric {
    /// The fact.
    #[schemars(with = "NameText")]
    pub fact: Name,
    /// The fact that names the currency; the value is then read by currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub currency: Option<Name>,
}

/// A limit on a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// How long it counts.
    pub window: Window,
    /// Who counts.
    pub per: Per,
    /// A fact that keys the counter, such as the id of an agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub key: Option<Name>,
    /// A fact that is the cost of a call; 1 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub cost: Option<Name>,
}

/// Whose counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// The developer account.
    Developer,
    /// The app.
    App,
    /// The account acted for.
    Account,
    /// The key presented.
    Key,
    /// The capability: everybody's calls of it together.
    Capability,
}

/// An allow or deny list: exactly one of `developers`, `apps`, `accounts`, `networks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// What being on it means.
    pub effect: Effect,
    /// Developer accounts, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<NameText>>")]
    pub developers: Option<Vec<Name>>,
    /// Apps, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<NameText>>")]
    pub apps: Option<Vec<Name>>,
    /// Accounts acted for, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<NameText>>")]
    pub accounts: Option<Vec<Name>>,
    /// Networks of callers, such as `192.0.2.0/24`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub networks: Option<Vec<IpNet>>,
    /// The capabilities it concerns; all when neither these nor `apis` are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub capabilities: Vec<Name>,
    /// The APIs it concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub apis: Vec<Name>,
}

/// What being on a list means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Members pass, all others are refused.
    Allow,
    /// Members are refused.
    Deny,
}

/// An account plan: a profile with limits that the operator assigns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it opens; everything when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NameText>")]
    pub profile: Option<Name>,
    /// Its limits, by name of the limit; the smallest wins.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, LimitValue>")]
    pub limits: BTreeMap<Name, LimitValue>,
}
