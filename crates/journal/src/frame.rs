use crate::{
    Entry,
    segment::{FRAME, MOST_PAYLOAD},
};

/// An entry cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong(pub(crate) usize);

/// Length, check sum, JSON.
pub(crate) fn write(entry: &Entry) -> Result<Vec<u8>, TooLong> {
    let mut frame = vec![0; FRAME];
    // Writing to memory cannot fail, and every part of an entry has a form in JSON; should that
    // ever change, the entry is refused and not half written.
    if serde_json::to_writer(&mut frame, entry).is_err() {
        return Err(TooLong(usize::MAX));
    }
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
    /// Nothing: the bytes are at an end.
    End,
    /// The beginning of a frame, or something else that is not a whole frame.
    Broken,
    /// A frame whose check sum fits.
    Whole(&'a [u8]),
}

/// The length that a frame's head states, when a frame can have it.
pub(crate) fn stated_length(head: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(head.get(..4)?.try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    (1..=MOST_PAYLOAD).contains(&length).then_some(length)
}

pub(crate) fn read(bytes: &[u8]) -> Found<'_> {
    if bytes.is_empty() {
        return Found::End;
    }
    let whole = || {
        let payload = bytes.get(FRAME..)?.get(..stated_length(bytes)?)?;
        let sum = u32::from_le_bytes(bytes.get(4..FRAME)?.try_into().ok()?);
        (crc32fast::hash(payload) == sum).then_some(payload)
    };
    whole().map_or(Found::Broken, Found::Whole)
}

/// Whether a whole frame stands anywhere after the first byte: then what is broken before it is
/// no torn tail.
pub(crate) fn any_later(bytes: &[u8]) -> bool {
    (1..bytes.len()).any(|at| {
        let rest = bytes.get(at..).unwrap_or_default();
        // Entries are JSON objects; looking for their brace first keeps this from summing all.
        rest.get(FRAME) == Some(&b'{') && matches!(read(rest), Found::Whole(_))
    })
}
