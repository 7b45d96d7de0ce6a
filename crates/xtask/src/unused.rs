use crate::{run::Outcome, workspace::Workspace};

/// Refuses a dependency whose name stands in no Rust file of the crate.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let files = workspace.files(&[".rs"])?;
    let mut problems = Vec::new();
    let mut seen = 0;
    for package in workspace.crates() {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|path| path.strip_prefix(&workspace.root).ok())
            .map(|path| format!("{path}/"))
            .unwrap_or_default();
        let sources: Vec<&str> = files
            .iter()
            .filter(|(path, _)| path.starts_with(&folder))
            .map(|(_, text)| text.as_str())
            .collect();
        for dependency in &package.dependencies {
            seen += 1;
            let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
            let word = name.replace('-', "_");
            if !sources.iter().any(|text| uses(text, &word)) {
                problems.push(format!(
                    "{folder}Cargo.toml: `{name}` is used by no line; take it out"
                ));
            }
        }
    }
    if problems.is_empty() {
        Ok(format!("{seen} dependencies, each used"))
    } else {
        Err(problems.join("\n"))
    }
}

fn uses(text: &str, word: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || c == '_';
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| {
            line.match_indices(word).any(|(at, _)| {
                let before = line.get(..at).and_then(|part| part.chars().next_back());
                let after = line
                    .get(at + word.len()..)
                    .and_then(|part| part.chars().next());
                !before.is_some_and(continues) && !after.is_some_and(continues)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_a_comment_is_no_use() {
        assert!(uses("use serde_json::Value;", "serde_json"));
        assert!(!uses("// serde_json would do", "serde_json"));
        assert!(!uses("use serde_json::Value;", "serde"));
    }
}
