//! Segments of the journal, as a disk may give them back.

use std::{fs, path::Path};

use journal::{Cursor, Located, Reader, read_at};

const EPOCH: u64 = 7;
const HEADER: usize = 36;
const FRAME: usize = 8;
const MOST_PAYLOAD: usize = 16 << 20;
const ENTRY: u8 = 1;
const MARK: u8 = 2;

/// A file as it is on the disk.
struct Segment {
    epoch: u64,
    number: u32,
    bytes: Vec<u8>,
}

/// What is read are whole entries whose sums fit, in the order of the files, each once; when no
/// error is told, all of them up to what is broken, and nothing that a mark vouches for is passed
/// over.
///
/// The first byte says what is made of the rest: whether headers are put before it (1), whether
/// frames with right sums are made of it (2), and whether its second half is another segment, of
/// the same run (4) or of a later one (8).
pub(crate) fn journal(bytes: &[u8]) {
    let [knobs, rest @ ..] = bytes else {
        return;
    };
    let segments = lay_out(*knobs, rest);
    let Ok(directory) = tempfile::tempdir() else {
        return;
    };
    for one in &segments {
        let name = format!("{:016x}-{:08}.seg", one.epoch, one.number);
        if fs::write(directory.path().join(name), &one.bytes).is_err() {
            return;
        }
    }
    let expected = judge(&segments);
    let (found, problem) = read(directory.path(), None);
    let places: Vec<Cursor> = found.iter().map(|located| located.at).collect();
    match &problem {
        None => assert_eq!(places, expected.entries, "entries were passed over"),
        Some(_) => assert!(expected.entries.starts_with(&places), "{places:?}"),
    }
    assert!(
        problem.is_some() || !expected.damaged,
        "a mark is passed over"
    );
    for pair in found.windows(2) {
        if let [one, next] = pair {
            assert!(
                one.at < one.next && one.next <= next.at,
                "{one:?}, {next:?}"
            );
        }
    }
    let middle = found.len() / 2;
    if let Some(located) = found.get(middle) {
        let again = read_at(directory.path(), located.at);
        assert!(
            again.is_ok_and(|entry| entry == located.entry),
            "read alone"
        );
        let (rest, same) = read(directory.path(), Some(located.next));
        let after = found.get(middle.saturating_add(1)..).unwrap_or_default();
        assert_eq!((rest.as_slice(), same), (after, problem), "resumed");
    }
}

/// All entries from `from` on, and the error that ended the reading.
fn read(directory: &Path, from: Option<Cursor>) -> (Vec<Located>, Option<String>) {
    let mut reader = Reader::new(directory, from);
    let mut found = Vec::new();
    loop {
        match reader.next_entry() {
            Ok(Some(located)) => {
                assert_eq!(reader.cursor(), Some(located.next), "its own place");
                found.push(located);
            }
            Ok(None) => return (found, None),
            Err(problem) => return (found, Some(problem.to_string())),
        }
    }
}

fn lay_out(knobs: u8, bytes: &[u8]) -> Vec<Segment> {
    let is_set = |bit: u8| knobs & bit != 0;
    let (first, second) = if is_set(4) || is_set(8) {
        bytes.split_at(bytes.len() / 2)
    } else {
        (bytes, &[][..])
    };
    let made = |epoch: u64, number: u32, content: &[u8]| {
        let mut bytes = Vec::new();
        if is_set(1) {
            bytes.extend(header(epoch, number));
        }
        if is_set(2) {
            frames(content, &mut bytes);
        } else {
            bytes.extend(content);
        }
        Segment {
            epoch,
            number,
            bytes,
        }
    };
    let mut segments = vec![made(EPOCH, 0, first)];
    if is_set(4) {
        segments.push(made(EPOCH, 1, second));
    }
    if is_set(8) {
        segments.push(made(EPOCH.saturating_add(1), 0, second));
    }
    segments
}

fn header(epoch: u64, segment: u32) -> Vec<u8> {
    let mut header = b"PTRVJRNL".to_vec();
    header.extend(2_u32.to_le_bytes());
    header.extend(segment.to_le_bytes());
    header.extend(epoch.to_le_bytes());
    header.extend(1_800_000_000_000_000_i64.to_le_bytes());
    header.extend(crc32fast::hash(&header).to_le_bytes());
    header
}

/// Pieces, each after its length in two bytes, as frames whose sums fit.
fn frames(mut pieces: &[u8], to: &mut Vec<u8>) {
    while let [low, high, rest @ ..] = pieces {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (payload, after) = rest.split_at(length);
        to.extend(u32::try_from(length).unwrap_or(0).to_le_bytes());
        to.extend(crc32fast::hash(payload).to_le_bytes());
        to.extend(payload);
        pieces = after;
    }
    to.extend(pieces);
}

/// What a whole frame holds.
enum Whole {
    Entry,
    Mark(u64),
}

/// The frame that begins the bytes, and its length, when it is whole and its sum fits.
fn whole(bytes: &[u8]) -> Option<(usize, Whole)> {
    let length = usize::try_from(u32::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let sum = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
    let payload = bytes.get(FRAME..)?.get(..length)?;
    let fits = (2..=MOST_PAYLOAD).contains(&length) && crc32fast::hash(payload) == sum;
    let (kind, content) = payload.split_first().filter(|_| fits)?;
    let whole = match (*kind, <[u8; 8]>::try_from(content)) {
        (ENTRY, _) => Whole::Entry,
        (MARK, Ok(place)) => Whole::Mark(u64::from_le_bytes(place)),
        _ => return None,
    };
    Some((FRAME.saturating_add(length), whole))
}

struct Judged {
    /// Where whole entries stand, as far as each file is whole.
    entries: Vec<Cursor>,
    /// Whether a mark vouches for what is broken.
    damaged: bool,
}

fn judge(segments: &[Segment]) -> Judged {
    let mut judged = Judged {
        entries: Vec::new(),
        damaged: false,
    };
    for (at, one) in segments.iter().enumerate() {
        let is_last = at.saturating_add(1) == segments.len();
        let mut offset = HEADER;
        loop {
            let rest = one.bytes.get(offset..).unwrap_or_default();
            let Some((length, held)) = whole(rest) else {
                // Zeros at the end of the last file may be room that was made ahead.
                let room = rest.iter().take(FRAME).all(|&byte| byte == 0);
                let vouched = (0..rest.len()).any(|at| vouches(rest, at, offset));
                judged.damaged |= vouched && !(is_last && room);
                break;
            };
            if matches!(held, Whole::Entry) {
                judged.entries.push(Cursor {
                    epoch: one.epoch,
                    segment: one.number,
                    offset: offset as u64,
                });
            }
            offset = offset.saturating_add(length);
        }
    }
    judged
}

/// Whether a mark at `at` says that the disk had what stands at `offset`.
fn vouches(bytes: &[u8], at: usize, offset: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    matches!(whole(rest), Some((_, Whole::Mark(place))) if place > offset as u64)
}
