use std::fmt;

use primitives::Entropy;

/// A W3C trace context (`traceparent`, version 00).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    parent: u64,
    sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent` header; `None` when it is not valid, and then it is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = digits(parts.next()?, 2)?;
        let (trace, parent) = (digits(parts.next()?, 32)?, digits(parts.next()?, 16)?);
        let flags = digits(parts.next()?, 2)?;
        // A higher version may append parts; version 00 has exactly four, and ff is forbidden.
        let trailing = parts.next().is_some();
        if version == 0xff || (version == 0 && trailing) || trace == 0 || parent == 0 {
            return None;
        }
        Some(Self {
            trace,
            parent: u64::try_from(parent).ok()?,
            sampled: flags & 1 == 1,
        })
    }

    /// A new trace.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        // A trace id only correlates; zero would be invalid, so one stands in.
        let _ = entropy.fill(&mut random);
        Self {
            trace: u128::from_be_bytes(random).max(1),
            parent: span(entropy),
            sampled: false,
        }
    }

    /// The same trace with a parent of ours, for the next hop.
    #[must_use]
    pub fn child(self, entropy: &dyn Entropy) -> Self {
        Self {
            parent: span(entropy),
            ..self
        }
    }

    /// The trace id, as 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        text(&mut [0; 32], &self.trace.to_be_bytes()).to_owned()
    }

    /// The value of `traceparent`.
    #[must_use]
    pub fn written(&self) -> String {
        let mut written = String::with_capacity(55);
        written.push_str("00-");
        written.push_str(text(&mut [0; 32], &self.trace.to_be_bytes()));
        written.push('-');
        written.push_str(text(&mut [0; 16], &self.parent.to_be_bytes()));
        written.push_str(if self.sampled { "-01" } else { "-00" });
        written
    }
}

fn span(entropy: &dyn Entropy) -> u64 {
    let mut random = [0; 8];
    let _ = entropy.fill(&mut random);
    u64::from_be_bytes(random).max(1)
}

/// The digits of `number`, written into `room`, which has two for each byte.
fn text<'r>(room: &'r mut [u8], number: &[u8]) -> &'r str {
    // Fails only for room of another length.
    let _ = hex::encode_to_slice(number, room);
    std::str::from_utf8(room).unwrap_or_default()
}

fn digits(text: &str, length: usize) -> Option<u128> {
    let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    if text.len() != length || !text.bytes().all(lower) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written())
    }
}

#[cfg(test)]
mod tests {
    use primitives::SeededEntropy;

    use super::*;

    #[test]
    fn a_child_keeps_the_trace_and_changes_the_parent() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = TraceContext::parse(text).unwrap();
        assert_eq!(parent.to_string(), text);
        let child = parent.child(&SeededEntropy::new(1));
        assert_eq!(child.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(child.to_string(), text);
        assert_eq!(TraceContext::parse(&child.to_string()), Some(child));
    }

    #[test]
    fn what_is_not_valid_is_ignored() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
