//! Bytes as they come from a caller's socket.

use gateway::wire::{Framing, Violation};

/// The same messages end at the same places, and the same violation stops a connection, however
/// its bytes are cut into pieces; no piece is passed on beyond the end of a message, where another
/// reader sees it. The first byte says how long a head may be and how the pieces are cut.
pub(crate) fn framing(bytes: &[u8]) {
    let [knobs, stream @ ..] = bytes else {
        return;
    };
    let most = 64_usize << (knobs & 7);
    let whole = follow(stream, most, || usize::MAX);
    let single = follow(stream, most, || 1);
    assert_eq!(single, whole, "byte by byte, heads of {most}");
    let mut state = u32::from(*knobs);
    let pieces = follow(stream, most, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(state >> 27).unwrap_or(1).max(1)
    });
    assert_eq!(pieces, whole, "in pieces, heads of {most}");
}

/// Where messages ended, and what stopped the connection.
type Followed = (Vec<usize>, Option<Violation>);

/// Feeds `stream` as a guard does, in pieces as long as `cut` says.
fn follow(stream: &[u8], most: usize, mut cut: impl FnMut() -> usize) -> Followed {
    let mut framing = Framing::new(most);
    let mut ends = Vec::new();
    let (mut begins, mut passed, mut arrived) = (0, 0, 0_usize);
    while arrived < stream.len() {
        arrived = arrived.saturating_add(cut()).min(stream.len());
        loop {
            let waiting = stream.get(passed..arrived).unwrap_or_default();
            let (fresh, heads) = (framing.is_at_boundary(), framing.heads());
            if fresh {
                begins = passed;
            }
            let taken = match framing.advance(waiting) {
                Ok(0) => break,
                Ok(taken) => taken,
                Err(stop) => {
                    assert_eq!(framing.advance(waiting), Err(stop), "it goes on after all");
                    return (ends, Some(stop.violation));
                }
            };
            assert!(taken <= waiting.len(), "more than there is");
            assert!(
                !fresh || framing.heads() > heads,
                "before its head is whole"
            );
            passed = passed.saturating_add(taken);
            let message = stream.get(begins..).unwrap_or_default();
            let end = end_of_message(message).map(|length| begins.saturating_add(length));
            assert!(end.is_none_or(|end| passed <= end), "{passed} of {end:?}");
            if framing.is_at_boundary() || framing.is_over() {
                assert_eq!(
                    Some(passed),
                    end,
                    "another reader ends the message elsewhere"
                );
                ends.push(passed);
            }
        }
    }
    (ends, None)
}

/// Where the first message of `bytes` ends, as httparse and the plain rules of RFC 9112 see it.
fn end_of_message(bytes: &[u8]) -> Option<usize> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut fields);
    let head = request
        .parse(bytes)
        .ok()
        .filter(httparse::Status::is_complete)?;
    let head = head.unwrap();
    let value = |name: &str| {
        let mut fields = request.headers.iter();
        fields.find(|field| field.name.eq_ignore_ascii_case(name))
    };
    let body = bytes.get(head..)?;
    let length = if value("transfer-encoding").is_some() {
        end_of_chunks(body)?
    } else if let Some(length) = value("content-length") {
        std::str::from_utf8(length.value).ok()?.parse().ok()?
    } else {
        0
    };
    (length <= body.len()).then_some(head.saturating_add(length))
}

fn end_of_chunks(body: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let rest = body.get(at..)?;
        let httparse::Status::Complete((line, size)) = httparse::parse_chunk_size(rest).ok()?
        else {
            return None;
        };
        at = at.checked_add(line)?;
        if size == 0 {
            break;
        }
        at = at
            .checked_add(usize::try_from(size).ok()?)?
            .checked_add(2)?;
    }
    let mut fields = [httparse::EMPTY_HEADER; 128];
    match httparse::parse_headers(body.get(at..)?, &mut fields).ok()? {
        httparse::Status::Complete((length, _)) => at.checked_add(length),
        httparse::Status::Partial => None,
    }
}
