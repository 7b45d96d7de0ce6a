//! The end of the journal: where entries are put, and the thread that waits for the disk.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mapped::Window;
use parking_lot::{Condvar, Mutex, MutexGuard};
use primitives::Timestamp;
use tokio::sync::oneshot;

use crate::{
    Framed, JournalFailure,
    frame::{self, Kind, MARK_FRAME},
    segment::{HEADER, SegmentId},
};

/// How long what is written may wait for the disk to have it.
const UNSYNCED: Duration = Duration::from_millis(100);
/// How much of a segment is made ready at once.
const AHEAD: u64 = 1024 * 1024;
/// What is kept free for the settlement of each admitted call, so that a full disk refuses calls
/// and never forgets the end of one.
const SETTLEMENT: u64 = 128;
/// What is kept free for a mark after each wait for the disk.
const SPARE: u64 = 4 * MARK_FRAME as u64;
const DAY: i64 = 86_400;

pub(crate) type Written = Result<(), JournalFailure>;

/// What callers and the thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    tail: Mutex<Tail>,
    wake: Condvar,
}

/// Where entries are put.
#[derive(Debug)]
pub(crate) struct Tail {
    directory: PathBuf,
    segment_bytes: u64,
    id: SegmentId,
    file: Arc<File>,
    window: Window,
    /// Where the next entry begins.
    at: u64,
    /// The UTC day of its first entry.
    day: i64,
    /// Admitted calls that have not been settled.
    owed: u64,
    /// Whether entries were put since the thread last looked.
    unsynced: bool,
    strict: Vec<oneshot::Sender<Written>>,
    closing: bool,
    failed: Option<JournalFailure>,
}

impl Tail {
    /// Begins the first segment of a run.
    pub(crate) fn begin(
        directory: &Path,
        segment_bytes: u64,
        epoch: u64,
        now: Timestamp,
    ) -> io::Result<Self> {
        let id = SegmentId { epoch, segment: 0 };
        let file = id.create(directory, now)?;
        let window = Window::make(&file, HEADER as u64, AHEAD)?;
        Ok(Self {
            directory: directory.to_owned(),
            segment_bytes,
            id,
            file: Arc::new(file),
            window,
            at: HEADER as u64,
            day: day_of(now),
            owed: 0,
            unsynced: false,
            strict: Vec::new(),
            closing: false,
            failed: None,
        })
    }

    fn failure(&self) -> Option<JournalFailure> {
        match &self.failed {
            None if self.closing => Some(JournalFailure::Closed),
            failed => failed.clone(),
        }
    }

    fn put(&mut self, entry: &Framed) -> Written {
        let length = entry.bytes.len() as u64;
        let full = self.at > HEADER as u64 && self.at >= self.segment_bytes;
        let day = day_of(entry.at);
        if full || day > self.day {
            match self.rotate(entry.at) {
                Err(problem) if is_full(&problem) => {}
                rotated => rotated.map_err(|problem| self.fail(&problem))?,
            }
        }
        let owed = match entry.kind {
            Kind::Admitted => self.owed.saturating_add(1),
            Kind::Refused => self.owed,
            // Its room was kept when the call was admitted.
            Kind::Settled => self.owed.saturating_sub(1),
        };
        let kept = owed.saturating_mul(SETTLEMENT).saturating_add(SPARE);
        let until = self.at.saturating_add(length).saturating_add(kept);
        if until > self.window.end() {
            let ahead = until.max(self.at.saturating_add(AHEAD));
            match Window::make(&self.file, self.at, ahead) {
                Ok(window) => self.window = window,
                Err(problem) if is_full(&problem) => {
                    let fits = self.at.saturating_add(length) <= self.window.end();
                    if entry.kind != Kind::Settled || !fits {
                        return Err(JournalFailure::Full);
                    }
                }
                Err(problem) => return Err(self.fail(&problem)),
            }
        }
        if !self.window.put(self.at, &entry.bytes) {
            return Err(JournalFailure::TooLong(entry.bytes.len()));
        }
        self.at = self.at.saturating_add(length);
        self.owed = owed;
        self.unsynced = true;
        Ok(())
    }

    /// Goes on in a new segment. INVARIANT: a segment is whole on the disk before the next one
    /// exists, so that only the last of a run can be torn.
    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        self.file.sync_data()?;
        let next = self.id.segment.checked_add(1);
        let id = SegmentId {
            segment: next.ok_or_else(|| io::Error::other("too many segments"))?,
            ..self.id
        };
        let made = id.create(&self.directory, now).and_then(|file| {
            let window = Window::make(&file, HEADER as u64, AHEAD)?;
            Ok((file, window))
        });
        let (file, window) = made.inspect_err(|problem| {
            if is_full(problem) {
                // It is made again when there is room; a file without its header is none.
                let _ = std::fs::remove_file(id.path(&self.directory));
            }
        })?;
        self.window = window;
        // What was made ready and not used; a reader takes it for the end as well.
        self.file.set_len(self.at)?;
        self.file = Arc::new(file);
        self.id = id;
        self.at = HEADER as u64;
        self.day = day_of(now);
        Ok(())
    }

    /// Says in the file what the disk has.
    fn mark(&mut self, id: SegmentId, synced: u64) {
        let Ok(mark) = frame::mark(synced) else {
            return;
        };
        if self.id == id && self.window.put(self.at, &mark) {
            self.at = self.at.saturating_add(mark.len() as u64);
        }
    }

    /// Nothing more is taken; everybody who waits is told why.
    fn fail(&mut self, problem: &io::Error) -> JournalFailure {
        tracing::error!(error = %problem, segment = %self.id.file_name(), "the journal cannot be written");
        let failure = JournalFailure::Disk(problem.to_string());
        self.failed = Some(failure.clone());
        answer(&mut self.strict, &Err(failure.clone()));
        failure
    }
}

impl Shared {
    pub(crate) fn new(tail: Tail) -> Arc<Self> {
        Arc::new(Self {
            tail: Mutex::new(tail),
            wake: Condvar::new(),
        })
    }

    /// Puts an entry where the kernel has it. `strict` is told when the disk has it, too.
    pub(crate) fn push(&self, entry: &Framed, strict: Option<oneshot::Sender<Written>>) -> Written {
        let mut tail = self.tail.lock();
        if let Some(failure) = tail.failure() {
            return Err(failure);
        }
        let wakes = strict.is_some() || !tail.unsynced;
        tail.put(entry)?;
        tail.strict.extend(strict);
        drop(tail);
        if wakes {
            self.wake.notify_one();
        }
        Ok(())
    }

    pub(crate) fn failure(&self) -> Option<JournalFailure> {
        self.tail.lock().failure()
    }

    pub(crate) fn close(&self) {
        self.tail.lock().closing = true;
        self.wake.notify_one();
    }

    /// Waits for the disk on behalf of everybody, until the journal is closed or the disk fails.
    pub(crate) fn sync_until_closed(&self) {
        let mut tail = self.tail.lock();
        while tail.failed.is_none() {
            self.wait(&mut tail);
            let closing = tail.closing;
            Self::sync(&mut tail);
            if closing && tail.failed.is_none() {
                return finish(&mut tail);
            }
        }
    }

    /// Waits until somebody waits for the disk, or entries have waited for long enough.
    fn wait(&self, tail: &mut MutexGuard<'_, Tail>) {
        while tail.strict.is_empty() && !tail.closing && tail.failed.is_none() {
            if !tail.unsynced {
                self.wake.wait(tail);
            } else if self.wake.wait_for(tail, UNSYNCED).timed_out() {
                return;
            }
        }
    }

    fn sync(tail: &mut MutexGuard<'_, Tail>) {
        let mut strict = std::mem::take(&mut tail.strict);
        if !tail.unsynced {
            return answer(&mut strict, &Ok(()));
        }
        tail.unsynced = false;
        let (id, at, file) = (tail.id, tail.at, Arc::clone(&tail.file));
        let synced = MutexGuard::unlocked(tail, || file.sync_data());
        match synced {
            Ok(()) => {
                tail.mark(id, at);
                answer(&mut strict, &Ok(()));
            }
            Err(problem) => {
                let failure = tail.fail(&problem);
                answer(&mut strict, &Err(failure));
            }
        }
    }
}

/// Ends the segment where its last entry ends, with a mark that all of it is on the disk.
fn finish(tail: &mut Tail) {
    let (id, at) = (tail.id, tail.at);
    tail.mark(id, at);
    let ended = tail.file.set_len(tail.at);
    if let Err(problem) = ended.and_then(|()| tail.file.sync_all()) {
        tail.fail(&problem);
    }
}

/// Whoever no longer waits need not be told.
fn answer(waiting: &mut Vec<oneshot::Sender<Written>>, written: &Written) {
    for waiting in waiting.drain(..) {
        let _ = waiting.send(written.clone());
    }
}

fn is_full(problem: &io::Error) -> bool {
    matches!(
        problem.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

pub(crate) fn day_of(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(DAY)
}
