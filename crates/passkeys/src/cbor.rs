use minicbor::{Decoder, data::Type};

use crate::Refusal;

/// CTAP2's canonical form nests no deeper (CTAP 2.1, section 8).
const DEEPEST: u8 = 4;

const FORM: Refusal = Refusal::Form("CBOR that is not in canonical form");

/// What a map is asked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Number(i64),
    Text(String),
}

/// A map whose keys are there once each: its keys, and the bytes of their values.
pub(crate) struct Map<'b>(Vec<(Key, &'b [u8])>);

impl<'b> Map<'b> {
    /// A map at the beginning of `bytes`, and what comes after it.
    pub(crate) fn leading(bytes: &'b [u8]) -> Result<(Self, &'b [u8]), Refusal> {
        let mut decoder = Decoder::new(bytes);
        let map = Self::read(&mut decoder, bytes, DEEPEST)?;
        let rest = bytes.get(decoder.position()..).ok_or(FORM)?;
        Ok((map, rest))
    }

    /// A map, and nothing after it.
    pub(crate) fn whole(bytes: &'b [u8]) -> Result<Self, Refusal> {
        match Self::leading(bytes)? {
            (map, []) => Ok(map),
            _ => Err(Refusal::Form("bytes after the CBOR")),
        }
    }

    fn read(decoder: &mut Decoder<'b>, bytes: &'b [u8], left: u8) -> Result<Self, Refusal> {
        let left = left.checked_sub(1).ok_or(FORM)?;
        let length = decoder.map().map_err(|_| FORM)?.ok_or(FORM)?;
        let mut entries: Vec<(Key, &[u8])> = Vec::new();
        for _ in 0..length {
            let key = key(decoder)?;
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(Refusal::Form("a CBOR map that has a key twice"));
            }
            let from = decoder.position();
            item(decoder, bytes, left)?;
            let value = bytes.get(from..decoder.position()).ok_or(FORM)?;
            entries.push((key, value));
        }
        Ok(Self(entries))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &Key) -> Option<Decoder<'b>> {
        let found = self.0.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| Decoder::new(value))
    }

    pub(crate) fn number(&self, key: i64) -> Option<i64> {
        self.get(&Key::Number(key))?.i64().ok()
    }

    pub(crate) fn bytes(&self, key: i64) -> Option<&'b [u8]> {
        self.get(&Key::Number(key))?.bytes().ok()
    }

    pub(crate) fn named_text(&self, key: &str) -> Option<&'b str> {
        self.get(&Key::Text(key.to_owned()))?.str().ok()
    }

    pub(crate) fn named_bytes(&self, key: &str) -> Option<&'b [u8]> {
        self.get(&Key::Text(key.to_owned()))?.bytes().ok()
    }

    pub(crate) fn named_map(&self, key: &str) -> Option<Self> {
        let wanted = Key::Text(key.to_owned());
        let (_, value) = self.0.iter().find(|(known, _)| *known == wanted)?;
        Self::whole(value).ok()
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(&Key::Text(key.to_owned())).is_some()
    }
}

fn key(decoder: &mut Decoder<'_>) -> Result<Key, Refusal> {
    match decoder.datatype().map_err(|_| FORM)? {
        Type::String => decoder.str().map(|text| Key::Text(text.to_owned())),
        _ => decoder.i64().map(Key::Number),
    }
    .map_err(|_| FORM)
}

/// Goes over one item, and looks at every map in it.
fn item<'b>(decoder: &mut Decoder<'b>, bytes: &'b [u8], left: u8) -> Result<(), Refusal> {
    match decoder.datatype().map_err(|_| FORM)? {
        Type::Map => {
            Map::read(decoder, bytes, left)?;
        }
        Type::Array => {
            let left = left.checked_sub(1).ok_or(FORM)?;
            let length = decoder.array().map_err(|_| FORM)?.ok_or(FORM)?;
            for _ in 0..length {
                item(decoder, bytes, left)?;
            }
        }
        Type::Bytes => drop(decoder.bytes().map_err(|_| FORM)?),
        Type::String => drop(decoder.str().map_err(|_| FORM)?),
        Type::Bool => drop(decoder.bool().map_err(|_| FORM)?),
        Type::Null => decoder.null().map_err(|_| FORM)?,
        _ => drop(decoder.int().map_err(|_| FORM)?),
    }
    Ok(())
}
