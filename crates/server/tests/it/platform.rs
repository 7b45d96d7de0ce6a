use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// A running `portreeve serve --dev` in a folder of its own; killed when dropped.
pub(crate) struct Platform {
    child: Child,
    /// Where it was started; nothing else is in it.
    pub(crate) folder: TempDir,
    /// `dev.json` as it was written when everything was ready.
    pub(crate) dev: Value,
}

impl Platform {
    /// Starts the platform on free ports and waits until it says that it is ready.
    pub(crate) fn start(extra: &[&str]) -> Self {
        Self::start_by(serve(extra))
    }

    /// Starts the platform by a command that ends up as `portreeve serve --dev`.
    pub(crate) fn start_by(command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (child, dev) = launch(folder.path(), command);
        Self { child, folder, dev }
    }

    /// The same, with the log wherever the command has it.
    pub(crate) fn start_logged(command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (child, dev) = launch_as(folder.path(), command);
        Self { child, folder, dev }
    }

    /// Ends the platform as an operator would and starts it again on the same data.
    pub(crate) fn restart(&mut self, extra: &[&str]) {
        self.terminate();
        self.start_again(serve(extra));
    }

    /// Starts it again on the same data, after it has ended, by this command.
    pub(crate) fn start_again(&mut self, command: Command) {
        let (child, dev) = launch(self.folder.path(), command);
        self.child = child;
        self.dev = dev;
    }

    /// The id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM; the exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill runs");
        self.child.wait().expect("the platform ends").code()
    }

    /// A text of `dev.json`.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.dev[key]
            .as_str()
            .unwrap_or_else(|| panic!("dev.json has no `{key}`"))
    }

    /// Key id and secret of an example app in a mode.
    pub(crate) fn key(&self, app: &str, mode: &str) -> (String, String) {
        let apps = self.dev["apps"].as_array().expect("dev.json lists apps");
        let found = apps
            .iter()
            .find(|entry| entry["name"] == app && entry["mode"] == mode)
            .unwrap_or_else(|| panic!("dev.json has no {mode} key of `{app}`"));
        let text = |key: &str| found[key].as_str().expect("a text").to_owned();
        (text("id"), text("secret"))
    }

    /// A command of the CLI, pointed at this platform by its data folder.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portreeve"));
        command
            .current_dir(self.folder.path())
            .env("PORTREEVE_MANAGEMENT", self.text("management"))
            .env("PORTREEVE_TOKEN", self.text("operator_token"))
            .env("NO_COLOR", "1");
        command
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every listener on a free port.
pub(crate) const FREE_PORTS: [&str; 8] = [
    "--public",
    "127.0.0.1:0",
    "--site",
    "127.0.0.1:0",
    "--management",
    "127.0.0.1:0",
    "--ops",
    "127.0.0.1:0",
];

/// `portreeve serve --dev` on free ports.
pub(crate) fn serve(extra: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portreeve"));
    command
        .args(["serve", "--dev"])
        .args(FREE_PORTS)
        .args(extra);
    command
}

fn launch(folder: &Path, mut command: Command) -> (Child, Value) {
    command.stderr(Stdio::inherit());
    launch_as(folder, command)
}

fn launch_as(folder: &Path, mut command: Command) -> (Child, Value) {
    let mut child = command
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
    let (ready, wait) = mpsc::channel();
    std::thread::spawn(move || {
        // Reads to the end, so that the platform never blocks on a full pipe.
        for line in lines.map_while(Result::ok) {
            if line.to_lowercase().contains("ready") {
                let _ = ready.send(());
            }
        }
    });
    if wait.recv_timeout(Duration::from_mins(1)).is_err() {
        let _ = child.kill();
        panic!("the platform did not become ready");
    }
    let text = std::fs::read_to_string(folder.join("data/dev.json")).expect("dev.json");
    (
        child,
        serde_json::from_str(&text).expect("dev.json is JSON"),
    )
}
