use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str};

use crate::{RequestProblem, problem::Place};

/// What stands raw in a segment: unreserved, `:`, `@` and the sub-delimiters except `;`,
/// which would begin a path parameter (RFC 3986, section 3.3).
pub(crate) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// What stands raw in a query. Everything that one decoder or another gives a meaning to
/// (`& = + ; # %` and space) is escaped.
pub(crate) const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b'?')
    .remove(b'@');

/// Decodes the escapes of `text` once.
pub(crate) fn decode(text: &str, place: Place) -> Result<Cow<'_, str>, RequestProblem> {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let is_hex = |digit: Option<u8>| digit.is_some_and(|digit| digit.is_ascii_hexdigit());
        if byte == b'%' && !(is_hex(rest.next()) && is_hex(rest.next())) {
            return Err(RequestProblem::PercentEscape(place));
        }
    }
    percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| RequestProblem::NotUtf8(place))
}

/// Whether `decoded` still has something that a second decoding would change.
pub(crate) fn holds_an_escape(decoded: &str) -> bool {
    decoded.as_bytes().windows(3).any(
        |three| matches!(three, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
    )
}
