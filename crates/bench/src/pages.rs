//! `cargo xtask bench pages`: how long the console's pages take with many developers and calls.
//!
//! Writes them into the database file of a fresh installation, starts the release build on it,
//! signs in and asks for each page over one kept connection, one at a time. What is told is the
//! time from the request to the last byte of the answer.

mod seed;

use std::{
    error::Error,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::{
    gate::{
        running::{Running, free_address},
        subjects::{Client, configuration},
    },
    now,
};

type Failed = Box<dyn Error + Send + Sync>;

/// What a page may take at most, in microseconds, of all but one of a hundred.
const BAR_MICROS: u64 = 50_000;

/// What to measure, and how much is there.
#[derive(Args)]
pub(crate) struct Options {
    /// Print the figures as one line of JSON, too.
    #[arg(long)]
    json: bool,
    /// The release build of Portreeve.
    #[arg(long)]
    binary: PathBuf,
    /// Developers, each with one app.
    #[arg(long, default_value_t = 100_000)]
    developers: u32,
    /// Call records, of the last 30 days.
    #[arg(long, default_value_t = 10_000_000)]
    calls: u64,
    /// How often each page is asked for.
    #[arg(long, default_value_t = 300)]
    rounds: u32,
    /// Where the installation is made, and kept for the next time; a temporary directory when
    /// left out.
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<(), Failed> {
    let temporary = tempfile::TempDir::new()?;
    let directory = options.directory.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(directory)?;
    let (public, management) = (free_address()?, free_address()?);
    let client = set_up(&options.binary, directory, (public, management))?;
    let file = directory.join("portreeve.toml");
    fs::write(&file, configuration(directory, public, management)?)?;
    let seeded = directory.join("seeded");
    if !seeded.is_file() {
        let running = serve(&client, &file, management, directory)?;
        apply(&client, directory)?;
        drop(running);
        let database = directory.join("data/portreeve.db");
        seed::seed(&database, options.developers, options.calls)?;
        fs::write(&seeded, "")?;
    }
    let running = serve(&client, &file, management, directory)?;
    let mut visitor = Visitor::signed_in(&client, management)?;
    let mut figures = Map::new();
    let mut slowest = 0;
    println!(
        "{:<44} {:>9} {:>9} {:>9}",
        "page", "p50 ms", "p99 ms", "KiB"
    );
    for page in pages(options) {
        let told = measure(&mut visitor, &page, options.rounds)?;
        let millis = |micros: u64| format!("{}.{:01}", micros / 1_000, micros % 1_000 / 100);
        println!(
            "{:<44} {:>9} {:>9} {:>9}",
            page.name,
            millis(told.p50),
            millis(told.p99),
            told.bytes / 1_024
        );
        slowest = slowest.max(told.p99);
        let figure = json!({ "p50_us": told.p50, "p99_us": told.p99, "bytes": told.bytes });
        figures.insert(page.name.to_owned(), figure);
    }
    drop(running);
    println!(
        "{} developers, {} calls; slowest p99 {slowest} µs, bar {BAR_MICROS} µs: {}",
        options.developers,
        options.calls,
        if slowest <= BAR_MICROS {
            "held"
        } else {
            "missed"
        }
    );
    if options.json {
        println!("{}", json!({ "slowest_p99_us": slowest, "pages": figures }));
    }
    Ok(())
}

/// The keys and the token of the installation; those of before when it is there.
fn set_up(
    program: &Path,
    directory: &Path,
    (_, management): (SocketAddr, SocketAddr),
) -> Result<Client, Failed> {
    let mut client = Client {
        program: program.to_owned(),
        token: String::new(),
        management: format!("http://{management}"),
    };
    let keys = directory.join("keys.json");
    let token = directory.join("token");
    if !keys.is_file() {
        client.run(&["config", "new-keys", &keys.display().to_string()])?;
        fs::write(&token, client.run(&["config", "new-token"])?)?;
    }
    fs::read_to_string(&token)?
        .trim()
        .clone_into(&mut client.token);
    Ok(client)
}

fn serve(
    client: &Client,
    file: &Path,
    management: SocketAddr,
    directory: &Path,
) -> Result<Running, Failed> {
    let mut command = Command::new(&client.program);
    command
        .args(["serve", "--config"])
        .arg(file)
        .env("PORTREEVE__OPERATOR__TOKEN", &client.token);
    Running::start(command, management, &directory.join("portreeve.log"))
}

/// The catalogue, without developers.
fn apply(client: &Client, directory: &Path) -> Result<(), Failed> {
    let state = directory.join("state.yaml").display().to_string();
    fs::write(&state, include_str!("gate/state.yaml"))?;
    let description = include_str!("gate/pay.openapi.yaml");
    fs::write(directory.join("pay.openapi.yaml"), description)?;
    let secret = directory.join("context").display().to_string();
    fs::write(&secret, "shared by this bench and its upstream alone")?;
    client.run(&["secret", "set", "pay-context", "--file", &secret])?;
    client.run(&[
        "apply",
        "-f",
        &state,
        "--var",
        "upstream=http://127.0.0.1:9",
    ])?;
    Ok(())
}

/// A page, and the addresses under which it is asked for in turn.
struct Page {
    name: &'static str,
    paths: Vec<String>,
}

/// Every list and every page that grows with what is there. Developers and apps are picked all
/// over the names.
fn pages(options: &Options) -> Vec<Page> {
    let picked = |form: &dyn Fn(u32) -> String| -> Vec<String> {
        let many = options.developers.max(1);
        (0..97)
            .map(|at: u32| form(at.wrapping_mul(7_919) % many))
            .collect()
    };
    let fixed = |path: &str| vec![path.to_owned()];
    let page = |name, paths| Page { name, paths };
    vec![
        page("overview", fixed("/console")),
        page("overview, 7 days", fixed("/console?over=7d")),
        page("developers", fixed("/console/developers")),
        page(
            "developers, from a name",
            picked(&|n| format!("/console/developers?from={}", seed::developer(n))),
        ),
        page(
            "a developer",
            picked(&|n| format!("/console/developers/{}", seed::developer(n))),
        ),
        page(
            "where a capability may be used",
            picked(&|n| format!("/console/developers/{}/places/PLAIN", seed::developer(n))),
        ),
        page("apps", fixed("/console/apps")),
        page(
            "an app",
            picked(&|n| format!("/console/apps/{}", seed::app(n))),
        ),
        page(
            "an app, 7 days",
            picked(&|n| format!("/console/apps/{}?over=7d", seed::app(n))),
        ),
        page("decisions", fixed("/console/decisions")),
        page(
            "decisions of an app",
            picked(&|n| format!("/console/decisions?app={}", seed::app(n))),
        ),
        page(
            "decisions, refused",
            fixed("/console/decisions?outcome=refused"),
        ),
        page(
            "decisions by code",
            fixed("/console/decisions?code=level_too_low"),
        ),
        page(
            "decisions by a rare capability",
            fixed("/console/decisions?capability=REFUND"),
        ),
        page(
            "decisions of an app by outcome and time",
            picked(&|n| {
                let app = seed::app(n);
                format!("/console/decisions?app={app}&outcome=refused&since=24h")
            }),
        ),
        page("vettings in review", fixed("/console/vettings")),
        page("event log", fixed("/console/events")),
        page("APIs", fixed("/console/apis")),
        page("an API", fixed("/console/apis/pay")),
    ]
}

struct Told {
    p50: u64,
    p99: u64,
    bytes: usize,
}

fn measure(visitor: &mut Visitor, page: &Page, rounds: u32) -> Result<Told, Failed> {
    let mut micros = Histogram::<u64>::new(3)?;
    let mut bytes = 0;
    // Each address once, so that none is met for the first time.
    let warm = page.paths.iter().take(20);
    for path in warm {
        visitor.get(path)?;
    }
    for path in page.paths.iter().cycle().take(rounds as usize) {
        let before = now();
        bytes = visitor.get(path)?;
        micros.record(u64::try_from(before.elapsed().as_micros())?)?;
    }
    Ok(Told {
        p50: micros.value_at_quantile(0.5),
        p99: micros.value_at_quantile(0.99),
        bytes,
    })
}

/// Somebody signed in, with one connection.
struct Visitor {
    stream: TcpStream,
    cookie: String,
    answer: Vec<u8>,
}

impl Visitor {
    fn signed_in(client: &Client, management: SocketAddr) -> Result<Self, Failed> {
        let told = client.run(&["sign-in-link"])?;
        let code = told
            .split_whitespace()
            .find_map(|word| word.split_once("code="))
            .map(|(_, code)| code)
            .ok_or_else(|| format!("no link in `{told}`"))?;
        let mut visitor = Self {
            stream: TcpStream::connect(management)?,
            cookie: String::new(),
            answer: Vec::new(),
        };
        visitor.stream.set_nodelay(true)?;
        let form = format!("code={code}");
        let request = format!(
            "POST /console/sign-in HTTP/1.1\r\nhost: {management}\r\norigin: http://{management}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        );
        let head = visitor.ask(&request)?;
        let cookie = head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "))
            .and_then(|line| line.split(';').next())
            .ok_or_else(|| format!("no sign-in:\n{head}"))?;
        cookie.clone_into(&mut visitor.cookie);
        Ok(visitor)
    }

    /// A page, which must be there; how many bytes it has.
    fn get(&mut self, path: &str) -> Result<usize, Failed> {
        let cookie = &self.cookie;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
        let head = self.ask(&request)?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("{path}:\n{head}").into());
        }
        Ok(self.answer.len())
    }

    /// The head of the answer, when all of it is there.
    fn ask(&mut self, request: &str) -> Result<String, Failed> {
        self.stream.write_all(request.as_bytes())?;
        self.answer.clear();
        let mut part = vec![0; 65_536];
        loop {
            let read = self.stream.read(&mut part)?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            self.answer.extend(part.iter().take(read));
            if let Some(head) = whole(&self.answer)? {
                return Ok(head);
            }
        }
    }
}

/// The head of an answer that is there to its last byte.
fn whole(bytes: &[u8]) -> Result<Option<String>, Failed> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(end) = answer.parse(bytes)? else {
        return Ok(None);
    };
    let length = answer
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| {
            std::str::from_utf8(header.value)
                .ok()?
                .parse::<usize>()
                .ok()
        })
        .ok_or("an answer has no length")?;
    let head = bytes.get(..end).unwrap_or_default();
    let is_whole = bytes.len() >= end + length;
    Ok(is_whole.then(|| String::from_utf8_lossy(head).into_owned()))
}

/// A value of the state as a resource has it.
pub(crate) fn body(value: &Value) -> String {
    value.to_string()
}
