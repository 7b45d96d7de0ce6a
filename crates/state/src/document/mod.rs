//! The entries of a state document as types. What a field's comment says is what the published
//! schema says.
//!
//! An entry's name stands beside it (`name:` in files, its own column in the store); the types
//! here are the rest. Serialised with defaults left out, they are the canonical body.

mod account;
mod anomaly;
mod api;
mod catalogue;
mod time;
mod value;

use serde::{Serialize, de::DeserializeOwned};

pub use account::{Account, AccountCredentials, AccountKind, App, Developer, ImportedKey, KeyMode};
pub use anomaly::{AnomalyAction, AnomalyRule, LooksAt, StepDown};
pub use api::{
    AccountParameter, Api, BasicCredential, ClientCredential, Condition, Cors, Enforcement, Fact,
    FactFold, FactKind, HeaderCredential, Identity, Mount, MtlsCredential, Operation, Upstream,
    UpstreamCredential, Use,
};
pub use catalogue::{
    Admission, Capability, Counted, Effect, Exhausted, GeoRule, Ladder, Level, Limit, List,
    Numeric, Per, Place, Plan, Policy, Profile, Property, PropertyType, RecordsAsked,
    RecordsMeasure, Region, RiskModel, RiskService, Settings, Signal,
};
pub use time::{Interval, Window};
pub(crate) use value::{DEFAULT_LADDER, NameText};
pub use value::{LevelOf, LimitValue, Number, PropertyValue, Scalar};

/// An API description as its publisher wrote it.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The text of the description, YAML or JSON.
    pub text: String,
}

/// A type of entry, for reading and writing bodies.
pub trait Document: Serialize + DeserializeOwned {
    /// Its kind.
    const KIND: store::Kind;

    /// Reads a body.
    ///
    /// # Errors
    /// When it is not JSON, or not of this kind.
    fn from_body(body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body)
    }

    /// The canonical body: fixed order of keys, defaults left out.
    fn to_body(&self) -> String {
        // INVARIANT: these types have text keys only and no fallible serialisation.
        serde_json::to_string(self).unwrap_or_default()
    }
}

macro_rules! documents {
    ($($name:ident)+) => {
        $(impl Document for $name {
            const KIND: store::Kind = store::Kind::$name;
        })+

        /// Reads any kind's entry with `$read`, and gives its canonical body.
        pub(crate) fn body_of<'de, D: serde::Deserializer<'de>>(
            kind: store::Kind,
            source: D,
        ) -> Result<String, D::Error> {
            use serde::Deserialize;
            match kind {
                $(store::Kind::$name => $name::deserialize(source).map(|entry| entry.to_body()),)+
            }
        }
    };
}

documents! {
    Settings Property Ladder Region Policy Profile Capability RiskModel Limit List Plan Description Api
    AnomalyRule Account App
}

/// Whether a value is what is assumed when it is not written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `true`, for fields that are on unless they are switched off.
pub(crate) const fn on() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
pub(crate) const fn is_on(value: &bool) -> bool {
    *value
}
