//! Streams of mutated requests through a running gateway to four servers that other people wrote
//! (nginx, Apache, Node, waitress), each of which tells what it ran.
//!
//! What holds, or is told as a disagreement: a server ran only requests that a strict reading of
//! RFC 9112 finds in the stream, in their order, each at most once, with the same method, path,
//! query and body; every one carries a context that the gateway signed for exactly that request;
//! a request that the gateway refused, or that no credential or capability opens, ran nowhere;
//! and what the caller was told succeeded ran exactly once.
//!
//! What it never does: believe the gateway's own parser. The reference is written here and knows
//! nothing of it.
//!
//! To add a confusion: a line in the tables of `streams.rs`. To add a server: its start in
//! `origins.rs`.

mod backend;
mod check;
mod client;
mod gate;
mod numbers;
mod origins;
mod poison;
mod reference;
mod streams;

pub use poison::{Poisoned, poison, poison_telling};

use std::{
    fmt,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{check::Checker, gate::Gate, numbers::Numbers, origins::Fleet};

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The binary `portreeve`.
    pub binary: PathBuf,
    /// The Python that has `waitress`, when there is one.
    pub python: Option<PathBuf>,
    /// How many streams, over all servers.
    pub streams: u64,
    /// What the streams are made from.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Streams sent, over all servers.
    pub streams: u64,
    /// Requests that a strict reading finds in them.
    pub requests: u64,
    /// Requests that servers ran.
    pub ran: u64,
    /// Answers other than success.
    pub refused: u64,
    /// The servers that took part.
    pub origins: Vec<&'static str>,
    /// Servers that could not be had, and why.
    pub missing: Vec<String>,
    /// Every disagreement, at most 50 of them in words.
    pub disagreements: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} streams through {}: {} requests in them, {} ran, {} refused; {} disagreements",
            self.streams,
            self.origins.join(", "),
            self.requests,
            self.ran,
            self.refused,
            self.disagreements.len(),
        )?;
        for missing in &self.missing {
            write!(f, "\nnot taking part: {missing}")?;
        }
        for disagreement in &self.disagreements {
            write!(f, "\n\n{disagreement}")?;
        }
        Ok(())
    }
}

/// What could not be started or reached, in words.
type Failure = String;

/// How many streams are sent before they are judged, so that memory stays small.
const BATCH: u64 = 2_000;
/// After so many disagreements the rest is not tried.
const ENOUGH: usize = 50;

/// Sends the streams and judges what the servers ran.
///
/// # Errors
/// When the gateway does not start, or no server can be had.
pub fn run(options: &Options) -> Result<Report, String> {
    run_telling(options, &|_, _| {})
}

/// As [`run`], and shows after each batch how many streams were sent and what came of them.
///
/// # Errors
/// When the gateway does not start, or no server can be had.
pub fn run_telling(options: &Options, told: &dyn Fn(u64, &Report)) -> Result<Report, String> {
    let folder = tempfile::tempdir().map_err(|problem| format!("no folder: {problem}"))?;
    let (fleet, missing) = Fleet::start(folder.path(), options.python.as_deref());
    if fleet.origins.is_empty() {
        return Err(format!("no server can be had: {}", missing.join("; ")));
    }
    let origins = fleet.origins.iter();
    let servers: Vec<_> = origins.map(|origin| (origin.name, origin.port)).collect();
    let gate = Gate::start(&options.binary, folder.path(), &servers)?;
    let mut report = Report {
        origins: fleet.origins.iter().map(|origin| origin.name).collect(),
        missing,
        ..Report::default()
    };
    let checker = Checker::new(&gate)?;
    let mut begun = 0;
    while begun < options.streams && report.disagreements.len() < ENOUGH {
        let end = options.streams.min(begun + BATCH);
        let next = AtomicU64::new(begun);
        let lane = Lane {
            seed: options.seed,
            next: &next,
            end,
        };
        let sent = thread::scope(|threads| {
            let (lane, gate) = (&lane, &gate);
            let origins = fleet.origins.iter();
            let lanes: Vec<_> = origins
                .map(|origin| threads.spawn(move || lane.send(gate, origin.name)))
                .collect();
            let joined = lanes.into_iter().map(thread::ScopedJoinHandle::join);
            joined.collect::<Result<Vec<_>, _>>()
        });
        let sent = sent.map_err(|_| "a lane ended early".to_owned())?;
        for sent in sent {
            checker.check(&sent?, &fleet.runs, &mut report);
        }
        checker.leftovers(&fleet.runs, &mut report);
        begun = end;
        told(begun, &report);
    }
    report.streams = begun;
    report.disagreements.truncate(ENOUGH);
    Ok(report)
}

/// One server's share of a batch.
struct Lane<'a> {
    seed: u64,
    next: &'a AtomicU64,
    end: u64,
}

impl Lane<'_> {
    fn send(&self, gate: &Gate, mount: &'static str) -> Result<Vec<check::Sent>, Failure> {
        let mut sent = Vec::new();
        loop {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            if id >= self.end {
                return Ok(sent);
            }
            let mut numbers = Numbers::new(self.seed, id);
            let stream = streams::stream(&mut numbers, mount, id);
            let read = reference::read(&stream);
            let told = client::send(gate.public, &stream, &read, &mut numbers)?;
            sent.push(check::Sent {
                id,
                mount,
                stream,
                read,
                told,
            });
        }
    }
}
