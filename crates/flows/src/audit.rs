//! The event log as a chain that a stranger can check: each event is linked to the one before,
//! and heads of the chain are signed into a file of their own, so that what was cut off shows.

use keys::{SigningKey, TokenProblem, VerifyingKeys};
use primitives::{EventId, Revision, Timestamp, hex};
use serde::{Deserialize, Serialize};
use store::{Event, EventAction, Link, NO_LINK, link};

/// The type of a signed head.
const HEAD: &str = "audit-head+jwt";

/// An event as it is exported: one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventLine {
    /// Revision of the commit that made it.
    pub revision: u64,
    /// Its place within that commit.
    pub position: u32,
    /// Its id.
    pub id: String,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// `created`, `updated` or `deleted`.
    pub action: EventAction,
    /// What kind of thing.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// JSON, as the text that it was linked as.
    pub detail: String,
    /// SHA-256 in hexadecimal; none for an event from before events were linked.
    pub link: Option<String>,
}

/// How far the chain went at a moment; signed, it is a line of the file of heads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Revision of the newest event.
    pub revision: u64,
    /// Its place within the commit.
    pub position: u32,
    /// Its link, in hexadecimal.
    pub link: String,
    /// When it was signed, in microseconds since 1970 UTC.
    pub at: i64,
}

/// What was found in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Events that were looked at.
    pub events: u64,
    /// Those from before events were linked: nothing is known of them.
    pub unlinked: u64,
    /// Heads that the chain goes through.
    pub heads: u64,
    /// Events after the last head: if the last of them were cut off, it would not show.
    pub after_last_head: u64,
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Tampered {
    /// A line is not an event as it was exported.
    #[error("line {0} is not an event as it was exported")]
    Line(u64),
    /// Events are not in their order, or one stands twice.
    #[error("line {0} is out of order")]
    Order(u64),
    /// An event is not linked to the one before.
    #[error(
        "line {0} does not follow from the line before: something was changed, put in or taken out"
    )]
    Link(u64),
    /// A line of the file of heads is not authentic.
    #[error("head {line} is not signed by a key that is known: {problem}")]
    Head {
        /// The line.
        line: u64,
        /// Why.
        problem: TokenProblem,
    },
    /// Heads are not in their order.
    #[error("head {0} is out of order")]
    HeadOrder(u64),
    /// The chain does not go through a signed head.
    #[error(
        "the log does not go through the signed head of revision {0}: it was cut off, or made anew"
    )]
    NotThrough(u64),
}

impl From<&Event> for EventLine {
    fn from(event: &Event) -> Self {
        Self {
            revision: event.revision.0,
            position: event.position,
            id: event.id.to_string(),
            at: event.at.as_micros(),
            actor: event.actor.clone(),
            action: event.action,
            kind: event.kind.clone(),
            name: event.name.clone(),
            detail: event.detail.clone(),
            link: event.link.map(|link| hex(&link)),
        }
    }
}

impl EventLine {
    /// Reads a line; it must be written exactly as we write it.
    fn read(line: &str) -> Option<(Event, Option<String>)> {
        let read: Self = serde_json::from_str(line).ok()?;
        if serde_json::to_string(&read).ok()? != line {
            return None;
        }
        let event = Event {
            id: read.id.parse::<EventId>().ok()?,
            revision: Revision(read.revision),
            position: read.position,
            at: Timestamp::from_micros(read.at),
            actor: read.actor,
            action: read.action,
            kind: read.kind,
            name: read.name,
            detail: read.detail,
            link: None,
        };
        (event.id.to_string() == read.id).then_some((event, read.link))
    }
}

impl Head {
    /// The head at an event; none at one without a link.
    #[must_use]
    pub fn at(event: &Event, now: Timestamp) -> Option<Self> {
        Some(Self {
            revision: event.revision.0,
            position: event.position,
            link: hex(&event.link?),
            at: now.as_micros(),
        })
    }

    /// Whether it is the head at this event.
    #[must_use]
    pub fn is_at(&self, event: &Event) -> bool {
        let place = (event.revision.0, event.position);
        place == (self.revision, self.position)
            && event.link.is_some_and(|link| hex(&link) == self.link)
    }

    /// A line of the file of heads.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, key: &SigningKey) -> Result<String, TokenProblem> {
        key.sign(HEAD, self)
    }

    /// Reads a line of the file of heads.
    ///
    /// # Errors
    /// When it is not signed by one of the keys.
    pub fn read(line: &str, keys: &VerifyingKeys) -> Result<Self, TokenProblem> {
        keys.claims(HEAD, line)
    }
}

/// Reads a file of heads: each line signed, each further than the one before.
///
/// # Errors
/// When one is not.
pub fn read_heads(text: &str, keys: &VerifyingKeys) -> Result<Vec<Head>, Tampered> {
    let mut heads: Vec<Head> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let head = Head::read(text, keys).map_err(|problem| Tampered::Head { line, problem })?;
        let place = |head: &Head| (head.revision, head.position);
        if heads.last().is_some_and(|last| place(last) >= place(&head)) {
            return Err(Tampered::HeadOrder(line));
        }
        heads.push(head);
    }
    Ok(heads)
}

/// Checks an exported log line by line: a log may be larger than memory.
#[derive(Debug)]
pub struct ChainCheck {
    heads: std::iter::Peekable<std::vec::IntoIter<Head>>,
    last: Option<(u64, u32)>,
    link: Link,
    found: Verified,
}

impl ChainCheck {
    /// Begins, with the signed heads that the chain has to go through.
    #[must_use]
    pub fn begin(heads: Vec<Head>) -> Self {
        Self {
            heads: heads.into_iter().peekable(),
            last: None,
            link: NO_LINK,
            found: Verified::default(),
        }
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// When it shows that the log is not what was written.
    pub fn line(&mut self, text: &str) -> Result<(), Tampered> {
        let number = self.found.events.saturating_add(1);
        let (mut event, told) = EventLine::read(text).ok_or(Tampered::Line(number))?;
        let place = (event.revision.0, event.position);
        if self.last.is_some_and(|last| last >= place) {
            return Err(Tampered::Order(number));
        }
        self.last = Some(place);
        self.found.events = number;
        let Some(told) = told else {
            if self.link != NO_LINK {
                return Err(Tampered::Link(number));
            }
            self.found.unlinked = number;
            return Ok(());
        };
        self.link = link(&self.link, &event);
        if hex(&self.link) != told {
            return Err(Tampered::Link(number));
        }
        event.link = Some(self.link);
        self.found.after_last_head = self.found.after_last_head.saturating_add(1);
        let Some(head) = self.heads.peek() else {
            return Ok(());
        };
        if (head.revision, head.position) > place {
            return Ok(());
        }
        if !head.is_at(&event) {
            return Err(Tampered::NotThrough(head.revision));
        }
        self.heads.next();
        self.found.heads = self.found.heads.saturating_add(1);
        self.found.after_last_head = 0;
        Ok(())
    }

    /// Ends after the last line.
    ///
    /// # Errors
    /// When a signed head was not reached.
    pub fn end(mut self) -> Result<Verified, Tampered> {
        match self.heads.next() {
            Some(head) => Err(Tampered::NotThrough(head.revision)),
            None => Ok(self.found),
        }
    }
}

#[cfg(test)]
mod tests;
