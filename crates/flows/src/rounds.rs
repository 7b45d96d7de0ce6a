//! Changes that many make at once, each from the same snapshot, and that are committed together:
//! a commit waits for the disk and the snapshot is built anew after it, however many are in it.

use std::{collections::BTreeSet, sync::Arc};

use parking_lot::Mutex;
use snapshot::{Changes, Loader, Snapshot};
use store::{Kind, Store, StoreFailure, WriteSet};
use tokio::sync::{mpsc, oneshot};

use crate::{Authority, Unable, authority::Offered};

type Seats = Vec<oneshot::Sender<Result<Seat, Unable>>>;

/// Where changes are waiting for the next round. Its clones are the same.
#[derive(Clone, Default)]
pub struct Rounds(Arc<Mutex<Seats>>);

/// A place in a round: what to make a change from, and where to offer it. The round waits for
/// what its seats offer or until they are left, so nothing slow is done with one.
pub(crate) struct Seat {
    pub(crate) snapshot: Arc<Snapshot>,
    offers: mpsc::UnboundedSender<Offer>,
}

struct Offer {
    changes: WriteSet,
    told: oneshot::Sender<Result<Offered, Unable>>,
}

impl Rounds {
    /// Waits for a place in the next round.
    pub(crate) async fn seat(&self, at: &Authority, loader: &Arc<Loader>) -> Result<Seat, Unable> {
        let (give, given) = oneshot::channel();
        let is_first = {
            let mut waiting = self.0.lock();
            waiting.push(give);
            waiting.len() == 1
        };
        if is_first {
            // A task of its own: whoever was first may go away before the others are answered.
            let (store, loader) = (Arc::clone(&at.store), Arc::clone(loader));
            tokio::spawn(hold(self.clone(), store, loader));
        }
        given.await.unwrap_or(Err(Unable::Broken))
    }
}

#[cfg(test)]
impl Rounds {
    /// How many wait for the next round.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().len()
    }
}

impl Seat {
    /// Offers what the change comes to: made from the snapshot of the seat, with the account that
    /// it is about among what it expects. When it is in, it is in force.
    pub(crate) async fn offer(self, changes: WriteSet) -> Result<Offered, Unable> {
        let (told, hear) = oneshot::channel();
        let offered = self.offers.send(Offer { changes, told });
        drop(self.offers);
        match offered {
            Ok(()) => hear.await.unwrap_or(Err(Unable::Broken)),
            Err(_) => Err(Unable::Broken),
        }
    }
}

/// Holds one round, when no other change is being made.
async fn hold(rounds: Rounds, store: Arc<dyn Store>, loader: Arc<Loader>) {
    let _alone = loader.lane().await;
    let seats = std::mem::take(&mut *rounds.0.lock());
    if let Err(failure) = loader.refresh().await {
        for seat in seats {
            _ = seat.send(Err(told_again(&failure).into()));
        }
        return;
    }
    let snapshot = loader.handle().load_full();
    let (offers, mut offered) = mpsc::unbounded_channel();
    for seat in seats {
        // One that went away leaves its seat at once.
        _ = seat.send(Ok(Seat {
            snapshot: Arc::clone(&snapshot),
            offers: offers.clone(),
        }));
    }
    drop(offers);
    let mut all = Vec::new();
    while let Some(offer) = offered.recv().await {
        all.push(offer);
    }
    let (changes, in_it) = together(&snapshot, all);
    if in_it.is_empty() {
        return;
    }
    let puts = is_resources_alone(&changes).then(|| changes.puts.clone());
    let done = match store.commit(changes).await {
        Ok(Ok(committed)) => {
            let in_force = match puts {
                Some(puts) => loader.advance(committed.revision, &puts).await,
                None => loader.refresh().await,
            };
            in_force.map(|_| Offered::In(committed))
        }
        Ok(Err(_)) => Ok(Offered::Again),
        Err(failure) => Err(failure),
    };
    for told in in_it {
        _ = told.send(match &done {
            Ok(offered) => Ok(*offered),
            Err(failure) => Err(told_again(failure).into()),
        });
    }
}

type Told = oneshot::Sender<Result<Offered, Unable>>;

/// One write set of those that go together, and who is in it. The others are told to make theirs
/// again: the second about one account, and, should all together contradict something that each
/// alone does not, all but the first.
fn together(snapshot: &Snapshot, offers: Vec<Offer>) -> (WriteSet, Vec<Told>) {
    let mut about = BTreeSet::new();
    let mut most = offers.len();
    if !fit(snapshot, &offers) {
        most = 1;
    }
    let (mut changes, mut in_it) = (WriteSet::default(), Vec::new());
    for offer in offers {
        let own: Vec<_> = offer.changes.expected.iter().map(subject).collect();
        if in_it.len() == most || own.iter().any(|one| about.contains(one)) {
            _ = offer.told.send(Ok(Offered::Again));
            continue;
        }
        about.extend(own);
        changes = changes.and(offer.changes);
        in_it.push(offer.told);
    }
    (changes, in_it)
}

/// Whether a snapshot holds nothing of it but the resources that it puts.
const fn is_resources_alone(changes: &WriteSet) -> bool {
    changes.deletes.is_empty() && changes.credentials.is_empty()
}

fn subject((kind, name, _): &(Kind, primitives::Name, store::Expected)) -> (Kind, String) {
    (*kind, name.to_string())
}

/// Whether everything that the offers put makes a snapshot.
fn fit(snapshot: &Snapshot, offers: &[Offer]) -> bool {
    // Whoever offers has looked whether its own does.
    if offers.len() == 1 {
        return true;
    }
    let puts = offers.iter().flat_map(|offer| &offer.changes.puts);
    let puts: Vec<_> = puts.cloned().collect();
    let Some(first) = puts.first() else {
        return true;
    };
    let changes = Changes {
        revision: first.version,
        puts: &puts,
        deletes: &[],
        credentials: &[],
    };
    snapshot.changed(&changes).is_ok()
}

/// The same failure, for each of those whom it concerns.
fn told_again(failure: &StoreFailure) -> StoreFailure {
    StoreFailure {
        kind: failure.kind,
        cause: failure.cause.to_string().into(),
    }
}
