use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use parking_lot::{Condvar, Mutex, MutexGuard};
use primitives::{Clock, Timestamp};
use tokio::sync::{Semaphore, oneshot};

use crate::{
    JournalFailure,
    segment::{HEADER, SegmentId},
};

/// How long entries may wait for others to be written with them.
const LINGER: Duration = Duration::from_millis(5);
/// From how many bytes on nothing waits.
const ENOUGH: usize = 128 * 1024;
/// How long what is written may wait for the disk to have it.
const UNSYNCED: Duration = Duration::from_millis(100);
const DAY: i64 = 86_400;

pub(crate) type Written = Result<(), JournalFailure>;

/// What callers and the writer's thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    /// One for each entry that may still be handed over.
    pub(crate) room: Semaphore,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Entries among them that took room.
    taken_room: usize,
    strict: Vec<oneshot::Sender<Written>>,
    closing: bool,
    failed: Option<JournalFailure>,
}

impl Shared {
    pub(crate) fn new(room: usize) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            wake: Condvar::new(),
            room: Semaphore::new(room),
        })
    }

    /// Hands a frame over. `took_room` is given back once it is written.
    pub(crate) fn push(
        &self,
        frame: &[u8],
        took_room: bool,
        strict: Option<oneshot::Sender<Written>>,
    ) -> Written {
        let mut queue = self.queue.lock();
        if let Some(failure) = queue.failure() {
            return Err(failure);
        }
        let was_empty = queue.bytes.is_empty();
        let is_strict = strict.is_some();
        queue.bytes.extend_from_slice(frame);
        queue.taken_room += usize::from(took_room);
        queue.strict.extend(strict);
        let full = queue.bytes.len() >= ENOUGH || self.room.available_permits() == 0;
        let wakes = was_empty || is_strict || full;
        drop(queue);
        if wakes {
            self.wake.notify_one();
        }
        Ok(())
    }

    pub(crate) fn failure(&self) -> Option<JournalFailure> {
        self.queue.lock().failure()
    }

    pub(crate) fn close(&self) {
        self.queue.lock().closing = true;
        self.wake.notify_one();
    }

    /// Nothing more is taken; everybody who waits is told why.
    fn fail(&self, failure: &JournalFailure) {
        let mut queue = self.queue.lock();
        queue.failed = Some(failure.clone());
        queue.bytes = Vec::new();
        for waiting in queue.strict.drain(..) {
            // Whoever no longer waits need not be told.
            let _ = waiting.send(Err(failure.clone()));
        }
        drop(queue);
        self.room.close();
    }
}

impl Queue {
    fn failure(&self) -> Option<JournalFailure> {
        match &self.failed {
            None if self.closing => Some(JournalFailure::Closed),
            failed => failed.clone(),
        }
    }
}

/// The thread that alone writes.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) directory: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) segment_bytes: u64,
    pub(crate) id: SegmentId,
    pub(crate) file: File,
    pub(crate) length: u64,
    pub(crate) day: i64,
    pub(crate) synced_at: Timestamp,
    pub(crate) unsynced: bool,
}

/// What the thread takes from the queue at once.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    taken_room: usize,
    strict: Vec<oneshot::Sender<Written>>,
    closing: bool,
}

impl Writer {
    /// Writes until the journal is closed or the disk fails.
    pub(crate) fn run(mut self) {
        let mut spare = Vec::new();
        loop {
            let mut batch = self.take(spare);
            if let Err(problem) = self.write(&batch) {
                let failure = JournalFailure::Disk(problem.to_string());
                tracing::error!(error = %problem, segment = %self.id.file_name(), "the journal cannot be written");
                for waiting in batch.strict {
                    let _ = waiting.send(Err(failure.clone()));
                }
                self.shared.fail(&failure);
                return;
            }
            self.shared.room.add_permits(batch.taken_room);
            for waiting in batch.strict.drain(..) {
                let _ = waiting.send(Ok(()));
            }
            if batch.closing {
                self.shared.room.close();
                return;
            }
            spare = batch.bytes;
            spare.clear();
        }
    }

    /// Waits until something is to be done, and a little for more of it to come.
    fn take(&self, spare: Vec<u8>) -> Batch {
        let mut queue = self.shared.queue.lock();
        while queue.bytes.is_empty() && queue.strict.is_empty() && !queue.closing {
            if self.unsynced {
                let timed_out = self.shared.wake.wait_for(&mut queue, UNSYNCED).timed_out();
                if timed_out && queue.bytes.is_empty() {
                    break;
                }
            } else {
                self.shared.wake.wait(&mut queue);
            }
        }
        let worth_waiting = |queue: &MutexGuard<'_, Queue>| {
            !queue.bytes.is_empty()
                && queue.strict.is_empty()
                && queue.bytes.len() < ENOUGH
                && self.shared.room.available_permits() > 0
                && !queue.closing
        };
        while worth_waiting(&queue) {
            if self.shared.wake.wait_for(&mut queue, LINGER).timed_out() {
                break;
            }
        }
        Batch {
            bytes: std::mem::replace(&mut queue.bytes, spare),
            taken_room: std::mem::take(&mut queue.taken_room),
            strict: std::mem::take(&mut queue.strict),
            closing: queue.closing,
        }
    }

    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let now = self.clock.now();
        if !batch.bytes.is_empty() {
            let full = self.length > HEADER as u64 && self.length >= self.segment_bytes;
            if full || day_of(now) != self.day {
                self.rotate(now)?;
            }
            self.file.write_all(&batch.bytes)?;
            self.length = self.length.saturating_add(batch.bytes.len() as u64);
            self.unsynced = true;
        }
        let waited = now.micros_since(self.synced_at).unsigned_abs();
        let due = batch.bytes.is_empty() || u128::from(waited) >= UNSYNCED.as_micros();
        if self.unsynced && (due || batch.closing || !batch.strict.is_empty()) {
            self.file.sync_data()?;
            self.unsynced = false;
            self.synced_at = now;
        }
        Ok(())
    }

    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        // INVARIANT: a segment is whole on the disk before the next one exists, so that only
        // the last of a run can be torn.
        self.file.sync_data()?;
        let next = self.id.segment.checked_add(1);
        self.id.segment = next.ok_or_else(|| io::Error::other("too many segments"))?;
        self.file = self.id.create(&self.directory, now)?;
        self.length = HEADER as u64;
        self.day = day_of(now);
        Ok(())
    }
}

pub(crate) fn day_of(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(DAY)
}
