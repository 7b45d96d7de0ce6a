//! The short tier of the faults in which nothing breaks but there is too much of something.

use std::path::Path;

use faults::under_load::{self, Tier};

async fn short(name: &str) {
    let binary = Path::new(env!("CARGO_BIN_EXE_portreeve"));
    let report = under_load::run(name, binary, Tier::Short).await;
    let report = report.expect("a campaign of this name");
    println!("{report}");
    report.assert_kept();
}

/// Shows: F-17.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_connections_neither_ends_it_nor_keeps_it_busy() {
    short("descriptors").await;
}

/// Shows: F-18.
#[tokio::test(flavor = "multi_thread")]
async fn slow_callers_are_ended_and_honest_ones_do_not_notice() {
    short("slow").await;
}

/// Shows: F-20.
#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_are_shed_before_memory_ends() {
    short("memory").await;
}

/// Shows: F-22.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_offered_too_much_does_what_it_can() {
    short("overload").await;
}

/// Shows: F-24, G-21.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_takes_over_and_no_call_is_lost() {
    short("drain").await;
}

/// Shows: F-24, G-21.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_takes_over_from_callers_that_speak_tls() {
    short("drain-tls").await;
}

/// Shows: F-29.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_replaced_under_load_is_believed_by_everybody() {
    short("rotation").await;
}

/// Shows: F-39, G-21.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_misbehaves_harms_nobody_elses_call() {
    short("misbehaviour").await;
}
