use std::collections::HashMap;

use primitives::Name;

/// Gives every operation a name: its `operationId` where that can be one and is unique once
/// its other characters are replaced, else one made from its key.
pub(super) struct Names;

impl Names {
    /// For each (`operationId`, key) the name and the key, in order.
    pub(super) fn of(
        operations: impl Iterator<Item = (Option<String>, String)>,
    ) -> Vec<(Name, String)> {
        let wanted: Vec<(Option<Name>, Name, String)> = operations
            .map(|(id, key)| (id.as_deref().and_then(sanitised), from_key(&key), key))
            .collect();
        let mut uses = HashMap::new();
        for (id, fallback, _) in &wanted {
            *uses
                .entry(id.as_ref().unwrap_or(fallback).clone())
                .or_insert(0) += 1;
        }
        let unique = |name: &Name| uses.get(name) == Some(&1);
        wanted
            .iter()
            .map(|(id, fallback, key)| {
                let name = id.as_ref().filter(|id| unique(id));
                let name = name.unwrap_or(fallback);
                let name = if unique(name) {
                    name.clone()
                } else {
                    hashed(name, key)
                };
                (name, key.clone())
            })
            .collect()
    }
}

/// `text` with `/` as `.` and every other character that no name may have as `-`; `None` when
/// nothing or too much would be left.
fn sanitised(text: &str) -> Option<Name> {
    let replaced: String = text
        .chars()
        .map(|c| match c {
            '/' => '.',
            c if c.is_ascii_alphanumeric() || "._-@".contains(c) => c,
            _ => '-',
        })
        .collect();
    replaced
        .trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .parse()
        .ok()
}

fn from_key(key: &str) -> Name {
    let words = key
        .split(['/', ' ', '{', '}', '.'])
        .filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join(".");
    sanitised(&joined).unwrap_or_else(|| {
        let start: String = joined
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(80)
            .collect();
        hashed_text(&start, key)
    })
}

fn hashed(name: &Name, key: &str) -> Name {
    hashed_text(name.as_str(), key)
}

/// A name that begins like `start` and ends in a hash of `key`.
fn hashed_text(start: &str, key: &str) -> Name {
    // FNV-1a: stable over builds and machines, which is all that is wanted of it.
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let start: String = start.chars().take(90).collect();
    let text = format!("{start}-{hash:08x}");
    sanitised(&text).unwrap_or_else(|| fallback(hash))
}

fn fallback(hash: u32) -> Name {
    #[expect(clippy::expect_used, reason = "nine letters and digits are a name")]
    format!("o{hash:08x}").parse().expect("a name")
}
