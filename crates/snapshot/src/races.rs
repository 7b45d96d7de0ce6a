//! Every interleaving of what puts a snapshot in force and what loads it, by loom: the handle's
//! steps in their order and with their memory orders, refreshes taking turns as the loader's do.
//!
//! What is modelled is the protocol: an atomic number stands where `ArcSwap` does, with the
//! orders that it promises, and a snapshot is its number.

use loom::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crate::handle::{CLEARED, LOOKED};

/// The revision at which the key is revoked.
const REVOKED: usize = 2;

struct Modelled {
    /// The newest revision that is committed.
    store: AtomicUsize,
    /// The revision in force.
    current: AtomicUsize,
    /// What a snapshot holds, by revision: its number, and nothing before it is built.
    built: [AtomicUsize; 4],
    is_stale: AtomicBool,
    turn: Mutex<()>,
}

impl Modelled {
    fn at(revision: usize) -> Arc<Self> {
        let made = Self {
            store: AtomicUsize::new(revision),
            current: AtomicUsize::new(revision),
            built: std::array::from_fn(|_| AtomicUsize::new(0)),
            is_stale: AtomicBool::new(false),
            turn: Mutex::new(()),
        };
        made.build(revision);
        Arc::new(made)
    }

    fn build(&self, revision: usize) {
        self.built[revision].store(revision, Ordering::Relaxed);
    }

    /// As [`crate::SnapshotHandle::store`].
    fn put_in_force(&self, revision: usize) {
        self.build(revision);
        self.current.store(revision, Ordering::Release);
    }

    /// As [`crate::Loader::refresh`].
    fn refresh(&self) {
        let _turn = self.turn.lock().unwrap();
        let newest = self.store.load(Ordering::Acquire);
        if newest != self.current.load(Ordering::Acquire) {
            self.put_in_force(newest);
        }
        self.is_stale.store(false, CLEARED);
    }

    /// As a call of management: committed, put in force, acknowledged.
    fn commit(&self) -> usize {
        let committed = self.store.fetch_add(1, Ordering::AcqRel) + 1;
        self.refresh();
        committed
    }

    /// The revision in force, and whether the key is in it.
    fn load(&self) -> (usize, bool) {
        let revision = self.current.load(Ordering::Acquire);
        let built = self.built[revision].load(Ordering::Relaxed);
        assert_eq!(built, revision, "half of a snapshot");
        (revision, built < REVOKED)
    }

    /// As a call arrives: the mark, then the snapshot.
    fn admitted(&self) -> bool {
        let is_stale = self.is_stale.load(LOOKED);
        let (_, admits) = self.load();
        !is_stale && admits
    }
}

fn every_interleaving(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A reader beside two changes: never back to an older revision, never half of one.
///
/// Shows: F-43, G-07.
#[test]
fn no_reader_goes_back_to_an_older_snapshot() {
    every_interleaving(|| {
        let modelled = Modelled::at(1);
        let other = Arc::clone(&modelled);
        let thread = thread::spawn(move || {
            other.put_in_force(2);
            other.put_in_force(3);
        });
        let mut seen = 0;
        for _ in 0..3 {
            let (revision, _) = modelled.load();
            assert!(revision >= seen, "{revision} after {seen}");
            seen = revision;
        }
        thread.join().unwrap();
        assert_eq!(modelled.load().0, 3);
    });
}

/// A key is revoked beside another change, and beside the loader's own look at the store: once
/// the revocation is acknowledged, no load finds the key.
///
/// Shows: F-43, G-08.
#[test]
fn a_key_whose_revocation_is_acknowledged_is_let_through_by_nobody() {
    every_interleaving(|| {
        let modelled = Modelled::at(1);
        let (revoking, following) = (Arc::clone(&modelled), Arc::clone(&modelled));
        let threads = [
            thread::spawn(move || {
                let committed = revoking.commit();
                let (revision, admits) = revoking.load();
                assert!(revision >= committed, "acknowledged before it is in force");
                assert!(!admits, "a revoked key");
            }),
            thread::spawn(move || following.refresh()),
        ];
        let committed = modelled.commit();
        let (revision, admits) = modelled.load();
        assert!(revision >= committed && !admits, "{revision}");
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(!modelled.admitted(), "a revoked key, after all");
    });
}

/// A key was revoked elsewhere while the store was not heard of: a call that arrives as the store
/// is heard of again is refused, by the mark or by the snapshot that follows it.
///
/// Shows: F-43, G-07.
#[test]
fn nobody_slips_through_while_a_stale_snapshot_is_replaced() {
    every_interleaving(|| {
        let modelled = Modelled::at(1);
        modelled.is_stale.store(true, Ordering::Relaxed);
        modelled.store.store(REVOKED, Ordering::Release);
        let other = Arc::clone(&modelled);
        let thread = thread::spawn(move || other.refresh());
        assert!(!modelled.admitted(), "by the stale snapshot");
        thread.join().unwrap();
        assert!(!modelled.is_stale.load(LOOKED), "it stays closed");
    });
}
