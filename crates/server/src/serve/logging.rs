use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Write},
};

use config::{Log, LogFormat};
use tracing_subscriber::{EnvFilter, fmt};

use crate::{
    failure::{Failure, why},
    output::steers,
};

/// Begins to log on standard error.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn begin(log: &Log) -> Result<(), Failure> {
    let filter =
        EnvFilter::try_new(&log.filter).map_err(why(format!("`log.filter`: `{}`", log.filter)))?;
    let coloured = io::stderr().is_terminal();
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(move || OneLine {
            inner: io::stderr(),
            coloured,
        })
        .with_ansi(coloured);
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}

/// Writes each event as one line, whatever stands in its values: what a mail server or an upstream
/// answered could end a line and begin another that nobody has logged, or speak to a terminal.
struct OneLine<W> {
    inner: W,
    /// Whether lines are coloured, so that escapes are ours; those of values are taken out before.
    coloured: bool,
}

impl<W: Write> Write for OneLine<W> {
    /// An event comes whole, with the end of its line.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let (said, end) = match text.strip_suffix('\n') {
            Some(said) => (said, "\n"),
            None => (&*text, ""),
        };
        let mut line = String::with_capacity(text.len());
        for letter in said.chars() {
            let ours = letter == '\t' || (self.coloured && letter == '\u{1b}');
            if !ours && steers(letter) {
                // Writing to a text does not fail.
                let _ = write!(line, "{}", letter.escape_unicode());
            } else {
                line.push(letter);
            }
        }
        line.push_str(end);
        self.inner.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Every sign that could end a line or steer a terminal, in the message, in a value said in
    /// words and in one said for programs, in both formats: an event stays one line.
    ///
    /// Shows: S-118.
    #[test]
    fn no_value_of_an_event_begins_another() {
        let forged = "x\n2026-01-01T00:00:00Z  INFO forged: all is well";
        let mut values: Vec<String> = [forged, "\u{1b}[2J\u{1b}]0;title\u{7}", "\u{9b}31m", "a\rb"]
            .map(str::to_owned)
            .to_vec();
        let signs = (0..0x20)
            .chain(0x7f..0xa0)
            .chain([0x2028, 0x2029, 0x202e, 0x2066]);
        values.extend(
            signs
                .filter_map(char::from_u32)
                .map(|sign| format!("a{sign}b")),
        );
        for is_json in [false, true] {
            let kept = Kept::default();
            let into = kept.clone();
            let lines = fmt().with_ansi(false).with_writer(move || OneLine {
                inner: into.clone(),
                coloured: false,
            });
            let say = || {
                for value in &values {
                    tracing::error!(problem = %value, as_is = ?value, what = value.as_str(), "{value}");
                }
            };
            if is_json {
                tracing::subscriber::with_default(lines.json().finish(), say);
            } else {
                tracing::subscriber::with_default(lines.finish(), say);
            }
            let bytes = kept.0.lock().unwrap().clone();
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(text.lines().count(), values.len(), "{text}");
            assert!(
                !text
                    .lines()
                    .any(|line| line.starts_with("2026-01-01T00:00:00Z  INFO forged"))
            );
            let told = text.chars().filter(|letter| *letter != '\n');
            assert_eq!(
                told.filter(|letter| steers(*letter) && *letter != '\t')
                    .count(),
                0
            );
        }
    }
}
