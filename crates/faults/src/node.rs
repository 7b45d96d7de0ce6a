use std::{
    ffi::OsString,
    net::SocketAddr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::Child,
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::Client;

/// How long a node may take to become ready before it counts as one that does not.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// What the listeners are called, in arguments and in what is printed.
const DOORS: [&str; 4] = ["public", "site", "management", "ops"];

/// How a node is started.
#[derive(Clone, Debug)]
pub struct Launch {
    binary: PathBuf,
    wrapper: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    dev: bool,
    ports: [u16; 4],
}

/// A running `portreeve serve`, killed when dropped.
#[derive(Debug)]
pub struct Node {
    launch: Launch,
    folder: PathBuf,
    child: Child,
    addresses: [SocketAddr; 4],
    printed: watch::Receiver<String>,
    dev: Value,
    /// From starting the process to its saying that it is ready.
    pub ready_after: Duration,
}

impl Launch {
    /// `serve --dev` of this binary, on free ports.
    #[must_use]
    pub fn dev(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            wrapper: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            dev: true,
            ports: [0; 4],
        }
    }

    /// `serve` of this binary, as production has it; what it refuses to start without is the
    /// caller's to give.
    #[must_use]
    pub fn plain(binary: impl Into<PathBuf>) -> Self {
        Self {
            dev: false,
            ..Self::dev(binary)
        }
    }

    /// Starts it through another program, that runs what stands after its own arguments.
    #[must_use]
    pub fn through<A: Into<OsString>>(mut self, wrapper: impl IntoIterator<Item = A>) -> Self {
        self.wrapper = wrapper.into_iter().map(Into::into).collect();
        self
    }

    /// More arguments of `serve`.
    #[must_use]
    pub fn arguments<A: Into<OsString>>(mut self, more: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(more.into_iter().map(Into::into));
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Lets callers speak TLS, with a certificate and its key.
    #[must_use]
    pub fn secured(mut self, files: [PathBuf; 2]) -> Self {
        for (name, file) in ["CERTIFICATE", "KEY"].iter().zip(files) {
            self = self.variable(format!("PORTREEVE__LISTENERS__PUBLIC__TLS_{name}"), file);
        }
        self
    }

    /// Another subcommand of the binary, with the same arguments and variables: what it printed,
    /// and whether it says that all is well.
    #[must_use]
    pub fn ask(&self, folder: &Path, words: &[&str]) -> (bool, String) {
        let output = Command::new(&self.binary)
            .args(words)
            .current_dir(folder)
            .envs(self.environment.iter().cloned())
            .env("NO_COLOR", "1")
            .output()
            .expect("the binary runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        (output.status.success(), text)
    }

    /// The command that it comes to, in a process group of its own.
    fn command(&self, folder: &Path) -> Command {
        let mut words: Vec<OsString> = self.wrapper.clone();
        words.push(self.binary.clone().into());
        words.push("serve".into());
        if self.dev {
            words.push("--dev".into());
        }
        for (door, port) in DOORS.iter().zip(self.ports) {
            words.push(format!("--{door}").into());
            words.push(format!("127.0.0.1:{port}").into());
        }
        words.extend(self.arguments.iter().cloned());
        let (program, rest) = words.split_first().expect("a program");
        let mut command = Command::new(program);
        command
            .args(rest)
            .current_dir(folder)
            .envs(self.environment.iter().cloned())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }
}

impl Node {
    /// Starts a node in `folder`, under which it keeps `data`, and waits until it says that it
    /// is ready.
    ///
    /// # Errors
    /// What it printed, when it ended or was not ready within 30 s.
    pub async fn start(launch: &Launch, folder: &Path) -> Result<Self, String> {
        let began = Instant::now();
        let mut child = tokio::process::Command::from(launch.command(folder))
            .kill_on_drop(true)
            .spawn()
            .map_err(|problem| format!("it does not start: {problem}"))?;
        let printed = listen(&mut child);
        let mut watched = printed.clone();
        let is_ready = |text: &String| doors_of(text).is_some();
        let ready = timeout(READY_WITHIN, watched.wait_for(is_ready)).await;
        let ready = ready.is_ok_and(|seen| seen.is_ok());
        let text = printed.borrow().clone();
        let Some(addresses) = doors_of(&text).filter(|_| ready) else {
            end_group(&child, "KILL");
            let _ended = child.wait().await;
            return Err(printed.borrow().clone());
        };
        let mut node = Self {
            launch: launch.clone(),
            folder: folder.to_owned(),
            child,
            addresses,
            printed,
            dev: Value::Null,
            ready_after: began.elapsed(),
        };
        if launch.dev {
            let file = folder.join("data/dev.json");
            let text = std::fs::read_to_string(file).map_err(|problem| problem.to_string())?;
            node.dev = serde_json::from_str(&text).map_err(|problem| problem.to_string())?;
        }
        Ok(node)
    }

    /// Starts it again on the same data and the same ports, after it was killed or has ended.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub async fn restart(&mut self) -> Result<(), String> {
        let mut launch = self.launch.clone();
        launch.ports = self.addresses.map(|address| address.port());
        let folder = self.folder.clone();
        *self = Self::start(&launch, &folder).await?;
        Ok(())
    }

    /// As [`Node::restart`], started in another way.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub async fn restart_as(&mut self, launch: &Launch) -> Result<(), String> {
        self.launch = launch.clone();
        self.restart().await
    }

    /// SIGKILL to it and to whatever it was started through; returns once it is gone.
    pub async fn kill(&mut self) {
        end_group(&self.child, "KILL");
        let _ended = self.child.wait().await;
        self.gone().await;
    }

    /// SIGTERM, and how it ended.
    pub async fn terminate(&mut self) -> Option<ExitStatus> {
        end_group(&self.child, "TERM");
        let ended = self.ended().await;
        self.gone().await;
        ended
    }

    /// What it was started through may have ended before it: waits until its ports are free.
    async fn gone(&self) {
        if self.launch.wrapper.is_empty() {
            return;
        }
        for _ in 0..200 {
            if TcpListener::bind(self.addresses[3]).await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits 30 s for it to end by itself; `None` when it did not.
    pub async fn ended(&mut self) -> Option<ExitStatus> {
        timeout(READY_WITHIN, self.child.wait()).await.ok()?.ok()
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its process, or that of the program it was started through.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it in good order and lets `doctor` look at what it left (I12).
    ///
    /// # Errors
    /// What is wrong.
    pub async fn examine(&mut self) -> Result<(), String> {
        let ended = self.terminate().await;
        if ended.is_none_or(|ended| !ended.success()) {
            return Err(format!("it ended badly: {ended:?}\n{}", self.printed()));
        }
        let words = ["doctor", "--dev"];
        let (_, told) = self.launch.ask(&self.folder, &words);
        // Its other findings are about ports, which belong to whoever took them meanwhile.
        let database = told.lines().find(|line| line.contains(" database "));
        match database {
            Some(line) if line.starts_with("ok") => Ok(()),
            _ => Err(told),
        }
    }

    /// Everything it has printed so far, its log included.
    #[must_use]
    pub fn printed(&self) -> String {
        self.printed.borrow().clone()
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The address of its APIs.
    #[must_use]
    pub fn public(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The address of management.
    #[must_use]
    pub fn management(&self) -> SocketAddr {
        self.addresses[2]
    }

    /// The address of health and metrics.
    #[must_use]
    pub fn ops(&self) -> SocketAddr {
        self.addresses[3]
    }

    /// `dev.json`, of a node that was started with `--dev`.
    #[must_use]
    pub fn dev(&self) -> &Value {
        &self.dev
    }

    /// Id and secret of an app's live key, from `dev.json`.
    #[must_use]
    pub fn key(&self, app: &str) -> (String, String) {
        let apps = self.dev["apps"].as_array().expect("dev.json lists apps");
        let of_app = |key: &&Value| key["name"] == app && key["mode"] == "live";
        let key = apps.iter().find(of_app).expect("the app has a live key");
        let text = |name: &str| key[name].as_str().expect("a text").to_owned();
        (text("id"), text("secret"))
    }

    /// A client of its APIs as the app `app`.
    #[must_use]
    pub fn caller(&self, app: &str) -> Client {
        let (id, secret) = self.key(app);
        Client::new(self.public()).basic((&id, &secret))
    }

    /// A client of management as its operator, of a node that was started with `--dev`.
    #[must_use]
    pub fn operator(&self) -> Client {
        let token = self.dev["operator_token"].as_str().expect("a token");
        Client::new(self.management()).bearer(token)
    }

    /// Whether `/readyz` says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let answer = Client::new(self.ops()).get("/readyz").await;
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.is_running() {
            end_group(&self.child, "KILL");
        }
    }
}

/// Signals the process group of a child that has not been waited for, so that the number is
/// nobody else's.
fn end_group(child: &Child, signal: &str) {
    if let Some(id) = child.id() {
        let words = [format!("-{signal}"), "--".to_owned(), format!("-{id}")];
        // A group that is gone already is what was wanted.
        let _gone = Command::new("kill")
            .args(words)
            .stderr(Stdio::null())
            .status();
    }
}

/// Gathers what a child prints, its log too, so that it never waits for a reader.
fn listen(child: &mut Child) -> watch::Receiver<String> {
    let (sender, receiver) = watch::channel(String::new());
    let sender = std::sync::Arc::new(sender);
    let out = child.stdout.take().expect("its output is piped");
    let log = child.stderr.take().expect("its log is piped");
    let into = std::sync::Arc::clone(&sender);
    tokio::spawn(async move {
        let mut lines = BufReader::new(out).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            into.send_modify(|text| *text = format!("{text}{line}\n"));
        }
    });
    tokio::spawn(async move {
        let mut lines = BufReader::new(log).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            sender.send_modify(|text| keep_last(text, &line));
        }
    });
    receiver
}

/// Adds a line, and forgets the oldest of what would otherwise become too much.
fn keep_last(text: &mut String, line: &str) {
    const MOST: usize = 256 * 1024;
    text.push_str(line);
    text.push('\n');
    if text.len() > MOST {
        let from = text.len() - MOST / 2;
        let from = (from..text.len()).find(|at| text.is_char_boundary(*at));
        text.drain(..from.unwrap_or_default());
    }
}

/// The addresses in what it printed, once all of them are there.
fn doors_of(printed: &str) -> Option<[SocketAddr; 4]> {
    let mut found = [SocketAddr::from(([127, 0, 0, 1], 0)); 4];
    for (door, address) in DOORS.iter().zip(&mut found) {
        let line = printed.lines().find_map(|line| {
            let rest = line.strip_prefix(door)?;
            let (_, place) = rest.trim().split_once("://")?;
            place.rsplit_once(':')?.1.parse::<u16>().ok()
        });
        address.set_port(line?);
    }
    Some(found)
}
