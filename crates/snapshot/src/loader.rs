use std::{collections::BTreeMap, sync::Arc, time::Duration};

use decision::Vocabulary;
use primitives::{Clock, Name, PageSize, Revision};
use store::{Event, EventAction, Kind, Store, StoreFailure};
use tokio::{
    sync::{Mutex, MutexGuard, Notify},
    time::Instant,
};
use tracing::{info, warn};

use crate::{Changes, Snapshot, SnapshotHandle};

/// How often the event log is asked when nobody says that something changed.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often is looked whether the store is still heard of.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// With more changed things than this, everything is read instead.
const MOST_CHANGES: usize = 2_000;

/// Follows the event log, and puts a new snapshot in force after every change.
///
/// The log itself is the cursor: the revision of the snapshot in force. What changes in this
/// process is in force when [`Loader::refresh`] returns, elsewhere within a second.
pub struct Loader {
    store: Arc<dyn Store>,
    handle: Arc<SnapshotHandle>,
    clock: Arc<dyn Clock>,
    changed: Notify,
    /// One refresh at a time; two would build the same snapshot twice. Holds the revision that
    /// was refused last: trying it again would come to the same.
    turn: Mutex<Option<Revision>>,
    /// One change at a time of those that are made from the newest snapshot.
    lane: Mutex<()>,
    stale_after: Option<Duration>,
    /// When the last reading of the store to its end began. Held while the mark is set or
    /// cleared, so that neither undoes what the other has just seen.
    pub(crate) heard: parking_lot::Mutex<Instant>,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Loader(at revision {})", self.handle.load().revision())
    }
}

impl Loader {
    /// A loader over `store` that has read everything there is. When that does not make a
    /// snapshot, an empty one is in force, which opens nothing, and the handle says why.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(
        store: Arc<dyn Store>,
        vocabulary: Arc<Vocabulary>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreFailure> {
        let loader = Self {
            store,
            handle: Arc::new(SnapshotHandle::new(Snapshot::empty(vocabulary))),
            clock,
            changed: Notify::new(),
            turn: Mutex::new(None),
            lane: Mutex::new(()),
            stale_after: None,
            heard: parking_lot::Mutex::new(Instant::now()),
        };
        loader.refresh().await?;
        Ok(loader)
    }

    /// The same, for a store that others change too: when it has not been heard of for `bound`,
    /// what they revoked may be unknown here, and the handle says that its snapshot is stale.
    #[must_use]
    pub fn stale_after(mut self, bound: Duration) -> Self {
        self.stale_after = Some(bound);
        self
    }

    /// Where the snapshot in force stands.
    #[must_use]
    pub const fn handle(&self) -> &Arc<SnapshotHandle> {
        &self.handle
    }

    /// Waits until no other change of this process is being made from the newest snapshot. Without
    /// it they would make each other stale, and the slowest might never get in; changes of other
    /// processes still may.
    pub async fn lane(&self) -> MutexGuard<'_, ()> {
        self.lane.lock().await
    }

    /// Says that something was committed; [`Loader::run`] will look at once.
    pub fn notify(&self) {
        self.changed.notify_one();
    }

    /// Catches up with the store. The revision in force afterwards; an older one than the
    /// store's when the newest state does not make a snapshot.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refresh(&self) -> Result<Revision, StoreFailure> {
        let mut refused = self.turn.lock().await;
        let began = Instant::now();
        let revision = self.read_on(&mut refused).await?;
        self.hear(began);
        Ok(revision)
    }

    /// Puts in force what this process has just committed: resources alone, as they are kept. When
    /// nothing came between the snapshot in force and `revision`, they are all that is new, and
    /// nothing is read. That says nothing of what others have committed since: only reading does.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn advance(
        &self,
        revision: Revision,
        puts: &[store::Resource],
    ) -> Result<Revision, StoreFailure> {
        let turn = self.turn.lock().await;
        let current = self.handle.load_full();
        let is_next = current.revision() != Revision(0)
            && current.revision().0.checked_add(1) == Some(revision.0);
        let changes = Changes {
            revision,
            puts,
            deletes: &[],
            credentials: &[],
        };
        if is_next && let Ok(snapshot) = current.changed(&changes) {
            self.handle.store(snapshot);
            return Ok(revision);
        }
        drop(turn);
        self.refresh().await
    }

    /// What was read tells of the time when reading began: building may have taken long.
    pub(crate) fn hear(&self, began: Instant) {
        let mut heard = self.heard.lock();
        *heard = (*heard).max(began);
        if self.stale_after.is_none_or(|bound| !is_over(*heard, bound)) {
            self.handle.reopen();
        }
    }

    async fn read_on(&self, refused: &mut Option<Revision>) -> Result<Revision, StoreFailure> {
        let now = self.clock.now();
        let current = self.handle.load_full();
        let newest = self.store.revision().await?;
        if newest == current.revision() {
            self.handle.confirm(now);
            return Ok(newest);
        }
        if *refused == Some(newest) {
            return Ok(current.revision());
        }
        if !self.catch_up(&current).await? {
            self.read_everything(&current).await?;
        }
        let revision = self.handle.load().revision();
        match self.handle.last_problem() {
            None => {
                self.handle.confirm(now);
                info!(%revision, "snapshot in force");
            }
            Some(problem) => {
                *refused = Some(newest);
                warn!(%revision, %newest, %problem, "snapshot refused");
            }
        }
        Ok(revision)
    }

    /// Keeps the snapshot up to date for ever, or says that it is stale. A failing store is
    /// asked again.
    pub async fn run(&self) {
        tokio::join!(self.follow(), self.watch());
    }

    /// Beside reading, because a store that is away may take long to say so. The time that
    /// passes counts, not the clock of the wall, which may be set.
    async fn watch(&self) {
        let Some(bound) = self.stale_after else {
            return;
        };
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let heard = self.heard.lock();
            if is_over(*heard, bound) && !self.handle.is_stale() {
                warn!(?bound, "the store was not heard of: nothing is admitted");
                self.handle.close();
            }
        }
    }

    async fn follow(&self) {
        loop {
            // Whichever is first; a missed notice only costs the interval.
            _ = tokio::time::timeout(INTERVAL, self.changed.notified()).await;
            if let Err(failure) = self.refresh().await {
                warn!(%failure, "the event log could not be read");
            }
        }
    }

    /// Applies what the events since the current snapshot name. `false` when that does not do.
    async fn catch_up(&self, current: &Snapshot) -> Result<bool, StoreFailure> {
        if current.revision() == Revision(0) {
            return Ok(false);
        }
        let mut named = BTreeMap::new();
        let mut revision = current.revision();
        loop {
            let page = PageSize::clamped(PageSize::MOST);
            let events = self.store.events(revision, page).await?;
            let Some(last) = events.last() else { break };
            // A page may end inside a commit; its whole revisions are those before the last,
            // unless the log ended first.
            let is_last = events.len() < usize::try_from(page.get()).unwrap_or(usize::MAX);
            let whole = if is_last {
                last.revision
            } else {
                Revision(last.revision.0.saturating_sub(1))
            };
            if whole <= revision || named.len() > MOST_CHANGES {
                return Ok(false);
            }
            let events = events.into_iter().filter(|event| event.revision <= whole);
            events.for_each(|event| note(&mut named, &event));
            revision = whole;
            if is_last {
                break;
            }
        }
        let Some(read) = self.read_named(named).await? else {
            return Ok(false);
        };
        let current = current.clone();
        let built = apart(move || {
            current.changed(&Changes {
                revision,
                puts: &read.puts,
                deletes: &read.deletes,
                credentials: &read.credentials,
            })
        });
        // What was read one by one may be newer than the events: only everything at once tells.
        match built.await {
            Some(Ok(snapshot)) => self.handle.store(snapshot),
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn read_named(
        &self,
        named: BTreeMap<(String, String), EventAction>,
    ) -> Result<Option<Read>, StoreFailure> {
        let mut read = Read::default();
        for ((kind, name), action) in named {
            if kind == "credential" {
                let Ok(id) = name.parse() else {
                    return Ok(None);
                };
                read.credentials.extend(self.store.credential(id).await?);
                continue;
            }
            let Ok(kind) = kind.parse::<Kind>() else {
                continue; // An event of something that snapshots do not hold.
            };
            let Ok(name) = name.parse::<Name>() else {
                return Ok(None);
            };
            match (self.store.resource(kind, &name).await?, action) {
                (Some(resource), _) => read.puts.push(resource),
                (None, _) => read.deletes.push((kind, name)),
            }
        }
        Ok(Some(read))
    }

    async fn read_everything(&self, current: &Snapshot) -> Result<(), StoreFailure> {
        let (revision, resources, credentials) = self.store.everything().await?;
        let vocabulary = Arc::clone(current.vocabulary());
        let built =
            apart(move || Snapshot::build(vocabulary, revision, &resources, &credentials)).await;
        if let Some(built) = built {
            self.handle.offer(built);
        } else {
            let problem = format!("building revision {revision} failed");
            self.handle.refuse(problem);
        }
        Ok(())
    }
}

/// Whether `bound` may be over before anybody looks again.
fn is_over(heard: Instant, bound: Duration) -> bool {
    heard.elapsed() + LOOK_EVERY * 2 >= bound
}

/// Runs a build where it holds up no call: with a million apps it takes a while. `None` when it
/// ended without a result, which must not end the process.
async fn apart<T: Send + 'static>(build: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(build).await.ok()
}

#[derive(Default)]
struct Read {
    puts: Vec<store::Resource>,
    deletes: Vec<(Kind, Name)>,
    credentials: Vec<store::Credential>,
}

fn note(named: &mut BTreeMap<(String, String), EventAction>, event: &Event) {
    named.insert((event.kind.clone(), event.name.clone()), event.action);
}
