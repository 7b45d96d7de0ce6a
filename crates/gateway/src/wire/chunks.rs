use http::HeaderName;
use memchr::memchr;

use super::{Violation, grammar};

/// The most bytes of all trailers together.
const MOST_TRAILER_BYTES: usize = 8 * 1024;

/// The most trailers.
const MOST_TRAILERS: usize = 32;

/// The most digits of a chunk's size.
const MOST_DIGITS: usize = 16;

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    /// The body has ended.
    Over,
}

impl Chunks {
    /// Reads on in `bytes`, which begin where the last step ended. How many are taken: none when
    /// a line is not yet whole.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        match *self {
            Self::Size => self.size(bytes),
            Self::Data(left) => {
                let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left.saturating_sub(taken as u64);
                *self = if left == 0 {
                    Self::DataEnd
                } else {
                    Self::Data(left)
                };
                Ok(taken)
            }
            Self::DataEnd => match bytes {
                [b'\r', b'\n', ..] => {
                    *self = Self::Size;
                    Ok(2)
                }
                [] | [b'\r'] => Ok(0),
                _ => Err(Violation::ChunkEnd),
            },
            Self::Trailers => match trailers(bytes)? {
                Some(length) => {
                    *self = Self::Over;
                    Ok(length)
                }
                None => Ok(0),
            },
            Self::Over => Ok(0),
        }
    }

    fn size(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        let digits = bytes
            .iter()
            .position(|byte| !byte.is_ascii_hexdigit())
            .unwrap_or(bytes.len());
        let (digits, rest) = bytes.split_at_checked(digits).unwrap_or_default();
        if digits.len() > MOST_DIGITS {
            return Err(Violation::ChunkSize);
        }
        match rest {
            [] | [b'\r'] => Ok(0),
            [b'\r', b'\n', ..] => {
                let size = grammar::chunk_size(digits).ok_or(Violation::ChunkSize)?;
                *self = if size == 0 {
                    Self::Trailers
                } else {
                    Self::Data(size)
                };
                Ok(digits.len().saturating_add(2))
            }
            [b';' | b' ' | b'\t', ..] if !digits.is_empty() => Err(Violation::ChunkExtension),
            [b'\r' | b'\n', ..] => Err(Violation::LineEnd),
            _ => Err(Violation::ChunkSize),
        }
    }
}

/// The length of the trailers with the empty line that ends them, when they are whole.
fn trailers(bytes: &[u8]) -> Result<Option<usize>, Violation> {
    let mut begins = 0_usize;
    for _ in 0..=MOST_TRAILERS {
        let rest = bytes.get(begins..).unwrap_or_default();
        let Some(at) = memchr(b'\n', rest) else {
            if bytes.len() > MOST_TRAILER_BYTES {
                return Err(Violation::Trailers);
            }
            return Ok(None);
        };
        let line = rest.get(..at).unwrap_or_default();
        begins = begins.saturating_add(at).saturating_add(1);
        if begins > MOST_TRAILER_BYTES {
            return Err(Violation::Trailers);
        }
        let line = line.strip_suffix(b"\r").ok_or(Violation::LineEnd)?;
        if line.is_empty() {
            return Ok(Some(begins));
        }
        let (name, _) = grammar::field(line).map_err(|_| Violation::Trailers)?;
        let name = HeaderName::from_bytes(name).map_err(|_| Violation::Trailers)?;
        if !crate::trailers::may_trail(&name) {
            return Err(Violation::Trailers);
        }
    }
    Err(Violation::Trailers)
}
