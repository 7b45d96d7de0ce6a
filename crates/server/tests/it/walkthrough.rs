use std::{path::PathBuf, process::Command};

use crate::platform::Platform;

/// A command of a page, and what the page says that it prints.
struct Step {
    line: usize,
    script: String,
    expected: Option<String>,
}

/// The `sh` blocks of a page, each with the `text` block that follows it.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let kind = match line.trim_end() {
            "```sh" => "sh",
            "```text" => "text",
            _ => continue,
        };
        let block: Vec<_> = lines
            .by_ref()
            .map(|(_, l)| l)
            .take_while(|l| *l != "```")
            .collect();
        match kind {
            "sh" => steps.push(Step {
                line: number + 2,
                script: block.join("\n"),
                expected: None,
            }),
            _ => {
                steps
                    .last_mut()
                    .expect("a text block follows a sh block")
                    .expected = Some(block.join("\n"));
            }
        }
    }
    steps
}

/// Whether `printed` is `expected`, where `…` stands for anything within a line.
fn agrees(printed: &str, expected: &str) -> bool {
    let printed: Vec<_> = printed.trim_end().lines().collect();
    let expected: Vec<_> = expected.trim_end().lines().collect();
    printed.len() == expected.len()
        && printed
            .iter()
            .zip(expected)
            .all(|(line, pattern)| line_agrees(line, pattern))
}

fn line_agrees(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.trim_end().split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.trim_end().strip_prefix(first) else {
        return false;
    };
    let mut open_end = false;
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
        open_end = part.is_empty();
    }
    rest.is_empty() || open_end
}

/// Runs every command of `page` against `platform`, in order, in one folder.
fn follow(platform: &Platform, page: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join(page)).expect("the page");
    let steps = steps(&text);
    assert!(
        steps.len() > 5,
        "`{page}` has hardly any commands: is its form still read?"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_portreeve"));
    let bin = bin.parent().expect("a folder").display();
    for step in steps {
        let mut command = Command::new("bash");
        command
            .args([
                "-euo",
                "pipefail",
                "-c",
                &format!("PATH={bin}:$PATH\n{}", step.script),
            ])
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .env(
                "EXAMPLES",
                root.join("examples").canonicalize().expect("examples"),
            )
            .env("CORPUS", root.join("../shared/data/openapi"))
            .env("DATA", platform.folder.path().join("data"))
            .env("PUBLIC", platform.text("public"))
            .env("UPSTREAM", platform.text("upstream"))
            .env("PORTREEVE_MANAGEMENT", platform.text("management"))
            .env("PORTREEVE_TOKEN", platform.text("operator_token"));
        let output = command.output().expect("bash runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        let place = format!("{page}:{}", step.line);
        assert!(
            output.status.success(),
            "{place}: the command failed\n{}\n--- printed\n{printed}\n--- said\n{said}",
            step.script
        );
        if let Some(expected) = &step.expected {
            assert!(
                agrees(&printed, expected),
                "{place}: the page and the product disagree\n{}\n--- page\n{expected}\n--- product\n{printed}\n{said}",
                step.script
            );
        }
    }
}

#[test]
fn the_reader_of_a_page_tells_agreement_from_disagreement() {
    assert!(agrees("id dec_1 end\n", "id … end"));
    assert!(agrees("id dec_1", "id …"));
    assert!(!agrees("id dec_1 end", "id … and"));
    assert!(!agrees("one\ntwo", "one"));
    assert!(!agrees("200", "20"));
}

/// Shows: J-1, J-2, P-09, P-12, P-44, P-55, P-57.
#[test]
fn the_walk_through_works_on_the_shipped_descriptions() {
    let platform = Platform::start(&[]);
    follow(&platform, "docs/walkthrough.md");
}

/// Shows: P-09, P-10, P-14, P-55, P-58.
#[test]
fn the_walk_through_works_on_descriptions_that_others_wrote() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = root.join("../shared/data/openapi");
    if !corpus.is_dir() {
        println!("skipped: the published descriptions are not beside the project");
        return;
    }
    let state = |name: &str| root.join("examples/real").join(name).display().to_string();
    let corpus = format!("corpus={}", corpus.display());
    let platform = Platform::start(&[
        "--state",
        &state("paypal.state.yaml"),
        "--state",
        &state("twilio.state.yaml"),
        "--var",
        &corpus,
    ]);
    follow(&platform, "docs/walkthrough-real.md");
}
