//! `cargo xtask bench decide`: what a decision costs with a thousand and with a million apps.
//!
//! Prints medians as text, and with `--json` one line of JSON after them.

use std::{alloc::System, error::Error, hint::black_box, time::Instant};

use bench::{Kind, Provider, zipf};
use clap::{Parser, Subcommand};
use decision::{Account, App};
use primitives::Timestamp;
use serde_json::json;
use snapshot::SnapshotHandle;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

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
}

/// Calls whose time is taken together.
const BATCH: usize = 64;
const CALLS: usize = 400_000;
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

/// Microseconds of a call: the median over batches, callers as often as Zipf has it.
fn call_micros(provider: &Provider, kind: Kind) -> Result<f64, Box<dyn Error>> {
    let mut ready = provider.ready(kind).ok_or("no such operation")?;
    let callers = zipf(provider.apps, CALLS)?;
    let handles: Vec<(&App, &Account)> = callers
        .iter()
        .filter_map(|&app| provider.handle(app))
        .collect();
    let mut medians = Vec::new();
    let mut moment = NOON;
    // The first round warms up what a running process has warm; the others are measured.
    for round in 0..4 {
        for batch in handles.chunks_exact(BATCH) {
            let before = now();
            for handle in batch {
                moment = moment.plus_micros(100);
                if !black_box(ready.call(*handle, moment)) {
                    return Err("a call was refused".into());
                }
            }
            let nanos = u32::try_from(before.elapsed().as_nanos())?;
            if round > 0 {
                medians.push(f64::from(nanos) / 1_000.0 / f64::from(u32::try_from(BATCH)?));
            }
        }
    }
    Ok(median(medians))
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

/// Bytes that stay allocated after `add`, for each of `count`.
fn bytes_each(
    provider: &mut Provider,
    count: usize,
    add: impl FnOnce(&mut Provider) -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let region = Region::new(ALLOCATOR);
    add(provider)?;
    let change = region.change();
    let kept = change
        .bytes_allocated
        .saturating_sub(change.bytes_deallocated);
    let kept = u32::try_from(kept / 1_024)?;
    Ok(f64::from(kept) * 1_024.0 / f64::from(u32::try_from(count)?))
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
    let (small, _) = provider(1_000)?;
    let plain_small = call_micros(&small, Kind::Plain)?;
    let judged_small = call_micros(&small, Kind::Judged)?;
    drop(small);
    let (large, sizes) = provider(apps)?;
    let plain_large = call_micros(&large, Kind::Plain)?;
    let judged_large = call_micros(&large, Kind::Judged)?;
    let toggle = toggle_millis(large)?;
    println!("decide and reserve four counters, median of a call:");
    println!("                      1000 apps   {apps:>8} apps   ratio");
    let ratio = |small: f64, large: f64| large / small;
    for (name, small, large) in [
        ("without a policy ", plain_small, plain_large),
        ("with one policy  ", judged_small, judged_large),
    ] {
        let ratio = ratio(small, large);
        println!("  {name}  {small:>8.2} us     {large:>8.2} us     {ratio:.2}");
    }
    println!(
        "snapshot: {:.0} bytes an app, {:.0} a key, {:.0} a developer",
        sizes.app, sizes.key, sizes.developer
    );
    println!("a toggle is effective after {toggle:.2} ms (median)");
    if as_json {
        let figures = json!({
            "apps": apps,
            "plain_us": { "small": plain_small, "large": plain_large },
            "policy_us": { "small": judged_small, "large": judged_large },
            "bytes": { "app": sizes.app, "key": sizes.key, "developer": sizes.developer },
            "toggle_ms": toggle,
        });
        println!("{figures}");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().bench {
        Bench::Decide { json, apps } => decide(apps, json),
    }
}
