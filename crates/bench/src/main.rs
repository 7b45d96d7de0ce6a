//! `cargo xtask bench decide`: what a decision costs with a thousand and with a million apps.
//! `cargo xtask bench admit`: what the whole of admission costs.
//! `cargo xtask bench anomalies`: what it costs to judge a call by every rule about anomalies.
//! `cargo xtask bench gate`: what a call costs at the gate, beside nginx and Envoy.
//! `cargo xtask bench pages`: how long the console's pages take with many developers and calls.
//!
//! Prints medians and means as text, and with `--json` one line of JSON after them.

mod anomalies;
mod gate;
mod pages;

use std::{error::Error, fs, hint::black_box, time::Instant};

use bench::{Door, Kind, Provider, Ready, Waiting, zipf};
use clap::{Parser, Subcommand};
use decision::{Account, App};
use primitives::Timestamp;
use serde_json::json;
use snapshot::SnapshotHandle;

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what a decision costs.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Time and memory of deciding and reserving.
    Decide {
        /// Print the figures as one line of JSON, too.
        #[arg(long)]
        json: bool,
        /// How many apps the large provider has.
        #[arg(long, default_value_t = 1_000_000)]
        apps: usize,
    },
    /// Time of admission as the gateway asks for it: recognise the caller, find the operation,
    /// read the body, decide, reserve, write the record with every gate, settle.
    Admit {
        /// Print the figures as one line of JSON, too.
        #[arg(long)]
        json: bool,
    },
    /// Time of holding a call against what its app usually does.
    Anomalies {
        /// Print the figures as one line of JSON, too.
        #[arg(long)]
        json: bool,
    },
    /// CPU time of a call through the release build, latency, memory of a connection and
    /// settlement, beside nginx and Envoy.
    Gate(gate::Options),
    /// Time of the console's pages with 100,000 developers and 10,000,000 calls. Writing those
    /// takes minutes and several GB; with `--directory` they are kept.
    Pages(pages::Options),
}

/// Apps of the small provider.
const APPS: usize = 1_000;
const CALLS: usize = 200_000;
const ROUNDS: usize = 6;
const TOGGLES: usize = 200;
const NOON: Timestamp = Timestamp::from_seconds(1_800_014_400);

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures the time that passes"
)]
fn now() -> Instant {
    Instant::now()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// What calls cost, in microseconds.
#[derive(Clone, Copy)]
struct Cost {
    /// Of the call in the middle.
    median: f64,
    /// On average, so that callers not met for long weigh as much as they cost.
    mean: f64,
}

impl Cost {
    /// Of calls that took so many nanoseconds, each read by a clock that itself takes `clock`.
    fn of(mut nanos: Vec<u32>, clock: f64) -> Self {
        nanos.sort_unstable();
        let middle = nanos.get(nanos.len() / 2).copied().unwrap_or_default();
        // The few that the machine interrupted say nothing of the call.
        nanos.truncate(nanos.len() * 999 / 1_000);
        let sum: f64 = nanos.iter().map(|&nanos| f64::from(nanos)).sum();
        let count = f64::from(u32::try_from(nanos.len()).unwrap_or(u32::MAX));
        Self {
            median: (f64::from(middle) - clock) / 1_000.0,
            mean: (sum / count - clock) / 1_000.0,
        }
    }
}

/// Nanoseconds that reading the clock takes.
fn clock_nanos() -> Result<f64, Box<dyn Error>> {
    let before = now();
    for _ in 0..CALLS {
        black_box(now());
    }
    let nanos = u32::try_from(before.elapsed().as_nanos())?;
    Ok(f64::from(nanos) / f64::from(u32::try_from(CALLS)?))
}

/// Calls against one provider, callers as often as Zipf has it.
struct Load<'p> {
    ready: Ready<'p>,
    handles: Vec<(&'p App, &'p Account)>,
    moment: Timestamp,
    nanos: Vec<u32>,
}

impl<'p> Load<'p> {
    fn new(provider: &'p Provider, kind: Kind) -> Result<Self, Box<dyn Error>> {
        let callers = zipf(provider.apps, CALLS)?;
        let handles = callers.iter().filter_map(|&app| provider.handle(app));
        Ok(Self {
            ready: provider.ready(kind).ok_or("no such operation")?,
            handles: handles.collect(),
            moment: NOON,
            nanos: Vec::with_capacity(CALLS * ROUNDS),
        })
    }

    /// Every call once; its time is kept if it `counts`.
    fn round(&mut self, counts: bool) -> Result<(), Box<dyn Error>> {
        let mut before = now();
        for handle in &self.handles {
            self.moment = self.moment.plus_micros(100);
            if !black_box(self.ready.call(*handle, self.moment)) {
                return Err("a call was refused".into());
            }
            let after = now();
            if counts {
                let nanos = after.duration_since(before).as_nanos();
                self.nanos.push(u32::try_from(nanos).unwrap_or(u32::MAX));
            }
            before = after;
        }
        Ok(())
    }
}

/// What a call costs with the small and with the large provider. They take turns, so that what
/// else the machine does falls on both alike; the first round warms up what a running process
/// has warm.
fn call_costs(
    small: &Provider,
    large: &Provider,
    kind: Kind,
) -> Result<(Cost, Cost), Box<dyn Error>> {
    let clock = clock_nanos()?;
    let (mut small, mut large) = (Load::new(small, kind)?, Load::new(large, kind)?);
    for round in 0..ROUNDS {
        small.round(round > 0)?;
        large.round(round > 0)?;
    }
    Ok((Cost::of(small.nanos, clock), Cost::of(large.nanos, clock)))
}

/// Milliseconds from a changed toggle to the snapshot in force in which it holds.
fn toggle_millis(provider: Provider) -> Result<f64, Box<dyn Error>> {
    let mut provider = provider;
    let handle = SnapshotHandle::new(provider.snapshot.clone());
    let mut times = Vec::new();
    for toggle in 0..TOGGLES {
        let (app, off) = (
            (toggle / 2).wrapping_mul(7_919) % provider.apps,
            toggle % 2 == 0,
        );
        let before = now();
        handle.store(provider.toggled(app, off)?);
        provider.snapshot = (**handle.load()).clone();
        let micros = u32::try_from(before.elapsed().as_micros())?;
        times.push(f64::from(micros) / 1_000.0);
        let ready = provider.ready(Kind::Plain);
        let admitted = ready
            .zip(provider.handle(app))
            .map(|(mut ready, handle)| ready.call(handle, NOON));
        if admitted != Some(!off) {
            return Err("a toggle did not become effective".into());
        }
    }
    Ok(median(times))
}

/// Bytes of memory that the process holds.
fn resident() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse::<f64>()? * 1_024.0)
}

/// Bytes that the process has grown by after `add`, for each of `count`: what is kept, and what
/// the allocator holds on to.
fn bytes_each(
    provider: &mut Provider,
    count: usize,
    add: impl FnOnce(&mut Provider) -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let before = resident()?;
    add(provider)?;
    Ok((resident()? - before) / f64::from(u32::try_from(count)?))
}

struct Sizes {
    app: f64,
    key: f64,
    developer: f64,
}

fn provider(apps: usize) -> Result<(Provider, Sizes), Box<dyn Error>> {
    let mut provider = Provider::empty()?;
    let developer = bytes_each(&mut provider, apps.div_ceil(10), |provider| {
        Ok(provider.add_developers(apps)?)
    })?;
    let app = bytes_each(&mut provider, apps, |provider| Ok(provider.add_apps(apps)?))?;
    let key = bytes_each(&mut provider, apps, |provider| Ok(provider.add_keys()?))?;
    let sizes = Sizes {
        app,
        key,
        developer,
    };
    Ok((provider, sizes))
}

fn decide(apps: usize, as_json: bool) -> Result<(), Box<dyn Error>> {
    let (small, _) = provider(APPS)?;
    let (large, sizes) = provider(apps)?;
    let plain = call_costs(&small, &large, Kind::Plain)?;
    let judged = call_costs(&small, &large, Kind::Judged)?;
    let toggle = toggle_millis(large)?;
    println!("decide and reserve four counters, microseconds of a call:");
    println!("                              1000 apps   {apps:>8} apps   ratio");
    for (name, (small, large)) in [("without a policy", plain), ("with one policy", judged)] {
        for (what, small, large) in [
            ("median", small.median, large.median),
            ("mean", small.mean, large.mean),
        ] {
            let ratio = large / small;
            println!("  {name:16}  {what:6}  {small:>9.2}     {large:>11.2}     {ratio:.2}");
        }
    }
    println!(
        "snapshot: {:.0} bytes an app, {:.0} a key, {:.0} a developer",
        sizes.app, sizes.key, sizes.developer
    );
    println!("a toggle is effective after {toggle:.2} ms (median)");
    if as_json {
        let cost = |(small, large): (Cost, Cost)| {
            json!({
                "median": { "small": small.median, "large": large.median },
                "mean": { "small": small.mean, "large": large.mean },
            })
        };
        let figures = json!({
            "apps": apps,
            "plain_us": cost(plain),
            "policy_us": cost(judged),
            "bytes": { "app": sizes.app, "key": sizes.key, "developer": sizes.developer },
            "toggle_ms": toggle,
        });
        println!("{figures}");
    }
    Ok(())
}

fn admit_cost(kind: Kind) -> Result<Cost, Box<dyn Error>> {
    let mut provider = Provider::empty()?;
    provider.add_developers(APPS)?;
    provider.add_apps(APPS)?;
    let directory = tempfile::TempDir::new()?;
    let (door, waiting) = (
        Door::open(provider, directory.path(), NOON)?,
        Waiting::new(kind)?,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (clock, callers) = (clock_nanos()?, zipf(APPS, CALLS)?);
    let nanos = runtime.block_on(async {
        let mut nanos = Vec::with_capacity(callers.len());
        let mut before = now();
        for app in callers {
            door.call(app, &waiting).await?;
            let after = now();
            let taken = after.duration_since(before).as_nanos();
            nanos.push(u32::try_from(taken).unwrap_or(u32::MAX));
            before = after;
        }
        Ok::<_, &str>(nanos)
    })?;
    Ok(Cost::of(nanos, clock))
}

fn admit(as_json: bool) -> Result<(), Box<dyn Error>> {
    let (plain, judged) = (admit_cost(Kind::Plain)?, admit_cost(Kind::Judged)?);
    println!("admit and settle, four counters, relaxed journal, microseconds of a call:");
    println!("                      median      mean");
    for (name, cost) in [("without a policy", plain), ("with one policy", judged)] {
        println!("  {name:16}  {:>8.2}  {:>8.2}", cost.median, cost.mean);
    }
    if as_json {
        let cost = |cost: Cost| json!({ "median": cost.median, "mean": cost.mean });
        println!(
            "{}",
            json!({ "plain_us": cost(plain), "policy_us": cost(judged) })
        );
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().bench {
        Bench::Admit { json } => admit(json),
        Bench::Anomalies { json } => anomalies::run(json),
        Bench::Decide { json, apps } => decide(apps, json),
        Bench::Pages(options) => pages::run(&options).map_err(|failed| failed as Box<dyn Error>),
        Bench::Gate(options) => gate::run(&options).map_err(|failed| failed as Box<dyn Error>),
    }
}
