//! `cargo xtask bench gate`: what a call costs at the gate, beside nginx and Envoy.
//!
//! One core for the subject, the other for load and upstream; interleaved rounds, medians.

mod cpu;
mod figures;
mod load;
pub(crate) mod running;
pub(crate) mod subjects;
mod upstream;

use std::{
    error::Error,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};

use self::{
    figures::{Figures, Lag, Rate, Tail},
    load::{Load, is_whole},
    running::Running,
    subjects::{Door, Portreeve},
};

type Failed = Box<dyn Error + Send + Sync>;

/// The core of load and upstream.
const LOAD_CORE: usize = 1;
/// Calls a second of the open loop.
const RATE: u32 = 5_000;
const SECOND: Duration = Duration::from_secs(1);
const WARM: Duration = Duration::from_millis(400);
const IDLE_CONNECTIONS: usize = 2_000;

/// What to measure, and with what.
#[derive(Args)]
pub(crate) struct Options {
    /// Print the figures as one line of JSON, too.
    #[arg(long)]
    json: bool,
    /// The release build of Portreeve.
    #[arg(long)]
    binary: PathBuf,
    /// The program of Envoy; without it Envoy is left out.
    #[arg(long)]
    envoy: Option<PathBuf>,
    /// Another proxy to measure: `NAME=PROGRAM ARGUMENTS`, in which `{address}` is where it is to
    /// listen and `{upstream}` where its upstream does; repeatable.
    #[arg(long, value_name = "NAME=COMMAND")]
    beside: Vec<String>,
    /// Rounds, of which medians are taken.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds that a subject is measured for in a round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Seconds that settlement is watched for.
    #[arg(long, default_value_t = 60)]
    lag_seconds: u64,
    /// Only CPU time of a call: no latencies, no memory, no settlement.
    #[arg(long)]
    only_cpu: bool,
    /// Keeps Portreeve busy with calls for so many seconds, for a profiler, and measures nothing.
    #[arg(long)]
    hold: Option<u64>,
    /// With `hold`: which calls.
    #[arg(long, value_enum, default_value = "plain", requires = "hold")]
    calls: Calls,
}

/// A kind of calls.
#[derive(Clone, Copy, ValueEnum)]
enum Calls {
    /// No policy, and an upstream that wants no signed context.
    Plain,
    /// With a policy that looks at the request.
    Judged,
    /// To an upstream that wants a signed context.
    Signed,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures the time that passes"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "other processes are waited for, which tell nothing when they are ready"
)]
fn rest(lasting: Duration) {
    thread::sleep(lasting);
}

/// A subject's process, and where its calls go.
struct Subject<'a> {
    name: &'a str,
    running: &'a Running,
    door: &'a Door,
}

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<(), Failed> {
    cpu::stay_on(LOAD_CORE)?;
    let upstream = upstream::begin()?;
    let directory = tempfile::TempDir::new()?;
    let folder = |name: &str| {
        let folder = directory.path().join(name);
        fs::create_dir(&folder).map(|()| folder)
    };
    let portreeve = Portreeve::start(&options.binary, &folder("portreeve")?, upstream)?;
    if let Some(seconds) = options.hold {
        return hold(&portreeve, options.calls, Duration::from_secs(seconds));
    }
    let nginx = subjects::nginx(&folder("nginx")?, upstream)?;
    let envoy = match &options.envoy {
        Some(program) => Some(subjects::envoy(program, &folder("envoy")?, upstream)?),
        None => None,
    };
    let mut beside = Vec::new();
    for other in &options.beside {
        beside.push(subjects::beside(other, directory.path(), upstream)?);
    }
    let mut subjects = vec![subject(figures::NGINX, &nginx)];
    subjects.extend(portreeve.kinds().map(|(name, door)| Subject {
        name,
        running: &portreeve.running,
        door,
    }));
    subjects.extend(envoy.as_ref().map(|envoy| subject(figures::ENVOY, envoy)));
    subjects.extend(beside.iter().map(|(name, other)| subject(name, other)));
    for subject in &subjects {
        subject.running.pause()?;
    }
    let mut figures = Figures::default();
    for round in 0..options.rounds {
        for subject in &subjects {
            figures.rate(subject.name, closed(subject, options.seconds)?);
        }
        eprintln!("round {} of {} done", round + 1, options.rounds);
    }
    if !options.only_cpu {
        for _ in 0..options.rounds {
            for subject in &subjects {
                match open(subject, options.seconds) {
                    Ok(tail) => figures.tail(subject.name, tail),
                    Err(problem) => not_measured(subject, &problem)?,
                }
            }
        }
        // The second subject of one process would find the memory of the first free.
        for subject in subjects
            .iter()
            .filter(|one| ![figures::JUDGED, figures::SIGNED].contains(&one.name))
        {
            figures.idle(subject.name, idle(subject)?);
        }
        match lag(&portreeve, options.lag_seconds) {
            Ok(lag) => figures.lag = Some(lag),
            Err(problem) => eprintln!("settlement was not measured: {problem}"),
        }
    }
    figures.print(options.json);
    Ok(())
}

fn subject<'a>(name: &'a str, (running, door): &'a (Running, Door)) -> Subject<'a> {
    Subject {
        name,
        running,
        door,
    }
}

fn hold(portreeve: &Portreeve, calls: Calls, lasting: Duration) -> Result<(), Failed> {
    let door = match calls {
        Calls::Plain => &portreeve.plain,
        Calls::Judged => &portreeve.judged,
        Calls::Signed => &portreeve.signed,
    };
    let mut load = Load::connect(door.address, &door.requests)?;
    println!("process {}", portreeve.running.id());
    let answers = load.closed(lasting)?;
    load.settle()?;
    println!("{answers} calls in {lasting:?}");
    Ok(())
}

/// CPU time of a call, with every connection busy.
fn closed(subject: &Subject<'_>, seconds: f64) -> Result<Rate, Failed> {
    subject.running.resume()?;
    let mut load = Load::connect(subject.door.address, &subject.door.requests)?;
    load.warming = true;
    load.closed(WARM)?;
    load.warming = false;
    let (before, busy) = (subject.running.spent()?, cpu::busy(subjects::CORE)?);
    let began = now();
    let calls = load.closed(Duration::from_secs_f64(seconds))?;
    let took = began.elapsed();
    let spent = subject.running.spent()?.since(&before);
    let busy = cpu::busy(subjects::CORE)?.saturating_sub(busy);
    load.settle()?;
    subject.running.pause()?;
    Ok(Rate {
        calls,
        took,
        spent,
        busy,
    })
}

/// A subject that does not bear the rate has no latency at it; the others are measured on.
fn not_measured(subject: &Subject<'_>, problem: &Failed) -> Result<(), Failed> {
    eprintln!("{} at {RATE} calls/s: {problem}", subject.name);
    Ok(subject.running.pause()?)
}

/// Latencies at a constant rate.
fn open(subject: &Subject<'_>, seconds: f64) -> Result<Tail, Failed> {
    subject.running.resume()?;
    let mut load = Load::connect(subject.door.address, &subject.door.requests)?;
    load.warming = true;
    load.open(RATE, WARM)?;
    load.warming = false;
    let latencies = load.open(RATE, Duration::from_secs_f64(seconds))?;
    subject.running.pause()?;
    Ok(Tail::of(&latencies))
}

/// Bytes of memory that a connection takes which has had one call and is kept.
fn idle(subject: &Subject<'_>) -> Result<u64, Failed> {
    subject.running.resume()?;
    let request = subject.door.requests.first().ok_or("no request")?;
    // What a first connection takes for all of them is not counted.
    let mut kept = vec![call(subject.door.address, request)?];
    let before = subject.running.resident()?;
    for _ in 0..IDLE_CONNECTIONS {
        kept.push(call(subject.door.address, request)?);
    }
    let after = subject.running.resident()?;
    subject.running.pause()?;
    let count = u64::try_from(IDLE_CONNECTIONS)?;
    Ok(after.saturating_sub(before) / count)
}

/// A connection after one call.
fn call(address: SocketAddr, request: &[u8]) -> Result<TcpStream, Failed> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request)?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4_096]);
    while !is_whole(&answer)? {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err("a connection was closed after its first call".into());
        }
        answer.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
    Ok(stream)
}

/// How far settlement stays behind a constant rate, and what it costs.
fn lag(portreeve: &Portreeve, seconds: u64) -> Result<Lag, Failed> {
    portreeve.running.resume()?;
    catch_up(portreeve)?;
    let door = &portreeve.plain;
    let mut load = Load::connect(door.address, &door.requests)?;
    load.warming = true;
    load.open(RATE, WARM)?;
    load.warming = false;
    let before = portreeve.running.spent()?;
    let ended = std::sync::atomic::AtomicBool::new(false);
    let (latencies, behind) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut behind = Vec::new();
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                behind.push(behind_by(portreeve)?);
                rest(SECOND);
            }
            Ok::<_, Failed>(behind)
        });
        let latencies = load.open(RATE, Duration::from_secs(seconds));
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        (latencies, watch.join())
    });
    let behind = behind.map_err(|_| "the watch broke off")??;
    let calls = latencies?.len();
    let spent = portreeve.running.spent()?.since(&before);
    Ok(Lag {
        behind,
        calls,
        spent,
    })
}

/// Seconds between the newest call in the list of calls and now.
fn behind_by(portreeve: &Portreeve) -> Result<f64, Failed> {
    let Some(newest) = portreeve.newest_settled()? else {
        return Ok(0.0);
    };
    let today = jiff::Timestamp::now();
    Ok(today.duration_since(newest).as_secs_f64())
}

/// Waits until what was called before is settled.
fn catch_up(portreeve: &Portreeve) -> Result<(), Failed> {
    let mut last = None;
    for _ in 0..120 {
        rest(SECOND);
        let newest = portreeve.newest_settled()?;
        if last == Some(newest) {
            return Ok(());
        }
        last = Some(newest);
    }
    Err("settlement did not catch up within two minutes".into())
}
