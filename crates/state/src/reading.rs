//! Reads a [`Node`] into a type, and says where it did not fit.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error, Expected, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};

use crate::{
    problem::{Place, suggestion},
    yaml::{Key, Node, Value},
};

/// Why a node is not what is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Misfit {
    /// Where; unset until the innermost node that was being read says so.
    pub(crate) place: Option<Place>,
    /// The key that is wrong, when it is a key of the node being read.
    key: Option<String>,
    pub(crate) message: String,
    pub(crate) mend: String,
}

impl Misfit {
    fn located(mut self, node: &Node) -> Self {
        if self.place.is_none() {
            let key = self.key.take();
            self.place = Some(match (&key, &node.value) {
                (Some(key), Value::Map(entries)) => entries
                    .iter()
                    .find(|(k, _)| k.text == *key)
                    .map_or(node.place, |(k, _)| k.place),
                _ => node.place,
            });
        }
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            ..Self::default()
        }
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Signed(number) => format!("`{number}`"),
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Map => "a map".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Unit => "nothing".to_owned(),
            other => other.to_string(),
        };
        Self::custom(format!("this is {found}, and {wanted} is wanted"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self {
            key: Some(field.to_owned()),
            message: format!("there is no key `{field}` here"),
            mend: suggestion(field, expected.iter().copied()),
            ..Self::default()
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            key: Some(variant.to_owned()),
            message: format!("`{variant}` is not known here"),
            mend: suggestion(variant, expected.iter().copied()),
            ..Self::default()
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            message: format!("the key `{field}` is missing"),
            mend: format!("add `{field}:`"),
            ..Self::default()
        }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self {
            key: Some(field.to_owned()),
            message: format!("the key `{field}` stands here twice; keep one"),
            ..Self::default()
        }
    }
}

/// A whole number written the way we would write it: not `007`, not `1e3`.
fn integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn unexpected(node: &Node) -> Unexpected<'_> {
    match &node.value {
        _ if node.is_null() => Unexpected::Unit,
        Value::Scalar { text, .. } => Unexpected::Str(text),
        Value::List(_) => Unexpected::Seq,
        Value::Map(_) => Unexpected::Map,
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            _ if self.is_null() => visitor.visit_unit(),
            Value::Scalar { text, plain } => match (plain, text.as_str()) {
                (true, "true") => visitor.visit_bool(true),
                (true, "false") => visitor.visit_bool(false),
                (true, text) => match integer(text) {
                    Some(number) => visitor.visit_i64(number),
                    None => visitor.visit_str(text),
                },
                (false, text) => visitor.visit_str(text),
            },
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(entries) => visitor.visit_map(Entries(entries.iter(), None)),
        }
        .map_err(|misfit| misfit.located(self))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            Value::Scalar { text, plain: true } if text == "true" => visitor.visit_bool(true),
            Value::Scalar { text, plain: true } if text == "false" => visitor.visit_bool(false),
            _ => Err(Misfit::invalid_type(unexpected(self), &"`true` or `false`")),
        }
        .map_err(|misfit| misfit.located(self))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => visitor.visit_str(text),
            _ => Err(Misfit::invalid_type(unexpected(self), &"a text")),
        }
        .map_err(|misfit| misfit.located(self))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
        .map_err(|misfit| misfit.located(self))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor
            .visit_newtype_struct(self)
            .map_err(|misfit| misfit.located(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            _ => Err(Misfit::invalid_type(unexpected(self), &"a list")),
        }
        .map_err(|misfit| misfit.located(self))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            Value::Map(entries) => visitor.visit_map(Entries(entries.iter(), None)),
            _ => Err(Misfit::invalid_type(unexpected(self), &"a map")),
        }
        .map_err(|misfit| misfit.located(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match &self.value {
            Value::Scalar { text, .. } => visitor.visit_enum(Choice(text, None)),
            Value::Map(entries) => match entries.as_slice() {
                [(key, node)] => visitor.visit_enum(Choice(&key.text, Some(node))),
                _ => Err(Misfit::custom(format!(
                    "exactly one of `{}` is wanted here",
                    variants.join("`, `")
                ))),
            },
            Value::List(_) => Err(Misfit::invalid_type(unexpected(self), &"a single value")),
        }
        .map_err(|misfit| misfit.located(self))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        self.0
            .next()
            .map(|node| {
                seed.deserialize(node)
                    .map_err(|misfit| misfit.located(node))
            })
            .transpose()
    }
}

struct Entries<'de>(std::slice::Iter<'de, (Key, Node)>, Option<&'de Node>);

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let Some((key, node)) = self.0.next() else {
            return Ok(None);
        };
        self.1 = Some(node);
        let at_key = |mut misfit: Misfit| {
            misfit.place.get_or_insert(key.place);
            misfit
        };
        seed.deserialize(key.text.as_str().into_deserializer())
            .map(Some)
            .map_err(at_key)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        match self.1.take() {
            Some(node) => seed
                .deserialize(node)
                .map_err(|misfit| misfit.located(node)),
            None => Err(Misfit::custom("a value is missing")),
        }
    }
}

struct Choice<'de>(&'de str, Option<&'de Node>);

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Misfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Misfit> {
        let chosen = seed.deserialize(self.0.into_deserializer())?;
        Ok((chosen, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.1 {
            None => Ok(()),
            Some(node) if node.is_null() => Ok(()),
            Some(node) => Err(Misfit::custom(format!("`{}` takes no value", self.0)).located(node)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        match self.1 {
            Some(node) => seed
                .deserialize(node)
                .map_err(|misfit| misfit.located(node)),
            None => Err(Misfit {
                message: format!("`{}` needs a value", self.0),
                mend: format!("write `{{ {}: … }}`", self.0),
                ..Misfit::default()
            }),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        match self.1 {
            Some(node) => node.deserialize_seq(visitor),
            None => Err(Misfit::custom(format!("`{}` needs a value", self.0))),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.1 {
            Some(node) => node.deserialize_map(visitor),
            None => Err(Misfit::custom(format!("`{}` needs a value", self.0))),
        }
    }
}
