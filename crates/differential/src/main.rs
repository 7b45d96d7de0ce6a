//! `differential`: run by `cargo xtask differential`.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use differential::{Options, poison, run};

/// Sends mutated request streams through the gateway to real servers and compares what they ran
/// with what was decided.
#[derive(Parser)]
struct Arguments {
    /// The binary `portreeve`.
    #[arg(long)]
    binary: PathBuf,
    /// A Python that has `waitress`.
    #[arg(long)]
    python: Option<PathBuf>,
    /// How many streams, over all servers.
    #[arg(long, default_value_t = 4_000)]
    streams: u64,
    /// What the streams are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Pushes so many damaged states to a running gateway instead.
    #[arg(long)]
    poison: Option<usize>,
}

fn main() -> ExitCode {
    match perform(Arguments::parse()) {
        Ok((told, sound)) => {
            println!("{told}");
            ExitCode::from(u8::from(!sound))
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// What came of it, and whether nothing was wrong.
fn perform(arguments: Arguments) -> Result<(String, bool), String> {
    if let Some(mutants) = arguments.poison {
        let found = poison(&arguments.binary, mutants, arguments.seed)?;
        return Ok((found.to_string(), found.problems.is_empty()));
    }
    let report = run(&Options {
        binary: arguments.binary,
        python: arguments.python,
        streams: arguments.streams,
        seed: arguments.seed,
    })?;
    Ok((report.to_string(), report.disagreements.is_empty()))
}
