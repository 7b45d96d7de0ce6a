//! Faults planted into the running product, and faults planted into its source.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    run::{Outcome, command, openly, quietly},
    workspace::Workspace,
};

/// How cargo-nextest ends when tests ran and one failed; it ends otherwise when nothing was built.
const TESTS_FAILED: i32 = 100;

/// The short tier: the tests that CI runs too.
pub(crate) fn short(workspace: &Workspace) -> Outcome {
    let words = ["cargo", "nextest", "run", "-p", "server", "faults::"];
    openly(command(&workspace.root, &words)).map(|()| String::new())
}

/// The long tier, on a release build unless a binary is named.
pub(crate) fn long(workspace: &Workspace, rest: &[String]) -> Outcome {
    let mut words = vec!["cargo", "run", "--quiet", "--package", "faults", "--"];
    words.extend(rest.iter().map(String::as_str));
    let binary = workspace.release("portreeve");
    let binary = binary.to_string_lossy();
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
    let mut survived = Vec::new();
    for bug in &bugs {
        let (name, since) = (bug.name(), now());
        let told = match plant((&tree, &place), bug) {
            Ok(()) => "caught    ".to_owned(),
            Err(why) => {
                survived.push(name.clone());
                format!("NOT CAUGHT, {why}: ")
            }
        };
        let (by, seconds) = (&bug.test, since.elapsed().as_secs());
        println!(
            "   {told}{name} by `{by}` of {} in {seconds} s",
            bug.package
        );
    }
    let seconds = began.elapsed().as_secs();
    if survived.is_empty() {
        Ok(format!(
            "{0} of {0} planted bugs caught in {seconds} s",
            bugs.len()
        ))
    } else {
        Err(format!("not caught: {}", survived.join(", ")))
    }
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
    test.env("CARGO_TARGET_DIR", place.join("build"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
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
