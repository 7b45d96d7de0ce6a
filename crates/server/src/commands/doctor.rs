use std::{net::TcpListener, path::Path};

use config::Loaded;
use keys::InstallationKeys;
use snapshot::GeoDatabase;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::{cli::SetUpArguments, failure::Failure, set_up};

/// Looks at everything, tells each finding, and fails when one would keep `serve` from working.
pub(crate) async fn run(arguments: &SetUpArguments) -> Result<(), Failure> {
    let loaded = set_up::load(arguments, Vec::new())?;
    let mut findings = vec![
        ("configuration", configuration(&loaded, arguments.dev)),
        ("keys", installation_keys(&loaded, arguments.dev)),
        ("database", database(&loaded).await),
        ("places", places(&loaded)),
        ("upstreams", authorities(&loaded)),
    ];
    let listeners = &loaded.settings.listeners;
    for (name, listener) in [
        ("public", &listeners.public),
        ("site", &listeners.site),
        ("management", &listeners.management),
        ("ops", &listeners.ops),
    ] {
        findings.push((name, free(&listener.address.to_string())));
    }
    let mut broken = false;
    for (name, finding) in findings {
        broken |= finding.is_err();
        let (word, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("WRONG", text),
        };
        println!("{word:6} {name:14} {text}");
    }
    if broken {
        Err(Failure::new(""))
    } else {
        Ok(())
    }
}

type Finding = Result<String, String>;

fn configuration(loaded: &Loaded, dev: bool) -> Finding {
    set_up::refuse_unsafe(loaded, dev)
        .map(|()| "sound".to_owned())
        .map_err(|failure| failure.message)
}

fn installation_keys(loaded: &Loaded, dev: bool) -> Finding {
    let file = set_up::key_file(loaded);
    if dev && !file.exists() {
        return Ok("made at the first start".to_owned());
    }
    InstallationKeys::load(&file)
        .map(|_| file.display().to_string())
        .map_err(|problem| problem.to_string())
}

async fn database(loaded: &Loaded) -> Finding {
    let pending = match &loaded.settings.store.postgres_url {
        Some(address) => PostgresStore::pending(&address.0)
            .await
            .map_err(|problem| problem.to_string())?,
        None => SqliteStore::pending(set_up::sqlite_file(loaded))
            .await
            .map_err(|problem| problem.to_string())?,
    };
    if loaded.settings.store.postgres_url.is_none() {
        let damage = SqliteStore::damage(set_up::sqlite_file(loaded)).await;
        let damage = damage.map_err(|problem| problem.to_string())?;
        if let Some(first) = damage.first() {
            return Err(format!("the file is damaged: {first}; restore a backup"));
        }
    }
    Ok(if pending.is_empty() {
        "schema current".to_owned()
    } else {
        format!("{} migrations to run, at the next start", pending.len())
    })
}

fn places(loaded: &Loaded) -> Finding {
    let Some(path) = &loaded.settings.geo.mmdb_path else {
        return Ok("no GeoIP file; a caller's present place is unknown".to_owned());
    };
    let path: &Path = path;
    GeoDatabase::open(path)
        .map(|_| path.display().to_string())
        .map_err(|problem| problem.to_string())
}

fn authorities(loaded: &Loaded) -> Finding {
    let Some(path) = &loaded.settings.upstreams.authorities else {
        return Ok("believed by the public certificate authorities".to_owned());
    };
    gateway::read_authorities(path)
        .map(|all| {
            format!(
                "{} authorities of {}, and the public ones",
                all.len(),
                path.display()
            )
        })
        .map_err(|problem| problem.to_string())
}

fn free(address: &str) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(problem) => Err(format!(
            "{address}: {problem}; stop what listens there or choose another address"
        )),
    }
}
