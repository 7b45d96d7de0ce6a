//! How many entries a second the journal takes: `cargo run --release -p journal --example
//! throughput [DIRECTORY]`. Writes to a fresh directory below the given one, and removes it.

use std::{error::Error, path::PathBuf, sync::Arc};

use journal::{CallRecord, CounterSpend, Durability, Entry, Journal, Options};
use primitives::{
    AccountId, AppId, Clock, CredentialId, Enforcement, Mode, Quantity, RecordId, Revision,
    SystemClock, Timestamp,
};

fn admitted(id: RecordId, at: Timestamp) -> Entry {
    let spend = |limit| CounterSpend {
        limit,
        subject: u128::MAX / 3,
        fact: 0,
        begins_at: at,
        ends_at: at.plus_seconds(86_400),
        cost: Quantity::whole(1).unwrap_or_default(),
        near: 0,
    };
    Entry::Admitted(Box::new(CallRecord {
        id,
        at,
        mode: Some(Mode::Live),
        api: "payments".to_owned(),
        operation: "Pay".to_owned(),
        method: "POST".to_owned(),
        path: "/payments/AdaptivePayments/Pay".to_owned(),
        credential: Some(CredentialId::from_u128(u128::MAX / 5)),
        app: Some((AppId::from_u128(u128::MAX / 7), "shop".to_owned())),
        developer: Some((AccountId::from_u128(u128::MAX / 9), "acme".to_owned())),
        account: Some((AccountId::from_u128(u128::MAX / 9), "acme".to_owned())),
        capabilities: vec!["SIMPLE_SEND_MONEY".to_owned(), "PREAPPROVALS".to_owned()],
        facts: Vec::new(),
        facts_left_out: 0,
        enforcement: Enforcement::Enforce,
        status: 0,
        code: String::new(),
        answer: String::new(),
        granted: None,
        counters: (0..4).map(spend).collect(),
        revision: Revision(7),
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        manner: None,
    }))
}

async fn measure(
    journal: &Arc<Journal>,
    durability: Durability,
    callers: u64,
    each: u64,
) -> Result<f64, Box<dyn Error>> {
    let before = SystemClock.now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let journal = Arc::clone(journal);
            tokio::spawn(async move {
                for _ in 0..each {
                    let entry = admitted(journal.next_id(), SystemClock.now());
                    journal.append(&entry, durability).await?;
                }
                Ok::<_, journal::JournalFailure>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let micros = u32::try_from(SystemClock.now().micros_since(before).max(1))?;
    let entries = u32::try_from(callers * each)?;
    Ok(f64::from(entries) * 1e6 / f64::from(micros))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let below = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = below.join(format!("journal-throughput-{}", std::process::id()));
    let journal = Arc::new(Journal::open(
        &directory,
        Arc::new(SystemClock),
        Options::default(),
    )?);
    for (name, durability, callers, each) in [
        ("strict, 1 caller", Durability::Strict, 1, 200),
        ("strict, 64 callers", Durability::Strict, 64, 100),
        ("strict, 512 callers", Durability::Strict, 512, 20),
        ("relaxed, 1 caller", Durability::Relaxed, 1, 50_000),
        ("relaxed, 64 callers", Durability::Relaxed, 64, 2_000),
    ] {
        let rate = measure(&journal, durability, callers, each).await?;
        println!("{name}: {rate:.0} entries/s");
    }
    journal.close()?;
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
