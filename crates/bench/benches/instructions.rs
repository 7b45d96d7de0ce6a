//! Instructions of a decision: CI refuses a change that needs many more.
#![expect(
    clippy::unwrap_used,
    missing_docs,
    reason = "the set-up of a bench may panic, and its macros write undocumented functions"
)]

use std::hint::black_box;

use bench::{Kind, Provider, Ready};
use decision::{Account, App};
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, prelude::*};
use primitives::Timestamp;

const NOON: Timestamp = Timestamp::from_seconds(1_800_014_400);

type Call = (Ready<'static>, (&'static App, &'static Account));

/// A call that has been made before, so that nothing is made for the first time.
fn warm(kind: Kind) -> Call {
    let mut provider = Provider::empty().unwrap();
    provider.add_developers(100).unwrap();
    provider.add_apps(100).unwrap();
    let provider: &'static Provider = Box::leak(Box::new(provider));
    let mut ready = provider.ready(kind).unwrap();
    let handle = provider.handle(7).unwrap();
    for _ in 0..100 {
        assert!(ready.call(handle, NOON));
    }
    (ready, handle)
}

#[library_benchmark]
#[bench::without_a_policy(
    args = (Kind::Plain), setup = warm,
    config = LibraryBenchmarkConfig::default()
        .tool(Callgrind::default().hard_limits([(EventKind::Ir, PLAIN)]))
)]
#[bench::with_one_policy(
    args = (Kind::Judged), setup = warm,
    config = LibraryBenchmarkConfig::default()
        .tool(Callgrind::default().hard_limits([(EventKind::Ir, JUDGED)]))
)]
fn decide((mut ready, handle): Call) -> (bool, Ready<'static>) {
    // What was set up is handed back, so that taking it down is not counted.
    (black_box(ready.call(black_box(handle), NOON)), ready)
}

/// The recorded counts, and a fifth more: hashes differ from run to run.
const PLAIN: u64 = 6_400;
const JUDGED: u64 = 28_500;

library_benchmark_group!(name = decisions, benchmarks = decide);
main!(library_benchmark_groups = decisions);
