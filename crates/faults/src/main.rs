//! `cargo xtask faults long`: the long campaigns, on a release build, with a result file each.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use faults::{Report, crash};

/// Breaks an installation on purpose and holds what is left against what was said.
#[derive(Parser)]
#[command(bin_name = "cargo xtask faults long")]
struct Arguments {
    /// The campaigns to run; all without one.
    names: Vec<String>,
    /// The binary to try.
    #[arg(long, value_name = "PATH")]
    binary: PathBuf,
    /// Where the results are written, a file for each campaign.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// What every choice comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many kills, rotations or repetitions.
    #[arg(long)]
    count: Option<usize>,
    /// How long a campaign may go on.
    #[arg(long, default_value_t = 240)]
    seconds: u64,
}

/// Every campaign, by its name.
const NAMES: [&str; 1] = ["crash"];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut wanted: Vec<&str> = arguments.names.iter().map(String::as_str).collect();
    if wanted.is_empty() {
        wanted = NAMES.to_vec();
    }
    let mut broken = false;
    for name in wanted {
        let Some(report) = run(name, &arguments).await else {
            eprintln!("no campaign `{name}`; there are {}", NAMES.join(", "));
            return ExitCode::FAILURE;
        };
        println!("{report}");
        if let Some(folder) = &arguments.into {
            report.write(folder);
        }
        broken |= !report.broken.is_empty();
    }
    if broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

async fn run(name: &str, arguments: &Arguments) -> Option<Report> {
    let binary = std::path::absolute(&arguments.binary).ok()?;
    let within = Duration::from_secs(arguments.seconds);
    Some(match name {
        "crash" => {
            let wanted = crash::Crashes {
                binary,
                seed: arguments.seed,
                kills: arguments.count.unwrap_or(150),
                acknowledged: 100_000,
                within,
                ready_within: Duration::from_secs(1),
            };
            crash::crashes(&wanted).await
        }
        _ => return None,
    })
}
