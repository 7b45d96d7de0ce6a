//! The gateway itself: the real binary, with an API for every server.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{
    Failure,
    streams::{CLOSED, KEY},
};

pub(crate) const DESCRIPTION: &str = r#"
openapi: 3.0.3
info: { title: Echo, version: "1" }
paths:
  /echo/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    get: { operationId: read, responses: { "200": { description: done } } }
    post: { operationId: write, responses: { "200": { description: done } } }
    put: { operationId: replace, responses: { "200": { description: done } } }
  /pay/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    post: { operationId: pay, requestBody: { content: { application/json: {} } }, responses: { "200": { description: done } } }
  /closed/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    get: { operationId: closedRead, responses: { "200": { description: done } } }
    post: { operationId: closedWrite, responses: { "200": { description: done } } }
"#;

/// A running gateway, and where it is.
#[derive(Debug)]
pub(crate) struct Gate {
    child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) management: SocketAddr,
    /// The operator's token.
    pub(crate) token: String,
    /// The set of keys that its contexts are signed with.
    pub(crate) jwks: String,
    /// What the gateway calls each server: the audience of its contexts.
    pub(crate) audiences: Vec<(&'static str, String)>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gate {
    /// A gateway in front of servers, by the port that each listens on.
    pub(crate) fn start(
        binary: &Path,
        folder: &Path,
        servers: &[(&'static str, u16)],
    ) -> Result<Self, Failure> {
        let shown = |problem: std::io::Error| format!("the gateway: {problem}");
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let audiences = servers.iter().map(|&(name, port)| (name, url(port)));
        let audiences: Vec<_> = audiences.collect();
        fs::write(folder.join("echo.yaml"), DESCRIPTION).map_err(shown)?;
        fs::write(folder.join("state.yaml"), state(&audiences)).map_err(shown)?;
        let mut command = Command::new(binary);
        command.args(["serve", "--dev", "--data", "data", "--state", "state.yaml"]);
        for listener in ["--public", "--site", "--management", "--ops"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        let log = fs::File::create(folder.join("gateway.log")).map_err(shown)?;
        let child = command
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|problem| format!("{}: {problem}", binary.display()))?;
        let mut gate = Self {
            child,
            public: ([127, 0, 0, 1], 0).into(),
            management: ([127, 0, 0, 1], 0).into(),
            token: String::new(),
            jwks: String::new(),
            audiences,
        };
        gate.await_ready(folder)?;
        let text = fs::read_to_string(folder.join("data/dev.json")).map_err(shown)?;
        let dev: serde_json::Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        let address = |key: &str| address(dev.get(key).and_then(|url| url.as_str()));
        gate.public = address("public")?;
        gate.management = address("management")?;
        let token = dev.get("operator_token").and_then(|token| token.as_str());
        token.unwrap_or_default().clone_into(&mut gate.token);
        gate.jwks = get(address("site")?, "/.well-known/jwks.json").map_err(shown)?;
        Ok(gate)
    }

    /// Whether the process is still there.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn await_ready(&mut self, folder: &Path) -> Result<(), Failure> {
        let out = self.child.stdout.take().ok_or("no output")?;
        let (ready, wait) = mpsc::channel();
        thread::spawn(move || {
            // Read to the end, so that it never blocks on a full pipe.
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if line.to_lowercase().contains("ready") {
                    let _ = ready.send(());
                }
            }
        });
        wait.recv_timeout(Duration::from_mins(1)).map_err(|_| {
            let log = fs::read_to_string(folder.join("gateway.log")).unwrap_or_default();
            format!("the gateway did not become ready: {log}")
        })
    }
}

fn address(url: Option<&str>) -> Result<SocketAddr, Failure> {
    let port = url.and_then(|url| url.rsplit_once(':')?.1.parse::<u16>().ok());
    port.map(|port| ([127, 0, 0, 1], port).into())
        .ok_or_else(|| "dev.json names no address".to_owned())
}

/// What `path` answers, by the plainest means.
fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        address.port()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    // Chunked or not, the document is from the first brace to the last.
    let (from, to) = (
        body.find('{').unwrap_or(0),
        body.rfind('}').map_or(0, |at| at + 1),
    );
    Ok(body.get(from..to).unwrap_or_default().to_owned())
}

pub(crate) fn state(audiences: &[(&str, String)]) -> String {
    let (user, secret) = KEY;
    let hash = keys::sha256(secret.as_bytes()).map(|byte| format!("{byte:02x}"));
    let hash = hash.concat();
    let mut text = "portreeve: 1
ladders: [ { name: default, levels: [ { name: standard }, { name: advanced } ] } ]
capabilities:
  - { name: ECHO, level: standard }
  - { name: PAY, level: standard }
  - { name: CLOSED, level: advanced }
limits:
  - { name: amount, capabilities: [PAY], numeric: { fact: amount }, value: \"100\" }
accounts:
  - { name: acme, kind: company, verified: true, developer: {} }
"
    .to_owned();
    let names: Vec<&str> = audiences.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        text,
        "apps:\n  - {{ name: fuzz, developer: acme, account: acme, apis: [{names}], keys: [ {{ id: {user}, mode: live, hash: \"sha256:{hash}\" }} ] }}\napis:"
    );
    for (name, url) in audiences {
        let _ = writeln!(
            text,
            "  - name: {name}
    description: echo.yaml
    version: \"1\"
    mounts: [ {{ path: /{name} }} ]
    live: {{ url: \"{url}\", credential: none, timeout: 5s, identity: ed25519 }}
    operations:
      - {{ operation: read, uses: [ECHO] }}
      - {{ operation: write, uses: [ECHO] }}
      - {{ operation: replace, uses: [ECHO] }}
      - {{ operation: pay, uses: [PAY], facts: {{ amount: {{ body: \"$.amount\", type: quantity }} }} }}
      - {{ operation: closedRead, uses: [CLOSED] }}
      - {{ operation: closedWrite, uses: [CLOSED] }}"
        );
    }
    debug_assert!(text.contains(CLOSED) || audiences.is_empty());
    text
}
