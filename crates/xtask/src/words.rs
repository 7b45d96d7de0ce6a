use crate::{run::Outcome, workspace::Workspace};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "util", "utils", "common", "helper", "helpers", "manager", "misc", "core", "types",
];

/// Leftovers, spelt in two halves so that this file does not refuse itself.
const LEFTOVERS: [(&str, &str); 7] = [
    (concat!("TO", "DO"), "do it, or say in words what is absent"),
    (concat!("FIX", "ME"), "mend it"),
    (concat!("XX", "X"), "say what is meant"),
    (concat!("todo", "!("), "write it"),
    (concat!("unimple", "mented!("), "write it"),
    (
        concat!("#[ig", "nore"),
        "assert today's behaviour and say why",
    ),
    (
        concat!("not imple", "mented yet"),
        "build it or leave it out",
    ),
];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/fa", "rm/"),
];

const ENDINGS: [&str; 9] = [
    ".rs", ".md", ".toml", ".yaml", ".yml", ".html", ".css", ".js", ".sql",
];

/// Refuses empty names, leftovers and paths of one machine.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let files = workspace.files(&ENDINGS)?;
    let mut problems = Vec::new();
    for (path, text) in &files {
        problems.extend(empty_name(path));
        for (number, line) in text.lines().enumerate() {
            if let Some(problem) = problem_of(line) {
                problems.push(format!("{path}:{}: {problem}", number + 1));
            }
        }
    }
    if problems.is_empty() {
        Ok(format!("{} files", files.len()))
    } else {
        Err(problems.join("\n"))
    }
}

fn empty_name(path: &str) -> Option<String> {
    let stem = path.strip_suffix(".rs")?;
    let part = stem.split('/').find(|part| EMPTY_NAMES.contains(part))?;
    Some(format!(
        "{path}: `{part}` says nothing; name what is inside"
    ))
}

fn problem_of(line: &str) -> Option<String> {
    for (word, mend) in LEFTOVERS {
        if stands_alone(line, word) {
            return Some(format!("`{word}`: {mend}"));
        }
    }
    for path in MACHINE_PATHS {
        if line.contains(path) && !line.contains("://") {
            return Some(format!("`{path}…` exists on one machine only"));
        }
    }
    let name = line
        .trim_start()
        .trim_start_matches("pub ")
        .trim_start_matches("pub(crate) ")
        .strip_prefix("mod ")?
        .trim_end_matches([' ', '{', ';']);
    EMPTY_NAMES
        .contains(&name)
        .then(|| format!("`mod {name}` says nothing; name what is inside"))
}

/// A word counts when no letter, digit or `_` continues it on either side.
fn stands_alone(line: &str, word: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        let open_end = word.ends_with(|c: char| !c.is_alphanumeric());
        !before.is_some_and(continues) && (open_end || !after.is_some_and(continues))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_and_empty_names_are_seen() {
        assert!(problem_of(concat!("// TO", "DO: later")).is_some());
        assert!(problem_of(concat!("let x = todo", "!();")).is_some());
        assert!(problem_of("pub(crate) mod utils {").is_some());
        assert!(problem_of(concat!("see /wo", "rk/shared")).is_some());
        assert!(empty_name("crates/a/src/helpers.rs").is_some());
    }

    #[test]
    fn ordinary_lines_pass() {
        assert_eq!(problem_of("let mastodon = 1;"), None);
        assert_eq!(problem_of("mod route;"), None);
        assert_eq!(problem_of("https://example.com/home/page"), None);
        assert_eq!(empty_name("crates/a/src/route.rs"), None);
    }
}
