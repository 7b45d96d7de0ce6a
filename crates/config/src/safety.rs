use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use primitives::Name;

use crate::{
    load::Loaded,
    settings::{Admits, Listener, MailTls, Settings},
};

/// The shortest operator token that is believed to be random.
const TOKEN_CHARACTERS: usize = 32;
/// The fewest different characters of one: 32 that are drawn from 16 have fewer a few times in a
/// million.
const DIFFERENT_CHARACTERS: usize = 9;

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

/// Settings that cannot work or do not fit each other, and without `dev` those that are unsafe.
#[must_use]
pub fn refusals(loaded: &Loaded, dev: bool) -> Vec<Refusal> {
    let settings = &loaded.settings;
    let mut found = Vec::new();
    for (name, listener) in listeners(settings) {
        found.extend(half_tls(name, listener));
        found.extend(unasked_certificates(name, listener));
        found.extend(unheld_hosts(name, listener));
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
    found.extend(nothing_let_through(settings));
    found.extend(files(settings));
    found.extend(addresses(settings));
    found.extend(mail(settings));
    found.extend(registration(settings));
    if settings.journal.gateway.parse::<Name>().is_err() {
        found.push(Refusal::new(
            "journal.gateway",
            format!("`{}` is not a name", settings.journal.gateway),
            "use 1 to 100 letters, digits and . _ - @, beginning with a letter or digit",
        ));
    }
    if !dev {
        found.extend(unsafe_in_production(settings));
    }
    found
}

/// Limits that at zero would let no call through.
fn nothing_let_through(settings: &Settings) -> impl Iterator<Item = Refusal> {
    let limits = &settings.limits;
    let all = [
        ("connections", limits.connections),
        ("calls", limits.calls),
        ("head_bytes", limits.head_bytes),
        ("head_seconds", limits.head_seconds),
        ("keep_alive_seconds", limits.keep_alive_seconds),
        ("body_idle_seconds", limits.body_idle_seconds),
        ("body_seconds", limits.body_seconds),
        ("connect_seconds", limits.connect_seconds),
        ("answer_idle_seconds", limits.answer_idle_seconds),
    ];
    let zeroes = all.into_iter().filter(|(_, most)| *most == 0);
    zeroes.map(|(key, _)| {
        Refusal::new(
            &format!("limits.{key}"),
            "0 would let no call through",
            "write 1 or more, or leave it out for the default",
        )
    })
}

/// Files that are named and cannot be opened.
fn files(settings: &Settings) -> Vec<Refusal> {
    let mut named: Vec<(String, &Path)> = Vec::new();
    for (name, listener) in listeners(settings) {
        let of = |key: &str| format!("listeners.{name}.{key}");
        let pair = [
            (of("tls_certificate"), &listener.tls_certificate),
            (of("tls_key"), &listener.tls_key),
            (
                of("tls_client_authorities"),
                &listener.tls_client_authorities,
            ),
        ];
        let set = pair
            .into_iter()
            .filter_map(|(key, path)| Some((key, path.as_deref()?)));
        named.extend(set);
    }
    if let Some(path) = &settings.mail.authorities {
        named.push(("mail.authorities".to_owned(), path));
    }
    if let Some(path) = &settings.registration.terms_file {
        named.push(("registration.terms_file".to_owned(), path));
    }
    if let Some(path) = &settings.geo.mmdb_path {
        named.push(("geo.mmdb_path".to_owned(), path));
    }
    let problems = named.into_iter().filter_map(|(key, path)| {
        let problem = File::open(path).err()?;
        Some(Refusal::new(
            &key,
            format!("`{}` cannot be read: {problem}", path.display()),
            "name a file that is there, or leave the key out",
        ))
    });
    problems.collect()
}

/// Addresses for people that are none.
fn addresses(settings: &Settings) -> impl Iterator<Item = Refusal> {
    let installation = &settings.installation;
    let all = [
        ("installation.issuer", installation.issuer.as_deref()),
        ("installation.console", installation.console.as_deref()),
    ];
    all.into_iter().filter_map(|(key, given)| {
        let given = given?;
        let rest = given
            .strip_prefix("https://")
            .or_else(|| given.strip_prefix("http://"));
        let host =
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '['));
        let wrong = !host || given.contains(char::is_whitespace);
        wrong.then(|| {
            Refusal::new(
                key,
                format!("`{given}` is not the address of a site"),
                "write it as https://developers.example.com",
            )
        })
    })
}

/// A mail server that is half set up, or that would be told passwords in clear text.
fn mail(settings: &Settings) -> Vec<Refusal> {
    let mail = &settings.mail;
    let mut found = Vec::new();
    let from = mail.from.as_deref();
    if mail.smtp_host.is_some() && from.is_none() {
        let mend = "write the address that mails are to be from";
        found.push(Refusal::new(
            "mail.from",
            "unset beside `mail.smtp_host`",
            mend,
        ));
    }
    let is_address = |text: &str| {
        let parts = text.split_once('@');
        let plain = !text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "<>,".contains(c));
        plain && parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
    };
    if let Some(from) = from.filter(|from| !is_address(from)) {
        let what = format!("`{}` is not an address", from.escape_debug());
        found.push(Refusal::new(
            "mail.from",
            what,
            "write it as portreeve@example.com",
        ));
    }
    if mail.user.is_some() != mail.password.is_some() {
        let what = "one of `mail.user` and `mail.password` is set without the other";
        found.push(Refusal::new("mail.user", what, "set both, or neither"));
    }
    let host = mail.smtp_host.as_deref().unwrap_or("localhost");
    let here = matches!(host, "localhost" | "127.0.0.1" | "::1");
    if mail.smtp_tls == MailTls::None && !here {
        let what = format!("`none` would send one-time links in clear text to `{host}`");
        found.push(Refusal::new(
            "mail.smtp_tls",
            what,
            "write `implicit` or `starttls`",
        ));
    }
    found
}

/// Terms without a version, or a version of nothing.
fn registration(settings: &Settings) -> Option<Refusal> {
    let registration = &settings.registration;
    let (set, unset) = match (&registration.terms_file, &registration.terms_version) {
        (Some(_), None) => ("terms_file", "terms_version"),
        (None, Some(_)) => ("terms_version", "terms_file"),
        _ => return None,
    };
    Some(Refusal::new(
        &format!("registration.{set}"),
        "set alone",
        format!("set `registration.{unset}` as well"),
    ))
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

/// Only calls are made with certificates, and only our own TLS sees them.
fn unasked_certificates(name: &str, listener: &Listener) -> Option<Refusal> {
    let key = match (
        &listener.tls_client_authorities,
        listener.tls_client_self_signed,
    ) {
        (Some(_), _) => "tls_client_authorities",
        (None, true) => "tls_client_self_signed",
        (None, false) => return None,
    };
    let key = format!("listeners.{name}.{key}");
    if name != "public" {
        let mend = "set it at `listeners.public`, or leave it out";
        return Some(Refusal::new(&key, "only calls carry certificates", mend));
    }
    listener.tls_certificate.is_none().then(|| {
        let mend = "set `listeners.public.tls_certificate` and `tls_key` as well";
        Refusal::new(&key, "without TLS nobody is asked for a certificate", mend)
    })
}

/// Names are of operators' listeners, and are names alone.
fn unheld_hosts(name: &str, listener: &Listener) -> Option<Refusal> {
    let first = listener.hosts.first()?;
    let key = format!("listeners.{name}.hosts");
    if name == "public" || name == "site" {
        let mend = "leave it out: mounts and `installation.issuer` say what it is called";
        return Some(Refusal::new(
            &key,
            format!("`{first}` has no effect here"),
            mend,
        ));
    }
    let is_name = |text: &String| {
        let plain = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let of = |also: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
            let text = plain.unwrap_or(text);
            !text.is_empty() && text.chars().all(fits)
        };
        of(if plain.is_some() { ":." } else { "-._" })
    };
    let wrong = listener.hosts.iter().find(|text| !is_name(text))?;
    let what = format!("`{}` is not a host name", wrong.escape_debug());
    Some(Refusal::new(
        &key,
        what,
        "write it without scheme and port, as console.example.com",
    ))
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
    let registration = settings.registration.admits.unwrap_or(Admits::Nobody);
    if registration != Admits::Nobody && settings.mail.smtp_host.is_none() {
        found.push(Refusal::new(
            "registration.admits",
            "set without `mail.smtp_host`, so that nobody could confirm an address",
            "name the mail server, or write `nobody`",
        ));
    }
    for (name, listener) in listeners(settings) {
        found.extend(open_key(name, listener.tls_key.as_deref()));
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

/// A group may share a certificate's key; the world may not.
fn open_key(name: &str, path: Option<&Path>) -> Option<Refusal> {
    let path = path?;
    let mode = fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o007 != 0).then(|| {
        let shown = path.display();
        Refusal::new(
            &format!("listeners.{name}.tls_key"),
            format!("everybody can open `{shown}`"),
            format!("run `chmod o= {shown}`"),
        )
    })
}

fn issuer(issuer: Option<&str>) -> Option<Refusal> {
    let key = "installation.issuer";
    let mend = "write the address of the site listener as browsers know it, such as \
                https://developers.example.com";
    match issuer {
        None => Some(Refusal::new(key, "unset", mend)),
        Some(text) if text.starts_with("http://") => Some(Refusal::new(
            key,
            format!("`{text}` does not begin with https://"),
            mend,
        )),
        Some(_) => None,
    }
}

/// Whether a text has so few different characters that nobody drew it by lot.
fn is_made_up(text: &str) -> bool {
    text.chars().collect::<BTreeSet<_>>().len() < DIFFERENT_CHARACTERS
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
        Some(token) if is_made_up(token.0.expose()) => Some(Refusal::new(
            key,
            "a text that repeats itself, which can be guessed",
            mend,
        )),
        Some(_) => None,
    }
}
