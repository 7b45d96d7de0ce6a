//! What becomes of an operation when the store fails under it, at every one of its calls.

use serde_json::{Value, json};
use store::Kind;
use store_contract::Strikes;

use crate::desk::{Answer, Desk, STATE, state_request};

/// A request; every round of a sweep makes a new one.
struct Request {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

fn post(path: &str, body: Value) -> Request {
    Request {
        method: "POST",
        path: path.to_owned(),
        body: Some(body),
    }
}

fn put(path: String, body: Value) -> Request {
    Request {
        method: "PUT",
        path,
        body: Some(body),
    }
}

async fn send(desk: &Desk, request: &Request, key: &str) -> Answer {
    let headers = [("idempotency-key", key)];
    let body = request.body.as_ref();
    desk.ask(request.method, &request.path, &headers, body)
        .await
}

/// What an operation may have left behind: revisions, events, keys.
type Held = (u64, usize, usize);

async fn held(desk: &Desk) -> Held {
    let events = desk
        .store
        .events_before(None, primitives::PageSize::clamped(499))
        .await;
    let keys = desk.store.everything().await.unwrap().2;
    let revision = desk.store.revision().await.unwrap();
    (revision.0, events.unwrap().len(), keys.len())
}

/// Repeats a request as a patient client does, until it is told what became of it.
async fn insist(desk: &Desk, request: &Request, key: &str) -> Answer {
    let answer = send(desk, request, key).await;
    if answer.status != 409 {
        return answer;
    }
    // A key that someone died with is given free after a minute.
    desk.clock.advance_seconds(61);
    send(desk, request, key).await
}

/// How much more there is than before.
fn more((revision, events, keys): Held, before: Held) -> Held {
    (revision - before.0, events - before.1, keys - before.2)
}

/// No operation asks the store more often: a sweep that goes on longer would never end.
const MOST_CALLS: u64 = 64;

/// Runs an operation with its first call of the store failing, its second, and so on, until
/// none is left to fail. Each time it has happened or not, and repeated with its key it has
/// happened once. Returns how many calls there were: as many as when nothing fails.
async fn sweep(strikes: Strikes, request: impl AsyncFn(&Desk, u64) -> Request) -> u64 {
    let desk = Desk::with_state().await;
    let undisturbed = request(&desk, 0).await;
    let (before, asked) = (held(&desk).await, desk.failing.asked());
    send(&desk, &undisturbed, "round-0").await.succeeded();
    let sites = desk.failing.asked() - asked;
    let once = more(held(&desk).await, before);
    for round in 1..=MOST_CALLS {
        let (request, key) = (request(&desk, round).await, format!("round-{round}"));
        let before = held(&desk).await;
        desk.failing.plant(round.cast_signed(), strikes);
        let first = send(&desk, &request, &key).await;
        if !desk.failing.clear() {
            first.succeeded();
            assert_eq!(round - 1, sites, "{}: sites that failed", request.path);
            return sites;
        }
        let told = first.status.as_u16();
        assert!(
            told < 300 || told == 500,
            "{}: {}",
            request.path,
            first.body
        );
        let left = more(held(&desk).await, before);
        assert!(
            left == once || (left == (0, 0, 0) && told == 500),
            "{} with call {round} failing left {left:?}",
            request.path
        );
        let answer = insist(&desk, &request, &key).await.succeeded();
        // What is told is in force.
        let whoami = desk.get("/v1/whoami").await.is(200);
        assert_eq!(whoami.body["snapshot"], whoami.body["revision"]);
        if told < 300 {
            assert_eq!(answer.bytes, first.bytes, "{}", request.path);
        }
        let again = send(&desk, &request, &key).await.succeeded();
        if request.method == "POST" {
            assert_eq!(again.bytes, answer.bytes, "{}", request.path);
        }
        let found = more(held(&desk).await, before);
        assert_eq!(found, once, "{} with call {round} failing", request.path);
    }
    panic!("more than {MOST_CALLS} calls of the store");
}

impl Answer {
    #[track_caller]
    fn succeeded(self) -> Self {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self
    }
}

async fn both(least: u64, request: impl Fn(u64) -> Request) {
    both_at(least, async |_: &Desk, round| request(round)).await;
}

async fn both_at(least: u64, request: impl AsyncFn(&Desk, u64) -> Request) {
    for strikes in [Strikes::Before, Strikes::After] {
        let calls = sweep(strikes, &request).await;
        assert!(calls >= least, "only {calls} calls of the store");
    }
}

fn odd(round: u64) -> bool {
    round % 2 == 1
}

/// Shows: F-45, F-38.
#[tokio::test]
async fn an_issued_key_is_issued_once_whatever_fails() {
    both(4, |_| post("/v1/apps/till/keys", json!({ "mode": "live" }))).await;
}

/// Shows: F-45, F-38.
#[tokio::test]
async fn a_key_is_replaced_once_whatever_fails() {
    both_at(4, async |desk: &Desk, _| {
        let path = format!("/v1/apps/till/keys/{}/rotate", desk.key().await.0);
        post(&path, json!({ "overlap_seconds": 60 }))
    })
    .await;
}

/// Shows: F-45, F-38.
#[tokio::test]
async fn a_state_is_in_force_whole_and_once_whatever_fails() {
    both(4, |round| {
        let value = format!("value: {}", round + 7);
        post(
            "/v1/state/apply",
            state_request(&STATE.replace("value: 100", &value)),
        )
    })
    .await;
}

/// Shows: F-45, F-38.
#[tokio::test]
async fn levels_and_toggles_are_set_once_whatever_fails() {
    both(4, |round| {
        let level = if odd(round) { "standard" } else { "advanced" };
        post("/v1/accounts/acme/level", json!({ "level": level }))
    })
    .await;
    both(4, |round| {
        let toggle = if odd(round) { "on" } else { "off" };
        let toggles = json!({ "toggles": { "PING": toggle } });
        post("/v1/accounts/acme/toggles", toggles)
    })
    .await;
    both(4, |round| {
        let limits = json!({ "limits": { "looks-per-day": round + 1 } });
        post("/v1/accounts/acme/limits", limits)
    })
    .await;
}

/// Shows: F-45.
#[tokio::test]
async fn an_entry_that_is_put_again_is_there_once_whatever_fails() {
    both(3, |round| {
        let path = format!("/v1/profiles/profile-{round}");
        put(path, json!({ "capabilities": ["LOOK"] }))
    })
    .await;
}

/// Shows: F-45.
#[tokio::test]
async fn a_key_that_is_revoked_until_told_so_is_revoked() {
    for strikes in [Strikes::Before, Strikes::After] {
        let desk = Desk::with_state().await;
        for call in 1.. {
            let (id, secret) = desk.key().await;
            let path = format!("/v1/apps/till/keys/{id}");
            desk.failing.plant(call, strikes);
            let told = desk.delete(&path).await.status.as_u16();
            let struck = desk.failing.clear();
            assert!(told == 200 || (struck && told == 500), "{told}");
            // What was told is so at once; whoever was told nothing asks again.
            if told != 200 {
                desk.delete(&path).await.is(200);
            }
            let refused = desk.as_app("/v1/me/capabilities", (&id, &secret)).await;
            refused.refuses(401, "credential_revoked");
            if !struck {
                assert!(call > 3, "only {call} calls of the store");
                break;
            }
        }
    }
}

/// Shows: F-45.
#[tokio::test]
async fn a_secret_that_is_set_until_told_so_is_set_and_told_in_the_log() {
    for strikes in [Strikes::Before, Strikes::After] {
        let desk = Desk::with_state().await;
        for call in 1.. {
            let path = format!("/v1/secrets/secret-{call}");
            let value = json!({ "value": "s3cret" });
            desk.failing.plant(call, strikes);
            let told = desk.put(&path, &value).await.status.as_u16();
            let struck = desk.failing.clear();
            assert!(told < 300 || (struck && told == 500), "{told}");
            if told >= 300 {
                desk.put(&path, &value).await.succeeded();
            }
            let kept = desk.store.secrets().await.unwrap();
            let name = format!("secret-{call}");
            assert_eq!(kept.iter().filter(|secret| secret.name == name).count(), 1);
            if !struck {
                assert!(call > 2, "only {call} calls of the store");
                break;
            }
        }
        let accounts = desk
            .store
            .resource(Kind::Account, &"acme".parse().unwrap())
            .await;
        assert!(accounts.unwrap().is_some());
    }
}
