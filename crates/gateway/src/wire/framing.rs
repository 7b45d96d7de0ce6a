use super::{
    Violation,
    chunks::Chunks,
    head::{Body, HeadReader},
};

/// Follows the messages of one connection: where each begins and ends, and that each is of the
/// strict grammar. Gives the same answer however the bytes are cut into pieces.
#[derive(Clone, Debug)]
pub struct Framing {
    state: State,
    most: usize,
    last: bool,
    heads: usize,
}

#[derive(Clone, Debug)]
enum State {
    /// Between two messages.
    Boundary,
    Head(HeadReader),
    Length(u64),
    Chunked(Chunks),
    /// The last message has ended.
    Over,
    Stopped(Stop),
}

/// Bytes that are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Why.
    pub violation: Violation,
    /// Whether the head of the message was passed on before.
    pub begun: bool,
}

impl Framing {
    /// For heads of at most `most` bytes.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self {
            state: State::Boundary,
            most,
            last: false,
            heads: 0,
        }
    }

    /// Reads on in `bytes`: all that has arrived and was not passed yet. How many of them may be
    /// passed on; never beyond the end of a message.
    ///
    /// # Errors
    /// At the first byte that is not of the grammar, and ever after.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        let mut passed = 0_usize;
        let begun = !self.is_at_boundary() && !matches!(self.state, State::Head(_));
        loop {
            let rest = bytes.get(passed..).unwrap_or_default();
            let taken = match &mut self.state {
                State::Boundary if passed == 0 && !rest.is_empty() => {
                    self.state = State::Head(HeadReader::default());
                    continue;
                }
                State::Boundary | State::Over => return Ok(passed),
                State::Stopped(stop) => return Err(*stop),
                State::Head(reader) => match reader.read(rest, self.most) {
                    Ok(None) => return Ok(passed),
                    Ok(Some((length, head))) => {
                        self.last = head.last;
                        self.heads = self.heads.wrapping_add(1);
                        self.state = match head.body {
                            Body::Length(length) => State::Length(length),
                            Body::Chunked => State::Chunked(Chunks::Size),
                        };
                        Ok(length)
                    }
                    Err(violation) => Err(violation),
                },
                State::Length(left) => {
                    let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left = left.saturating_sub(taken as u64);
                    if *left == 0 {
                        self.end();
                    } else if taken == 0 {
                        return Ok(passed);
                    }
                    Ok(taken)
                }
                State::Chunked(chunks) => match chunks.step(rest) {
                    Ok(0) => return Ok(passed),
                    Ok(taken) => {
                        if *chunks == Chunks::Over {
                            self.end();
                        }
                        Ok(taken)
                    }
                    Err(violation) => Err(violation),
                },
            };
            match taken {
                Ok(taken) => passed = passed.saturating_add(taken),
                Err(violation) => {
                    let stop = Stop { violation, begun };
                    self.state = State::Stopped(stop);
                    // What came before the violation is good; of a message that has only begun
                    // in these bytes nothing is passed.
                    return if begun && passed > 0 {
                        Ok(passed)
                    } else {
                        Err(stop)
                    };
                }
            }
        }
    }

    fn end(&mut self) {
        self.state = if self.last {
            State::Over
        } else {
            State::Boundary
        };
    }

    /// Whether the next byte begins a message.
    #[must_use]
    pub const fn is_at_boundary(&self) -> bool {
        matches!(self.state, State::Boundary)
    }

    /// Whether some of a head has arrived, and not all of it.
    pub(super) const fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }

    /// Whether the body of a message is not at its end.
    pub(super) const fn is_in_body(&self) -> bool {
        matches!(self.state, State::Length(_) | State::Chunked(_))
    }

    /// Whether the last message has ended.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// How many heads were passed.
    #[must_use]
    pub const fn heads(&self) -> usize {
        self.heads
    }
}
