use primitives::Timestamp;

use crate::{
    CallRecord, Entry, JournalFailure,
    segment::{FRAME, MOST_PAYLOAD},
    wire,
};

/// What the payload of an entry begins with.
const ENTRY: u8 = 1;
/// What the payload of a mark begins with.
const MARK: u8 = 2;
/// A mark's payload: its kind, and a place.
const MARK_PAYLOAD: usize = 9;
/// A whole mark.
pub(crate) const MARK_FRAME: usize = FRAME + MARK_PAYLOAD;

/// An entry cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong(pub(crate) usize);

/// An entry as the journal keeps it: written out, and not put into the journal yet.
#[derive(Debug)]
pub struct Framed {
    pub(crate) kind: Kind,
    pub(crate) at: Timestamp,
    /// Length, check sum, kind, CBOR.
    pub(crate) bytes: Vec<u8>,
}

/// What an entry is, as far as the room it needs depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Refused,
    Admitted,
    Settled,
}

impl Framed {
    /// Writes out an entry.
    ///
    /// # Errors
    /// When it is longer than any may be.
    pub fn of(entry: &Entry) -> Result<Self, JournalFailure> {
        let (kind, room) = match entry {
            Entry::Refused(_) => (Kind::Refused, 1024),
            Entry::Admitted(_) => (Kind::Admitted, 1024),
            Entry::Settled(_) => (Kind::Settled, 96),
        };
        Self::write((kind, entry.at()), room, |frame| wire::write(entry, frame))
    }

    /// Writes out the record of an admitted call, whose texts may be lent.
    ///
    /// # Errors
    /// When it is longer than any may be.
    pub fn admitted<T: AsRef<str>>(call: &CallRecord<T>) -> Result<Self, JournalFailure> {
        Self::write((Kind::Admitted, call.at), 1024, |frame| {
            wire::write_admitted(call, frame);
        })
    }

    fn write(
        (kind, at): (Kind, Timestamp),
        room: usize,
        entry: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Self, JournalFailure> {
        let mut frame = Vec::with_capacity(room);
        frame.extend([0; FRAME]);
        frame.push(ENTRY);
        entry(&mut frame);
        let bytes = close(frame).map_err(|long| JournalFailure::TooLong(long.0))?;
        Ok(Self { kind, at, bytes })
    }
}

/// Says that everything before `place` is on the disk. What is broken there is damage, and no
/// tail that a loss of power tore off.
pub(crate) fn mark(place: u64) -> Result<Vec<u8>, TooLong> {
    let mut frame = Vec::with_capacity(MARK_FRAME);
    frame.extend([0; FRAME]);
    frame.push(MARK);
    frame.extend(place.to_le_bytes());
    close(frame)
}

fn close(mut frame: Vec<u8>) -> Result<Vec<u8>, TooLong> {
    let (head, payload) = frame.split_at_mut(FRAME);
    let length = payload.len();
    let Some(size) = u32::try_from(length)
        .ok()
        .filter(|_| length <= MOST_PAYLOAD)
    else {
        return Err(TooLong(length));
    };
    let sum = crc32fast::hash(payload).to_le_bytes();
    for (to, from) in head
        .iter_mut()
        .zip(size.to_le_bytes().into_iter().chain(sum))
    {
        *to = from;
    }
    Ok(frame)
}

/// What stands at the beginning of some bytes.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// Nothing yet: no bytes, or room that was made and not written to.
    End,
    /// The beginning of a frame, or something else that is not a whole frame.
    Broken,
    /// An entry whose check sum fits.
    Entry(&'a [u8]),
    /// A mark whose check sum fits, and the place it tells.
    Mark(u64),
}

/// The length that a frame's head states, when a frame can have it.
pub(crate) fn stated_length(head: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(head.get(..4)?.try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    (2..=MOST_PAYLOAD).contains(&length).then_some(length)
}

pub(crate) fn read(bytes: &[u8]) -> Found<'_> {
    let head = bytes.get(..FRAME.min(bytes.len())).unwrap_or_default();
    if head.iter().all(|&byte| byte == 0) {
        return Found::End;
    }
    let whole = || {
        let payload = bytes.get(FRAME..)?.get(..stated_length(bytes)?)?;
        let sum = u32::from_le_bytes(bytes.get(4..FRAME)?.try_into().ok()?);
        match payload.split_first()? {
            _ if crc32fast::hash(payload) != sum => None,
            (&ENTRY, entry) => Some(Found::Entry(entry)),
            (&MARK, place) => Some(Found::Mark(u64::from_le_bytes(place.try_into().ok()?))),
            _ => None,
        }
    };
    whole().unwrap_or(Found::Broken)
}

/// Whether a mark in these bytes says that what stands before `place` and a little after was on
/// the disk: then it has been damaged since.
pub(crate) fn is_marked(bytes: &[u8], place: u64) -> bool {
    let length = u32::try_from(MARK_PAYLOAD).unwrap_or(0).to_le_bytes();
    (0..bytes.len()).any(|at| {
        let rest = bytes.get(at..).unwrap_or_default();
        rest.starts_with(&length) && matches!(read(rest), Found::Mark(synced) if synced > place)
    })
}
