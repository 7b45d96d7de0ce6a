use crate::{
    fetch,
    junit::Report,
    run::{Outcome, command, openly, watched},
    workspace::Workspace,
};

/// What becomes of tests that need PostgreSQL or Chromium.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Services {
    /// They run when the service could be got.
    IfObtainable,
    /// They run, and fail without it.
    Required,
}

/// Fetches what is missing, then runs every test and every documentation example.
pub(crate) fn run(workspace: &Workspace, services: Services) -> Outcome {
    let missing = fetch::for_tests(workspace);
    for line in &missing {
        eprintln!("{line}");
    }
    let required = services == Services::Required || missing.is_empty();
    let _ = std::fs::remove_file(workspace.junit());
    let documented = examples(workspace);
    let tested = all_tests(workspace, required);
    let counts = Report::read(workspace).map(|report| {
        format!(
            "{} tests passed, {} failed; report in {}",
            report.passed(),
            report.failed(),
            workspace.junit().display()
        )
    });
    match (tested, documented) {
        (Ok(()), Ok(())) => counts,
        (Err(one), Err(other)) => Err(format!("{one}\n{other}")),
        (Err(problem), Ok(())) | (Ok(()), Err(problem)) => Err(problem),
    }
}

fn all_tests(workspace: &Workspace, required: bool) -> Result<(), String> {
    let mut words = vec!["cargo", "nextest", "run", "--workspace", "--profile", "ci"];
    if !watched() {
        words.extend(["--cargo-quiet", "--show-progress", "none"]);
    }
    let mut tests = command(&workspace.root, &words);
    tests.env("INSTA_UPDATE", "no");
    if required {
        tests.env("PORTREEVE_REQUIRE_SERVICES", "1");
    } else {
        tests.env_remove("PORTREEVE_REQUIRE_SERVICES");
    }
    openly(tests)
}

fn examples(workspace: &Workspace) -> Result<(), String> {
    openly(command(
        &workspace.root,
        &["cargo", "test", "--quiet", "--workspace", "--doc"],
    ))
}
