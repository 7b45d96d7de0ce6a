use std::time::Duration;

use http::{HeaderMap, StatusCode};

/// The header in which a caller asks for faults.
pub(crate) const FAULT_HEADER: &str = "dev-fault";

/// The faults that a caller asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) delay: Option<Duration>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) close: Option<Close>,
}

/// When the connection is closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// Before the call takes effect.
    Before,
    /// After it took effect.
    After,
}

/// The longest delay, so that a typing mistake does not hang a test for ever.
const LONGEST_DELAY_MILLIS: u64 = 120_000;

impl Faults {
    /// Reads the header; `Err` names the part that is no fault.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let mut faults = Self::default();
        let lines = headers.get_all(FAULT_HEADER).iter();
        for line in lines {
            let line = line.to_str().map_err(|_| String::new())?;
            for part in line.split(',').map(str::trim) {
                faults.add(part).ok_or_else(|| part.to_owned())?;
            }
        }
        Ok(faults)
    }

    fn add(&mut self, part: &str) -> Option<()> {
        match part.split_once('=')? {
            ("delay", millis) => {
                let millis = millis.parse().ok()?;
                self.delay = Some(Duration::from_millis(std::cmp::min(
                    millis,
                    LONGEST_DELAY_MILLIS,
                )));
            }
            ("status", status) => self.status = Some(status.parse().ok()?),
            ("close", "before") => self.close = Some(Close::Before),
            ("close", "after") => self.close = Some(Close::After),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &'static str) -> Result<Faults, String> {
        let mut headers = HeaderMap::new();
        headers.insert(FAULT_HEADER, http::HeaderValue::from_static(text));
        Faults::of(&headers)
    }

    #[test]
    fn faults_are_read_or_the_wrong_part_is_named() {
        assert_eq!(Faults::of(&HeaderMap::new()), Ok(Faults::default()));
        assert_eq!(
            faults("delay=5, status=503,close=after"),
            Ok(Faults {
                delay: Some(Duration::from_millis(5)),
                status: Some(StatusCode::SERVICE_UNAVAILABLE),
                close: Some(Close::After),
            })
        );
        for text in ["slow", "delay=x", "status=9", "close=now"] {
            assert_eq!(faults(text), Err(text.to_owned()));
        }
    }
}
