//! `differential`: run by `cargo xtask differential`.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use differential::{Options, run};

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
}

fn main() -> ExitCode {
    let Arguments {
        binary,
        python,
        streams,
        seed,
    } = Arguments::parse();
    let report = run(&Options {
        binary,
        python,
        streams,
        seed,
    });
    match report {
        Ok(report) => {
            println!("{report}");
            ExitCode::from(u8::from(!report.disagreements.is_empty()))
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
