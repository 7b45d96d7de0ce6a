//! `cargo xtask faults long`: the long campaigns, on a release build, with a result file each.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use faults::{
    Report, ambiguous, bombs, crash, disk, progress, strangers,
    under_load::{self, Tier},
};
use testkit::Postgres;
use tokio::time::Instant;

/// Breaks an installation on purpose and holds what is left against what was said.
#[derive(Parser)]
#[command(bin_name = "cargo xtask faults long")]
struct Arguments {
    /// The campaigns to run; all without one.
    names: Vec<String>,
    /// Only campaigns of this id of the catalogue (`F-01`), or of this name; may be repeated.
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// The binary to try.
    #[arg(long, value_name = "PATH")]
    binary: PathBuf,
    /// Where the results are written, a file for each campaign.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// What every choice comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many kills, numbers of calls, states, streams or rounds.
    #[arg(long)]
    count: Option<usize>,
    /// Seconds instead of minutes, on any build, where a campaign has such a tier.
    #[arg(long)]
    short: bool,
    /// How long a campaign of crashes may go on.
    #[arg(long, default_value_t = 240)]
    seconds: u64,
}

/// Every campaign, by its name and the id of what it shows.
const CAMPAIGNS: [(&str, &str); 16] = [
    ("crash", "F-01"),
    ("crash-postgres", "F-01"),
    ("failing-syncs", "F-03"),
    ("full-disk", "F-04"),
    ("descriptors", "F-17"),
    ("slow", "F-18"),
    ("memory", "F-20"),
    ("overload", "F-22"),
    ("drain", "F-24"),
    ("drain-tls", "F-24"),
    ("poison", "F-28"),
    ("rotation", "F-29"),
    ("ambiguous-commits", "F-38"),
    ("misbehaviour", "F-39"),
    ("streams", "S-07"),
    ("bombs", "S-19"),
];

/// The campaigns that were asked for.
fn chosen(arguments: &Arguments) -> Result<Vec<&'static str>, String> {
    let asked: Vec<&String> = arguments.names.iter().chain(&arguments.only).collect();
    let is = |(name, id): &(&str, &str), asked: &str| *name == asked || *id == asked;
    let unknown = asked
        .iter()
        .find(|asked| !CAMPAIGNS.iter().any(|campaign| is(campaign, asked)));
    if let Some(unknown) = unknown {
        let all = CAMPAIGNS
            .map(|(name, id)| format!("{name} ({id})"))
            .join(", ");
        return Err(format!("no campaign `{unknown}`; there are {all}"));
    }
    let all = CAMPAIGNS.iter();
    Ok(all
        .filter(|campaign| asked.is_empty() || asked.iter().any(|asked| is(campaign, asked)))
        .map(|(name, _)| *name)
        .collect())
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = match chosen(&arguments) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let Ok(binary) = std::path::absolute(&arguments.binary) else {
        eprintln!("`{}` is no path", arguments.binary.display());
        return ExitCode::FAILURE;
    };
    let (mut broken, mut kept) = (Vec::new(), 0);
    for name in wanted {
        eprintln!("── {name}");
        let began = Instant::now();
        let report = tokio::select! {
            report = run(name, &arguments, &binary) => report,
            () = progress::watch(name) => None,
        };
        let Some(mut report) = report else {
            continue;
        };
        report.count("took_seconds", began.elapsed().as_secs());
        println!("{report}");
        if let Some(folder) = &arguments.into {
            report.write(folder);
        }
        if report.broken.is_empty() {
            kept += 1;
        } else {
            broken.push(name);
        }
    }
    println!("{kept} kept, {} broken {}", broken.len(), broken.join(", "));
    if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// `None` when what it needs is not here, which has then been said.
async fn run(name: &str, arguments: &Arguments, binary: &Path) -> Option<Report> {
    let (count, seed) = (arguments.count, arguments.seed);
    match name {
        "crash" => Some(crash::crashes(&crashes(arguments, binary)).await),
        "crash-postgres" => {
            let server = Postgres::launch().await?;
            let database = server.database().await;
            Some(crash::crashes_on(&database, &crashes(arguments, binary)).await)
        }
        "failing-syncs" => {
            let calls = 1..=u32::try_from(count.unwrap_or(40)).unwrap_or(u32::MAX);
            disk::failing_syncs(binary, calls).await
        }
        "bombs" => Some(bombs::refused(binary).await),
        "full-disk" => disk::full_disk(binary, 192).await,
        "ambiguous-commits" => {
            ambiguous::ambiguous_commits(binary, count.unwrap_or(50), seed).await
        }
        "poison" => Some(strangers::poisoned(binary, count.unwrap_or(2_000), seed).await),
        "streams" => {
            let streams = count.unwrap_or(200_000) as u64;
            strangers::streams(binary, streams, seed).await
        }
        _ => {
            let tier = if arguments.short {
                Tier::Short
            } else {
                Tier::Long
            };
            under_load::run(name, binary, tier).await
        }
    }
}

fn crashes(arguments: &Arguments, binary: &Path) -> crash::Crashes {
    crash::Crashes {
        binary: binary.to_owned(),
        seed: arguments.seed,
        kills: arguments.count.unwrap_or(150),
        acknowledged: arguments.count.map_or(100_000, |kills| kills * 100),
        within: Duration::from_secs(arguments.seconds),
        ready_within: Duration::from_secs(1),
        demanded: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn campaigns_are_found_by_name_and_by_id() {
        let of = |words: &[&str]| {
            let words = ["faults", "--binary", "x"].iter().chain(words);
            chosen(&Arguments::parse_from(words))
        };
        assert_eq!(of(&[]).unwrap().len(), CAMPAIGNS.len());
        assert_eq!(of(&["--only", "F-24"]).unwrap(), ["drain", "drain-tls"]);
        let both = ["streams", "--only", "crash"];
        assert_eq!(of(&both).unwrap(), ["crash", "streams"]);
        assert!(
            of(&["--only", "F-99"])
                .unwrap_err()
                .contains("crash (F-01)")
        );
        for name in under_load::NAMES {
            assert_eq!(of(&[name]).unwrap(), [name], "it cannot be asked for");
        }
    }
}
