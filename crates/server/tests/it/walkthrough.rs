use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use crate::platform::{FREE_PORTS, Platform};

const SHIPPED: &str = "docs/walkthrough.md";
const REAL: &str = "docs/walkthrough-real.md";

/// Codes that no page shows, and why: what a page can show does not stand here.
const NOT_SHOWN: [(&str, &str); 8] = [
    (
        "anomaly_refused",
        "takes days in which an app is got to know",
    ),
    (
        "credential_tried_too_often",
        "takes a dozen guesses at a secret that somebody chose",
    ),
    (
        "overloaded",
        "takes more calls in progress at once than a page can make",
    ),
    ("state_stale", "takes a database that is away for seconds"),
    (
        "request_timeout",
        "takes a caller that pauses within a head",
    ),
    ("head_too_large", "takes a head longer than a page is wide"),
    (
        "expectation_failed",
        "takes an `Expect` that no client sends",
    ),
    (
        "version_not_supported",
        "takes a version of HTTP that no client speaks",
    ),
];

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository")
}

fn text_of(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).expect("the page")
}

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

/// The commands behind `$` of the `console` blocks of a page: those up to the one that starts the
/// platform, and those after it.
fn set_up(page: &str) -> (Vec<&str>, Vec<&str>) {
    let mut inside = false;
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| {
            inside = match line {
                "```console" => true,
                "```" => false,
                _ => inside,
            };
            line.strip_prefix("$ ").filter(|_| inside)
        })
        .collect();
    let starts = |command: &&str| command.starts_with("portreeve serve --dev");
    let at = commands.iter().position(starts).expect("a start");
    let (before, after) = commands.split_at(at + 1);
    (before.to_vec(), after.to_vec())
}

/// A shell at the root of the repository, as the page calls it, with the program in its path.
fn shell(script: &str) -> Command {
    let root = root();
    let bin = Path::new(env!("CARGO_BIN_EXE_portreeve"));
    let bin = bin.parent().expect("a folder").display();
    let script = script.replace("/path/to/portreeve", &root.display().to_string());
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c"])
        .arg(format!("PATH={bin}:$PATH\n{script}"))
        .env("NO_COLOR", "1")
        .env("CORPUS", root.join("../shared/data/openapi"));
    command
}

/// Starts the platform as the page says and runs every command of the page, in order.
fn follow(page: &str) {
    let text = text_of(page);
    let (before, after) = set_up(&text);
    let steps = steps(&text);
    assert!(
        steps.len() > 5,
        "`{page}` has hardly any commands: is its form still read?"
    );
    let start = before.join("\n").replace(
        "portreeve serve --dev",
        &format!("exec portreeve serve --dev {}", FREE_PORTS.join(" ")),
    );
    let platform = Platform::start_by(shell(&start));
    // What the page sets for the platform's start is set for its reader, too.
    let environment = [&before[..before.len() - 1], &after[..]]
        .concat()
        .join("\n");
    for step in steps {
        let script = format!("{environment}\n{}", step.script);
        let mut command = shell(&script);
        let output = command.current_dir(platform.folder.path()).output();
        let output = output.expect("bash runs");
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

/// The codes that a page prints behind a status, in what it says that commands print.
fn shown(page: &str) -> BTreeSet<String> {
    let code = |line: &str| {
        let (status, code) = line.split_once(' ')?;
        let is_status = status.len() == 3 && status.parse::<u16>().is_ok();
        is_status.then(|| code.to_owned())
    };
    let text = text_of(page);
    steps(&text)
        .iter()
        .filter_map(|step| step.expected.as_deref())
        .flat_map(str::lines)
        .filter_map(code)
        .collect()
}

/// Every code that a call may be refused with, of the groups that concern calls.
fn codes_of_calls() -> BTreeSet<String> {
    let table = http_kit::code_table_markdown();
    let groups = table.split("\n## ").filter(|group| {
        ["Who calls", "What the gates say", "On the way to the API"]
            .iter()
            .any(|title| group.starts_with(title))
    });
    let codes = groups.flat_map(|group| group.lines().filter_map(|line| line.strip_prefix("### ")));
    codes.map(str::to_owned).collect()
}

/// Shows: J-2.
#[test]
fn both_pages_show_a_refusal_of_every_gate() {
    let excused = |code: &str| NOT_SHOWN.iter().any(|(excused, _)| *excused == code);
    for page in [SHIPPED, REAL] {
        let shown = shown(page);
        let absent: Vec<_> = decision::codes::ALL
            .iter()
            .map(|(code, _)| *code)
            .filter(|code| !shown.contains(*code) && !excused(code))
            .collect();
        assert!(absent.is_empty(), "`{page}` does not show {absent:?}");
    }
}

#[test]
fn every_code_of_a_call_is_shown_or_excused() {
    let shown = &shown(SHIPPED) | &shown(REAL);
    let all = codes_of_calls();
    let gates = decision::codes::ALL.iter().map(|(code, _)| *code);
    for code in gates {
        assert!(all.contains(code), "`{code}` is not in the table of codes");
    }
    let excused: BTreeSet<_> = NOT_SHOWN
        .iter()
        .map(|(code, _)| (*code).to_owned())
        .collect();
    let absent: BTreeSet<_> = all.difference(&shown).cloned().collect();
    assert_eq!(absent, excused, "what no page shows, and what is excused");
}

#[test]
fn the_reader_of_a_page_tells_agreement_from_disagreement() {
    assert!(agrees("id dec_1 end\n", "id … end"));
    assert!(agrees("id dec_1", "id …"));
    assert!(!agrees("id dec_1 end", "id … and"));
    assert!(!agrees("one\ntwo", "one"));
    assert!(!agrees("200", "20"));
}

/// Shows: J-1, J-2, P-07, P-08, P-09, P-12, P-44, P-55, P-57.
#[test]
fn the_walk_through_works_on_the_shipped_descriptions() {
    follow(SHIPPED);
}

/// Shows: P-09, P-10, P-14, P-55, P-58.
#[test]
fn the_walk_through_works_on_descriptions_that_others_wrote() {
    if !root().join("../shared/data/openapi").is_dir() {
        println!("skipped: the published descriptions are not beside the project");
        return;
    }
    follow(REAL);
}
