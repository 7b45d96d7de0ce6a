//! `portreeve serve`: binds, opens, puts the parts together, and takes them apart again, for a
//! successor if one is asked for.

pub(crate) mod authority;
mod carrier;
mod clock;
mod descriptors;
mod dev;
mod doors;
mod hand_over;
mod heads;
mod house;
mod jobs;
mod listening;
mod logging;
mod mail;
mod memory;
mod ops;
mod people;
mod places;
mod presence;
mod priority;
mod states;
mod trying;

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use admission::{Admission, Habits, Parts};
use config::{Durability, Loaded};
use primitives::Secret;
use quota::Counters;
use snapshot::{Loader, SnapshotHandle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::ServeArguments,
    failure::{Failure, why},
    serve::{
        authority::Backend,
        doors::{Doors, Rooms},
        hand_over::{Predecessor, Sockets, Successor},
        house::House,
        jobs::Jobs,
        listening::Listening,
        ops::Readiness,
        people::Addresses,
        places::Places,
    },
    set_up,
};

/// Runs the installation until it is told to stop, or a successor has taken over.
///
/// # Errors
/// When settings are unsafe, a part does not open, or a listener is lost.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    // What is made from here on is its owner's: the journal, the database, the heads of the log.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // Now, because a new program may lie at the same path when it is to be started.
    let program = env::current_exe().map_err(why("the program"))?;
    let loaded = set_up::load_for_serve(&arguments)?;
    logging::begin(&loaded.settings.log)?;
    memory::choose_pages(&loaded.settings.memory);
    set_up::refuse_unsafe(&loaded, arguments.set_up.dev)?;
    descriptors::make_room(loaded.settings.limits.connections);
    let (mut predecessor, sockets) = if arguments.take_over {
        let (predecessor, sockets) = Predecessor::meet()?;
        (Some(predecessor), sockets)
    } else {
        (None, Sockets::of_the_system()?)
    };
    let mut shift = Shift {
        program,
        told: Told::listen()?,
        sockets,
    };
    loop {
        let stop = CancellationToken::new();
        let places = Places::open(&loaded.settings)?;
        let listening = Listening::open(&loaded.settings, &mut shift.sockets, &stop).await?;
        shift.sockets = listening.sockets()?;
        if let Some(predecessor) = &mut predecessor {
            predecessor.wait_for_release().await;
        }
        let running = Running::begin(&loaded, &arguments, (listening, places), stop).await?;
        presence::serving(&loaded.settings.data.directory);
        if let Some(predecessor) = predecessor.take() {
            predecessor.tell_that_it_serves().await;
        }
        let Some(successor) = running.run(&mut shift).await? else {
            return Ok(());
        };
        let taken = tokio::select! {
            taken = successor.take_over() => taken,
            // The successor goes with us.
            () = shift.told.until_stopped() => return Ok(()),
        };
        match taken {
            Ok(()) => {
                tracing::info!("the successor has taken over");
                return Ok(());
            }
            Err(failure) => tracing::error!(%failure, "going on in its place"),
        }
    }
}

/// What stays from one opening of the house to the next within this process.
struct Shift {
    program: PathBuf,
    told: Told,
    /// Copies of the listening sockets, which a successor gets.
    sockets: Sockets,
}

/// Everything that is open while calls are taken.
struct Running {
    house: House,
    doors: Doors,
    jobs: Jobs,
    readiness: Readiness,
    stop: CancellationToken,
}

impl Running {
    async fn begin(
        loaded: &Loaded,
        arguments: &ServeArguments,
        (listening, places): (Listening, Places),
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        let dev = arguments.set_up.dev;
        let house = House::open(loaded.clone(), dev).await?;
        let begun = if dev {
            Some(dev::Begun::begin(&house, arguments).await?)
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
        let at = (&listening.site, &listening.management);
        let addresses = Addresses::of(&house.loaded.settings, &listening.public, at);
        let jobs = Jobs::begin(&house, &rooms, addresses.mailed(&house));
        let jobs = jobs.map_err(why("settlement"))?;
        let readiness = readiness(&house, &rooms);
        let announced = dev::Announced::of(&listening);
        let doors = Doors::open(&house, &rooms, listening, readiness.clone())?;
        drop(rooms);
        match furnished {
            Some(furnished) => furnished.announce(&house, &announced).await?,
            None => announced.tell(),
        }
        Ok(Self {
            house,
            doors,
            jobs,
            readiness,
            stop,
        })
    }

    /// Takes calls until told to stop, or until a successor is ready for what is released then.
    async fn run(mut self, shift: &mut Shift) -> Result<Option<Successor>, Failure> {
        let shutdown = &self.house.loaded.settings.shutdown;
        let seconds = |seconds| Duration::from_secs(u64::from(seconds));
        let (notice, leave) = (
            seconds(shutdown.notice_seconds),
            seconds(shutdown.hand_over_seconds),
        );
        let ended = loop {
            tokio::select! {
                told = shift.told.next() => match told {
                    ToldTo::Stop => break Ok(None),
                    ToldTo::HandOver => {}
                },
                failure = self.doors.lost() => break Err(failure),
            }
            tracing::info!("starting a successor");
            let started = tokio::select! {
                () = shift.told.until_stopped() => break Ok(None),
                started = Successor::start(&shift.program, &shift.sockets) => started,
            };
            match started {
                Ok(successor) => break Ok(Some(successor)),
                Err(failure) => tracing::error!(%failure, "no successor; going on"),
            }
        };
        if let Ok(Some(_)) = ended {
            tracing::info!("handing over");
            self.doors.leave();
            tokio::time::sleep(leave).await;
        } else {
            presence::stopping(&self.house.loaded.settings.data.directory);
            // Readiness fails first, then no new connections, then calls in progress end.
            self.readiness.fail();
            tracing::info!("stopping");
            tokio::time::sleep(notice).await;
            shift.sockets.close();
        }
        self.doors.close().await;
        self.stop.cancel();
        self.jobs.end().await;
        close(self.house).await?;
        ended
    }
}

/// The token of the configuration, or the one that `--dev` keeps.
fn operator_token(house: &House, begun: Option<&dev::Begun>) -> Result<Secret, Failure> {
    let configured = house.loaded.settings.operator.token.as_ref();
    configured
        .map(|token| token.0.clone())
        .or_else(|| begun.map(dev::Begun::operator_token))
        .ok_or_else(|| Failure::new("`operator.token` is not set"))
}

/// For how long a database that others change too may not be heard of before nobody is let
/// through. In an SQLite file nobody but this process changes anything.
const STALE_AFTER: Duration = Duration::from_secs(5);

async fn rooms(house: &House, token: Secret, places: Places) -> Result<Rooms, Failure> {
    let settings = &house.loaded.settings;
    let store = Arc::clone(&house.authority.store);
    let clock = Arc::clone(&house.authority.clock);
    let loader = Loader::start(store, Arc::default(), clock).await;
    let mut loader = loader.map_err(why("snapshot"))?;
    if let Backend::Postgres(_) = house.backend {
        loader = loader.stale_after(STALE_AFTER);
    }
    let loader = Arc::new(loader);
    let snapshots = Arc::clone(loader.handle());
    let counters = Arc::new(Counters::new());
    let directory = set_up::journal_directory(&house.loaded);
    let spends = flows::start_counters(&*house.authority.store, &directory, house.gateway_name());
    counters.load(spends.await.map_err(why("counters"))?);
    let habits = Arc::new(Habits::default());
    let now = house.authority.clock.now();
    flows::start_habits(
        &*house.authority.store,
        house.gateway_name(),
        (&habits, now),
    )
    .await
    .map_err(why("habits"))?;
    let parts = Parts {
        snapshots: Arc::clone(&snapshots),
        counters: Arc::clone(&counters),
        journal: Arc::clone(&house.journal),
        habits: Arc::clone(&habits),
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
        habits,
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

/// The signals that tell it what to do.
struct Told {
    terminate: Signal,
    interrupt: Signal,
    hand_over: Signal,
}

impl Told {
    fn listen() -> Result<Self, Failure> {
        let of = |kind| signal(kind).map_err(why("signals"));
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            hand_over: of(SignalKind::user_defined2())?,
        })
    }

    async fn until_stopped(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    async fn next(&mut self) -> ToldTo {
        tokio::select! {
            _ = self.terminate.recv() => ToldTo::Stop,
            _ = self.interrupt.recv() => ToldTo::Stop,
            _ = self.hand_over.recv() => ToldTo::HandOver,
        }
    }
}

enum ToldTo {
    Stop,
    HandOver,
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
