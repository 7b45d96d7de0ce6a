//! The binary `portreeve`: the command line, and the only place that puts the parts together.
//!
//! `serve` is the installation itself; every other command that reads or changes state goes
//! through management REST, never past the server to the database.
//!
//! What it never does: hold a rule. To add a command: its arguments in `cli.rs`, a function
//! under `commands`, a line in `perform`.

mod cli;
mod client;
mod commands;
mod failure;
mod output;
mod progress;
mod serve;
mod set_up;
mod source;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::{
    cli::{Arguments, Command},
    failure::Failure,
};

/// A call makes and drops some eighty small pieces of memory: of the allocators measured, the one
/// that takes the least time for it ([docs/performance.md]).
///
/// [docs/performance.md]: ../../../docs/performance.md
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A command line that cannot be read. Not the usual 2, which `diff` keeps for a difference.
const USAGE: u8 = 64;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => {
            // Where it cannot be printed nobody reads it.
            let _ = told.print();
            return ExitCode::from(if told.use_stderr() { USAGE } else { 0 });
        }
    };
    match perform(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                for line in failure.to_string().lines() {
                    eprintln!("{}", output::visible(line));
                }
            }
            ExitCode::from(failure.status)
        }
    }
}

async fn perform(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::run(*arguments).await,
        Command::Apply { files, dry_run } => commands::state_files::apply(&files, dry_run).await,
        Command::Diff(files) => commands::state_files::diff(&files).await,
        Command::Export { into, connect } => {
            commands::state_files::export(&connect, into.as_deref()).await
        }
        Command::Explain { id, show } => commands::explain::run(&id, &show).await,
        Command::Apps(show) => commands::lists::apps(&show).await,
        Command::Accounts(show) => commands::lists::accounts(&show).await,
        Command::Calls(wanted) => commands::lists::calls(&wanted).await,
        Command::Anomalies(command) => commands::anomalies::run(&command).await,
        Command::Vettings(command) => commands::vettings::run(&command).await,
        Command::Persons(command) => commands::persons::run(&command).await,
        Command::Keys(command) => commands::keys::run(&command).await,
        Command::Secret(command) => commands::secrets::run(&command).await,
        Command::Confidential(command) => commands::confidential::run(&command).await,
        Command::Audit(command) => commands::audit::run(&command).await,
        Command::Config(command) => commands::configuration::run(&command),
        Command::Migrate(command) => commands::database::run(&command).await,
        Command::Doctor(arguments) => commands::doctor::run(&arguments).await,
        Command::SignInLink(connect) => commands::lists::sign_in_link(&connect).await,
        Command::Completions { shell } => {
            let mut arguments = Arguments::command();
            clap_complete::generate(shell, &mut arguments, "portreeve", &mut std::io::stdout());
            Ok(())
        }
        Command::Version { json } => {
            commands::version::run(json);
            Ok(())
        }
        Command::Generate { into } => commands::generate::run(&into),
    }
}
