use std::path::Path;

use keys::{InstallationKeys, IssuedFor};
use primitives::SystemEntropy;

use crate::{
    cli::{ConfigCommand, SetUpArguments},
    failure::{Failure, why},
    set_up,
};

pub(crate) fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(arguments) => check(arguments),
        ConfigCommand::Schema => {
            print!("{}", config::schema());
            Ok(())
        }
        ConfigCommand::Show { origin, set_up } => {
            print!("{}", set_up::load(set_up, Vec::new())?.show(*origin));
            Ok(())
        }
        ConfigCommand::NewKeys { file } => new_keys(file),
        ConfigCommand::NewToken => {
            println!("{}", new_token()?.expose());
            Ok(())
        }
    }
}

fn check(arguments: &SetUpArguments) -> Result<(), Failure> {
    let loaded = set_up::load(arguments, Vec::new())?;
    set_up::refuse_unsafe(&loaded, arguments.dev)?;
    println!("the configuration is sound");
    Ok(())
}

fn new_keys(file: &Path) -> Result<(), Failure> {
    InstallationKeys::generate(&SystemEntropy::new())
        .map_err(why("new keys"))?
        .create(file)
        .map_err(why("new keys"))?;
    println!(
        "wrote {}; keep a copy where the database's backups are not",
        file.display()
    );
    Ok(())
}

/// A new operator token.
pub(crate) fn new_token() -> Result<primitives::Secret, Failure> {
    keys::issue(IssuedFor::Operator, &SystemEntropy::new()).map_err(why("new token"))
}
