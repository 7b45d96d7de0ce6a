//! The gateway between hostile callers and servers that other people wrote.

use std::path::Path;

use differential::{Options, poison, run};

/// As many as a test may take; `cargo xtask differential` sends as many as one likes.
const STREAMS: u64 = 1_200;

/// Shows: S-07.
#[test]
fn other_peoples_servers_run_what_was_decided_and_nothing_else() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/venv/bin/python");
    let options = Options {
        binary: env!("CARGO_BIN_EXE_portreeve").into(),
        python: Some(python),
        streams: STREAMS,
        seed: 7,
    };
    match run(&options) {
        Ok(report) => {
            println!("{report}");
            assert!(report.disagreements.is_empty(), "{report}");
            assert!(report.ran > STREAMS / 3, "too little ran: {report}");
            assert!(
                report.refused > STREAMS / 3,
                "too little is hostile: {report}"
            );
        }
        Err(problem) => assert!(problem.starts_with("no server"), "{problem}"),
    }
}

/// Shows: F-28, S-20.
#[test]
fn a_poisoned_state_is_refused_with_a_reason_and_the_last_good_one_stays() {
    let binary = Path::new(env!("CARGO_BIN_EXE_portreeve"));
    let found = poison(binary, 200, 28).expect("the gateway starts");
    println!("{found}");
    assert!(found.problems.is_empty(), "{found}");
    assert!(found.pushed > 200 && found.refused > 100, "{found}");
}
