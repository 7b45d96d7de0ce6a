use std::{io, sync::Arc, thread, time::Duration};

use admission::Habits;
use decision::LimitKind;
use flows::{
    Authority, CountedLimit, FindLimit, FoldJob, Origins, Post, RiskServices, VettingDesk,
    fold_until,
};
use snapshot::{Loader, SnapshotHandle};
use tokio::{runtime, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    serve::{doors::Rooms, heads::Heads, house::House, priority::settle_behind_calls},
    set_up,
};

/// How often what has ended is dropped from the store.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// How often levels are looked for that are to be looked at again.
const VET_EVERY: Duration = Duration::from_mins(1);

/// How often mails are looked for that are due.
const MAIL_EVERY: Duration = Duration::from_secs(1);
/// How often anomalies are looked at that others may have marked, or whose time may be over.
const FOLLOW_EVERY: Duration = Duration::from_secs(5);

/// How often events are looked at that developers are to be told of.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// Keys that are about to end are looked for in one of so many rounds: each hour.
const LOOK_AT_KEYS: u32 = 1_800;

/// The thread that settles calls, and those that it has read files for it.
const SETTLEMENT: &str = "settlement";

/// What runs beside the doors. Each has its cursor in the store, so ending one loses nothing.
pub(crate) struct Jobs {
    settlement: thread::JoinHandle<()>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Jobs {
    /// Begins the fold, the sweep, and what follows the event log and the GeoIP file.
    ///
    /// # Errors
    /// When the fold's thread cannot be begun, or there is no key to sign heads with.
    pub(crate) fn begin(house: &House, rooms: &Rooms, mailed: Option<Origins>) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let snapshots = Arc::clone(&rooms.snapshots);
        let fold = FoldJob {
            store: Arc::clone(&house.authority.store),
            journal: Arc::clone(&house.journal),
            gateway: house.gateway_name().to_owned(),
            clock: Arc::clone(&house.authority.clock),
            counters: Arc::clone(&rooms.counters),
            habits: Arc::clone(&rooms.habits),
            keep_days: Arc::new(move || snapshots.load().setup().settings.call_records_days),
            limits: counted_limits(Arc::clone(&rooms.snapshots)),
            trusts_time: Arc::new(house.watch.trust()),
        };
        tasks.spawn(house.watch.clone().run(stop.clone()));
        tasks.spawn(heads(house)?.follow(stop.clone()));
        let settlement = settle(fold, stop.clone())?;
        let trusts = house.watch.trust();
        tasks.spawn(sweep(house.authority.clone(), trusts, stop.clone()));
        let loader = Arc::clone(&rooms.loader);
        let trusts = house.watch.trust();
        let desk = (house.authority.clone(), loader, house.services.clone());
        tasks.spawn(vet(desk, trusts, stop.clone()));
        if let Some(post) = house.post.clone() {
            tasks.spawn(mail(house.authority.clone(), post, stop.clone()));
        }
        let loader = Arc::clone(&rooms.loader);
        let (desk, trusts) = (
            (house.authority.clone(), loader, mailed),
            house.watch.trust(),
        );
        tasks.spawn(tell(desk, trusts, stop.clone()));
        tasks.spawn(rooms.places.clone().watch(stop.clone()));
        let desk = (house.authority.clone(), Arc::clone(&rooms.habits));
        tasks.spawn(follow(desk, stop.clone()));
        let (loader, token) = (Arc::clone(&rooms.loader), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = loader.run() => {}
                () = token.cancelled() => {}
            }
        });
        let (secrets, authority) = (house.secrets.clone(), house.authority.clone());
        let token = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = secrets.follow(&authority) => {}
                () = token.cancelled() => {}
            }
        });
        Ok(Self {
            settlement,
            tasks,
            stop,
        })
    }

    /// Ends them after the step they are at.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        let settlement = self.settlement;
        let ended = tokio::task::spawn_blocking(move || settlement.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("settlement broke off; the next start goes on from its cursor");
        }
    }
}

fn heads(house: &House) -> io::Result<Heads> {
    Ok(Heads {
        store: Arc::clone(&house.authority.store),
        clock: Arc::clone(&house.authority.clock),
        key: house.keys.signing_key().map_err(io::Error::other)?,
        file: set_up::heads_file(&house.loaded),
        signed: house.signed.clone(),
    })
}

/// Folds on a thread of its own, so that a batch never stands between two calls, and so that
/// its cost can be told from theirs.
fn settle(fold: FoldJob, stop: CancellationToken) -> io::Result<thread::JoinHandle<()>> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .thread_name(SETTLEMENT)
        .build()?;
    thread::Builder::new()
        .name(SETTLEMENT.to_owned())
        .spawn(move || {
            settle_behind_calls(store_sqlite::WRITER);
            runtime.block_on(fold_until(fold, stop));
        })
}

/// The counted limits of the snapshot in force, for what is told of them.
fn counted_limits(snapshots: Arc<SnapshotHandle>) -> FindLimit {
    Arc::new(move |stable| {
        let snapshot = snapshots.load();
        let mut all = snapshot.catalogue().limits.iter();
        let (_, limit) = all.find(|(_, limit)| limit.stable == stable)?;
        let LimitKind::Counted { window, scope, .. } = limit.kind else {
            return None;
        };
        Some(CountedLimit {
            name: limit.name.clone(),
            scope,
            window,
        })
    })
}

/// Looks again at the levels that are due or whose account was changed. Which are is in the store, so that a time at which
/// nothing ran only makes them later.
async fn vet(
    (authority, loader, services): (Authority, Arc<Loader>, RiskServices),
    trusts: impl Fn() -> bool,
    stop: CancellationToken,
) {
    let desk = VettingDesk {
        at: &authority,
        loader: &loader,
        services: &services,
    };
    loop {
        if trusts()
            && let Err(problem) = flows::look_again_where_needed(desk).await
        {
            tracing::warn!(%problem, "levels that are due are looked at again later");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(VET_EVERY) => {}
        }
    }
}

/// Sends mails that are due. They are in the store until they are out, so that a time at which
/// nothing ran only makes them later.
async fn mail(authority: Authority, post: Arc<dyn Post>, stop: CancellationToken) {
    loop {
        let sent = tokio::select! {
            () = stop.cancelled() => return,
            sent = flows::send_mails(&authority, &post) => sent,
        };
        if let Err(problem) = sent {
            tracing::warn!(%problem, "mails wait for the store");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(MAIL_EVERY) => {}
        }
    }
}

/// Takes over marks and step-downs that others made, and ends those whose time is over.
async fn follow((authority, habits): (Authority, Arc<Habits>), stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
        }
        let now = authority.clock.now();
        let followed = async {
            flows::follow_anomalies(&*authority.store, &habits, now).await?;
            flows::end_step_downs(&authority).await
        };
        if let Err(problem) = followed.await {
            tracing::warn!(%problem, "marks and ends of anomalies are looked at again later");
        }
    }
}

/// Tells developers what the event log says, and of keys that are about to end. How far it has
/// come is in the store.
async fn tell(
    (authority, loader, mailed): (Authority, Arc<Loader>, Option<Origins>),
    trusts: impl Fn() -> bool,
    stop: CancellationToken,
) {
    let mut notices = flows::Notices::new(authority.clone(), Arc::clone(&loader), mailed);
    let mut rounds = 0_u32;
    loop {
        let told = async {
            if trusts() && rounds.is_multiple_of(LOOK_AT_KEYS) {
                let snapshot = loader.handle().load_full();
                flows::tell_of_ending_keys(&authority, &snapshot).await?;
            }
            notices.follow().await
        };
        if let Err(problem) = told.await {
            tracing::warn!(%problem, "developers are told later");
        }
        rounds = rounds.wrapping_add(1);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TELL_EVERY) => {}
        }
    }
}

async fn sweep(authority: Authority, trusts: impl Fn() -> bool, stop: CancellationToken) {
    loop {
        if let Err(problem) = sweep_once(&authority, trusts()).await {
            tracing::warn!(%problem, "what has ended stays for now");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
    }
}

async fn sweep_once(authority: &Authority, trusts_time: bool) -> Result<(), flows::Unable> {
    flows::drop_ended_sign_ins(authority).await?;
    authority.store.drop_habits_of_nobody().await?;
    if trusts_time {
        let now = authority.clock.now();
        flows::drop_old_keys(authority, now).await?;
        let before = now.plus_seconds(-flows::NOTICE_DAYS * 86_400);
        authority.store.drop_notices(before).await?;
    }
    Ok(())
}
