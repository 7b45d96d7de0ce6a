use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;
use primitives::{Clock, RecordId};
use tokio::sync::oneshot;

use crate::{
    CallOutcome, Cursor, Durability, Entry, Framed, ReadProblem, Reader, Settlement,
    segment::SegmentId,
    writer::{Shared, Tail, Written, day_of},
};

/// How a journal is kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// From how many bytes on a new segment is begun; a day always begins one.
    pub segment_bytes: u64,
    /// Where to look from for calls that an earlier run left unsettled: how far the journal has
    /// been folded. `None` looks at all that is there.
    pub unsettled_from: Option<Cursor>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            unsettled_from: None,
        }
    }
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenProblem {
    /// Another process has it open.
    #[error("the journal in `{0}` is open in another process: stop that one first")]
    InUse(String),
    /// The disk.
    #[error("the journal in `{directory}` cannot be opened")]
    Disk {
        /// The directory.
        directory: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What an earlier run wrote cannot be read.
    #[error(transparent)]
    Earlier(#[from] ReadProblem),
    /// What an earlier run left unsettled could not be settled.
    #[error(transparent)]
    Settling(#[from] JournalFailure),
}

/// Why an entry is not taken. No call may be admitted without one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalFailure {
    /// The journal has been closed.
    #[error("the journal is closed")]
    Closed,
    /// The disk failed; from then on nothing is taken until the journal is opened anew.
    #[error("the journal cannot be written: {0}; mend the disk and restart")]
    Disk(String),
    /// The disk is full. Settlements of what was admitted are still taken: room is kept for them.
    #[error("the disk is full: make room, and calls are admitted again at once")]
    Full,
    /// The entry is longer than any may be.
    #[error("an entry of {0} bytes is too long for the journal")]
    TooLong(usize),
}

/// The append-only journal of one run of a gateway.
///
/// Callers write, one after the other; one thread waits for the disk, for all at a time.
/// Dropping it waits for the disk once more.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    epoch: u64,
    sequence: AtomicU64,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    unsettled: Vec<RecordId>,
    /// Held as long as the journal is open: one process writes.
    _lock: File,
}

/// An entry put into the journal.
#[derive(Debug)]
#[must_use = "a strict entry counts as written only when the receipt says so"]
pub struct Receipt {
    written: Option<oneshot::Receiver<Written>>,
    shared: Arc<Shared>,
}

impl Receipt {
    /// Waits until the entry counts as written.
    ///
    /// # Errors
    /// When the disk failed; the entry must then be taken as not written.
    pub async fn written(self) -> Result<(), JournalFailure> {
        match self.written {
            None => Ok(()),
            Some(written) => match written.await {
                Ok(written) => written,
                Err(_) => Err(self.shared.failure().unwrap_or(JournalFailure::Closed)),
            },
        }
    }
}

impl Journal {
    /// Opens the journal in `directory` for a new run, making the directory if need be, and
    /// settles as unknown what earlier runs admitted and never settled.
    ///
    /// # Errors
    /// When another process has it open, the disk fails, or an earlier run's segments are
    /// damaged.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "whoever opens a journal shares a clock, and shares it like this"
    )]
    pub fn open(
        directory: &Path,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self, OpenProblem> {
        let disk = |source| OpenProblem::Disk {
            directory: directory.display().to_string(),
            source,
        };
        fs::create_dir_all(directory).map_err(disk)?;
        let mut lock = lock(directory)?;
        let unsettled = unsettled(directory, options.unsettled_from)?;
        let epoch = next_epoch(directory, &mut lock, &*clock).map_err(disk)?;
        let now = clock.now();
        let tail = Tail::begin(directory, options.segment_bytes, epoch, now).map_err(disk)?;
        let shared = Shared::new(tail);
        let syncing = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || syncing.sync_until_closed())
            .map_err(disk)?;
        let journal = Self {
            directory: directory.to_owned(),
            epoch,
            sequence: AtomicU64::new(0),
            shared,
            thread: Mutex::new(Some(thread)),
            unsettled,
            _lock: lock,
        };
        for &id in &journal.unsettled {
            journal.append_now(&Entry::Settled(Settlement {
                id,
                at: now,
                outcome: CallOutcome::Unknown,
                refunded: false,
            }))?;
        }
        Ok(journal)
    }

    /// The run; never used by another one.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Where the segments are, for a [`Reader`].
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// An id for a call; never given twice.
    #[must_use]
    pub fn next_id(&self) -> RecordId {
        RecordId {
            epoch: self.epoch,
            sequence: self
                .sequence
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_add(1),
        }
    }

    /// The calls that earlier runs admitted and never settled. Opening this journal appended a
    /// settlement as unknown for each.
    #[must_use]
    pub fn unsettled_before_open(&self) -> &[RecordId] {
        &self.unsettled
    }

    /// Why nothing is taken any more, if so.
    #[must_use]
    pub fn failure(&self) -> Option<JournalFailure> {
        self.shared.failure()
    }

    /// Puts an entry into the journal: when this returns, the kernel has it.
    ///
    /// # Errors
    /// When the entry is not taken.
    pub fn push(&self, entry: &Framed, durability: Durability) -> Result<Receipt, JournalFailure> {
        let (sender, written) = match durability {
            Durability::Strict => {
                let (sender, receiver) = oneshot::channel();
                (Some(sender), Some(receiver))
            }
            Durability::Relaxed => (None, None),
        };
        self.shared.push(entry, sender)?;
        Ok(Receipt {
            written,
            shared: Arc::clone(&self.shared),
        })
    }

    /// Puts an entry into the journal, and waits as `durability` says.
    ///
    /// # Errors
    /// When the entry is not taken or the disk failed: then it must not be relied upon.
    pub async fn append(
        &self,
        entry: &Entry,
        durability: Durability,
    ) -> Result<(), JournalFailure> {
        self.push(&Framed::of(entry)?, durability)?.written().await
    }

    /// Puts an entry into the journal without waiting for the disk.
    ///
    /// # Errors
    /// When the entry is not taken.
    pub fn append_now(&self, entry: &Entry) -> Result<(), JournalFailure> {
        self.shared.push(&Framed::of(entry)?, None)
    }

    /// Takes nothing more, and waits until the disk has everything.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn close(&self) -> Result<(), JournalFailure> {
        self.shared.close();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            return Err(JournalFailure::Disk("the writer stopped".to_owned()));
        }
        match self.failure() {
            None | Some(JournalFailure::Closed) => Ok(()),
            Some(failure) => Err(failure),
        }
    }

    /// Drops whole segments made before the UTC day numbered `before_day`, as far as they have
    /// been folded: all before the one `folded` stands in. Returns how many.
    ///
    /// # Errors
    /// When the directory cannot be read or a file not be removed.
    pub fn drop_days(&self, before_day: i64, folded: Cursor) -> Result<usize, ReadProblem> {
        let disk = |path: &Path, source| ReadProblem::Disk {
            file: path.display().to_string(),
            source,
        };
        let all = SegmentId::list(&self.directory).map_err(|e| disk(&self.directory, e))?;
        let mut dropped = 0;
        for id in all.into_iter().take_while(|&id| id < folded.id()) {
            let path = id.path(&self.directory);
            let file = File::open(&path).map_err(|e| disk(&path, e))?;
            let made_at = id.made_at(file).map_err(|e| disk(&path, e))?;
            // In order, so that no gap arises.
            if made_at.is_some_and(|at| day_of(at) >= before_day) {
                break;
            }
            fs::remove_file(&path).map_err(|e| disk(&path, e))?;
            dropped += 1;
        }
        Ok(dropped)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // A failure has been logged by the writer, and every waiting caller told.
        let _ = self.close();
    }
}

fn lock(directory: &Path) -> Result<File, OpenProblem> {
    let shown = || directory.display().to_string();
    let disk = |source| OpenProblem::Disk {
        directory: shown(),
        source,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join("lock"))
        .map_err(disk)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenProblem::InUse(shown())),
        Err(TryLockError::Error(source)) => Err(disk(source)),
    }
}

/// An epoch after every older one, whatever the clock says and whichever segments are left: the
/// lock file remembers the last.
fn next_epoch(directory: &Path, lock: &mut File, clock: &dyn Clock) -> io::Result<u64> {
    let mut remembered = String::new();
    lock.take(64).read_to_string(&mut remembered)?;
    let remembered = u64::from_str_radix(remembered.trim(), 16).unwrap_or(0);
    let newest = SegmentId::list(directory)?.last().map_or(0, |id| id.epoch);
    let by_clock = u64::try_from(clock.now().as_micros()).unwrap_or(0);
    let after = newest.max(remembered).checked_add(1);
    let epoch = by_clock.max(after.ok_or_else(|| io::Error::other("no epoch is left"))?);
    lock.rewind()?;
    lock.set_len(0)?;
    lock.write_all(format!("{epoch:016x}\n").as_bytes())?;
    lock.sync_all()?;
    Ok(epoch)
}

/// What was admitted from `cursor` on and never settled, in order.
fn unsettled(directory: &Path, cursor: Option<Cursor>) -> Result<Vec<RecordId>, ReadProblem> {
    let mut reader = Reader::new(directory, cursor);
    let mut open = BTreeSet::new();
    while let Some(located) = reader.next_entry()? {
        match located.entry {
            Entry::Admitted(call) => {
                open.insert(call.id);
            }
            Entry::Settled(settlement) => {
                open.remove(&settlement.id);
            }
            Entry::Refused(_) => {}
        }
    }
    Ok(open.into_iter().collect())
}
