use memchr::{memchr, memchr_iter};

use super::{
    Violation,
    grammar::{self, Version},
};

/// The most field lines of a head: hyper's own bound, so that it never has to refuse one.
pub(super) const MOST_FIELDS: usize = 100;

/// How the body that follows a head is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Length(u64),
    Chunked,
}

/// What a whole head says about the bytes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) body: Body,
    /// No further request follows on this connection.
    pub(super) last: bool,
}

/// Reads a head line by line, as the lines arrive. Every byte is looked at once.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether one line was seen; no two of them make a state"
)]
pub(super) struct HeadReader {
    /// Where the line that is not yet whole begins.
    line: usize,
    /// Up to here there is no line end any more.
    searched: usize,
    fields: usize,
    version: Option<Version>,
    host: bool,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
}

impl HeadReader {
    /// Reads on in `bytes`, which begin with the head and hold all that has arrived of it. Its
    /// length and meaning when it is whole.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        most: usize,
    ) -> Result<Option<(usize, Head)>, Violation> {
        let begins = bytes.first().copied().is_none_or(grammar::is_token_byte);
        if self.version.is_none() && !begins {
            return Err(Violation::RequestLine);
        }
        loop {
            let fresh = bytes.get(self.searched..).unwrap_or_default();
            let Some(at) = memchr(b'\n', fresh) else {
                return self.unfinished(bytes, most);
            };
            let end = self.searched.saturating_add(at);
            if end >= most {
                return Err(self.too_long(bytes, most));
            }
            let line = bytes.get(self.line..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").ok_or(Violation::LineEnd)?;
            self.line = end.saturating_add(1);
            self.searched = self.line;
            if line.is_empty() && self.version.is_some() {
                return Ok(Some((self.line, self.whole()?)));
            }
            self.take(line).map_err(|violation| {
                // A stray CR explains everything else that is wrong with its line.
                let split = line.contains(&b'\r');
                if split { Violation::LineEnd } else { violation }
            })?;
        }
    }

    fn unfinished(
        &mut self,
        bytes: &[u8],
        most: usize,
    ) -> Result<Option<(usize, Head)>, Violation> {
        if bytes.len() > most {
            return Err(self.too_long(bytes, most));
        }
        if has_stray_return(bytes.get(self.line..).unwrap_or_default()) {
            return Err(Violation::LineEnd);
        }
        self.searched = bytes.len();
        Ok(None)
    }

    /// Names the same violation however the bytes were cut into pieces.
    fn too_long(&self, bytes: &[u8], most: usize) -> Violation {
        let taken = bytes.get(self.line..most).unwrap_or_default();
        if has_stray_return(taken) {
            Violation::LineEnd
        } else {
            Violation::HeadTooLarge
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Violation> {
        if self.version.is_none() {
            self.version = Some(grammar::request_line(line)?);
            return Ok(());
        }
        let (name, value) = grammar::field(line)?;
        self.fields = self.fields.saturating_add(1);
        if self.fields > MOST_FIELDS {
            return Err(Violation::HeadTooLarge);
        }
        // The length of a name rules out nearly every other.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(),
            6 if name.eq_ignore_ascii_case(b"expect") => expect(value),
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.connection(value);
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.coding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self) -> Result<(), Violation> {
        if std::mem::replace(&mut self.host, true) {
            return Err(Violation::Host);
        }
        Ok(())
    }

    fn connection(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',') {
            let option = option.trim_ascii();
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Violation> {
        let length = grammar::length(value).ok_or(Violation::ContentLength)?;
        match self.length.replace(length) {
            Some(_) => Err(Violation::ContentLength),
            None => Ok(()),
        }
    }

    fn coding(&mut self, value: &[u8]) -> Result<(), Violation> {
        let twice = std::mem::replace(&mut self.chunked, true);
        if twice || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Violation::TransferEncoding);
        }
        Ok(())
    }

    /// What the lines say together.
    fn whole(&self) -> Result<Head, Violation> {
        if !self.host {
            return Err(Violation::Host);
        }
        if self.chunked && self.length.is_some() {
            return Err(Violation::TwoFramings);
        }
        let old = self.version == Some(Version::Http10);
        if old && (self.chunked || self.length.is_some_and(|length| length > 0)) {
            return Err(Violation::OldBody);
        }
        let body = if self.chunked {
            Body::Chunked
        } else {
            Body::Length(self.length.unwrap_or(0))
        };
        Ok(Head {
            body,
            last: self.close || (old && !self.keep_alive),
        })
    }
}

fn expect(value: &[u8]) -> Result<(), Violation> {
    if value.eq_ignore_ascii_case(b"100-continue") {
        Ok(())
    } else {
        Err(Violation::Expectation)
    }
}

/// Whether a CR is followed by something other than LF; one at the very end may still be.
fn has_stray_return(bytes: &[u8]) -> bool {
    memchr_iter(b'\r', bytes).any(|at| {
        let next = bytes.get(at.saturating_add(1));
        next.is_some_and(|next| *next != b'\n')
    })
}
