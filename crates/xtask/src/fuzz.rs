use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    fetch,
    run::{Outcome, command, openly, quietly},
    workspace::Workspace,
};

/// What tells libFuzzer where a run has been; all of it works with stable Rust.
const INSTRUMENTED: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// A longer input is not tried, and one that takes longer or needs more is a finding.
const BOUNDS: [&str; 4] = [
    "-max_len=8192",
    "-timeout=5",
    "-rss_limit_mb=1024",
    "-malloc_limit_mb=256",
];
/// What the corpus of one target may weigh in the repository, and a file of it.
const HEAVIEST: u64 = 96 << 10;
const LONGEST: u64 = 4 << 10;

/// What to fuzz.
#[derive(clap::Args)]
pub(crate) struct Campaign {
    /// The target; all of them, one after the other, if none is named.
    target: Option<String>,
    /// How long each target is tried.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Adds to the repository's corpus what reached something new, a little of it.
    #[arg(long)]
    keep: bool,
}

/// How much to send through the gateway to other people's servers.
#[derive(clap::Args)]
pub(crate) struct Comparison {
    /// How many streams, over all servers.
    #[arg(long, default_value_t = 4_000)]
    streams: u64,
    /// What the streams are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With the gateway as it is released, which takes minutes to build.
    #[arg(long)]
    release: bool,
}

/// Compares what nginx, Apache, Node and waitress ran with what the gateway decided.
pub(crate) fn differential(workspace: &Workspace, comparison: &Comparison) -> Outcome {
    for missing in fetch::for_tests(workspace) {
        eprintln!("{missing}");
    }
    let (profile, folder) = if comparison.release {
        (&["--release"][..], "release")
    } else {
        (&[][..], "debug")
    };
    let build = [&["cargo", "build", "--package", "server"], profile].concat();
    openly(command(&workspace.root, &build))?;
    let build = ["cargo", "build", "--quiet", "--package", "differential"];
    openly(command(&workspace.root, &build))?;
    let mut compare = Command::new(workspace.target.join("debug/differential"));
    compare
        .arg("--binary")
        .arg(workspace.target.join(folder).join("portreeve"))
        .args(["--streams", &comparison.streams.to_string()])
        .args(["--seed", &comparison.seed.to_string()]);
    if let Ok(python) = fetch::waitress(workspace) {
        compare.args(["--python", &python]);
    }
    openly(compare).map(|()| String::new())
}

/// Builds the engine, instrumented and apart from the workspace, and lets it look for inputs that
/// break what a target promises.
pub(crate) fn run(workspace: &Workspace, campaign: &Campaign) -> Outcome {
    let engine = engine(workspace)?;
    let all = targets(workspace)?;
    let chosen: Vec<&String> = match &campaign.target {
        Some(name) => all.iter().filter(|target| *target == name).collect(),
        None => all.iter().collect(),
    };
    if chosen.is_empty() {
        return Err(format!("no such target; there are {}", all.join(", ")));
    }
    let mut found = Vec::new();
    for target in &chosen {
        println!("── {target}");
        let work = Work::of(workspace, &engine, target)?;
        if let Err(problem) = work.fuzz(campaign.seconds) {
            found.push(format!(
                "{target}: {problem}; see {}",
                work.folder.display()
            ));
        }
        if campaign.keep {
            println!("   kept {} more files", work.keep()?);
        }
    }
    if found.is_empty() {
        Ok(format!("{} targets, no broken promise", chosen.len()))
    } else {
        Err(found.join("\n"))
    }
}

/// The targets, by the folders of the corpus: every target has one.
fn targets(workspace: &Workspace) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for path in files(&workspace.root.join("crates/fuzz/corpus"))? {
        names.extend(
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let shown = |problem: std::io::Error| format!("{}: {problem}", folder.display());
    let entries = fs::read_dir(folder).map_err(shown)?;
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(shown))
        .collect()
}

fn engine(workspace: &Workspace) -> Result<PathBuf, String> {
    let folder = workspace.root.join("fuzz");
    // The same versions as everything else; cargo adds the engine's own.
    let lock = folder.join("Cargo.lock");
    fs::copy(workspace.root.join("Cargo.lock"), &lock)
        .map_err(|problem| format!("{}: {problem}", lock.display()))?;
    let version = quietly(command(&folder, &["rustc", "-vV"]))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc does not tell its host")?;
    let target = workspace.target.join("fuzz");
    // With a target named, build scripts and macros are not instrumented.
    let mut build = command(&folder, &["cargo", "build", "--release", "--target", host]);
    build.env("RUSTFLAGS", INSTRUMENTED);
    build.env("CARGO_TARGET_DIR", &target);
    openly(build)?;
    Ok(target.join(host).join("release/fuzz-engine"))
}

/// A target's engine and where its inputs are.
struct Work {
    engine: PathBuf,
    target: String,
    /// In the repository.
    corpus: PathBuf,
    /// What the engine has come upon so far, here.
    found: PathBuf,
    /// Where inputs that break a promise are put.
    folder: PathBuf,
}

impl Work {
    fn of(workspace: &Workspace, engine: &Path, target: &str) -> Result<Self, String> {
        let folder = workspace.target.join("fuzz/work").join(target);
        let found = folder.join("corpus");
        fs::create_dir_all(&found).map_err(|e| format!("{}: {e}", found.display()))?;
        Ok(Self {
            engine: engine.to_owned(),
            target: target.to_owned(),
            corpus: workspace.root.join("crates/fuzz/corpus").join(target),
            found,
            folder,
        })
    }

    fn engine(&self) -> Command {
        let mut engine = Command::new(&self.engine);
        engine
            .current_dir(&self.folder)
            .env("PORTREEVE_FUZZ_TARGET", &self.target)
            .args(BOUNDS);
        engine
    }

    fn fuzz(&self, seconds: u32) -> Result<(), String> {
        let mut engine = self.engine();
        engine
            .arg(format!("-max_total_time={seconds}"))
            .arg("-print_final_stats=1")
            .arg("-verbosity=0")
            .arg(&self.found)
            .arg(&self.corpus);
        openly(engine)
    }

    /// Adds a little of what reached something new to the repository's corpus; how many files.
    fn keep(&self) -> Result<usize, String> {
        let weigh = |path: &PathBuf| fs::metadata(path).map_or(u64::MAX, |data| data.len());
        let merged = self.folder.join("merged");
        let _ = fs::remove_dir_all(&merged);
        let copy = |from: &Path, to: &Path| {
            fs::copy(from, to).map_err(|problem| format!("{}: {problem}", to.display()))
        };
        fs::create_dir_all(&merged).map_err(|e| format!("{}: {e}", merged.display()))?;
        let known = files(&self.corpus)?;
        for path in &known {
            copy(path, &merged.join(path.file_name().unwrap_or_default()))?;
        }
        let mut merge = self.engine();
        merge
            .args(["-merge=1", "-verbosity=0"])
            .arg(&merged)
            .arg(&self.found);
        openly(merge)?;
        let mut weight: u64 = known.iter().map(weigh).sum();
        let mut new = files(&merged)?;
        new.sort_by_key(|path| (weigh(path), path.clone()));
        let mut kept = 0;
        for path in new {
            let to = self.corpus.join(path.file_name().unwrap_or_default());
            let size = weigh(&path);
            if !to.exists() && size <= LONGEST && weight.saturating_add(size) <= HEAVIEST {
                copy(&path, &to)?;
                weight = weight.saturating_add(size);
                kept += 1;
            }
        }
        Ok(kept)
    }
}
