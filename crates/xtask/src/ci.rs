use std::time::Instant;

use crate::{
    fetch, generate,
    junit::Report,
    layers, requirements,
    run::{Outcome, command, openly, quietly, watched},
    sizes, spelling,
    test::{self, Services},
    unused, words,
    workspace::Workspace,
};

type Check = fn(&Workspace) -> Outcome;

/// Cheap checks first, so that a slip is told within seconds.
const CHECKS: [(&str, Check); 13] = [
    ("fmt", fmt),
    ("layers", layers::check),
    ("sizes", sizes::check),
    ("words", words::check),
    ("unused", unused::check),
    ("clippy", clippy),
    ("doc", doc),
    ("tests", |workspace| {
        test::run(workspace, Services::Required)
    }),
    ("generated", |workspace| generate::run(workspace, true)),
    ("coverage", requirements::check),
    ("typos", spelling::check),
    ("deny", deny),
    ("instructions", instructions),
];

/// Runs every check, also after one has failed; the last line counts tests and checks.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        println!("── {name}");
        let began = now();
        let outcome = check(workspace);
        let seconds = began.elapsed().as_secs_f32();
        match outcome {
            Ok(line) => println!("   ok    {name:12} {seconds:6.1} s  {line}"),
            Err(problem) => {
                println!("{problem}\n   FAILED {name:11} {seconds:6.1} s");
                failed.push(name);
            }
        }
    }
    let (passed, broken) =
        Report::read(workspace).map_or((0, 0), |report| (report.passed(), report.failed()));
    let checks = CHECKS.len() - failed.len();
    if !failed.is_empty() {
        println!("failed checks: {}", failed.join(", "));
    }
    let line = format!(
        "{} passed, {} failed",
        passed + checks,
        broken + failed.len()
    );
    if failed.is_empty() {
        Ok(line)
    } else {
        Err(line)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a check's duration is told to a person and decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}

fn fmt(workspace: &Workspace) -> Outcome {
    quietly(command(
        &workspace.root,
        &["cargo", "fmt", "--all", "--check"],
    ))
    .map(|_| "formatted".to_owned())
    .map_err(|found| format!("{found}run `cargo fmt --all`"))
}

fn clippy(workspace: &Workspace) -> Outcome {
    let mut words = vec!["cargo", "clippy", "--workspace", "--all-targets"];
    if !watched() {
        words.push("--quiet");
    }
    words.extend(["--", "-D", "warnings"]);
    openly(command(&workspace.root, &words)).map(|()| "no warning".to_owned())
}

fn doc(workspace: &Workspace) -> Outcome {
    let words = [
        "cargo",
        "doc",
        "--quiet",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ];
    let mut doc = command(&workspace.root, &words);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    openly(doc).map(|()| "every link leads somewhere".to_owned())
}

/// Bans, licences and sources of dependencies.
pub(crate) fn deny(workspace: &Workspace) -> Outcome {
    let program = fetch::cargo_deny(workspace)?;
    let words = [
        program.as_str(),
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ];
    quietly(command(&workspace.root, &words)).map(|_| "bans, licences, sources".to_owned())
}

/// Instruction counts of the hot path, against the recorded ones.
fn instructions(workspace: &Workspace) -> Outcome {
    let bench = workspace.root.join("crates/bench/benches/instructions.rs");
    if !bench.is_file() {
        return Ok("no bench of instructions".to_owned());
    }
    let runner = fetch::gungraun(workspace)?;
    let words = [
        "cargo",
        "bench",
        "--quiet",
        "--package",
        "bench",
        "--bench",
        "instructions",
    ];
    let mut bench = command(&workspace.root, &words);
    bench.env("GUNGRAUN_RUNNER", runner);
    openly(bench).map(|()| "within the recorded counts".to_owned())
}

/// Runs one bench in release mode.
pub(crate) fn bench(workspace: &Workspace, name: &[String]) -> Outcome {
    let more = match name.first().map(String::as_str) {
        Some("gate") => peers(workspace, name)?,
        Some("pages") => product(workspace, name)?,
        _ => Vec::new(),
    };
    let mut words = vec![
        "cargo",
        "run",
        "--release",
        "--quiet",
        "--package",
        "bench",
        "--",
    ];
    words.extend(name.iter().chain(&more).map(String::as_str));
    let bench = command(&workspace.root, &words);
    openly(bench).map(|()| String::new())
}

fn is_told(told: &[String], option: &str) -> bool {
    told.iter().any(|word| word.starts_with(option))
}

/// The release build, when none was told.
fn product(workspace: &Workspace, told: &[String]) -> Result<Vec<String>, String> {
    if is_told(told, "--binary") {
        return Ok(Vec::new());
    }
    let build = [
        "cargo",
        "build",
        "--release",
        "--quiet",
        "--package",
        "server",
    ];
    openly(command(&workspace.root, &build))?;
    let binary = workspace.release("portreeve");
    Ok(vec![format!("--binary={}", binary.display())])
}

/// What `bench gate` needs and was not told: the release build, and the peers of ours.
fn peers(workspace: &Workspace, told: &[String]) -> Result<Vec<String>, String> {
    fetch::nginx(workspace)?;
    let mut more = product(workspace, told)?;
    if !is_told(told, "--envoy") {
        match fetch::envoy(workspace) {
            Ok(program) => more.push(format!("--envoy={program}")),
            Err(why) => eprintln!("{why}; Envoy is left out"),
        }
    }
    Ok(more)
}
