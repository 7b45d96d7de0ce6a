//! Faults planted into the running product, and faults planted into its source.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;

use crate::{
    fetch,
    run::{Outcome, command, openly, quietly},
    workspace::Workspace,
};

/// How cargo-nextest ends when tests ran and one failed; it ends otherwise when nothing was built.
const TESTS_FAILED: i32 = 100;

/// Where results are kept, a file for each campaign.
const RESULTS: &str = "docs/faults";

/// The short tier: the tests that CI runs too.
pub(crate) fn short(workspace: &Workspace) -> Outcome {
    let words = ["cargo", "nextest", "run", "-p", "server", "faults::"];
    openly(command(&workspace.root, &words)).map(|()| String::new())
}

/// The long tier, on a release build unless a binary is named.
pub(crate) fn long(workspace: &Workspace, rest: &[String]) -> Outcome {
    let mut words = vec![
        "cargo",
        "run",
        "--release",
        "--quiet",
        "--package",
        "faults",
        "--",
    ];
    words.extend(rest.iter().map(String::as_str));
    let binary = workspace.release("portreeve");
    let binary = binary.to_string_lossy();
    let results = workspace.root.join(RESULTS);
    let results = results.to_string_lossy();
    if !rest.iter().any(|word| word.starts_with("--into")) {
        words.extend(["--into", &results]);
    }
    for missing in fetch::for_tests(workspace) {
        eprintln!("{missing}");
    }
    if !rest.iter().any(|word| word.starts_with("--binary")) {
        let build = ["cargo", "build", "--release", "--package", "server"];
        openly(command(&workspace.root, &build))?;
        words.extend(["--binary", &binary]);
    }
    openly(command(&workspace.root, &words)).map(|()| String::new())
}

/// Bugs to plant, and where.
#[derive(clap::Args)]
pub(crate) struct Planting {
    /// The patches of `crates/faults/planted`, without their ending; all without one.
    names: Vec<String>,
    /// Where the copy of the source and what is built of it are kept.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// A patch that plants one bug, and the test that must fail for it.
struct Planted {
    file: PathBuf,
    package: String,
    target: String,
    test: String,
}

impl Planted {
    fn name(&self) -> String {
        let name = self.file.file_stem().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// Plants each bug into a copy of the last commit, and demands that its test fails; without the
/// bug it must pass. All share one target directory, and only what a test needs is built.
pub(crate) fn planted(workspace: &Workspace, wanted: &Planting) -> Outcome {
    let began = now();
    let place = match &wanted.into {
        Some(place) => {
            std::path::absolute(place).map_err(|e| format!("{}: {e}", place.display()))?
        }
        None => workspace.target.join("planted"),
    };
    let tree = copy(workspace, &place)?;
    let mut bugs = patches(workspace)?;
    if let Some(unknown) = wanted
        .names
        .iter()
        .find(|name| bugs.iter().all(|bug| bug.name() != **name))
    {
        return Err(format!("no patch `{unknown}` in crates/faults/planted"));
    }
    bugs.retain(|bug| wanted.names.is_empty() || wanted.names.contains(&bug.name()));
    // Of one package in a row, so that less is built anew.
    bugs.sort_by_key(|bug| (bug.package.clone(), bug.target.clone()));
    let seeded = seed(workspace, &place)?;
    println!("   {seeded} files of what others wrote are taken over as they are built");
    let mut caught = Trial {
        commit: quietly(command(&tree, &["git", "rev-parse", "--short=12", "HEAD"]))?
            .trim()
            .to_owned(),
        ..Trial::default()
    };
    for (number, bug) in bugs.iter().enumerate() {
        let since = now();
        println!("── {} of {}: {}", number + 1, bugs.len(), bug.name());
        let planted = plant((&tree, &place), bug);
        let tried = Tried {
            bug: bug.name(),
            package: bug.package.clone(),
            test: bug.test.clone(),
            caught: planted.is_ok(),
            why: planted.err(),
            seconds: since.elapsed().as_secs(),
        };
        println!("   {tried}");
        caught.note(tried);
    }
    caught.seconds = began.elapsed().as_secs();
    let all = wanted.names.is_empty();
    caught.told(all.then(|| workspace.root.join(RESULTS)).as_deref())
}

/// What became of one bug.
#[derive(Serialize)]
struct Tried {
    bug: String,
    package: String,
    test: String,
    caught: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    seconds: u64,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            None => f.write_str("caught"),
            Some(why) => write!(f, "NOT CAUGHT, {why}:"),
        }?;
        let (test, package, seconds) = (&self.test, &self.package, self.seconds);
        write!(f, " by `{test}` of {package} in {seconds} s")
    }
}

/// What became of all of them.
#[derive(Default, Serialize)]
struct Trial {
    commit: String,
    planted: usize,
    caught: usize,
    seconds: u64,
    bugs: Vec<Tried>,
}

impl Trial {
    fn note(&mut self, tried: Tried) {
        self.planted = self.planted.saturating_add(1);
        self.caught = self.caught.saturating_add(usize::from(tried.caught));
        self.bugs.push(tried);
    }

    /// In a line, and as a file in `folder`.
    fn told(&self, folder: Option<&Path>) -> Outcome {
        if let Some(folder) = folder {
            let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
            let file = folder.join("planted.json");
            fs::write(&file, text + "\n").map_err(|e| format!("{}: {e}", file.display()))?;
        }
        let (caught, planted, seconds) = (self.caught, self.planted, self.seconds);
        let told = format!("caught {caught}/{planted} in {seconds} s");
        let missed = self.bugs.iter().filter(|tried| !tried.caught);
        let missed: Vec<&str> = missed.map(|tried| tried.bug.as_str()).collect();
        if missed.is_empty() {
            Ok(told)
        } else {
            Err(format!("{told}; not caught: {}", missed.join(", ")))
        }
    }
}

/// Takes over what is built of other people's crates, so that only ours are built anew. Returns
/// how many files there are.
fn seed(workspace: &Workspace, place: &Path) -> Result<usize, String> {
    let (from, to) = (workspace.target.join("debug"), place.join("build/debug"));
    if to.is_dir() || !from.is_dir() {
        return Ok(0);
    }
    let ours: Vec<String> = workspace
        .crates()
        .iter()
        .flat_map(|ours| {
            let targets = ours.targets.iter().map(|target| target.name.clone());
            targets.chain([ours.name.to_string()])
        })
        .collect();
    let is_ours = |name: &str| {
        let stem = name.rsplit_once('-').map_or(name, |(stem, _)| stem);
        let stem = stem.strip_prefix("lib").unwrap_or(stem);
        ours.iter()
            .any(|ours| *ours == stem || ours.replace('-', "_") == stem)
    };
    let mut linked = 0_usize;
    for part in ["build", "deps", ".fingerprint"] {
        let listed = fs::read_dir(from.join(part)).map_err(|e| format!("{part}: {e}"))?;
        fs::create_dir_all(to.join(part)).map_err(|e| format!("{part}: {e}"))?;
        for entry in listed.flatten() {
            let name = entry.file_name();
            let whole = name.to_string_lossy();
            let plain = whole.split('.').next().unwrap_or_default();
            if !is_ours(plain) {
                linked = linked.saturating_add(link(&entry.path(), &to.join(part).join(&name))?);
            }
        }
    }
    Ok(linked)
}

/// A second name for each file, because artifacts are replaced and never written to again; but
/// cargo writes over its fingerprints, which are copied.
fn link(from: &Path, to: &Path) -> Result<usize, String> {
    let told = |problem: std::io::Error| format!("{}: {problem}", to.display());
    if !from.is_dir() {
        let is_fingerprint = from.iter().any(|part| part == ".fingerprint");
        let taken = if is_fingerprint {
            fs::copy(from, to).map(|_| ())
        } else {
            fs::hard_link(from, to)
        };
        return taken.map(|()| 1).map_err(told);
    }
    fs::create_dir_all(to).map_err(told)?;
    let mut linked = 0_usize;
    for entry in fs::read_dir(from).map_err(told)?.flatten() {
        linked = linked.saturating_add(link(&entry.path(), &to.join(entry.file_name()))?);
    }
    Ok(linked)
}

/// The last commit, without anything that is only in the work tree.
fn copy(workspace: &Workspace, place: &Path) -> Result<PathBuf, String> {
    let tree = place.join("tree");
    fs::create_dir_all(place).map_err(|e| format!("{}: {e}", place.display()))?;
    if !tree.is_dir() {
        let (from, to) = (workspace.root.to_string_lossy(), tree.to_string_lossy());
        let clone = [
            "git",
            "clone",
            "--quiet",
            "--shared",
            "--no-checkout",
            &from,
            &to,
        ];
        quietly(command(place, &clone))?;
    }
    let head = quietly(command(&workspace.root, &["git", "rev-parse", "HEAD"]))?;
    let checkout = [
        "git",
        "checkout",
        "--quiet",
        "--force",
        "--detach",
        head.trim(),
    ];
    quietly(command(&tree, &checkout))?;
    Ok(tree)
}

fn plant((tree, place): (&Path, &Path), bug: &Planted) -> Result<(), String> {
    let ended = test((tree, place), bug)?;
    if ended != Some(0) {
        return Err(format!("its test does not pass without it ({ended:?})"));
    }
    let patch = bug.file.to_string_lossy();
    quietly(command(tree, &["git", "apply", &patch]))?;
    let ended = test((tree, place), bug);
    quietly(command(tree, &["git", "apply", "--reverse", &patch]))?;
    match ended? {
        Some(TESTS_FAILED) => Ok(()),
        Some(0) => Err("its test passes".to_owned()),
        other => Err(format!("nothing was tested ({other:?})")),
    }
}

/// Runs the test of a bug in the copy; how it ended.
fn test((tree, place): (&Path, &Path), bug: &Planted) -> Result<Option<i32>, String> {
    let mut words = vec!["cargo", "nextest", "run", "--package", &bug.package];
    match bug.target.as_str() {
        "lib" => words.push("--lib"),
        target => words.extend(["--test", target]),
    }
    words.push(&bug.test);
    let mut test = command(tree, &words);
    test.env("CARGO_TARGET_DIR", place.join("build"));
    let ended = test.output().map_err(|e| format!("cargo: {e}"))?;
    Ok(ended.status.code())
}

fn patches(workspace: &Workspace) -> Result<Vec<Planted>, String> {
    let folder = workspace.root.join("crates/faults/planted");
    let listed = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.into_iter().map(read).collect()
}

fn read(file: PathBuf) -> Result<Planted, String> {
    let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Caught-By: "));
    let words: Vec<&str> = line.unwrap_or_default().split(' ').collect();
    let [package, target, caught_by] = words[..] else {
        return Err(format!(
            "{}: no line `Caught-By: PACKAGE TARGET TEST` before the patch",
            file.display()
        ));
    };
    Ok(Planted {
        package: package.to_owned(),
        target: target.to_owned(),
        test: caught_by.to_owned(),
        file,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a duration that is told to a person and decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A patch that no longer applies plants nothing.
    #[test]
    fn every_patch_fits_the_source_and_names_its_test() {
        let workspace = Workspace::find().unwrap();
        let bugs = patches(&workspace).unwrap();
        assert!(bugs.len() >= 4, "{}", bugs.len());
        for bug in bugs {
            let patch = bug.file.to_string_lossy();
            let check = ["git", "apply", "--check", &patch];
            let fits = quietly(command(&workspace.root, &check));
            assert!(fits.is_ok(), "{}: make it anew: {fits:?}", bug.name());
        }
    }
}
