use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use crate::{Answer, Client, History, Lost, Node, Outcome, history::Asked};

/// How long a client waits before it asks a server again that was not there.
const AGAIN: Duration = Duration::from_millis(2);
/// How often a change is asked for with the same idempotency key before its client gives up.
const TRIES: u32 = 12;

/// What the clients of a campaign do.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many clients call the API.
    pub callers: usize,
    /// How many clients change the installation.
    pub operators: usize,
    /// How long each client rests between two requests.
    pub rest: Duration,
    /// What the choices of the clients come from.
    pub seed: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            callers: 28,
            operators: 4,
            rest: Duration::ZERO,
            seed: 1,
        }
    }
}

/// Clients that go on until they are told to end.
#[derive(Debug)]
pub struct Driver {
    stop: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

/// Numbers that look random and are the same for the same seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Those of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one (the finaliser of `SplitMix64`).
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }
}

/// What all clients of one driver know.
#[derive(Clone)]
struct Known {
    history: History,
    stop: Arc<AtomicBool>,
    rest: Duration,
    shelf: Arc<AtomicUsize>,
}

impl Driver {
    /// Lets the clients go, at a node with the state of [`crate::Provider`].
    #[must_use]
    pub fn begin(node: &Node, history: &History, load: Load) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        let mut dice = Dice::of(load.seed);
        let known = Known {
            history: history.clone(),
            stop: Arc::clone(&stop),
            rest: load.rest,
            shelf: Arc::default(),
        };
        for _ in 0..load.callers {
            let dice = Dice::of(dice.roll());
            clients.spawn(call(node.caller("front"), known.clone(), dice));
        }
        for _ in 0..load.operators {
            let dice = Dice::of(dice.roll());
            let change = change(node.operator(), node.management(), known.clone(), dice);
            clients.spawn(change);
        }
        Self { stop, clients }
    }

    /// Lets every client finish what it is at.
    pub async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client ends well");
        }
    }
}

impl Known {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    async fn rest(&self, answered: bool) {
        let rest = if answered { self.rest } else { AGAIN };
        if rest.is_zero() {
            tokio::task::yield_now().await;
        } else {
            sleep(rest).await;
        }
    }
}

/// Calls the API: mostly what is metered, and shelf after shelf until each is empty.
async fn call(mut client: Client, known: Known, mut dice: Dice) {
    while known.goes_on() {
        let roll = dice.below(10);
        let shelf = known.shelf.load(Ordering::Relaxed);
        let (kind, place) = match roll {
            0..=2 => ("free", "free".to_owned()),
            3..=4 => ("scarce", format!("scarce/shelf-{shelf}")),
            _ => ("metered", "metered".to_owned()),
        };
        let asked = known.history.ask(kind, &place);
        let path = format!("/gate/{place}/{}", asked.id());
        let answer = client.post(&path, &[], &json!({})).await;
        let answered = answer.is_ok();
        let exhausted = matches!(&answer, Ok(answer) if answer.status == 429);
        end_call(asked, answer);
        if exhausted {
            let next = shelf + 1;
            // Whoever comes second finds it moved.
            let _moved =
                known
                    .shelf
                    .compare_exchange(shelf, next, Ordering::Relaxed, Ordering::Relaxed);
        }
        known.rest(answered).await;
    }
}

/// What a caller may conclude from what it was told.
pub(crate) fn end_call(asked: Asked, answer: Result<Answer, Lost>) {
    match answer {
        Ok(answer) => {
            let outcome = match answer.status {
                200 => Outcome::Ok,
                // The origin may or may not have been reached.
                502 | 504 => Outcome::Unknown,
                _ => Outcome::Fail,
            };
            let told = match outcome {
                Outcome::Ok => answer.header("portreeve-decision").to_owned(),
                _ => answer.code(),
            };
            asked.end(outcome, answer.status, &told);
        }
        Err(Lost::Unsent) => asked.end(Outcome::Fail, 0, "unsent"),
        Err(Lost::Unknown) => asked.end(Outcome::Unknown, 0, "lost"),
    }
}

/// Changes the installation: issues keys under idempotency keys, writes profiles, and makes
/// sign-in links that two browsers then try to use.
async fn change(mut operator: Client, management: SocketAddr, known: Known, mut dice: Dice) {
    while known.goes_on() {
        let answered = match dice.below(4) {
            0 | 1 => issue_key(&mut operator, &known).await,
            2 => write_profile(&mut operator, &known).await,
            _ => sign_in_twice(&mut operator, management, &known).await,
        };
        known.rest(answered).await;
    }
}

/// Asks with one idempotency key until it is told what became of it. Whether it was told.
async fn issue_key(operator: &mut Client, known: &Known) -> bool {
    let asked = known.history.ask("key", "minted");
    let id = asked.id().to_owned();
    let headers = [("idempotency-key", id.as_str())];
    let body = json!({ "mode": "live" });
    for _ in 0..TRIES {
        let answer = operator.post("/v1/apps/minted/keys", &headers, &body).await;
        match answer {
            Ok(answer) if answer.status == 201 => {
                let told = answer.json();
                let key = told["key"]["id"].as_str().unwrap_or_default();
                asked.end(Outcome::Ok, 201, key);
                return true;
            }
            // Someone holds the key (perhaps a process that is no more), or it failed.
            Ok(answer) if answer.status == 409 || answer.status >= 500 => {}
            Ok(answer) => {
                asked.end(Outcome::Fail, answer.status, &answer.code());
                return true;
            }
            Err(_) => {}
        }
        sleep(AGAIN * 5).await;
    }
    asked.end(Outcome::Unknown, 0, "given up");
    false
}

/// A profile named after the operation.
async fn write_profile(operator: &mut Client, known: &Known) -> bool {
    let asked = known.history.ask("profile", "");
    let path = format!("/v1/profiles/{}", asked.id());
    let body = json!({ "capabilities": ["FREE"] }).to_string();
    let answer = operator
        .send(hyper::Method::PUT, &path, &[], body.into())
        .await;
    let answered = answer.is_ok();
    match answer {
        Ok(answer) if answer.status < 300 => asked.end(Outcome::Ok, answer.status, ""),
        // Neither says anything about whether it was kept.
        Ok(answer) if answer.status == 500 || answer.code() == "store_away" => {
            asked.end(Outcome::Unknown, answer.status, &answer.code());
        }
        Ok(answer) => asked.end(Outcome::Fail, answer.status, &answer.code()),
        Err(Lost::Unsent) => asked.end(Outcome::Fail, 0, "unsent"),
        Err(Lost::Unknown) => asked.end(Outcome::Unknown, 0, "lost"),
    }
    answered
}

/// Makes a link that works once, and uses it from two browsers at a time. The operation is the
/// link: how often it worked is its answer.
async fn sign_in_twice(operator: &mut Client, management: SocketAddr, known: &Known) -> bool {
    let made = operator.post("/v1/sign-in-links", &[], &json!({})).await;
    let Ok(made) = made else {
        return false;
    };
    let link = made.json();
    let Some(path) = link["url"].as_str().and_then(path_of) else {
        return true;
    };
    let asked = known.history.ask("link", "");
    let patience = Duration::from_secs(5);
    let browser = || Client::new(management).patience(patience);
    let (mut one, mut other) = (browser(), browser());
    let (one, other) = tokio::join!(one.get(&path), other.get(&path));
    let mut third = browser();
    let third = third.get(&path).await;
    let worked = [one, other, third]
        .iter()
        .filter(|answer| matches!(answer, Ok(answer) if !answer.header("set-cookie").is_empty()))
        .count();
    let outcome = if worked == 0 {
        Outcome::Unknown
    } else {
        Outcome::Ok
    };
    asked.end(outcome, 0, &worked.to_string());
    true
}

/// The path and query of a URL.
fn path_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    Some(format!("/{path}"))
}
