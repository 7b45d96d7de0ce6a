use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// So many interim answers of one call are read before its connection is given up.
const MOST: u32 = 64;

/// Tells a connection's bytes that a new answer is awaited on it.
#[derive(Clone, Default)]
pub(crate) struct Await(Arc<AtomicBool>);

impl Await {
    /// The next byte that is read begins an answer.
    pub(crate) fn an_answer(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Counts interim answers (RFC 9110, section 15.2) in the bytes of an upstream, which are read
/// without end otherwise and told to nobody. Looks at the bytes of final answers no further than
/// their status.
#[derive(Default)]
pub(crate) struct Interims {
    awaited: Await,
    at: At,
    /// Of the answer that is awaited.
    count: u32,
}

/// Where in an answer the next byte stands.
#[derive(Clone, Copy, Default)]
enum At {
    /// In its final answer, or between answers.
    #[default]
    Final,
    /// In a first line, behind so many bytes.
    Beginning(u8),
    /// In an interim head, in a line that has something in it, or in one that may end the head.
    Interim { within: bool },
}

/// The first digit of a status stands behind `HTTP/1.1 `.
const BEFORE_STATUS: u8 = 9;

impl Interims {
    /// What tells it that an answer is awaited.
    pub(crate) fn awaited(&self) -> Await {
        self.awaited.clone()
    }

    /// Takes note of what was read; whether it may go on.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> bool {
        if self.awaited.0.load(Ordering::Relaxed) {
            self.awaited.0.store(false, Ordering::Relaxed);
            self.at = At::Beginning(0);
            self.count = 0;
        }
        for byte in bytes {
            self.at = match (self.at, *byte) {
                (At::Final, _) => break,
                // Empty lines before an answer are nothing, and one ends a head.
                (At::Beginning(0), b'\r' | b'\n') | (At::Interim { within: false }, b'\n') => {
                    At::Beginning(0)
                }
                (At::Beginning(BEFORE_STATUS), b'1') => {
                    self.count = self.count.saturating_add(1);
                    At::Interim { within: true }
                }
                (At::Beginning(BEFORE_STATUS), _) => At::Final,
                (At::Beginning(behind), _) => At::Beginning(behind.saturating_add(1)),
                (At::Interim { .. }, b'\n') => At::Interim { within: false },
                (at @ At::Interim { .. }, b'\r') => at,
                (At::Interim { .. }, _) => At::Interim { within: true },
            };
        }
        self.count <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pieces: &[&[u8]]) -> (u32, bool) {
        let mut interims = Interims::default();
        interims.awaited.an_answer();
        let goes_on = pieces.iter().all(|piece| interims.read(piece));
        (interims.count, goes_on)
    }

    const HINT: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    #[test]
    fn interim_answers_are_counted_however_they_are_cut() {
        let text = format!("HTTP/1.1 100 Continue\n\n\r\n{}{OK}", HINT.repeat(20));
        assert_eq!(counted(&[text.as_bytes()]), (21, true));
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(counted(&bytes), (21, true));
        let most = HINT.repeat(64) + OK;
        assert_eq!(counted(&[most.as_bytes()]), (64, true));
        let flood = HINT.repeat(65) + OK;
        assert_eq!(counted(&[flood.as_bytes()]), (65, false));
    }

    #[test]
    fn what_a_final_answer_holds_is_not_looked_at() {
        let text = format!("{OK}{}", HINT.repeat(100));
        assert_eq!(counted(&[text.as_bytes()]), (0, true));
        assert_eq!(counted(&[OK.as_bytes(), HINT.repeat(100).as_bytes()]).0, 0);
    }

    #[test]
    fn each_answer_is_counted_for_itself() {
        let mut interims = Interims::default();
        let awaited = interims.awaited.clone();
        for _ in 0..3 {
            awaited.an_answer();
            assert!(interims.read((HINT.repeat(40) + OK).as_bytes()));
            assert_eq!(interims.count, 40);
        }
    }
}
