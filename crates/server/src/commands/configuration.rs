use std::path::Path;

use config::Loaded;
use gateway::TlsCertificate;
use keys::{InstallationKeys, IssuedFor};
use primitives::SystemEntropy;
use snapshot::GeoDatabase;
use tracing_subscriber::EnvFilter;

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
    let wrong = unusable(&loaded);
    if !wrong.is_empty() {
        return Err(Failure::new(wrong.join("\n")));
    }
    println!("the configuration is sound");
    Ok(())
}

/// What only shows when the files that are named are read, as `serve` would.
fn unusable(loaded: &Loaded) -> Vec<String> {
    let settings = &loaded.settings;
    let mut wrong = Vec::new();
    if let Err(problem) = EnvFilter::try_new(&settings.log.filter) {
        wrong.push(format!("`log.filter`: {problem}"));
    }
    if let Some(path) = &settings.geo.mmdb_path
        && let Err(problem) = GeoDatabase::open(path)
    {
        wrong.push(format!("`geo.mmdb_path`: {problem}"));
    }
    let keys = set_up::key_file(loaded);
    if keys.exists()
        && let Err(problem) = InstallationKeys::load(&keys)
    {
        wrong.push(format!("`keys.file`: {problem}"));
    }
    let all = &settings.listeners;
    for listener in [&all.public, &all.site, &all.management, &all.ops] {
        if let (Some(certificate), Some(key)) = (&listener.tls_certificate, &listener.tls_key)
            && let Err(problem) = TlsCertificate::load(certificate, key)
                .and_then(|certificate| certificate.acceptor_asking(set_up::callers(listener)))
        {
            wrong.push(format!("TLS: {problem}"));
        }
    }
    wrong
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
