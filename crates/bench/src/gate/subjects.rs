//! What is measured: nginx, Portreeve and Envoy, each set up as well as we can.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    Failed, figures,
    running::{Running, free_address, on_core},
};

/// The core that subjects stay on.
pub(crate) const CORE: usize = 0;
/// How many connections a closed loop keeps busy, each with the key of another app.
pub(crate) const CONNECTIONS: usize = 64;
const APPS_OF_ONE: usize = 4;
const PLACES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/places/places.mmdb"
);
/// A token that `envoy.yaml` accepts until the year 2100.
const BEARER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImJlbmNoIn0.\
eyJpc3MiOiJodHRwczovL2JlbmNoLmV4YW1wbGUiLCJhdWQiOiJwYXkiLCJzdWIiOiJhcHAtMSIsImxldmVsIjoic3RhbmRhcmQiLCJleHAiOjQxMDI0NDQ4MDB9.\
soX3VK7Z1md-KYOud7VYxP7lMnn0AdiSLiJjjn1QToc";

/// Where calls of one kind go, and what they say.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    /// One for each connection.
    pub(crate) requests: Vec<Vec<u8>>,
}

impl Door {
    fn new(address: SocketAddr, path: &str, credentials: impl Iterator<Item = String>) -> Self {
        let request = |credential| {
            format!(
                "GET {path}?amount=12.00 HTTP/1.1\r\nhost: api.example.com\r\n\
                 user-agent: bench/1\r\naccept: application/json\r\n\
                 authorization: {credential}\r\n\r\n"
            )
            .into_bytes()
        };
        Self {
            address,
            requests: credentials.map(request).collect(),
        }
    }
}

const PLAIN: &str = "/pay/plain/ac_10422/charges";
const JUDGED: &str = "/pay/judged/ac_10422/charges";
const SIGNED: &str = "/signed/plain/ac_10422/charges";

/// nginx as a plain proxy that decides nothing.
pub(crate) fn nginx(directory: &Path, upstream: SocketAddr) -> Result<(Running, Door), Failed> {
    let address = free_address()?;
    let text = include_str!("nginx.conf")
        .replace("${directory}", &directory.display().to_string())
        .replace("${upstream}", &upstream.to_string())
        .replace("${address}", &address.to_string());
    let file = directory.join("nginx.conf");
    fs::write(&file, text)?;
    // Debian has it where only root looks.
    let program = Path::new("/usr/sbin/nginx");
    let named = if program.is_file() {
        program
    } else {
        Path::new("nginx")
    };
    let mut command = on_core(CORE, named);
    command.arg("-p").arg(directory).arg("-c").arg(&file);
    let running = Running::start(command, address, &directory.join("nginx.log"))?;
    Ok((running, anonymous(address)))
}

/// Envoy with `jwt_authn`, RBAC and a local rate limit.
pub(crate) fn envoy(
    program: &Path,
    directory: &Path,
    upstream: SocketAddr,
) -> Result<(Running, Door), Failed> {
    let address = free_address()?;
    let text = include_str!("envoy.yaml")
        .replace("${port}", &address.port().to_string())
        .replace("${upstream_port}", &upstream.port().to_string());
    let file = directory.join("envoy.yaml");
    fs::write(&file, text)?;
    let mut command = on_core(CORE, program);
    command.arg("-c").arg(&file).args([
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "error",
    ]);
    let running = Running::start(command, address, &directory.join("envoy.log"))?;
    let bearer = format!("Bearer {BEARER}");
    let door = Door::new(address, PLAIN, std::iter::repeat_n(bearer, CONNECTIONS));
    Ok((running, door))
}

/// Another proxy, from `NAME=PROGRAM ARGUMENTS`.
pub(crate) fn beside(
    told: &str,
    directory: &Path,
    upstream: SocketAddr,
) -> Result<(String, (Running, Door)), Failed> {
    let form = || format!("`{told}` is not of the form NAME=PROGRAM ARGUMENTS");
    let (name, words) = told.split_once('=').ok_or_else(form)?;
    let address = free_address()?;
    let words = words
        .replace("{address}", &address.to_string())
        .replace("{upstream}", &upstream.to_string());
    let mut words = words.split_whitespace();
    let mut command = on_core(CORE, words.next().ok_or_else(form)?);
    command.args(words);
    let running = Running::start(command, address, &directory.join(format!("{name}.log")))?;
    Ok((name.to_owned(), (running, anonymous(address))))
}

/// Calls of somebody whom nobody asks who they are.
fn anonymous(address: SocketAddr) -> Door {
    let nobody = format!("Basic {}", STANDARD.encode("nobody:nothing"));
    Door::new(address, PLAIN, std::iter::repeat_n(nobody, CONNECTIONS))
}

/// Portreeve with the whole decision on.
pub(crate) struct Portreeve {
    pub(crate) running: Running,
    /// Calls whose capability has no policy.
    pub(crate) plain: Door,
    /// Calls whose capability has one that looks at the request.
    pub(crate) judged: Door,
    /// Calls to an upstream that wants a signed context.
    pub(crate) signed: Door,
    client: Client,
}

/// The command line, as an operator uses it.
pub(crate) struct Client {
    pub(crate) program: PathBuf,
    pub(crate) token: String,
    pub(crate) management: String,
}

impl Client {
    pub(crate) fn run(&self, words: &[&str]) -> Result<String, Failed> {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env("PORTREEVE_TOKEN", &self.token)
            .env("PORTREEVE_MANAGEMENT", &self.management);
        let output = command.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`portreeve {}`: {said}", words.join(" ")).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Portreeve {
    pub(crate) fn start(
        program: &Path,
        directory: &Path,
        upstream: SocketAddr,
    ) -> Result<Self, Failed> {
        let (public, management) = (free_address()?, free_address()?);
        let mut client = Client {
            program: program.to_owned(),
            token: String::new(),
            management: format!("http://{management}"),
        };
        let keys = directory.join("keys.json").display().to_string();
        client.run(&["config", "new-keys", &keys])?;
        client
            .run(&["config", "new-token"])?
            .trim()
            .clone_into(&mut client.token);
        let file = directory.join("portreeve.toml");
        fs::write(&file, configuration(directory, public, management)?)?;
        let mut command = on_core(CORE, program);
        command
            .args(["serve", "--config"])
            .arg(&file)
            .env("PORTREEVE__OPERATOR__TOKEN", &client.token);
        let running = Running::start(command, management, &directory.join("portreeve.log"))?;
        let state = directory.join("state.yaml").display().to_string();
        fs::write(&state, state_text())?;
        let description = include_str!("pay.openapi.yaml");
        fs::write(directory.join("pay.openapi.yaml"), description)?;
        let secret = directory.join("context").display().to_string();
        fs::write(&secret, "shared by this bench and its upstream alone")?;
        client.run(&["secret", "set", "pay-context", "--file", &secret])?;
        let upstream = format!("upstream=http://{upstream}");
        client.run(&["apply", "-f", &state, "--var", &upstream])?;
        let mut credentials = Vec::new();
        for app in 0..CONNECTIONS {
            let issue = [
                "keys",
                "issue",
                &app_name(app),
                "--mode",
                "live",
                "-o",
                "json",
            ];
            let issued: Value = serde_json::from_str(&client.run(&issue)?)?;
            credentials.push(credential(&issued).ok_or("a key without an id or a secret")?);
        }
        Ok(Self {
            running,
            plain: Door::new(public, PLAIN, credentials.iter().cloned()),
            judged: Door::new(public, JUDGED, credentials.iter().cloned()),
            signed: Door::new(public, SIGNED, credentials.into_iter()),
            client,
        })
    }

    /// The kinds of calls that are measured, by the names of the table.
    pub(crate) fn kinds(&self) -> [(&'static str, &Door); 3] {
        [
            (figures::PLAIN, &self.plain),
            (figures::JUDGED, &self.judged),
            (figures::SIGNED, &self.signed),
        ]
    }

    /// When the newest call was made that settlement has put into the list of calls.
    pub(crate) fn newest_settled(&self) -> Result<Option<jiff::Timestamp>, Failed> {
        let listed = self.client.run(&["calls", "--limit", "1", "-o", "json"])?;
        let listed: Value = serde_json::from_str(&listed)?;
        let at = listed.pointer("/items/0/at").and_then(Value::as_str);
        Ok(at.map(str::parse).transpose()?)
    }
}

fn credential(issued: &Value) -> Option<String> {
    let id = issued.pointer("/key/id")?.as_str()?;
    let secret = issued.pointer("/secret")?.as_str()?;
    Some(format!(
        "Basic {}",
        STANDARD.encode(format!("{id}:{secret}"))
    ))
}

/// As `docs/production.md` has it, with relaxed writing and a GeoIP file.
pub(crate) fn configuration(
    directory: &Path,
    public: SocketAddr,
    management: SocketAddr,
) -> Result<String, Failed> {
    let (site, ops) = (free_address()?, free_address()?);
    let directory = directory.display();
    Ok(format!(
        r#"
[installation]
issuer = "https://bench.example"
[data]
directory = "{directory}/data"
[keys]
file = "{directory}/keys.json"
[geo]
mmdb_path = "{PLACES}"
[journal]
durability = "relaxed"
[listeners.public]
address = "{public}"
behind_tls_proxy = true
[listeners.site]
address = "{site}"
behind_tls_proxy = true
[listeners.management]
address = "{management}"
[listeners.ops]
address = "{ops}"
"#
    ))
}

/// The state file: its set-up, and an app for each connection.
fn state_text() -> String {
    let mut text = include_str!("state.yaml").to_owned();
    text.push_str("accounts:\n");
    for developer in 0..CONNECTIONS / APPS_OF_ONE {
        let _ = writeln!(
            text,
            "  - {{ name: developer-{developer}, kind: company, verified: true, country: US, \
             properties: {{ approved: false }}, \
             developer: {{ levels: {{ default: standard }}, off: [REFUND] }} }}"
        );
    }
    text.push_str("apps:\n");
    for app in 0..CONNECTIONS {
        let (name, developer) = (app_name(app), app / APPS_OF_ONE);
        let _ = writeln!(
            text,
            "  - {{ name: {name}, developer: developer-{developer}, \
             account: developer-{developer}, apis: [pay, pay-signed], off: [REFUND] }}"
        );
    }
    text
}

fn app_name(app: usize) -> String {
    format!("app-{app}")
}
