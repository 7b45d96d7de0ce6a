//! The servers, each started for itself, each telling what it runs.

use std::{
    fmt, fs,
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use serde::Deserialize;

use crate::{Failure, backend};

/// A request that a server ran, as the server read it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// Which server.
    pub(crate) mount: &'static str,
    pub(crate) method: String,
    /// As it stood in the request line.
    pub(crate) target: String,
    /// The path, decoded and normalised as this server does it.
    pub(crate) path: String,
    pub(crate) host: String,
    /// The contexts that came with it: one, or something is wrong.
    pub(crate) contexts: Vec<String>,
    pub(crate) length: usize,
    /// SHA-256.
    pub(crate) body: [u8; 32],
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mount,
            method,
            target,
            path,
            ..
        } = self;
        let (length, contexts) = (self.length, self.contexts.len());
        write!(
            f,
            "{mount} ran {method} {target} (read as {path}), {length} bytes, {contexts} contexts"
        )
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Everything that was run and not yet judged, in the order in which it was told.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<Vec<Run>>);

impl Runs {
    pub(crate) fn tell(&self, run: Run) {
        self.0.lock().push(run);
    }

    /// Takes what one server ran.
    pub(crate) fn take(&self, mount: &str) -> Vec<Run> {
        self.0
            .lock()
            .extract_if(.., |run| run.mount == mount)
            .collect()
    }

    /// Takes everything.
    pub(crate) fn take_all(&self) -> Vec<Run> {
        std::mem::take(&mut self.0.lock())
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Origin {
    /// What it is; also where it is mounted.
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    child: Child,
}

impl Drop for Origin {
    fn drop(&mut self) {
        // Asked first, because Apache has children of its own.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            pause();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The servers that could be had.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) origins: Vec<Origin>,
    pub(crate) runs: Arc<Runs>,
}

impl Fleet {
    /// Starts what can be had, and tells what cannot.
    pub(crate) fn start(folder: &Path, python: Option<&Path>) -> (Self, Vec<String>) {
        let runs = Arc::new(Runs::default());
        let started = [
            ("nginx", nginx(folder, &runs)),
            ("apache", apache(folder, &runs)),
            ("node", node(folder, &runs)),
            ("waitress", waitress(folder, python, &runs)),
        ];
        let (mut origins, mut missing) = (Vec::new(), Vec::new());
        for (name, started) in started {
            match started {
                Ok(origin) => origins.push(origin),
                Err(why) => missing.push(format!("{name}: {why}")),
            }
        }
        (Self { origins, runs }, missing)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a process of somebody else's is waited for"
)]
fn pause() {
    thread::sleep(Duration::from_millis(30));
}

fn program(names: &[&str]) -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]);
    let found = folders
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|candidate| candidate.is_file());
    found.ok_or_else(|| {
        format!(
            "there is no program `{}`; run `cargo xtask fetch`",
            names.join("` or `")
        )
    })
}

fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|problem| problem.to_string())?;
    let address = listener
        .local_addr()
        .map_err(|problem| problem.to_string())?;
    Ok(address.port())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|problem| format!("{}: {problem}", path.display()))
}

fn spawn(mut command: Command) -> Result<Child, Failure> {
    let spawned = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    spawned.map_err(|problem| format!("{}: {problem}", command.get_program().display()))
}

/// A server that is ready once its port takes connections.
fn listening(name: &'static str, port: u16, command: Command) -> Result<Origin, Failure> {
    let mut origin = Origin {
        name,
        port,
        child: spawn(command)?,
    };
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(origin);
        }
        if let Ok(Some(status)) = origin.child.try_wait() {
            return Err(format!("it ended with {status}"));
        }
        pause();
    }
    Err("it does not listen".to_owned())
}

/// A folder of the server's own, which its workers may enter.
fn room(folder: &Path, name: &str) -> Result<PathBuf, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let room = folder.join(name);
    let made = fs::create_dir_all(&room).and_then(|()| {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        fs::set_permissions(&room, fs::Permissions::from_mode(0o777))
    });
    made.map_err(|problem| format!("{}: {problem}", room.display()))?;
    Ok(room)
}

fn nginx(folder: &Path, runs: &Arc<Runs>) -> Result<Origin, Failure> {
    let program = program(&["nginx"])?;
    let (room, port) = (room(folder, "nginx")?, free_port()?);
    let here = room.display();
    backend::start(&room.join("back.sock"), "nginx", runs)?;
    let configuration = format!(
        "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log crit;
events {{ worker_connections 512; }}
http {{
  access_log off; client_max_body_size 2m; keepalive_requests 100000;
  client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
  uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://unix:{here}/back.sock:;
      proxy_set_header Host $http_host;
      proxy_set_header X-Seen-Target $request_uri;
      proxy_set_header X-Seen-Path $uri;
    }}
  }}
}}
"
    );
    write(&room.join("nginx.conf"), &configuration)?;
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(&room)
        .arg("-c")
        .arg(room.join("nginx.conf"))
        .stdout(Stdio::null());
    listening("nginx", port, command)
}

const MODULES: [&str; 6] = [
    "mpm_event",
    "authz_core",
    "env",
    "headers",
    "proxy",
    "proxy_http",
];

fn apache(folder: &Path, runs: &Arc<Runs>) -> Result<Origin, Failure> {
    let program = program(&["apache2", "httpd"])?;
    let (room, port) = (room(folder, "apache")?, free_port()?);
    let here = room.display();
    backend::start(&room.join("back.sock"), "apache", runs)?;
    let load = |name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so");
    let modules = MODULES.map(load).join("\n");
    let configuration = format!(
        "ServerRoot {here}
DefaultRuntimeDir {here}
ServerName localhost
PidFile {here}/pid
ErrorLog {here}/error.log
LogLevel crit
Listen 127.0.0.1:{port}
{modules}
User nobody
Group nogroup
MaxKeepAliveRequests 0
AllowEncodedSlashes NoDecode
ProxyPreserveHost On
SetEnv proxy-sendcl 1
SetEnv force-proxy-request-1.0 1
SetEnv proxy-nokeepalive 1
RequestHeader set X-Seen-Line \"expr=%{{THE_REQUEST}}\"
RequestHeader set X-Seen-Path \"expr=%{{REQUEST_URI}}\"
ProxyPass / unix:{here}/back.sock|http://localhost/ nocanon
"
    );
    write(&room.join("apache.conf"), &configuration)?;
    let mut command = Command::new(program);
    command
        .arg("-DFOREGROUND")
        .arg("-f")
        .arg(room.join("apache.conf"))
        .stdout(Stdio::null());
    listening("apache", port, command)
}

fn node(folder: &Path, runs: &Arc<Runs>) -> Result<Origin, Failure> {
    let program = program(&["node"])?;
    let script = room(folder, "node")?.join("echo.js");
    write(&script, include_str!("../origins/echo.js"))?;
    let mut command = Command::new(program);
    command.arg(script);
    telling("node", command, runs)
}

fn waitress(folder: &Path, python: Option<&Path>, runs: &Arc<Runs>) -> Result<Origin, Failure> {
    let python = python.filter(|python| python.is_file());
    let python = python.ok_or("there is no Python with it; run `cargo xtask fetch`")?;
    let script = room(folder, "waitress")?.join("echo.py");
    write(&script, include_str!("../origins/echo.py"))?;
    let mut command = Command::new(python);
    command.arg(script);
    telling("waitress", command, runs)
}

#[derive(Deserialize)]
struct Told {
    method: String,
    target: String,
    path: String,
    host: String,
    contexts: Vec<String>,
    length: usize,
    body: String,
}

/// A server that tells its port first, and then what it runs, a line each.
fn telling(name: &'static str, mut command: Command, runs: &Arc<Runs>) -> Result<Origin, Failure> {
    command.stdout(Stdio::piped());
    let mut child = spawn(command)?;
    let out = child.stdout.take().ok_or("its output is not to be had")?;
    let mut lines = BufReader::new(out).lines().map_while(Result::ok);
    let port = lines.next().and_then(|line| line.parse().ok());
    let runs = Arc::clone(runs);
    thread::spawn(move || {
        for line in lines {
            if let Ok(told) = serde_json::from_str::<Told>(&line) {
                runs.tell(Run {
                    mount: name,
                    method: told.method,
                    target: told.target,
                    path: told.path,
                    host: told.host,
                    contexts: told.contexts,
                    length: told.length,
                    body: unhex(&told.body),
                });
            }
        }
    });
    let Some(port) = port else {
        let _ = child.kill();
        let _ = child.wait();
        return Err("it does not start".to_owned());
    };
    Ok(Origin { name, port, child })
}

fn unhex(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        let pair = text.get(2 * at..2 * at + 2).unwrap_or_default();
        *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
    }
    bytes
}
