use std::path::PathBuf;

use config::{Flag, Listener, Loaded, Sources};
use gateway::Callers;

use crate::{
    cli::{ServeArguments, SetUpArguments},
    failure::Failure,
};

/// The configuration that the arguments lead to.
///
/// # Errors
/// Everything that is wrong in it, a line each.
pub(crate) fn load(arguments: &SetUpArguments, more: Vec<Flag>) -> Result<Loaded, Failure> {
    let mut flags = more;
    if let Some(directory) = &arguments.data {
        flags.push(Flag {
            name: "--data",
            key: "data.directory",
            value: directory.to_string_lossy().into_owned(),
        });
    }
    config::load(&Sources {
        file: arguments.config.clone(),
        environment: config::environment(),
        flags,
    })
    .map_err(|problems| Failure::new(problems.to_string()))
}

/// The same for `serve`, which also takes addresses.
pub(crate) fn load_for_serve(arguments: &ServeArguments) -> Result<Loaded, Failure> {
    let addresses = [
        ("--public", "listeners.public.address", &arguments.public),
        ("--site", "listeners.site.address", &arguments.site),
        (
            "--management",
            "listeners.management.address",
            &arguments.management,
        ),
        ("--ops", "listeners.ops.address", &arguments.ops),
    ];
    let flags = addresses
        .into_iter()
        .filter_map(|(name, key, value)| {
            Some(Flag {
                name,
                key,
                value: value.clone()?,
            })
        })
        .collect();
    load(&arguments.set_up, flags)
}

/// Refuses settings that are unsafe or do not fit each other, all of them at once.
pub(crate) fn refuse_unsafe(loaded: &Loaded, dev: bool) -> Result<(), Failure> {
    let refusals = config::refusals(loaded, dev);
    if refusals.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    Err(Failure::new(lines.join("\n")))
}

/// Where the installation's keys are.
pub(crate) fn key_file(loaded: &Loaded) -> PathBuf {
    let settings = &loaded.settings;
    settings
        .keys
        .file
        .clone()
        .unwrap_or_else(|| settings.data.directory.join("keys.json"))
}

/// Where the embedded database is.
pub(crate) fn sqlite_file(loaded: &Loaded) -> PathBuf {
    let settings = &loaded.settings;
    settings
        .store
        .sqlite_path
        .clone()
        .unwrap_or_else(|| settings.data.directory.join("portreeve.db"))
}

/// Where the journal is.
pub(crate) fn journal_directory(loaded: &Loaded) -> PathBuf {
    let settings = &loaded.settings;
    settings
        .journal
        .directory
        .clone()
        .unwrap_or_else(|| settings.data.directory.join("journal"))
}

/// Where signed heads of the event log are.
pub(crate) fn heads_file(loaded: &Loaded) -> PathBuf {
    let settings = &loaded.settings;
    settings
        .audit
        .heads
        .clone()
        .unwrap_or_else(|| settings.data.directory.join("audit-heads.jwt"))
}

/// Which certificates callers are asked for.
pub(crate) fn callers(listener: &Listener) -> Callers<'_> {
    Callers {
        authorities: listener.tls_client_authorities.as_deref(),
        self_signed: listener.tls_client_self_signed,
    }
}
