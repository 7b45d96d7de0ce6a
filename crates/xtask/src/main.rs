//! `cargo xtask VERB`: the one door for people and for CI.
//!
//! What it never does: hold a rule of the product. To add a check: one file with a function
//! that returns [`Outcome`], one line in `ci.rs`, one verb here.

mod ci;
mod faults;
mod fetch;
mod fuzz;
mod generate;
mod junit;
mod layers;
mod requirements;
mod run;
mod sizes;
mod spelling;
mod test;
mod unused;
mod words;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{run::Outcome, workspace::Workspace};

/// Everything that people and CI do to this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Every check, in order; what CI calls.
    Ci,
    /// Fetches what the tests need and runs all of them.
    Test,
    /// Fetches what the tests and checks need.
    Fetch,
    /// Refuses an arrow between crates that points up.
    Layers,
    /// Refuses files that are too long.
    Sizes,
    /// Refuses names and leftovers that do not belong in the code.
    Words,
    /// Refuses dependencies that no line uses.
    Unused,
    /// Looks for misspelt words.
    Typos,
    /// Checks bans, licences and sources of dependencies.
    Deny,
    /// Writes the generated files.
    Generate {
        /// Only tell which files are stale.
        #[arg(long)]
        check: bool,
    },
    /// Checks that the tests which show the requirements ran and passed.
    Coverage,
    /// Compares what other people's servers ran with what the gateway decided.
    Differential(fuzz::Comparison),
    /// Looks for inputs that break what parsers promise, with libFuzzer.
    Fuzz(fuzz::Campaign),
    /// Breaks a running installation on purpose: `short` as CI does, `long` with result files,
    /// `planted` to see that bugs planted into the source are caught.
    Faults {
        /// The tier, then what the campaigns of `long` are to be told.
        #[command(subcommand)]
        tier: Tier,
    },
    /// Runs a bench of `crates/bench`.
    Bench {
        /// The bench, then what it is to be told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        name: Vec<String>,
    },
}

/// How long things are broken for.
#[derive(Subcommand)]
enum Tier {
    /// Seconds; what CI does.
    Short,
    /// Minutes or hours, on a release build.
    Long {
        /// Campaigns by name, and their options.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Bugs in a copy of the source, one after the other.
    Planted(faults::Planting),
}

fn main() -> ExitCode {
    match perform(&Arguments::parse().verb) {
        Ok(line) => {
            if !line.is_empty() {
                println!("{line}");
            }
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn perform(verb: &Verb) -> Outcome {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Ci => ci::run(&workspace),
        Verb::Test => test::run(&workspace, test::Services::IfObtainable),
        Verb::Fetch => fetch::everything(&workspace),
        Verb::Layers => layers::check(&workspace),
        Verb::Sizes => sizes::check(&workspace),
        Verb::Words => words::check(&workspace),
        Verb::Unused => unused::check(&workspace),
        Verb::Typos => spelling::check(&workspace),
        Verb::Deny => ci::deny(&workspace),
        Verb::Generate { check } => generate::run(&workspace, *check),
        Verb::Coverage => requirements::check(&workspace),
        Verb::Differential(comparison) => fuzz::differential(&workspace, comparison),
        Verb::Fuzz(campaign) => fuzz::run(&workspace, campaign),
        Verb::Faults { tier } => match tier {
            Tier::Short => faults::short(&workspace),
            Tier::Long { rest } => faults::long(&workspace, rest),
            Tier::Planted(wanted) => faults::planted(&workspace, wanted),
        },
        Verb::Bench { name } => ci::bench(&workspace, name),
    }
}
