use std::{borrow::Cow, collections::BTreeMap, fmt};

use primitives::{Name, Quantity};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// The name of a thing, for the schema.
pub(crate) struct NameText;

impl JsonSchema for NameText {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$",
            "description": "A stable name: letters, digits and . _ - @, beginning with a letter or digit"
        })
    }
}

/// A country, for the schema.
pub(crate) struct CountryText;

impl JsonSchema for CountryText {
    fn schema_name() -> Cow<'static, str> {
        "Country".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z]{2}$",
            "description": "A country as ISO 3166-1 alpha-2"
        })
    }
}

/// An exact decimal: a whole number, or text such as `"12.50"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub Quantity);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, such as 100 or \"12.50\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        text.parse().map(Number).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
        Quantity::whole(number)
            .map(Number)
            .ok_or_else(|| E::custom(format!("`{number}` is too large")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::custom(format!("`{number}` is too large"))),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
        Err(E::custom(format!(
            "`{number}` is not exact in JSON; write it as text, in quotes"
        )))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NumberVisitor)
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An exact decimal with at most six digits after the point",
            "anyOf": [
                { "type": "integer" },
                { "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$" }
            ]
        })
    }
}

/// A value written in a condition: text, a number or true/false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// True or false.
    Boolean(bool),
    /// Text, or a number as text.
    Text(String),
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(value) => to.serialize_bool(*value),
            Self::Text(text) => to.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match PropertyValue::deserialize(from)? {
            PropertyValue::Boolean(value) => Ok(Self::Boolean(value)),
            PropertyValue::Integer(number) => Ok(Self::Text(number.to_string())),
            PropertyValue::Text(text) => Ok(Self::Text(text)),
            PropertyValue::Texts(_) => Err(D::Error::custom("a single value is wanted here")),
        }
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["boolean", "integer", "string"] })
    }
}

/// The value of a declared property of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyValue {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// A set of texts.
    Texts(Vec<String>),
}

impl Serialize for PropertyValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(value) => to.serialize_bool(*value),
            Self::Integer(number) => to.serialize_i64(*number),
            Self::Text(text) => to.serialize_str(text),
            Self::Texts(texts) => texts.serialize(to),
        }
    }
}

struct PropertyVisitor;

impl<'de> Visitor<'de> for PropertyVisitor {
    type Value = PropertyValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, a whole number, text or a list of texts")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<PropertyValue, E> {
        Ok(PropertyValue::Boolean(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<PropertyValue, E> {
        Ok(PropertyValue::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<PropertyValue, E> {
        match i64::try_from(number) {
            Ok(number) => Ok(PropertyValue::Integer(number)),
            Err(_) => Err(E::custom(format!("`{number}` is too large"))),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PropertyValue, E> {
        Ok(PropertyValue::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<PropertyValue, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = items.next_element::<String>()? {
            texts.push(text);
        }
        Ok(PropertyValue::Texts(texts))
    }
}

impl<'de> Deserialize<'de> for PropertyValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PropertyVisitor)
    }
}

impl JsonSchema for PropertyValue {
    fn schema_name() -> Cow<'static, str> {
        "PropertyValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": ["boolean", "integer", "string"] },
                { "type": "array", "items": { "type": "string" } }
            ]
        })
    }
}

/// The value of a limit: a number, a number by currency, or `unlimited`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitValue {
    /// No bound.
    Unlimited,
    /// At most this.
    AtMost(Number),
    /// At most this, by ISO 4217 currency.
    ByCurrency(BTreeMap<String, Number>),
}

impl Serialize for LimitValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unlimited => to.serialize_str("unlimited"),
            Self::AtMost(number) => number.serialize(to),
            Self::ByCurrency(values) => values.serialize(to),
        }
    }
}

struct LimitVisitor;

impl<'de> Visitor<'de> for LimitVisitor {
    type Value = LimitValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a map from currency to number, or `unlimited`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LimitValue, E> {
        if text == "unlimited" {
            return Ok(LimitValue::Unlimited);
        }
        NumberVisitor.visit_str(text).map(LimitValue::AtMost)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<LimitValue, E> {
        NumberVisitor.visit_i64(number).map(LimitValue::AtMost)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<LimitValue, E> {
        NumberVisitor.visit_u64(number).map(LimitValue::AtMost)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<LimitValue, E> {
        NumberVisitor.visit_f64(number).map(LimitValue::AtMost)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LimitValue, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(LimitValue::ByCurrency)
    }
}

impl<'de> Deserialize<'de> for LimitValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LimitVisitor)
    }
}

impl JsonSchema for LimitValue {
    fn schema_name() -> Cow<'static, str> {
        "LimitValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = generator.subschema_for::<Number>();
        json_schema!({
            "description": "A number, a number by ISO 4217 currency, or `unlimited`",
            "anyOf": [
                number,
                { "const": "unlimited" },
                { "type": "object", "additionalProperties": number }
            ]
        })
    }
}

/// Levels by ladder: a level of the default ladder, or a map from ladder to level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LevelOf(pub BTreeMap<Name, Name>);

/// The ladder that is meant where none is named.
pub(crate) const DEFAULT_LADDER: &str = "default";

impl Serialize for LevelOf {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.first_key_value() {
            Some((ladder, level)) if self.0.len() == 1 && ladder.as_str() == DEFAULT_LADDER => {
                level.serialize(to)
            }
            _ => self.0.serialize(to),
        }
    }
}

struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = LevelOf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a level, or a map from ladder to level")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LevelOf, E> {
        let name = |text: &str| text.parse::<Name>().map_err(E::custom);
        Ok(LevelOf(
            [(name(DEFAULT_LADDER)?, name(text)?)].into_iter().collect(),
        ))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<LevelOf, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LevelOf, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(LevelOf)
    }
}

impl<'de> Deserialize<'de> for LevelOf {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LevelVisitor)
    }
}

impl JsonSchema for LevelOf {
    fn schema_name() -> Cow<'static, str> {
        "LevelOf".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<NameText>();
        json_schema!({
            "description": "A level of the default ladder, or a map from ladder to level",
            "anyOf": [name, { "type": "object", "additionalProperties": name }]
        })
    }
}
