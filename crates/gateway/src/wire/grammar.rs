//! The bytes that may stand in the parts of a head.

use memchr::memchr;

use super::Violation;

/// A byte of a token (RFC 9110, section 5.6.2).
const TOKEN: u8 = 1;
/// A byte that stands in a target and means nothing special to anyone.
const TARGET: u8 = 2;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let token = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        let target = byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'`');
        #[expect(
            clippy::indexing_slicing,
            reason = "a byte is an index of 256 places; evaluated by the compiler"
        )]
        {
            classes[byte as usize] =
                if token { TOKEN } else { 0 } | if target { TARGET } else { 0 };
        }
        if byte == u8::MAX {
            return classes;
        }
        byte += 1;
    }
}

fn has_class(byte: u8, class: u8) -> bool {
    CLASSES
        .get(usize::from(byte))
        .is_some_and(|classes| classes & class != 0)
}

/// Whether `byte` may stand in a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    has_class(byte, TOKEN)
}

fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

/// What a request line says beyond method and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http11,
    Http10,
}

/// The longest target that everything behind us can hold.
const LONGEST_TARGET: usize = 65_000;

/// Reads a request line without its line end.
pub(super) fn request_line(line: &[u8]) -> Result<Version, Violation> {
    let space = memchr(b' ', line).ok_or(Violation::RequestLine)?;
    let (method, rest) = line.split_at_checked(space).ok_or(Violation::RequestLine)?;
    let rest = rest.get(1..).unwrap_or_default();
    if !is_token(method) {
        return Err(Violation::RequestLine);
    }
    let space = memchr(b' ', rest).ok_or(Violation::RequestLine)?;
    let (target, version) = rest.split_at_checked(space).ok_or(Violation::RequestLine)?;
    let version = match version.get(1..).unwrap_or_default() {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        b"HTTP/2.0" | b"HTTP/2" => return Err(Violation::Http2),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Violation::Version);
        }
        _ => return Err(Violation::RequestLine),
    };
    if method == b"CONNECT" {
        return Err(Violation::Connect);
    }
    check_target(target)?;
    Ok(version)
}

fn check_target(target: &[u8]) -> Result<(), Violation> {
    if target.len() > LONGEST_TARGET {
        return Err(Violation::HeadTooLarge);
    }
    let is_plain = target.iter().all(|byte| has_class(*byte, TARGET));
    if is_plain && target.first() == Some(&b'/') {
        return Ok(());
    }
    if target.contains(&b'#') {
        return Err(Violation::Fragment);
    }
    // Everything but a plain path is rare: hyper's own reader says whether it takes it.
    if target.iter().all(u8::is_ascii_graphic) && http::Uri::try_from(target).is_ok() {
        return Ok(());
    }
    Err(Violation::Target)
}

/// Splits a field line into its name and its value without the space around it.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    let colon = line
        .iter()
        .position(|byte| !is_token_byte(*byte))
        .filter(|&at| at > 0);
    let Some(at) = colon else {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        return Err(if folded {
            Violation::Folding
        } else {
            Violation::FieldName
        });
    };
    let (name, rest) = line.split_at_checked(at).ok_or(Violation::FieldName)?;
    let Some((b':', value)) = rest.split_first() else {
        return Err(Violation::FieldName);
    };
    // Without an early way out: the compiler makes it a few wide instructions.
    let bad = value.iter().fold(0_u8, |bad, &byte| {
        bad | (u8::from(byte < b' ') & u8::from(byte != b'\t')) | u8::from(byte == 0x7f)
    });
    if bad != 0 {
        return Err(Violation::FieldValue);
    }
    Ok((name, trimmed(value)))
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// A plain decimal number without a leading zero, as a length.
pub(super) fn length(value: &[u8]) -> Option<u64> {
    if value.len() > 1 && value.first() == Some(&b'0') {
        return None;
    }
    number(value, 10)
}

/// A plain hexadecimal number, as the size of a chunk.
pub(super) fn chunk_size(digits: &[u8]) -> Option<u64> {
    number(digits, 16)
}

/// At most `i64::MAX`, so that no sum of two can overflow anywhere.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_u64;
    for digit in digits {
        let digit = char::from(*digit).to_digit(radix)?;
        number = number.checked_mul(u64::from(radix))?;
        number = number.checked_add(u64::from(digit))?;
    }
    (number <= i64::MAX.unsigned_abs()).then_some(number)
}
