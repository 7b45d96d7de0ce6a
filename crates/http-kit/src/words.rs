//! What a reader of JSON or of a query says of what it could not read, in words of JSON: how the
//! program calls its types is nobody's business, and helps nobody.

/// The longest word on one fault, in characters.
const LONGEST: usize = 400;

/// The same fault without names of types.
pub(crate) fn plain(words: &str) -> String {
    if words.starts_with("data did not match any variant") {
        return "this has none of the forms that can stand here".to_owned();
    }
    let said = match words.rsplit_once(", expected ") {
        Some((found, wanted)) => {
            format!("{}, expected {}", found_there(found), wanted_there(wanted))
        }
        None => found_there(words),
    };
    shortened(&said, LONGEST)
}

/// A text of the caller's, cut where it would fill an answer.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut letters = text.chars();
    let kept: String = letters.by_ref().take(most).collect();
    match letters.next() {
        None => kept,
        Some(_) => format!("{kept}…"),
    }
}

fn found_there(words: &str) -> String {
    let kinds = [
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: object"),
        ("invalid type: unit value", "invalid type: null"),
        ("invalid type: newtype", "invalid type: value"),
        ("invalid type: Option", "invalid type: value"),
        ("unknown variant ", "unknown value "),
    ];
    for (inside, outside) in kinds {
        if let Some(rest) = words.strip_prefix(inside) {
            // After a kind stands only what the program calls it.
            let rest = if inside.ends_with(' ') { rest } else { "" };
            return format!("{outside}{rest}");
        }
    }
    words.to_owned()
}

fn wanted_there(words: &str) -> String {
    let first = words.split(' ').next().unwrap_or_default();
    let range = |most: &str| format!("a whole number from 0 to {most}");
    let said = match first {
        "u8" => return range(&u8::MAX.to_string()),
        "u16" => return range(&u16::MAX.to_string()),
        "u32" => return range(&u32::MAX.to_string()),
        "u64" | "u128" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "struct" | "internally" | "adjacently" | "map" => "an object",
        "tuple" => "a list",
        "enum" => "one of its words, or an object with one member",
        "unit" => "null",
        "newtype" | "option" => "a value",
        "variant" | "field" => "one of its words",
        _ => match words {
            "a map" => "an object",
            "a sequence" => "a list",
            "string or map" => "one of its words, or an object with one member",
            "a string" | "a borrowed string" => "a text",
            other => other,
        },
    };
    said.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_no_names_outside() {
        for (inside, outside) in [
            (
                "invalid type: null, expected struct RegistrationRequest",
                "invalid type: null, expected an object",
            ),
            (
                "invalid value: integer `-1`, expected u16",
                "invalid value: integer `-1`, expected a whole number from 0 to 65535",
            ),
            (
                "unknown variant `a`, expected one of `b`, `c`",
                "unknown value `a`, expected one of `b`, `c`",
            ),
            (
                "invalid type: map, expected a sequence",
                "invalid type: object, expected a list",
            ),
            (
                "data did not match any variant of untagged enum FactSent",
                "this has none of the forms that can stand here",
            ),
            ("missing field `x`", "missing field `x`"),
            (
                "unknown field `x`, there are no fields",
                "unknown field `x`, there are no fields",
            ),
        ] {
            assert_eq!(plain(inside), outside);
        }
        assert_eq!(plain(&"é".repeat(500)).chars().count(), LONGEST + 1);
    }
}
