//! `cargo xtask faults long`: the long campaigns, on a release build, with a result file each.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use faults::{
    Report, ambiguous, bombs, crash, disk,
    under_load::{self, Tier},
};

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
    /// How many kills, numbers of calls or rounds.
    #[arg(long)]
    count: Option<usize>,
    /// How long a campaign may go on.
    #[arg(long, default_value_t = 240)]
    seconds: u64,
}

/// Every campaign, by its name.
const NAMES: [&str; 5] = [
    "bombs",
    "crash",
    "failing-syncs",
    "full-disk",
    "ambiguous-commits",
];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut wanted: Vec<&str> = arguments.names.iter().map(String::as_str).collect();
    if wanted.is_empty() {
        wanted = NAMES.into_iter().chain(under_load::NAMES).collect();
    }
    let is_known = |name: &&str| NAMES.contains(name) || under_load::NAMES.contains(name);
    if let Some(unknown) = wanted.iter().find(|name| !is_known(name)) {
        let (some, others) = (NAMES.join(", "), under_load::NAMES.join(", "));
        eprintln!("no campaign `{unknown}`; there are {some}, {others}");
        return ExitCode::FAILURE;
    }
    let Ok(binary) = std::path::absolute(&arguments.binary) else {
        eprintln!("`{}` is no path", arguments.binary.display());
        return ExitCode::FAILURE;
    };
    let mut broken = false;
    for name in wanted {
        let Some(report) = run(name, &arguments, &binary).await else {
            continue;
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

/// `None` when what it needs is not here, which has then been said.
async fn run(name: &str, arguments: &Arguments, binary: &Path) -> Option<Report> {
    let count = arguments.count;
    match name {
        "crash" => {
            let wanted = crash::Crashes {
                binary: binary.to_owned(),
                seed: arguments.seed,
                kills: count.unwrap_or(150),
                acknowledged: 100_000,
                within: Duration::from_secs(arguments.seconds),
                ready_within: Duration::from_secs(1),
            };
            Some(crash::crashes(&wanted).await)
        }
        "failing-syncs" => {
            let calls = 1..=u32::try_from(count.unwrap_or(40)).unwrap_or(u32::MAX);
            disk::failing_syncs(binary, calls).await
        }
        "bombs" => Some(bombs::refused(binary).await),
        "full-disk" => disk::full_disk(binary, 192).await,
        "ambiguous-commits" => {
            ambiguous::ambiguous_commits(binary, count.unwrap_or(50), arguments.seed).await
        }
        _ => under_load::run(name, binary, Tier::Long).await,
    }
}
