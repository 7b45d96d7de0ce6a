//! What folding costs: `cargo run --release -p flows --example fold_speed -- [CALLS [APPS
//! [DIRECTORY]]]`. Writes a journal of granted and settled calls, each under four counted limits,
//! to a fresh directory below the given one, folds it into a database file as a process does that
//! serves, and prints the CPU time of a call by thread and the bytes that it takes in the file.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::Arc,
    thread,
    time::Duration,
};

use flows::Fold;
use journal::{
    CallOutcome, CallRecord, CounterSpend, Durability, Entry, Granted, Journal, LimitStand,
    Options, Settlement,
};
use primitives::{
    AccountId, AppId, Clock as _, CredentialId, Enforcement, Mode, Quantity, RecordId, Revision,
    SystemClock, Timestamp,
};
use store_sqlite::SqliteStore;
use tokio::runtime;

type Failure = Box<dyn Error + Send + Sync>;

const THREAD: &str = "settlement";
/// Calls that are admitted and not settled at any time.
const OPEN: usize = 32;

fn stand(limit: &str, used: i64, resets_at: Timestamp) -> LimitStand {
    LimitStand {
        limit: limit.to_owned(),
        currency: None,
        most: Quantity::whole(1_000_000_000),
        used: Quantity::whole(used),
        resets_at: Some(resets_at),
    }
}

/// A call as the gate writes it that has let it pass.
fn granted(id: RecordId, at: Timestamp, app: u64) -> Entry {
    let subject = u128::MAX / 3 - u128::from(app);
    let developer = u128::MAX / 9 - u128::from(app / 4);
    let day = Timestamp::from_seconds(at.as_seconds().div_euclid(86_400) * 86_400);
    let spend = |limit, subject, seconds| CounterSpend {
        limit,
        subject,
        fact: 0,
        begins_at: day,
        ends_at: day.plus_seconds(seconds),
        cost: Quantity::whole(1).unwrap_or_default(),
        near: 0,
    };
    let used = i64::try_from(id.sequence).unwrap_or_default();
    let stand = |limit, seconds| stand(limit, used, day.plus_seconds(seconds));
    let gates = |numbers: std::ops::Range<u8>| numbers.map(|number| number * 2).collect();
    Entry::Admitted(Box::new(CallRecord {
        id,
        at,
        mode: Some(Mode::Live),
        api: "pay".to_owned(),
        operation: "Plain".to_owned(),
        method: "GET".to_owned(),
        path: "/pay/plain".to_owned(),
        credential: Some(CredentialId::from_u128(u128::MAX / 5 - u128::from(app))),
        app: Some((AppId::from_u128(subject), format!("app-{app}"))),
        developer: Some((AccountId::from_u128(developer), format!("dev-{}", app / 4))),
        account: Some((AccountId::from_u128(developer), format!("dev-{}", app / 4))),
        capabilities: vec!["PLAIN".to_owned()],
        facts: Vec::new(),
        facts_left_out: 0,
        enforcement: Enforcement::Enforce,
        status: 0,
        code: String::new(),
        answer: String::new(),
        granted: Some(Granted {
            gates: gates(0..3),
            limits: Vec::new(),
            capabilities: vec![(
                gates(3..16),
                vec![
                    stand("by-day", 86_400),
                    stand("by-month", 30 * 86_400),
                    stand("by-developer", 7 * 86_400),
                    stand("by-hour", 3_600),
                ],
            )],
        }),
        counters: vec![
            spend(11, subject, 86_400),
            spend(12, subject, 30 * 86_400),
            spend(13, developer, 7 * 86_400),
            spend(14, subject, 3_600),
        ],
        revision: Revision(7),
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        manner: None,
    }))
}

fn settled(id: RecordId) -> Entry {
    Entry::Settled(Settlement {
        id,
        at: SystemClock.now(),
        outcome: CallOutcome::Served {
            status: 200,
            bytes_in: 0,
            bytes_out: 1_024,
            micros: 734,
        },
        refunded: false,
    })
}

/// Writes a journal of so many calls, by so many apps in turn.
async fn write(directory: &Path, calls: u64, apps: u64) -> Result<(), Failure> {
    let clock = Arc::new(SystemClock);
    let journal = Journal::open(directory, clock, Options::default())?;
    let mut open = Vec::new();
    for call in 0..calls {
        let id = journal.next_id();
        // Some order that is not the apps' own.
        let app = call.wrapping_mul(7_919) % apps;
        let entry = granted(id, SystemClock.now(), app);
        journal.append(&entry, Durability::Relaxed).await?;
        open.push(id);
        if open.len() > OPEN {
            let id = open.swap_remove(usize::try_from(call)? % open.len());
            journal.append(&settled(id), Durability::Relaxed).await?;
        }
    }
    for id in open {
        journal.append(&settled(id), Durability::Relaxed).await?;
    }
    journal.close()?;
    Ok(())
}

/// Nanoseconds of CPU by the name of a thread, of this process.
fn spent() -> io::Result<BTreeMap<String, u64>> {
    let mut spent = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        // A thread may end while it is looked at.
        let name = fs::read_to_string(task.join("comm"));
        let (Ok(name), Ok(figures)) = (name, fs::read_to_string(task.join("schedstat"))) else {
            continue;
        };
        let nanos = figures.split_whitespace().next().unwrap_or_default();
        *spent.entry(name.trim_end().to_owned()).or_default() += nanos.parse().unwrap_or(0);
    }
    Ok(spent)
}

/// Folds all of it, and tells what each thread took for it in nanoseconds, and how long it took.
fn fold(directory: &Path, store: SqliteStore) -> Result<(BTreeMap<String, u64>, i64), Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .thread_name(THREAD)
        .build()?;
    let directory = directory.to_owned();
    let worked = thread::Builder::new()
        .name(THREAD.to_owned())
        .spawn(move || {
            runtime.block_on(async {
                let (before, began) = (spent()?, SystemClock.now());
                let mut fold = Fold::resume(&store, &directory, "one").await?;
                let mut count = 1;
                while count > 0 {
                    (fold, count) = fold.step(&store).await?;
                }
                let mut took = spent()?;
                for (name, nanos) in &mut took {
                    *nanos -= before.get(name).copied().unwrap_or_default();
                }
                let elapsed = SystemClock.now().micros_since(began);
                store.close().await;
                Ok::<_, Failure>((took, elapsed))
            })
        })?;
    worked.join().map_err(|_| "the fold broke off")?
}

fn main() -> Result<(), Failure> {
    let mut arguments = env::args_os().skip(1);
    let mut number = |without: u64| match arguments.next() {
        None => Ok::<_, Failure>(without),
        Some(text) => Ok(text.to_string_lossy().parse()?),
    };
    let (calls, apps) = (number(50_000)?, number(200)?);
    let below = arguments.next().map_or_else(env::temp_dir, PathBuf::from);
    let directory = below.join(format!("fold-speed-{}", process::id()));
    let (journal, file) = (directory.join("journal"), directory.join("portreeve.db"));
    let begin = runtime::Builder::new_current_thread().build()?;
    begin.block_on(write(&journal, calls, apps))?;
    let opening = runtime::Runtime::new()?;
    let store = opening.block_on(SqliteStore::open(&file, SystemClock.now()))?;
    let (took, elapsed) = fold(&journal, store)?;
    // The last thread of the database to end moves what is in its log to its place.
    let log = directory.join("portreeve.db-wal");
    opening.block_on(async {
        for _ in 0..100 {
            if log.exists() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let bytes = fs::metadata(&file)?.len();
    fs::remove_dir_all(&directory)?;
    let each = |whole: u64| {
        let tenths = whole * 10 / calls.max(1);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    for (name, nanos) in took.iter().filter(|(_, nanos)| **nanos >= calls * 50) {
        println!("{name}: {} us of CPU a call", each(nanos / 1_000));
    }
    let all: u64 = took.values().sum();
    println!("together: {} us of CPU a call", each(all / 1_000));
    println!("elapsed: {} us a call", each(elapsed.cast_unsigned()));
    println!("in the database: {} bytes a call", bytes / calls.max(1));
    Ok(())
}
