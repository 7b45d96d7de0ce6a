//! Damaged and hostile states pushed to a running gateway: it refuses each with a reason and
//! goes on serving by the last good one, or takes it because it means something.

use std::{
    fmt,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    Failure,
    gate::{DESCRIPTION, Gate, state},
    numbers::Numbers,
    streams::KEY,
};

/// Within this a state is refused, on a machine that does much else. Released and alone, a second
/// is the bar: see `slowest`.
const SOON: Duration = Duration::from_secs(8);

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Poisoned {
    /// States pushed.
    pub pushed: usize,
    /// Refused, each with a reason.
    pub refused: usize,
    /// The longest that a refusal took.
    pub slowest: Duration,
    /// What should not have been.
    pub problems: Vec<String>,
}

impl fmt::Display for Poisoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pushed,
            refused,
            slowest,
            problems,
        } = self;
        let count = problems.len();
        write!(
            f,
            "{pushed} states pushed, {refused} refused, the slowest in {slowest:?}; {count} problems"
        )?;
        problems
            .iter()
            .take(10)
            .try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

/// Pushes `mutants` damaged states, and some made to hurt, to a gateway of its own.
///
/// # Errors
/// When the gateway does not start.
pub fn poison(binary: &Path, mutants: usize, seed: u64) -> Result<Poisoned, String> {
    poison_telling(binary, mutants, seed, &|_| {})
}

/// As [`poison`], and shows what came of it so far before each push.
///
/// # Errors
/// When the gateway does not start.
pub fn poison_telling(
    binary: &Path,
    mutants: usize,
    seed: u64,
    told: &dyn Fn(&Poisoned),
) -> Result<Poisoned, String> {
    let folder = tempfile::tempdir().map_err(|problem| format!("no folder: {problem}"))?;
    // Nobody listens there: a call that is admitted is answered 502 and tells which state is on.
    let servers = [("nobody", 9)];
    let mut gate = Gate::start(binary, folder.path(), &servers)?;
    let good = state(&gate.audiences);
    let admitted = call(gate.public)?;
    let mut found = Poisoned::default();
    let mut numbers = Numbers::new(seed, 28);
    let damaged = (0..mutants)
        .map(|_| damage(&good, &mut numbers))
        .collect::<Vec<_>>();
    for text in hostile(&good).into_iter().chain(damaged) {
        told(&found);
        found.pushed += 1;
        let began = now();
        let answer = apply(&gate, &text);
        let took = began.elapsed();
        if !gate.lives() {
            found
                .problems
                .push(format!("the process ended at: {}", short(&text)));
            return Ok(found);
        }
        match answer {
            Ok((200, _)) => {
                // It means something; what is tested next begins from the good one.
                let again = apply(&gate, &good);
                if !matches!(again, Ok((200, _))) {
                    found
                        .problems
                        .push(format!("the good state is refused: {again:?}"));
                }
            }
            Ok((400..=499, reason)) if reason.contains("detail") => {
                found.refused += 1;
                found.slowest = found.slowest.max(took);
                if took > SOON {
                    found
                        .problems
                        .push(format!("{took:?} to refuse {}", short(&text)));
                }
                let now = call(gate.public)?;
                if now != admitted {
                    found
                        .problems
                        .push(format!("a call is answered {now} after {}", short(&text)));
                }
            }
            other => found
                .problems
                .push(format!("{other:?} to {}", short(&text))),
        }
    }
    Ok(found)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time it takes is what is tested"
)]
fn now() -> Instant {
    Instant::now()
}

fn short(text: &str) -> String {
    text.chars().take(300).collect()
}

fn ask(address: SocketAddr, request: &[u8]) -> Result<(u16, String), Failure> {
    let shown = |problem: std::io::Error| problem.to_string();
    let mut stream = TcpStream::connect(address).map_err(shown)?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .map_err(shown)?;
    stream.write_all(request).map_err(shown)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(shown)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status
        .map(|status| (status, answer))
        .ok_or_else(|| "no answer".to_owned())
}

/// The status of a call that the good state admits.
fn call(public: SocketAddr) -> Result<u16, Failure> {
    let (user, secret) = KEY;
    let key = STANDARD.encode(format!("{user}:{secret}"));
    let request = format!(
        "GET /nobody/echo/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {key}\r\nConnection: close\r\n\r\n"
    );
    ask(public, request.as_bytes()).map(|(status, _)| status)
}

fn apply(gate: &Gate, text: &str) -> Result<(u16, String), Failure> {
    let body = json!({
        "files": [{ "path": "state.yaml", "text": text }],
        "descriptions": [{ "path": "echo.yaml", "text": DESCRIPTION }],
    })
    .to_string();
    let head = format!(
        "POST /v1/state/apply HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        gate.management.port(),
        gate.token,
        body.len()
    );
    ask(
        gate.management,
        &[head.as_bytes(), body.as_bytes()].concat(),
    )
}

const MARKS: [char; 14] = [
    '{', '}', '[', ']', ':', ',', '#', '&', '*', '"', '|', '-', '\t', '\0',
];
const VALUES: [&str; 12] = [
    "null",
    "[]",
    "{}",
    "-1",
    "1e400",
    "\"\"",
    "*a",
    "${x}",
    "true",
    "unlimited",
    "[[x]]",
    "9223372036854775808",
];

/// One to three lines changed.
fn damage(good: &str, numbers: &mut Numbers) -> String {
    let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(lines.len());
        if numbers.once_in(8) {
            lines.truncate(at);
        }
        if let Some(line) = lines.get_mut(at) {
            *line = damaged(line, numbers);
        }
    }
    lines.join("\n")
}

fn damaged(line: &str, numbers: &mut Numbers) -> String {
    let mut letters: Vec<char> = line.chars().collect();
    let place = numbers.below(letters.len() + 1);
    match numbers.below(6) {
        0 => return String::new(),
        1 => return format!("{line}\n{line}"),
        2 => return format!(" {line}"),
        3 => letters.truncate(place),
        4 => letters.insert(place, numbers.one(&MARKS)),
        _ => {
            let value = numbers.one(&VALUES);
            let key = line.split_once(": ").map_or(line, |(key, _)| key);
            return format!("{key}: {value}");
        }
    }
    letters.into_iter().collect()
}

/// States made to exhaust a stack, a memory or a patience.
fn hostile(good: &str) -> Vec<String> {
    let policy = |condition: &str| {
        format!(
            "portreeve: 1\npolicies:\n  - name: p\n    cedar: 'permit(principal, action, resource) when {{ {condition} }};'\n"
        )
    };
    let nested = |open: &str, close: &str, times: usize| {
        format!("{}true{}", open.repeat(times), close.repeat(times))
    };
    let aliases: String = (1..30)
        .map(|at| format!("a{at}: &a{at} [*a{0}, *a{0}]\n", at - 1))
        .collect::<Vec<_>>()
        .concat();
    vec![
        String::new(),
        "portreeve: 2\n".to_owned(),
        format!(
            "portreeve: 1\nregions: {}{}\n",
            "[".repeat(100_000),
            "]".repeat(100_000)
        ),
        format!(
            "portreeve: 1\nregions: {}x{}\n",
            "{a: ".repeat(50_000),
            "}".repeat(50_000)
        ),
        format!("{}- x\n", "- ".repeat(50_000)),
        format!("a0: &a0 [x]\n{aliases}"),
        policy(&nested("(", ")", 60)),
        policy(&nested("(", ")", 400)),
        policy(&nested("(", ")", 7_000)),
        policy(&nested("if true then ", " else false", 500)),
        policy(&["1 < 2"; 2_500].join("||")),
        policy(&format!("principal{}", ".a".repeat(7_500))),
        format!("{good}\n{good}"),
        format!(
            "portreeve: 1\nregions:\n{}",
            "  - { name: r, countries: [US] }\n".repeat(20_000)
        ),
        format!(
            "portreeve: 1\nprofiles:\n  - {{ name: p, capabilities: [{}] }}\n",
            "NOBODY, ".repeat(50_000)
        ),
        format!(
            "portreeve: 1\nregions: [ {{ name: {}, countries: [US] }} ]\n",
            "r".repeat(1_000_000)
        ),
    ]
}
