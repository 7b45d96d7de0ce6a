use std::collections::BTreeMap;

use crate::{run::Outcome, workspace::Workspace};

/// Lines of a file without its tests: refused above this.
const FILE_STOP: usize = 600;
/// Lines of a crate without its tests: told above this.
const CRATE_LOOK: usize = 8_000;

/// Refuses files over the limit and names crates that deserve another look.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let mut problems = Vec::new();
    let mut notes = Vec::new();
    let mut crates: BTreeMap<String, usize> = BTreeMap::new();
    let mut files = 0;
    for (path, text) in workspace.files(&[".rs"])? {
        if is_test_file(&path) {
            continue;
        }
        files += 1;
        let lines = lines_without_tests(&text);
        if lines > FILE_STOP {
            problems.push(format!(
                "{path}: {lines} lines without tests; at most {FILE_STOP}: split it by purpose"
            ));
        }
        if let Some(name) = path.split('/').nth(1) {
            *crates.entry(name.to_owned()).or_default() += lines;
        }
    }
    for (name, lines) in &crates {
        if *lines > CRATE_LOOK {
            notes.push(format!("; look again at {name}: {lines} lines"));
        }
    }
    if problems.is_empty() {
        Ok(format!(
            "{files} files, {} lines{}",
            crates.values().sum::<usize>(),
            notes.concat()
        ))
    } else {
        Err(problems.join("\n"))
    }
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/benches/")
}

/// A test module stands at the end of its file.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .position(|pair| {
            matches!(pair, [first, second] if *first == "#[cfg(test)]"
                && second.starts_with("mod ") && second.ends_with('{'))
        })
        .unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_at_the_end_do_not_count() {
        assert_eq!(
            lines_without_tests("a\nb\n#[cfg(test)]\nmod tests {\nc\n}\n"),
            2
        );
        assert_eq!(lines_without_tests("a\n#[cfg(test)]\nmod tests;\nb\n"), 4);
        assert!(is_test_file("crates/x/src/foo/tests.rs"));
        assert!(!is_test_file("crates/x/src/foo.rs"));
    }
}
