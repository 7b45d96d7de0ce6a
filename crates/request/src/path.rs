use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use percent_encoding::utf8_percent_encode;

use crate::{RequestProblem, percent, problem::Place};

/// The most bytes of a request target.
pub const LONGEST_TARGET: usize = 8 * 1024;

/// The most segments of a path.
pub const MOST_SEGMENTS: usize = 64;

/// A path that every server reads in the same way: decoded segments, none of them empty, a dot
/// segment or with a slash in it.
///
/// `Display` writes it with upper-case escapes, and only where one is needed. A clone, and what is
/// below a prefix, share the segments.
#[derive(Clone)]
pub struct CanonicalPath {
    whole: Arc<Whole>,
    /// Which segment of the whole is the first.
    from: usize,
    /// Which byte of the whole, as it is written, is the first.
    at: usize,
    trailing_slash: bool,
}

/// A path as it was read.
#[derive(Default)]
struct Whole {
    /// Decoded.
    segments: Box<[Box<str>]>,
    /// Each behind its slash, and the slash at the end.
    written: String,
}

impl CanonicalPath {
    /// Reads the path of a request target (without query).
    ///
    /// # Errors
    /// When it has more than one reading; the problem names the segment.
    pub fn parse(path: &str) -> Result<Self, RequestProblem> {
        if path.len() > LONGEST_TARGET {
            return Err(RequestProblem::TargetTooLong(path.len()));
        }
        let below = path.strip_prefix('/').ok_or(RequestProblem::TargetForm)?;
        if below.is_empty() {
            return Ok(Self::default());
        }
        let (below, trailing_slash) = match below.strip_suffix('/') {
            Some(below) => (below, true),
            None => (below, false),
        };
        let mut segments = Vec::with_capacity(8);
        let mut written = String::with_capacity(path.len());
        for (at, raw) in (1..).zip(below.split('/')) {
            if at > MOST_SEGMENTS {
                return Err(RequestProblem::TooManySegments);
            }
            if is_plain(raw) {
                write_plain(&mut written, raw);
                segments.push(raw.into());
            } else {
                let segment = segment(raw, at)?;
                write_segment(&mut written, &segment);
                segments.push(segment);
            }
        }
        Ok(Self::of(segments, written, trailing_slash))
    }

    fn of(segments: Vec<Box<str>>, mut written: String, trailing_slash: bool) -> Self {
        if trailing_slash {
            written.push('/');
        }
        let whole = Whole {
            segments: segments.into(),
            written,
        };
        Self {
            whole: Arc::new(whole),
            from: 0,
            at: 0,
            trailing_slash,
        }
    }

    /// From decoded segments, each of which can stand in a canonical path.
    fn of_segments(segments: Vec<Box<str>>, trailing_slash: bool) -> Self {
        let mut written = String::with_capacity(64);
        for segment in &segments {
            write_segment(&mut written, segment);
        }
        Self::of(segments, written, trailing_slash)
    }

    /// The decoded segments.
    #[must_use]
    pub fn segments(&self) -> &[Box<str>] {
        self.whole.segments.get(self.from..).unwrap_or_default()
    }

    /// Whether it ends in a slash (the root itself does not count).
    #[must_use]
    pub const fn trailing_slash(&self) -> bool {
        self.trailing_slash
    }

    /// The path as it is written.
    #[must_use]
    pub fn written(&self) -> &str {
        match self.whole.written.get(self.at..) {
            None | Some("") => "/",
            Some(written) => written,
        }
    }

    /// What follows `prefix`, when this path begins with its segments.
    #[must_use]
    pub fn below(&self, prefix: &Self) -> Option<Self> {
        let is_prefix = self.segments().starts_with(prefix.segments());
        is_prefix.then(|| self.after(prefix.segments().len()))?
    }

    /// What follows the first `count` segments, when there are so many.
    #[must_use]
    pub fn after(&self, count: usize) -> Option<Self> {
        let rest = self.segments().get(count..)?;
        let written = self.whole.written.get(self.at..)?;
        let slashes = written
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'/');
        let mut slashes = slashes.map(|(at, _)| at);
        let skipped = slashes.nth(count).unwrap_or(written.len());
        Some(Self {
            whole: Arc::clone(&self.whole),
            from: self.from.checked_add(count)?,
            at: self.at.checked_add(skipped)?,
            trailing_slash: self.trailing_slash && !rest.is_empty(),
        })
    }

    /// This path under `base`.
    #[must_use]
    pub fn under(&self, base: &Self) -> Self {
        if base.segments().is_empty() {
            return self.clone();
        }
        let segments = base.segments().iter().chain(self.segments());
        Self::of_segments(segments.cloned().collect(), self.trailing_slash)
    }

    /// Puts `value` (decoded) in the place of the segment at `index`, from 0.
    ///
    /// # Errors
    /// When the value could not stand in a canonical path, or there is no such segment.
    pub fn replace(&mut self, index: usize, value: &str) -> Result<(), RequestProblem> {
        checked(value, index.saturating_add(1))?;
        let mut segments = self.segments().to_vec();
        let slot = segments
            .get_mut(index)
            .ok_or(RequestProblem::EmptySegment(index.saturating_add(1)))?;
        *slot = value.into();
        *self = Self::of_segments(segments, self.trailing_slash);
        Ok(())
    }
}

impl Default for CanonicalPath {
    fn default() -> Self {
        Self::of(Vec::new(), String::new(), false)
    }
}

/// Whether a segment is written as it is read: most are, and need no second look.
fn is_plain(raw: &str) -> bool {
    raw.bytes()
        .all(|byte| PLAIN.get(usize::from(byte)) == Some(&true))
        && raw.as_bytes().last().is_some_and(|last| *last != b'.')
}

/// What stands for itself in [`percent::SEGMENT`].
const PLAIN: [bool; 256] = plain();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated while compiling, where a slip is an error; bytes are below 256"
)]
const fn plain() -> [bool; 256] {
    let mut plain = [false; 256];
    let others = b"-._~!$&'()*+,=:@";
    let mut byte = 0;
    while byte < others.len() {
        plain[others[byte] as usize] = true;
        byte += 1;
    }
    byte = 0;
    while byte < 128 {
        plain[byte] |= (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    plain
}

fn write_plain(written: &mut String, segment: &str) {
    written.push('/');
    written.push_str(segment);
}

fn write_segment(written: &mut String, segment: &str) {
    written.push('/');
    written.extend(utf8_percent_encode(segment, percent::SEGMENT));
}

impl PartialEq for CanonicalPath {
    fn eq(&self, other: &Self) -> bool {
        self.segments() == other.segments() && self.trailing_slash == other.trailing_slash
    }
}

impl Eq for CanonicalPath {}

impl Hash for CanonicalPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segments().hash(state);
        self.trailing_slash.hash(state);
    }
}

impl fmt::Debug for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CanonicalPath({self})")
    }
}

/// Reads one raw segment; `at` counts from 1.
fn segment(raw: &str, at: usize) -> Result<Box<str>, RequestProblem> {
    for character in raw.chars() {
        match character {
            '\\' => return Err(RequestProblem::Backslash(at)),
            ';' => return Err(RequestProblem::PathParameter(at)),
            '#' => return Err(RequestProblem::Fragment),
            c if c.is_control() => {
                return Err(RequestProblem::ControlCharacter(Place::Segment(at)));
            }
            c if c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@%".contains(c) => {}
            character => {
                return Err(RequestProblem::RawCharacter {
                    place: Place::Segment(at),
                    character,
                });
            }
        }
    }
    let decoded = percent::decode(raw, Place::Segment(at))?;
    checked(&decoded, at)?;
    Ok(decoded.into())
}

/// Whether a decoded segment can stand in a canonical path.
fn checked(decoded: &str, at: usize) -> Result<(), RequestProblem> {
    if decoded.is_empty() {
        return Err(RequestProblem::EmptySegment(at));
    }
    if decoded.chars().all(|c| c == '.' || c.is_whitespace()) {
        return Err(RequestProblem::DotSegment(at));
    }
    if decoded.contains('/') {
        return Err(RequestProblem::EncodedSlash(at));
    }
    if decoded.contains('\\') {
        return Err(RequestProblem::Backslash(at));
    }
    if decoded.chars().any(char::is_control) {
        return Err(RequestProblem::ControlCharacter(Place::Segment(at)));
    }
    if decoded.ends_with(|c: char| c == '.' || c.is_whitespace()) {
        return Err(RequestProblem::TrailingDotOrSpace(at));
    }
    if percent::holds_an_escape(decoded) {
        return Err(RequestProblem::EscapedTwice(at));
    }
    Ok(())
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_escapes_only_where_they_are_needed() {
        for (given, written) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/%41%2d%7e", "/A-~"),
            ("/%e2%82%ac/x%20y", "/%E2%82%AC/x%20y"),
            ("/a%3bb", "/a%3Bb"),
            ("/100%25", "/100%25"),
            ("/Calls/CA1.json", "/Calls/CA1.json"),
            ("/+1415:a@b,c=d", "/+1415:a@b,c=d"),
            ("/%2b", "/+"),
        ] {
            let path = CanonicalPath::parse(given).unwrap();
            assert_eq!(path.to_string(), written);
        }
    }

    #[test]
    fn a_prefix_is_taken_off_by_whole_segments() {
        let prefix = CanonicalPath::parse("/payments").unwrap();
        let below = |path: &str| {
            let path = CanonicalPath::parse(path).unwrap();
            path.below(&prefix).map(|rest| rest.to_string())
        };
        assert_eq!(below("/payments/v1/pay"), Some("/v1/pay".to_owned()));
        assert_eq!(below("/payments/v1/"), Some("/v1/".to_owned()));
        assert_eq!(below("/payments/"), Some("/".to_owned()));
        assert_eq!(below("/payments"), Some("/".to_owned()));
        assert_eq!(below("/payments-old/v1"), None);
        assert_eq!(below("/"), None);
        let base = CanonicalPath::parse("/base").unwrap();
        let path = CanonicalPath::parse("/v1/pay/").unwrap();
        assert_eq!(path.under(&base).to_string(), "/base/v1/pay/");
    }

    #[test]
    fn a_replacement_must_be_canonical_too() {
        let mut path = CanonicalPath::parse("/Accounts/acct_1/Calls").unwrap();
        assert_eq!(path.replace(1, ".."), Err(RequestProblem::DotSegment(2)));
        assert_eq!(path.replace(1, "a/b"), Err(RequestProblem::EncodedSlash(2)));
        assert!(path.replace(7, "x").is_err());
        path.replace(1, "AC 1").unwrap();
        assert_eq!(path.to_string(), "/Accounts/AC%201/Calls");
    }

    /// Segments and separators that attackers combine.
    fn hostile_path() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-zA-Z0-9._~!$&'()*+,;=:@-]{0,4}",
            "(%[0-9a-fA-F]{2}){1,3}",
            Just("%2e".to_owned()),
            Just("%2E%2e".to_owned()),
            Just("..".to_owned()),
            Just("%252e".to_owned()),
            Just("%2f".to_owned()),
            Just("%c0%ae".to_owned()),
            Just("/".to_owned()),
            Just("//".to_owned()),
            "\\PC{0,3}",
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    #[test]
    fn the_root_and_what_is_left_of_a_prefix_are_written_as_roots() {
        let root = CanonicalPath::default();
        assert_eq!(root.written(), "/");
        assert_eq!(root.after(0).unwrap().written(), "/");
        assert!(root.after(1).is_none());
        for path in ["/a/b", "/a/b/"] {
            let path = CanonicalPath::parse(path).unwrap();
            let left = path.after(2).unwrap();
            assert_eq!((left.written(), left.trailing_slash()), ("/", false));
            assert_eq!(left, root);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// What is plain needs no second look only if a second look would say the same.
        #[test]
        fn a_plain_segment_is_read_and_written_as_any_other(raw in "[a-zA-Z0-9._~!$&'()*+,;=:@%#\\ -]{0,6}") {
            if is_plain(&raw) {
                prop_assert_eq!(&*segment(&raw, 1).unwrap(), &*raw);
                let mut written = String::new();
                write_segment(&mut written, &raw);
                prop_assert_eq!(written, format!("/{raw}"));
            }
        }

        #[test]
        fn what_follows_segments_is_written_like_them(path in "(/[a-z%]{1,3}|/%20|/%2e%2e%2ex){1,5}/?", count in 0_usize..6) {
            if let Ok(path) = CanonicalPath::parse(&path)
                && let Some(rest) = path.after(count)
            {
                let segments = rest.segments().to_vec();
                let again = CanonicalPath::of_segments(segments, rest.trailing_slash());
                prop_assert_eq!(rest.written(), again.written());
                let all_of_it = rest.after(0).unwrap();
                prop_assert_eq!(all_of_it.written(), again.written());
            }
        }

        #[test]
        fn what_is_accepted_is_stable_and_unambiguous(path in hostile_path()) {
            if let Ok(first) = CanonicalPath::parse(&path) {
                let written = first.to_string();
                let second = CanonicalPath::parse(&written);
                prop_assert_eq!(second.as_ref(), Ok(&first));
                prop_assert_eq!(second.unwrap().to_string(), written.clone());
                for segment in first.segments() {
                    let twice = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
                    for form in [&**segment, &*twice] {
                        prop_assert!(form != "." && form != ".." && !form.is_empty());
                        prop_assert!(!form.contains(['/', '\\', '\0']));
                    }
                }
                let low = written.to_ascii_lowercase();
                prop_assert!(!low.contains("%2f") && !low.contains("%5c") && !low.contains("//"));
            }
        }

        #[test]
        fn any_text_that_can_be_a_segment_survives(text in "[^/\\\\\\pC%]{1,12}[a-z0-9]") {
            let mut path = CanonicalPath::parse("/x").unwrap();
            path.replace(0, &text).unwrap();
            let again = CanonicalPath::parse(&path.to_string()).unwrap();
            prop_assert_eq!(&*again.segments()[0], text);
        }
    }
}
