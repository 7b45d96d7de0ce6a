use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{
    load::Loaded,
    settings::{Listener, Settings},
};

/// The shortest operator token that is believed to be random.
const TOKEN_CHARACTERS: usize = 32;

/// A setting that is not safe, and the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {what}; {mend}")]
pub struct Refusal {
    /// The key.
    pub key: String,
    /// What is not safe about it.
    pub what: String,
    /// What to do.
    pub mend: String,
}

impl Refusal {
    fn new(key: &str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            what: what.into(),
            mend: mend.into(),
        }
    }
}

/// Settings that do not fit each other, and without `dev` those that are unsafe.
#[must_use]
pub fn refusals(loaded: &Loaded, dev: bool) -> Vec<Refusal> {
    let settings = &loaded.settings;
    let mut found = Vec::new();
    for (name, listener) in listeners(settings) {
        found.extend(half_tls(name, listener));
    }
    if settings.store.sqlite_path.is_some() && settings.store.postgres_url.is_some() {
        found.push(Refusal::new(
            "store.sqlite_path",
            "set beside `store.postgres_url`",
            "keep one of them",
        ));
    }
    if settings.proxies.hops > 0 && settings.proxies.trusted.is_empty() {
        found.push(Refusal::new(
            "proxies.hops",
            "set without `proxies.trusted`, so that anyone could name an address",
            "list the proxies' networks in `proxies.trusted`",
        ));
    }
    if !dev {
        found.extend(unsafe_in_production(settings));
    }
    found
}

fn listeners(settings: &Settings) -> [(&'static str, &Listener); 4] {
    let all = &settings.listeners;
    [
        ("public", &all.public),
        ("site", &all.site),
        ("management", &all.management),
        ("ops", &all.ops),
    ]
}

fn half_tls(name: &str, listener: &Listener) -> Option<Refusal> {
    let (set, unset) = match (&listener.tls_certificate, &listener.tls_key) {
        (Some(_), None) => ("tls_certificate", "tls_key"),
        (None, Some(_)) => ("tls_key", "tls_certificate"),
        _ => return None,
    };
    Some(Refusal::new(
        &format!("listeners.{name}.{set}"),
        "set alone",
        format!("set `listeners.{name}.{unset}` as well"),
    ))
}

fn unsafe_in_production(settings: &Settings) -> Vec<Refusal> {
    let mut found = Vec::new();
    found.extend(key_file(settings.keys.file.as_deref()));
    found.extend(issuer(settings.installation.issuer.as_deref()));
    found.extend(operator_token(settings));
    for (name, listener) in listeners(settings) {
        let plain = listener.tls_certificate.is_none() && !listener.behind_tls_proxy;
        if name != "ops" && plain && !listener.address.0.ip().is_loopback() {
            found.push(Refusal::new(
                &format!("listeners.{name}.address"),
                format!(
                    "`{}` is reachable from outside without TLS",
                    listener.address
                ),
                format!(
                    "set `listeners.{name}.tls_certificate` and `tls_key`, or \
                     `listeners.{name}.behind_tls_proxy = true` when a proxy in front speaks TLS"
                ),
            ));
        }
    }
    found
}

fn key_file(path: Option<&Path>) -> Option<Refusal> {
    let key = "keys.file";
    let Some(path) = path else {
        return Some(Refusal::new(
            key,
            "unset",
            "make a file with `portreeve config new-keys FILE` and name it here",
        ));
    };
    let shown = path.display();
    match fs::metadata(path) {
        Err(problem) => Some(Refusal::new(
            key,
            format!("`{shown}` cannot be read: {problem}"),
            format!("make it with `portreeve config new-keys {shown}`"),
        )),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Some(Refusal::new(
            key,
            format!("others than its owner can open `{shown}`"),
            format!("run `chmod 600 {shown}`"),
        )),
        Ok(_) => None,
    }
}

fn issuer(issuer: Option<&str>) -> Option<Refusal> {
    let key = "installation.issuer";
    let mend = "write the address of the site listener as browsers know it, such as \
                https://developers.example.com";
    match issuer {
        None => Some(Refusal::new(key, "unset", mend)),
        Some(text) if !text.starts_with("https://") => Some(Refusal::new(
            key,
            format!("`{text}` does not begin with https://"),
            mend,
        )),
        Some(_) => None,
    }
}

fn operator_token(settings: &Settings) -> Option<Refusal> {
    let key = "operator.token";
    let mend = "make one with `portreeve config new-token` and hand it over in a file named by \
                PORTREEVE__OPERATOR__TOKEN_FILE";
    match &settings.operator.token {
        None => Some(Refusal::new(key, "unset", mend)),
        Some(token) if token.0.expose().chars().count() < TOKEN_CHARACTERS => Some(Refusal::new(
            key,
            format!("shorter than {TOKEN_CHARACTERS} characters"),
            mend,
        )),
        Some(_) => None,
    }
}
