//! `portreeve serve`: binds, opens, puts the parts together, and takes them apart again.

pub(crate) mod authority;
mod dev;
mod doors;
mod house;
mod jobs;
mod listening;
mod logging;
mod ops;
mod places;
mod states;

use std::{sync::Arc, time::Duration};

use admission::{Admission, Parts};
use config::Durability;
use primitives::Secret;
use quota::Counters;
use snapshot::{Loader, SnapshotHandle};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::ServeArguments,
    failure::{Failure, why},
    serve::{
        doors::{Doors, Rooms},
        house::House,
        jobs::Jobs,
        listening::Listening,
        ops::Readiness,
        places::Places,
    },
    set_up,
};

/// Runs the installation until it is told to stop.
///
/// # Errors
/// When settings are unsafe, a part does not open, or a listener is lost.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    let loaded = set_up::load_for_serve(&arguments)?;
    let dev = arguments.set_up.dev;
    logging::begin(&loaded.settings.log)?;
    set_up::refuse_unsafe(&loaded, dev)?;
    let places = Places::open(&loaded.settings)?;
    let told = Told::listen()?;
    let stop = CancellationToken::new();
    let listening = Listening::bind(&loaded.settings, &stop).await?;
    let house = House::open(loaded, dev).await?;
    let begun = if dev {
        Some(dev::Begun::begin(&house, &arguments).await?)
    } else {
        states::apply_files(&house, &arguments.states, &arguments.variables).await?;
        None
    };
    let token = operator_token(&house, begun.as_ref())?;
    let rooms = rooms(&house, token, places).await?;
    let furnished = match begun {
        Some(begun) => Some(begun.furnish(&house, &rooms.loader, &stop).await?),
        None => None,
    };
    let jobs = Jobs::begin(&house, &rooms);
    let readiness = readiness(&house, &rooms);
    let announced = dev::Announced::of(&listening);
    let doors = Doors::open(&house, &rooms, listening, readiness.clone())?;
    drop(rooms);
    match furnished {
        Some(furnished) => furnished.announce(&house, &announced).await?,
        None => announced.tell(),
    }
    let ended = wait(told, doors, readiness, &house).await;
    stop.cancel();
    jobs.end().await;
    close(house).await?;
    ended
}

/// The token of the configuration, or the one that `--dev` keeps.
fn operator_token(house: &House, begun: Option<&dev::Begun>) -> Result<Secret, Failure> {
    let configured = house.loaded.settings.operator.token.as_ref();
    configured
        .map(|token| token.0.clone())
        .or_else(|| begun.map(dev::Begun::operator_token))
        .ok_or_else(|| Failure::new("`operator.token` is not set"))
}

async fn rooms(house: &House, token: Secret, places: Places) -> Result<Rooms, Failure> {
    let settings = &house.loaded.settings;
    let store = Arc::clone(&house.authority.store);
    let clock = Arc::clone(&house.authority.clock);
    let loader = Loader::start(store, Arc::default(), clock).await;
    let loader = Arc::new(loader.map_err(why("snapshot"))?);
    let snapshots = Arc::clone(loader.handle());
    let counters = Arc::new(Counters::new());
    let directory = set_up::journal_directory(&house.loaded);
    let spends = flows::start_counters(&*house.authority.store, &directory, house.gateway_name());
    counters.load(spends.await.map_err(why("counters"))?);
    let parts = Parts {
        snapshots: Arc::clone(&snapshots),
        counters: Arc::clone(&counters),
        journal: Arc::clone(&house.journal),
        places: Arc::clone(&places.handle),
        clock: Arc::clone(&house.authority.clock),
        counted: match settings.journal.durability {
            Durability::Strict => journal::Durability::Strict,
            Durability::Relaxed => journal::Durability::Relaxed,
        },
    };
    Ok(Rooms {
        admission: Arc::new(Admission::new(parts, house.keys.hashing_key())),
        snapshots,
        loader,
        counters,
        places,
        token,
    })
}

fn readiness(house: &House, rooms: &Rooms) -> Readiness {
    let (journal, snapshots) = (Arc::clone(&house.journal), Arc::clone(&rooms.snapshots));
    let readiness = Readiness::new(Arc::clone(&house.authority.store))
        .check("journal", move || match journal.failure() {
            None => Ok("writing".to_owned()),
            Some(problem) => Err(problem.to_string()),
        })
        .check("snapshot", move || Ok(told_of(&snapshots)));
    // Like a snapshot, a GeoIP file that could not be replaced still decides.
    let places = rooms.places.clone();
    match places.told() {
        None => readiness,
        Some(_) => readiness.check("places", move || Ok(places.told().unwrap_or_default())),
    }
}

/// A snapshot that could not be replaced still decides, so it is told and does not unready.
fn told_of(snapshots: &SnapshotHandle) -> String {
    let revision = snapshots.load().revision();
    match snapshots.last_problem() {
        None => format!("revision {revision}"),
        Some(problem) => format!("revision {revision}; a newer one was refused: {problem}"),
    }
}

/// The signals that tell it to stop.
struct Told {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Told {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(why("signals"))?,
            interrupt: signal(SignalKind::interrupt()).map_err(why("signals"))?,
        })
    }

    async fn arrived(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Readiness fails first, then no new connections, then calls in progress end.
async fn wait(
    mut told: Told,
    mut doors: Doors,
    readiness: Readiness,
    house: &House,
) -> Result<(), Failure> {
    let ended = tokio::select! {
        () = told.arrived() => Ok(()),
        failure = doors.lost() => Err(failure),
    };
    readiness.fail();
    tracing::info!("stopping");
    let notice = Duration::from_secs(u64::from(house.loaded.settings.shutdown.notice_seconds));
    tokio::time::sleep(notice).await;
    doors.close().await;
    ended
}

/// Closes what keeps things, the journal before the database.
async fn close(house: House) -> Result<(), Failure> {
    let journal = Arc::clone(&house.journal);
    let closed = tokio::task::spawn_blocking(move || journal.close()).await;
    closed.map_err(why("journal"))?.map_err(why("journal"))?;
    house.backend.close().await;
    tracing::info!("stopped");
    Ok(())
}
