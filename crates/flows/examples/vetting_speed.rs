//! What vetting costs: `cargo run --release -p flows --example vetting_speed -- [DEVELOPERS [AT
//! ONCE [DIRECTORY]]]`. Applies a state with so many developers and a risk model to a database
//! file, has each apply for a level as the management API does, so many at once, and prints how
//! long that takes, every level being in force when it is answered. A third of them fits, a third
//! waits for a person, a third is refused. Then every account is changed, and the levels that were
//! given are looked at again.

use std::{
    collections::BTreeMap, env, error::Error, fmt::Write as _, fs, path::Path, path::PathBuf,
    process, sync::Arc, time::Duration,
};

use async_trait::async_trait;
use flows::{
    Application, ApplyRequest, Authority, Carrier, Passwords, RiskServices, Rounds, SecretBook,
    VettingDesk, apply, apply_for_level, look_again_where_needed,
};
use keys::InstallationKeys;
use primitives::{Clock, Entropy, Name, SystemClock, SystemEntropy, Timestamp};
use snapshot::Loader;
use state::{SourceFile, Sources};
use store_sqlite::SqliteStore;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const MODEL: &str = "portreeve: 1
ladders:
  - name: default
    levels: [ { name: standard }, { name: advanced } ]
properties:
  - { name: staff, type: integer }
capabilities:
  - { name: LOOK, level: standard, risk: 10 }
  - { name: PAY, level: advanced, risk: 60 }
risk_models:
  - name: default
    base: 20
    tolerance: 100
    automatic: advanced
    refuse_above: 150
    signals:
      - { name: small, property: staff, at_most: 9, points: 30 }
      - { name: tiny, property: staff, at_most: 1, points: 120 }
accounts:
";

/// No risk service is asked.
struct Nobody;

#[async_trait]
impl Carrier for Nobody {
    async fn post(
        &self,
        _: &str,
        _: [(&'static str, String); 3],
        _: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        Err("nobody is asked".to_owned())
    }
}

async fn authority(file: &Path) -> Result<Authority, Failure> {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
    let keys = InstallationKeys::generate(&*entropy)?;
    let store = SqliteStore::open(file, SystemClock.now()).await?;
    Ok(Authority {
        store: Arc::new(store),
        clock: Arc::new(SystemClock),
        hashing: Arc::new(keys.hashing_key()),
        sealer: Arc::new(keys.sealer()),
        passwords: Passwords::new(&keys.hashing_key(), Arc::clone(&entropy))?,
        entropy,
        rounds: Rounds::default(),
    })
}

fn state_with(developers: usize, more: usize) -> Result<SourceFile, Failure> {
    let mut text = MODEL.to_owned();
    for at in 0..developers {
        let staff = [50, 5, 1].get(at % 3).copied().unwrap_or(50) + more;
        writeln!(
            text,
            "  - {{ name: dev-{at}, kind: company, verified: true, country: US, properties: {{ staff: {staff} }}, developer: {{}} }}"
        )?;
    }
    Ok(SourceFile {
        path: "bench.yaml".to_owned(),
        text,
    })
}

async fn put_in(at: &Authority, file: SourceFile) -> Result<(), Failure> {
    let request = ApplyRequest {
        sources: Sources {
            files: vec![file],
            ..Sources::default()
        },
        actor: "bench".to_owned(),
        ..ApplyRequest::default()
    };
    apply(at, request, &|_| Ok(None)).await?;
    Ok(())
}

/// Everything one application needs.
struct Office {
    at: Authority,
    loader: Arc<Loader>,
    services: RiskServices,
}

/// Has a developer apply; the state it is in afterwards.
async fn vet(office: Arc<Office>, developer: usize) -> Result<String, Failure> {
    let (account, ladder): (Name, Name) = (format!("dev-{developer}").parse()?, "default".parse()?);
    let which = Application {
        account: &account,
        ladder: &ladder,
    };
    let desk = VettingDesk {
        at: &office.at,
        loader: &office.loader,
        services: &office.services,
    };
    let wanted: Name = "advanced".parse()?;
    let vetted = apply_for_level(desk, ("bench", which), Some(&wanted), &|_| Ok(None)).await?;
    Ok(vetted.kept.state)
}

async fn run(directory: &Path, developers: usize, at_once: usize) -> Result<(), Failure> {
    let at = authority(&directory.join("portreeve.db")).await?;
    put_in(&at, state_with(developers, 0)?).await?;
    let (store, clock) = (Arc::clone(&at.store), Arc::clone(&at.clock));
    let loader = Loader::start(store, Arc::default(), clock).await?;
    let services = RiskServices {
        carrier: Arc::new(Nobody),
        secrets: SecretBook::default(),
    };
    let office = Arc::new(Office {
        at,
        loader: Arc::new(loader),
        services,
    });
    let began = SystemClock.now();
    let (mut tasks, mut states) = (JoinSet::new(), BTreeMap::<String, usize>::new());
    let mut next = 0;
    loop {
        while tasks.len() < at_once && next < developers {
            tasks.spawn(vet(Arc::clone(&office), next));
            next += 1;
        }
        let Some(done) = tasks.join_next().await else {
            break;
        };
        *states.entry(done??).or_default() += 1;
    }
    let seconds = since(began);
    println!("{developers} applications, {at_once} at once: {seconds:.2?}, {states:?}");
    put_in(&office.at, state_with(developers, 100)?).await?;
    let desk = VettingDesk {
        at: &office.at,
        loader: &office.loader,
        services: &office.services,
    };
    let began = SystemClock.now();
    let looked = look_again_where_needed(desk).await?;
    println!("{looked} levels looked at again: {:.2?}", since(began));
    Ok(())
}

fn since(began: Timestamp) -> Duration {
    Duration::from_micros(SystemClock.now().micros_since(began).unsigned_abs())
}

fn main() -> Result<(), Failure> {
    let mut arguments = env::args_os().skip(1);
    let mut number = |without: usize| match arguments.next() {
        None => Ok::<_, Failure>(without),
        Some(text) => Ok(text.to_string_lossy().parse()?),
    };
    let (developers, at_once) = (number(10_000)?, number(16)?);
    let below = arguments.next().map_or_else(env::temp_dir, PathBuf::from);
    let directory = below.join(format!("vetting-speed-{}", process::id()));
    fs::create_dir_all(&directory)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ran = runtime.block_on(run(&directory, developers, at_once.max(1)));
    fs::remove_dir_all(&directory)?;
    ran
}
