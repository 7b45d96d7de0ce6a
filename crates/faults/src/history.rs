use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use serde::Serialize;
use tokio::time::Instant;

/// What a client was told about an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done: it must be there exactly once.
    Ok,
    /// It was not done: it must not be there.
    Fail,
    /// Nobody was told: it may be there once.
    Unknown,
}

/// One operation as its client saw it.
#[derive(Clone, Debug, Serialize)]
pub struct Operation {
    /// Its own name; no other operation has it.
    pub id: String,
    /// What was asked, a word of the driver.
    pub kind: &'static str,
    /// What it was asked of; empty when that says nothing.
    pub key: String,
    /// Microseconds from the history's beginning to the asking.
    pub invoked: u64,
    /// Microseconds from the history's beginning to the answer, or to giving up.
    pub ended: u64,
    /// What was told.
    pub outcome: Outcome,
    /// Status of the answer; 0 without one.
    pub status: u16,
    /// What else of the answer the check wants: a code, an id, a digest.
    pub answer: String,
}

/// The log of the clients of one campaign, kept outside of what is tested.
#[derive(Clone, Debug)]
pub struct History(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    began: Instant,
    last: AtomicU64,
    operations: Mutex<Vec<Operation>>,
    file: Mutex<Option<BufWriter<File>>>,
}

/// An operation that has been asked for.
#[derive(Debug)]
#[must_use = "an operation that never ends is missing from the history"]
pub struct Asked {
    history: History,
    operation: Operation,
}

impl Default for History {
    fn default() -> Self {
        Self::begin()
    }
}

impl History {
    /// An empty history that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self(Arc::new(Kept {
            began: Instant::now(),
            last: AtomicU64::new(0),
            operations: Mutex::default(),
            file: Mutex::new(None),
        }))
    }

    /// Writes every further operation to `file` too, a line of JSON each.
    pub fn keep_in(&self, file: &Path) {
        let file = File::create(file).expect("the history's file can be made");
        *self.0.file.lock() = Some(BufWriter::new(file));
    }

    /// Notes that something is asked now.
    pub fn ask(&self, kind: &'static str, key: &str) -> Asked {
        let number = self.0.last.fetch_add(1, Ordering::Relaxed) + 1;
        Asked {
            history: self.clone(),
            operation: Operation {
                id: format!("op-{number}"),
                kind,
                key: key.to_owned(),
                invoked: self.now(),
                ended: 0,
                outcome: Outcome::Unknown,
                status: 0,
                answer: String::new(),
            },
        }
    }

    /// All operations that have ended.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.0.operations.lock().clone()
    }

    /// How many operations ended with this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        let operations = self.0.operations.lock();
        operations
            .iter()
            .filter(|operation| operation.outcome == outcome)
            .count()
    }

    /// Microseconds since the history began.
    #[must_use]
    pub fn now(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Asked {
    /// The operation's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.operation.id
    }

    /// Notes what was told.
    pub fn end(mut self, outcome: Outcome, status: u16, answer: &str) {
        self.operation.ended = self.history.now();
        self.operation.outcome = outcome;
        self.operation.status = status;
        answer.clone_into(&mut self.operation.answer);
        let kept = &self.history.0;
        if let Some(file) = kept.file.lock().as_mut() {
            let line = serde_json::to_string(&self.operation).expect("an operation is JSON");
            writeln!(file, "{line}").expect("the history can be written");
        }
        kept.operations.lock().push(self.operation);
    }
}
