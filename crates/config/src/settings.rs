use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Address, Network, SecretText};

/// Everything that can be configured.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What this installation is called and where people find it.
    pub installation: Installation,
    /// Where it listens. Each listener is an origin of its own.
    pub listeners: Listeners,
    /// Where files are kept.
    pub data: Data,
    /// The authority: resources, keys, events, counters.
    pub store: Store,
    /// The installation's own keys.
    pub keys: Keys,
    /// Who operates it.
    pub operator: Operator,
    /// The server that mails go out through.
    pub mail: Mail,
    /// How developers register on the site.
    pub registration: Registration,
    /// How the event log is kept from being changed unseen.
    pub audit: Audit,
    /// The gateway's journal of calls.
    pub journal: Journal,
    /// What a request on the public listener may take.
    pub limits: Limits,
    /// The memory of the process.
    pub memory: Memory,
    /// The provider's servers.
    pub upstreams: Upstreams,
    /// Proxies in front of it.
    pub proxies: Proxies,
    /// Where addresses are in the world.
    pub geo: Geo,
    /// What it tells about its work.
    pub log: Log,
    /// How it stops.
    pub shutdown: Shutdown,
}

/// What this installation is called and where people find it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Installation {
    /// Its name, shown to people.
    pub name: String,
    /// The address of the site listener as browsers and upstreams know it; also who issues
    /// the signed context of a call. Unset: `http://localhost` and the site's port, which
    /// only `--dev` accepts. Developers' passkeys belong to its domain.
    pub issuer: Option<String>,
    /// The address of the management listener as operators' browsers know it; sign-in links
    /// begin with it, and operators' passkeys belong to its domain. Unset: the address it
    /// listens on.
    pub console: Option<String>,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            name: "Portreeve".to_owned(),
            issuer: None,
            console: None,
        }
    }
}

/// Where it listens.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listeners {
    /// The provider's APIs, and nothing of ours beside them.
    pub public: Listener,
    /// Pages for people.
    pub site: Listener,
    /// The management REST API and the operator's console.
    pub management: Listener,
    /// Health, readiness, metrics and version. It asks nobody to sign in.
    pub ops: Listener,
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            public: Listener::at(8080),
            site: Listener::at(8081),
            management: Listener::at(8082),
            ops: Listener::at(8083),
        }
    }
}

/// One listener.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Address and port; port 0 lets the system choose.
    pub address: Address,
    /// PEM file with the certificate chain. Read again when it changes.
    #[serde(default)]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the certificate's private key.
    #[serde(default)]
    pub tls_key: Option<PathBuf>,
    /// PEM file with the authorities of callers' certificates (`public` only). Callers are asked for
    /// one; credentials of apps may be bound to it.
    #[serde(default)]
    pub tls_client_authorities: Option<PathBuf>,
    /// Callers are asked for certificates, and those that nobody else has signed are let in as well
    /// (`public` only). They open what a credential names them for, and nothing else.
    #[serde(default)]
    pub tls_client_self_signed: bool,
    /// States that a proxy in front speaks TLS, so that plain HTTP here is meant.
    #[serde(default)]
    pub behind_tls_proxy: bool,
    /// Host names it answers to (`management` and `ops` only), besides those of this machine and of
    /// `installation.console`. On a loopback address no other name is answered; elsewhere any
    /// is, unless some stand here.
    #[serde(default)]
    pub hosts: Vec<String>,
}

impl Listener {
    fn at(port: u16) -> Self {
        Self {
            address: Address(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            tls_certificate: None,
            tls_key: None,
            tls_client_authorities: None,
            tls_client_self_signed: false,
            behind_tls_proxy: false,
            hosts: Vec::new(),
        }
    }
}

/// Where files are kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Directory of the database, the journal and, with `--dev`, the generated keys.
    pub directory: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("data"),
        }
    }
}

/// The authority.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// File of the embedded SQLite database. Unset: `portreeve.db` in the data directory.
    pub sqlite_path: Option<PathBuf>,
    /// Address of a PostgreSQL database, which is then used instead of SQLite.
    pub postgres_url: Option<SecretText>,
}

/// The installation's own keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// File with the keys that hash, seal and sign; `portreeve config new-keys` makes one.
    /// Only its owner may read it. Unset: `keys.json` in the data directory, which only
    /// `--dev` makes and accepts.
    pub file: Option<PathBuf>,
}

/// Who operates the installation.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Operator {
    /// The token that management REST asks for; `portreeve config new-token` makes one.
    /// Unset: `--dev` makes one, production refuses to start.
    pub token: Option<SecretText>,
}

/// The server that mails go out through.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// Name of the SMTP server. Unset: no mails go out; `--dev` shows them in the console.
    pub smtp_host: Option<String>,
    /// Its port.
    pub smtp_port: u16,
    /// How the connection is protected.
    pub smtp_tls: MailTls,
    /// PEM file with the certificate authorities of mail servers, believed beside the public ones.
    pub authorities: Option<PathBuf>,
    /// User name, where the server asks for one.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<SecretText>,
    /// The address that mails are from, such as `portreeve@example.com`.
    pub from: Option<String>,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            smtp_host: None,
            smtp_port: 465,
            smtp_tls: MailTls::Implicit,
            authorities: None,
            user: None,
            password: None,
            from: None,
        }
    }
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// TLS from the first byte (port 465).
    Implicit,
    /// TLS is demanded after a greeting in clear text (port 587).
    Starttls,
    /// Not at all: for a server on this machine.
    None,
}

/// How developers register on the site.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Registration {
    /// Who may register. Unset: `everybody` with `--dev`, `nobody` otherwise.
    pub admits: Option<Admits>,
    /// Text file with the terms that developers agree to. Unset: they agree to none.
    pub terms_file: Option<PathBuf>,
    /// Version of the terms; a new text needs a new one.
    pub terms_version: Option<String>,
    /// Whether a confirmed e-mail address is all it takes for a developer to count as verified,
    /// on the lowest level. Otherwise the operator verifies the account.
    pub email_verifies: bool,
    /// How many registrations and mailed links may be asked for in an hour from one network
    /// address (of IPv6 a /64); 0 does not count them. Behind a proxy it counts only where
    /// `proxies.hops` and `proxies.trusted` tell addresses apart.
    pub per_network_hour: u32,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            admits: None,
            terms_file: None,
            terms_version: None,
            email_verifies: true,
            per_network_hour: 20,
        }
    }
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Admits {
    /// Nobody.
    Nobody,
    /// Whoever was invited.
    Invited,
    /// Whoever can read mail at an address.
    Everybody,
}

/// How the event log is kept from being changed unseen.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// File that signed heads of the event log are added to. Put it where who can change the
    /// database cannot. Unset: `audit-heads.jwt` in the data directory.
    pub heads: Option<PathBuf>,
}

/// The gateway's journal of calls.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Directory of the segment files. Unset: `journal` in the data directory.
    pub directory: Option<PathBuf>,
    /// Name of this gateway among those of the installation.
    pub gateway: String,
    /// How surely a call that takes of a bounded counter is written down before it is
    /// forwarded. Anything but `strict` may let a limit be exceeded after a loss of power.
    pub durability: Durability,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            directory: None,
            gateway: "main".to_owned(),
            durability: Durability::Strict,
        }
    }
}

/// How surely a call is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// On disk before the first byte goes upstream.
    Strict,
    /// Handed to the system within 100 ms.
    Relaxed,
}

/// What a request on the public listener may take.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once; more wait in the system's backlog.
    pub connections: u32,
    /// Connections at once of one address, of IPv6 of one /64; more are closed, and counted. 0 for
    /// any number. Those of `proxies.trusted` are not counted, and none are behind a TLS proxy
    /// (`listeners.public.behind_tls_proxy`) that `proxies.trusted` does not name.
    pub connections_per_address: u32,
    /// Calls in progress at once; more are answered `overloaded`.
    pub calls: u32,
    /// Calls that may be in progress towards each upstream however slowly it answers. Above them,
    /// as many are admitted as it works on without queueing, which is learned from how long calls
    /// take; `calls` or more turns that off.
    pub least_calls: u32,
    /// Bytes of a request's head.
    pub head_bytes: u32,
    /// Seconds in which a request's head must have arrived.
    pub head_seconds: u32,
    /// Seconds that a connection waits for its next request.
    pub keep_alive_seconds: u32,
    /// Seconds after which a connection takes no further request; 0 for any number.
    pub connection_seconds: u32,
    /// Bytes of a body that is forwarded.
    pub body_bytes: u64,
    /// Bytes of a body that must be read for facts.
    pub decision_body_bytes: u64,
    /// Bytes of all bodies that are read for facts at once; more are answered `overloaded`.
    pub body_memory_bytes: u64,
    /// Seconds that a request's body may pause.
    pub body_idle_seconds: u32,
    /// Seconds that a request's body may take as a whole.
    pub body_seconds: u32,
    /// Seconds for connecting to an upstream.
    pub connect_seconds: u32,
    /// Seconds that an answer's body may pause, on either side.
    pub answer_idle_seconds: u32,
    /// Idle connections kept to each upstream.
    pub idle_per_upstream: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_address: 3_072,
            calls: 4_096,
            least_calls: 32,
            head_bytes: 32 * 1024,
            head_seconds: 15,
            keep_alive_seconds: 75,
            connection_seconds: 0,
            body_bytes: 64 * 1024 * 1024,
            decision_body_bytes: 1024 * 1024,
            body_memory_bytes: 256 * 1024 * 1024,
            body_idle_seconds: 30,
            body_seconds: 300,
            connect_seconds: 5,
            answer_idle_seconds: 60,
            idle_per_upstream: 128,
        }
    }
}

/// The memory of the process.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// Asks the system for huge pages (Linux). With hundreds of thousands of apps a decision then
    /// waits less for memory; a small process takes more of it.
    pub huge_pages: bool,
}

/// The provider's servers.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Upstreams {
    /// PEM file with the certificate authorities of upstreams, believed beside the public ones.
    pub authorities: Option<PathBuf>,
}

/// Proxies in front of the installation.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Proxies {
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted: Vec<Network>,
    /// How many proxies stand in front; 0 believes no header.
    pub hops: u8,
}

/// Where addresses are in the world.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Geo {
    /// GeoIP country file (MMDB), read again when it changes. Unset: present places are unknown.
    pub mmdb_path: Option<PathBuf>,
}

/// What it tells about its work.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Form of the lines on standard error.
    pub format: LogFormat,
    /// What is logged: a level, or directives such as `info,gateway=debug`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
        }
    }
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How it stops.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// Seconds between failing readiness and refusing connections.
    pub notice_seconds: u32,
    /// Seconds that calls in flight may take to end.
    pub drain_seconds: u32,
    /// Seconds before a successor takes over in which every answer asks its caller to come on a
    /// new connection, so that none is closed while a request is on its way.
    pub hand_over_seconds: u32,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            notice_seconds: 0,
            drain_seconds: 30,
            hand_over_seconds: 1,
        }
    }
}
