use std::io::{self, IsTerminal as _};

use config::{Log, LogFormat};
use tracing_subscriber::{EnvFilter, fmt};

use crate::failure::{Failure, why};

/// Begins to log on standard error.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn begin(log: &Log) -> Result<(), Failure> {
    let filter =
        EnvFilter::try_new(&log.filter).map_err(why(format!("`log.filter`: `{}`", log.filter)))?;
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
