use std::borrow::Cow;

use jiter::Jiter;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::body::{Body, BodyProblem, decode_form};
use crate::BodyKind;

/// The body with the text of one top-level field replaced and every other byte as it was; so
/// an upstream gets its own id of an account where the caller gave ours. Without the field the
/// body is unchanged.
///
/// # Errors
/// When the body cannot be read.
pub fn replace_text_field<'b>(
    content_type: Option<&str>,
    bytes: &'b [u8],
    field: &str,
    new: &str,
) -> Result<Cow<'b, [u8]>, BodyProblem> {
    Body::read(content_type, bytes)?;
    match content_type.map_or(BodyKind::Other, BodyKind::of) {
        BodyKind::Form => replace_in_form(bytes, field, new),
        BodyKind::Json => Ok(value_span(bytes, field)
            .and_then(|(start, end)| {
                let value = serde_json::to_vec(new).ok()?;
                Some([bytes.get(..start)?, &value, bytes.get(end..)?].concat())
            })
            .map_or(Cow::Borrowed(bytes), Cow::Owned)),
        BodyKind::Other => Ok(Cow::Borrowed(bytes)),
    }
}

/// Where the value of a top-level field begins and ends.
fn value_span(bytes: &[u8], field: &str) -> Option<(usize, usize)> {
    let mut jiter = Jiter::new(bytes);
    let mut found = jiter.next_object().ok()?.map(|key| key == field);
    while let Some(here) = found {
        let peek = jiter.peek().ok()?;
        let start = jiter.current_index();
        jiter.known_skip(peek).ok()?;
        if here {
            return Some((start, jiter.current_index()));
        }
        found = jiter.next_key().ok()?.map(|key| key == field);
    }
    None
}

fn replace_in_form<'b>(
    bytes: &'b [u8],
    field: &str,
    new: &str,
) -> Result<Cow<'b, [u8]>, BodyProblem> {
    let text = std::str::from_utf8(bytes).map_err(|_| BodyProblem::NotUtf8)?;
    let mut changed = false;
    let mut pairs = Vec::new();
    for pair in text.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        if !pair.is_empty() && decode_form(name)? == field {
            changed = true;
            let value = utf8_percent_encode(new, NON_ALPHANUMERIC);
            pairs.push(Cow::Owned(format!("{name}={value}")));
        } else {
            pairs.push(Cow::Borrowed(pair));
        }
    }
    if changed {
        Ok(Cow::Owned(pairs.join("&").into_bytes()))
    } else {
        Ok(Cow::Borrowed(bytes))
    }
}
