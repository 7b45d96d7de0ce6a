use primitives::{Revision, Timestamp, sha256};

use crate::{Event, NewEvent};

/// The link of an event: a hash over it and the link of the event before.
pub type Link = [u8; 32];

/// What stands before the first event that has a link.
pub const NO_LINK: Link = [0; 32];

/// The link of `event` behind `before`: SHA-256 over a mark of this format, `before`, and every
/// part of the event, texts with their length in front of them.
#[must_use]
pub fn link(before: &Link, event: &Event) -> Link {
    let mut bytes = Vec::with_capacity(256_usize.saturating_add(event.detail.len()));
    bytes.extend_from_slice(b"portreeve event 1\0");
    bytes.extend_from_slice(before);
    bytes.extend_from_slice(&event.revision.0.to_be_bytes());
    bytes.extend_from_slice(&event.position.to_be_bytes());
    bytes.extend_from_slice(&event.id.as_u128().to_be_bytes());
    bytes.extend_from_slice(&event.at.as_micros().to_be_bytes());
    let texts = [
        &event.actor,
        event.action.as_str(),
        &event.kind,
        &event.name,
        &event.detail,
    ];
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    sha256(&bytes)
}

/// The links of new events, each with its position, behind `before`.
#[must_use]
pub fn links(
    before: Link,
    events: &[(i64, &NewEvent)],
    (revision, at): (Revision, Timestamp),
) -> Vec<Link> {
    let mut last = before;
    let mut links = Vec::with_capacity(events.len());
    for (position, event) in events {
        last = link(
            &last,
            &Event {
                id: event.id,
                revision,
                position: u32::try_from(*position).unwrap_or(u32::MAX),
                at,
                actor: event.actor.clone(),
                action: event.action,
                kind: event.kind.clone(),
                name: event.name.clone(),
                detail: event.detail.clone(),
                link: None,
            },
        );
        links.push(last);
    }
    links
}
