//! Faults planted into the running product, and faults planted into its source.

use std::{fs, path::PathBuf, time::Instant};

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

/// A patch that plants one bug, and the test that must fail for it.
struct Planted {
    file: PathBuf,
    package: String,
    test: String,
}

/// Plants each bug into a clone of its own, and demands that its test fails.
pub(crate) fn planted(workspace: &Workspace) -> Outcome {
    let began = now();
    let place = workspace.target.join("planted");
    let tree = place.join("tree");
    let shown = tree.to_string_lossy();
    fs::create_dir_all(&place).map_err(|e| format!("{}: {e}", place.display()))?;
    if tree.is_dir() {
        let fresh = ["git", "checkout", "--quiet", "--force", "--detach"];
        let head = quietly(command(&workspace.root, &["git", "rev-parse", "HEAD"]))?;
        quietly(command(&tree, &[&fresh[..], &[head.trim()]].concat()))?;
    } else {
        let add = ["git", "worktree", "add", "--detach", &shown, "HEAD"];
        quietly(command(&workspace.root, &add))?;
    }
    let all = patches(workspace)?;
    let mut survived = Vec::new();
    for bug in &all {
        let name = bug.file.file_stem().unwrap_or_default().to_string_lossy();
        let patch = bug.file.to_string_lossy();
        quietly(command(&tree, &["git", "apply", &patch]))?;
        let words = [
            "cargo",
            "nextest",
            "run",
            "--package",
            &bug.package,
            &bug.test,
        ];
        let mut test = command(&tree, &words);
        test.env("CARGO_TARGET_DIR", place.join("build"));
        let ended = test.output().map_err(|e| format!("cargo: {e}"))?;
        quietly(command(&tree, &["git", "apply", "--reverse", &patch]))?;
        if ended.status.code() == Some(TESTS_FAILED) {
            println!("   caught    {name}");
        } else {
            println!("   SURVIVED  {name}: {}", ended.status);
            survived.push(name.into_owned());
        }
    }
    let seconds = began.elapsed().as_secs();
    if survived.is_empty() {
        Ok(format!(
            "{0} of {0} planted bugs caught in {seconds} s",
            all.len()
        ))
    } else {
        Err(format!("not caught: {}", survived.join(", ")))
    }
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
    match line.and_then(|line| line.split_once(' ')) {
        Some((package, caught_by)) => Ok(Planted {
            file,
            package: package.to_owned(),
            test: caught_by.to_owned(),
        }),
        None => Err(format!(
            "{}: no line `Caught-By: PACKAGE TEST` before the patch",
            file.display()
        )),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a duration that is told to a person and decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}
