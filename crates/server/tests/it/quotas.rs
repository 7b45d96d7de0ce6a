//! Limits as clients of the real binary meet them: exact under concurrency, across a kill and
//! whatever the machine's clock does; and what is on the disk before an upstream hears of a call.

use std::{fs, path::Path, process::Command, time::Duration};

use faults::{Client, Launch, Node, Origin, missing, program};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Postgres;

const STATE: &str = include_str!("quotas.state.yaml");
const DESCRIPTION: &str = include_str!("quotas.openapi.yaml");
const AWAY: &str = include_str!("away.openapi.yaml");

/// An origin, and a folder for the node in front of it.
struct Shop {
    origin: Origin,
    folder: TempDir,
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("quotas.state.yaml", STATE),
            ("quotas.openapi.yaml", DESCRIPTION),
            ("away.openapi.yaml", AWAY),
        ] {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        Self {
            origin: Origin::start().await,
            folder,
        }
    }

    fn first(&self) -> Launch {
        let state = self.folder.path().join("quotas.state.yaml");
        let origin = format!("origin={}", self.origin.url());
        again()
            .arguments(["--state".into(), state.into_os_string()])
            .arguments(["--var".to_owned(), origin])
    }

    async fn node(&self, launch: &Launch) -> Node {
        Node::start(launch, self.folder.path())
            .await
            .expect("it starts")
    }
}

fn again() -> Launch {
    Launch::dev(env!("CARGO_BIN_EXE_portreeve"))
}

/// How `count` concurrent calls end, on `clients` connections: how many passed, were refused for
/// the quota, and neither.
async fn rush(
    new: impl Fn() -> Client,
    path: &str,
    (clients, count): (usize, usize),
) -> [usize; 3] {
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let (mut caller, path) = (new(), path.to_owned());
            tokio::spawn(async move {
                let mut ended = [0; 3];
                for call in 0..count / clients {
                    let path = format!("{path}/{client}-{call}");
                    let answer = caller.post(&path, &[], &json!({})).await;
                    let status = answer.map_or(0, |answer| answer.status);
                    ended[match status {
                        200 => 0,
                        429 => 1,
                        _ => 2,
                    }] += 1;
                }
                ended
            })
        })
        .collect();
    let mut sum = [0; 3];
    for task in tasks {
        let ended = task.await.expect("a client ends");
        sum = [0, 1, 2].map(|at| sum[at] + ended[at]);
    }
    sum
}

async fn another_key(node: &Node, app: &str) -> (String, String) {
    let path = format!("/v1/apps/{app}/keys");
    let issued = node
        .operator()
        .post(&path, &[], &json!({ "mode": "live" }))
        .await;
    let issued = issued.expect("an answer").json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&issued["key"]["id"]), text(&issued["secret"]))
}

/// Alerts of the event log, as soon as there are `wanted`.
async fn alerts(node: &Node, wanted: usize) -> Vec<Value> {
    let mut last = Vec::new();
    for _ in 0..100 {
        let listed = node.operator().get("/v1/events?kind=alert&limit=100").await;
        let listed = listed.expect("an answer").json();
        last = listed["items"].as_array().expect("items").clone();
        if last.len() >= wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    last
}

type Caller<'a> = Box<dyn Fn() -> Client + 'a>;

/// Each phase is stopped by another of the five counters that every call takes of, and exactly
/// where that one ends: were a refused call to take of any of them, a later phase would end
/// before its time.
async fn five_counters(shop: &Shop, mut node: Node, restart: Launch) {
    let (id, secret) = another_key(&node, "front").await;
    let crowd = (32, 192);
    let phases: [(&str, usize, Caller<'_>); 5] = [
        ("of-key", 30, Box::new(|| node.caller("front"))),
        (
            "of-app",
            20,
            Box::new(|| Client::new(node.public()).basic((&id, &secret))),
        ),
        ("of-developer", 20, Box::new(|| node.caller("back"))),
        ("of-account", 15, Box::new(|| node.caller("pit"))),
        ("of-capability", 10, Box::new(|| node.caller("wheel"))),
    ];
    for (limit, admitted, caller) in &phases {
        let before = shop.origin.count();
        let ended = rush(caller, "/gate/take", crowd).await;
        assert_eq!(ended, [*admitted, crowd.1 - admitted, 0], "{limit}");
        assert_eq!(shop.origin.count() - before, *admitted, "{limit}");
        let refused = caller().post("/gate/take/more", &[], &json!({})).await;
        let refused = refused.expect("an answer").json();
        assert!(refused.to_string().contains(limit), "{limit}: {refused}");
    }
    drop(phases);
    // Each limit that was reached is told of once, also when the process starts anew.
    let told = alerts(&node, 10).await;
    let of = |told: &[Value]| {
        let mut all: Vec<_> = told
            .iter()
            .map(|event| {
                let detail = &event["detail"];
                format!("{} {} {}", event["name"], detail["alert"], detail["of"])
            })
            .collect();
        all.sort();
        all
    };
    let first = of(&told);
    let mut once = first.clone();
    once.dedup();
    assert_eq!(first, once, "an alert stands twice");
    for (limit, alert) in [
        ("of-key", "limit.reached"),
        ("of-app", "limit.reached"),
        ("of-developer", "limit.nearing"),
        ("of-developer", "limit.reached"),
        ("of-account", "limit.reached"),
        ("of-capability", "limit.nearing"),
        ("of-capability", "limit.reached"),
    ] {
        let wanted = format!("\"{limit}\" \"{alert}\"");
        assert!(
            first.iter().any(|one| one.starts_with(&wanted)),
            "{wanted}: {first:?}"
        );
    }
    node.kill().await;
    node.restart_as(&restart).await.expect("it starts again");
    let caller = || node.caller("wheel");
    assert_eq!(rush(caller, "/gate/take", (8, 32)).await, [0, 32, 0]);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(of(&alerts(&node, 10).await), first);
}

/// Shows: P-51, G-06.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_clients_get_exactly_what_the_smallest_counter_has_on_sqlite() {
    let shop = Shop::open().await;
    let node = shop.node(&shop.first()).await;
    five_counters(&shop, node, again()).await;
}

/// Shows: P-51, G-06.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_clients_get_exactly_what_the_smallest_counter_has_on_postgresql() {
    let Some(server) = Postgres::launch().await else {
        return;
    };
    let database = server.database().await;
    let shop = Shop::open().await;
    let address = database.address();
    let variable =
        |launch: Launch| launch.variable("PORTREEVE__STORE__POSTGRES_URL", address.expose());
    let node = shop.node(&variable(shop.first())).await;
    five_counters(&shop, node, variable(again())).await;
}

/// Shows: G-06.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_lets_nothing_more_through_and_what_was_not_sent_is_back_at_the_next_start() {
    let shop = Shop::open().await;
    let mut node = shop.node(&shop.first()).await;
    for round in 0..4_u64 {
        shop.origin.take(Duration::from_millis(10));
        let callers: Vec<Client> = (0..16).map(|_| node.caller("front")).collect();
        let calls: Vec<_> = callers
            .into_iter()
            .enumerate()
            .map(|(at, mut caller)| {
                tokio::spawn(async move {
                    let path = format!("/gate/take/{round}-{at}");
                    // Whether it was answered is not asked: the node dies meanwhile.
                    let _lost = caller.post(&path, &[], &json!({})).await;
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(4 * round)).await;
        node.kill().await;
        for call in calls {
            call.await.expect("a client ends");
        }
        node.restart_as(&again()).await.expect("it starts again");
    }
    shop.origin.take(Duration::ZERO);
    let [passed, refused, other] = rush(|| node.caller("front"), "/gate/take", (16, 64)).await;
    assert_eq!((passed + refused, other), (64, 0));
    assert!(
        refused > 0 && shop.origin.count() <= 30,
        "{}",
        shop.origin.count()
    );
    // What was taken and not served is shown as unknown: nothing is missing from the sum.
    let taken = |outcome: &str| {
        let mut operator = node.operator();
        let path = format!("/v1/call-records?outcome={outcome}&limit=100");
        async move {
            let listed = operator.get(&path).await.expect("an answer").json();
            listed["items"].as_array().expect("items").len()
        }
    };
    let mut sum = 0;
    for _ in 0..100 {
        sum = taken("served").await + taken("unknown").await;
        if sum == 30 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(sum, 30, "served and unknown calls make up the limit");

    // Nobody listens where these go: each is known not to have been sent.
    let ended = rush(|| node.caller("front"), "/away/away", (4, 40)).await;
    assert_eq!(ended, [0, 0, 40]);
    node.kill().await;
    node.restart_as(&again()).await.expect("it starts again");
    let ended = rush(|| node.caller("front"), "/away/away", (4, 20)).await;
    assert_eq!(ended, [0, 0, 20], "a refund did not survive the kill");
}

/// A node under libfaketime; `None` when that is not here. Its offset is what the file says.
fn faked(launch: Launch, file: &Path) -> Option<Launch> {
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
    let arm = "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1";
    let found = [library, arm]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(found) = found else {
        missing("libfaketime");
        return None;
    };
    Some(
        launch
            .variable("LD_PRELOAD", found)
            .variable("FAKETIME_TIMESTAMP_FILE", file)
            .variable("FAKETIME_NO_CACHE", "1")
            .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .variable("DONT_FAKE_MONOTONIC", "1"),
    )
}

async fn metric(node: &Node, name: &str) -> f64 {
    let told = Client::new(node.ops())
        .get("/metrics")
        .await
        .expect("an answer");
    let text = String::from_utf8_lossy(&told.body).into_owned();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
        .parse()
        .expect("a number")
}

/// Waits until the node has seen the machine's clock jump once more.
async fn jumped(node: &Node, before: f64) -> f64 {
    for _ in 0..60 {
        let jumps = metric(node, "portreeve_clock_jumps_total").await;
        if jumps > before {
            return jumps;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the jump was not seen: {}", node.printed());
}

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;

/// Shows: F-07, G-22.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jumping_clock_opens_no_window_twice_revives_nothing_and_raises_the_alarm() {
    let shop = Shop::open().await;
    let file = shop.folder.path().join("offset");
    let jump = |seconds: i64| fs::write(&file, format!("{seconds:+}\n")).expect("a file");
    // Noon, so that an hour more or less stays within the day.
    let now = Command::new("date")
        .args(["-u", "+%s"])
        .output()
        .expect("date runs");
    let now: i64 = String::from_utf8_lossy(&now.stdout)
        .trim()
        .parse()
        .expect("a number");
    let noon = DAY / 2 - now.rem_euclid(DAY);
    jump(noon);
    let Some(launch) = faked(shop.first(), &file) else {
        return;
    };
    let mut node = shop.node(&launch).await;
    let day = async |node: &Node| rush(|| node.caller("front"), "/gate/daily", (1, 5)).await;
    assert_eq!(day(&node).await, [3, 2, 0]);
    assert!(sign_in(&link(&node).await).is_some());
    let late = link(&node).await;
    let mut jumps = 0.0;
    // Back and forth within what was already counted: nothing is granted again.
    for offset in [HOUR, 0, -HOUR, -DAY, -10 * YEAR, DAY - now, 0, HOUR] {
        jump(noon + offset);
        jumps = jumped(&node, jumps).await;
        assert_eq!(day(&node).await, [0, 5, 0], "{offset}");
    }
    assert!(metric(&node, "portreeve_clock_ahead_seconds").await < 1.0);
    // A day that was not there before is granted once, and not again after the way back.
    for (offset, admitted) in [(DAY, 3), (0, 0), (DAY, 0), (10 * YEAR, 3), (0, 0)] {
        jump(noon + offset);
        jumps = jumped(&node, jumps).await;
        assert_eq!(day(&node).await, [admitted, 5 - admitted, 0], "{offset}");
    }
    assert!(metric(&node, "portreeve_clock_ahead_seconds").await > 9.0 * 365.0 * 86_400.0);
    let printed = node.printed();
    assert!(
        printed.contains("was put forward") && printed.contains("was put back"),
        "{printed}"
    );
    assert!(!printed.contains("panicked"), "{printed}");
    // The link ended when its ten minutes did, and no way back revives it.
    assert_eq!(sign_in(&late), None);
    // What was used while the clock was ahead stays used, whatever the next start is told.
    node.terminate().await;
    let again = faked(again(), &file).expect("it was there");
    node.restart_as(&again).await.expect("it starts again");
    assert_eq!(day(&node).await, [0, 5, 0]);
    node.terminate().await;
    for offset in [DAY - now, 20 * YEAR] {
        jump(offset);
        node.restart_as(&again)
            .await
            .expect("it starts at any time");
        let [passed, refused, other] = day(&node).await;
        assert_eq!((passed + refused, other), (5, 0), "{offset}");
        assert!(!node.printed().contains("panicked"));
        node.terminate().await;
    }
}

/// A new one-time link.
async fn link(node: &Node) -> String {
    let made = node
        .operator()
        .post("/v1/sign-in-links", &[], &json!({}))
        .await;
    let made = made.expect("an answer").json();
    made["url"].as_str().expect("a link").to_owned()
}

/// Uses a link up; the cookie, if it still worked.
fn sign_in(link: &str) -> Option<String> {
    let (page, code) = link.split_once("?code=").expect("a code");
    let form = format!("code={code}");
    let output = Command::new("curl")
        .args(["-s", "-i", "--max-time", "10", "-H"])
        .arg(format!(
            "origin: {}",
            page.rsplit_once("/console").expect("an origin").0
        ))
        .args(["--data", &form, page])
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
    text.lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .filter(|cookie| !cookie.contains("max-age=0"))
        .map(str::to_owned)
}

/// Shows: G-04.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_call_is_on_the_disk_before_its_first_byte_goes_upstream() {
    let Some(strace) = program("strace") else {
        return missing("strace");
    };
    let shop = Shop::open().await;
    let trace = shop.folder.path().join("trace");
    let mut node = shop.node(&shop.first()).await;
    node.terminate().await;
    let calls = "trace=read,readv,recvfrom,write,writev,sendto,sendmsg,fsync,fdatasync,msync";
    let wrapper = [
        strace.display().to_string(),
        "-f".to_owned(),
        "-tt".to_owned(),
    ];
    let rest = ["-s", "96", "-e", calls, "-o"].map(str::to_owned);
    let traced = wrapper
        .into_iter()
        .chain(rest)
        .chain([trace.display().to_string()]);
    let launch = again().through(traced);
    node.restart_as(&launch)
        .await
        .expect("it starts under strace");
    for (what, count) in [("relaxed", 8), ("strict", 8)] {
        for call in 0..count {
            let path = format!("/gate/{what}/{what}-{call}");
            let answer = node.caller("front").post(&path, &[], &json!({})).await;
            assert_eq!(answer.expect("an answer").status, 200);
        }
    }
    node.terminate().await;
    let text = fs::read_to_string(&trace).expect("a trace");
    let mut unsynced = 0;
    for what in ["relaxed", "strict"] {
        for call in 0..8 {
            let line = format!("/gate/{what}/{what}-{call} ");
            let waited = synced_between(&text, &line);
            unsynced += usize::from(what == "relaxed" && !waited);
            assert!(
                what == "relaxed" || waited,
                "{line} was forwarded before it was on the disk"
            );
        }
    }
    assert!(unsynced > 0, "relaxed calls wait for the disk");
}

/// Whether a wait for the disk began after the request line came in and ended before it went out.
fn synced_between(trace: &str, request: &str) -> bool {
    let (mut came, mut begun) = (false, false);
    for line in trace.lines() {
        let sync = ["fdatasync(", "fsync(", "msync("]
            .iter()
            .any(|call| line.contains(call));
        let ended = line.contains("resumed>")
            && ["fdatasync", "fsync", "msync"]
                .iter()
                .any(|call| line.contains(call));
        if line.contains(request) {
            let outgoing = ["write(", "writev(", "sendto(", "sendmsg("]
                .iter()
                .any(|call| line.contains(call));
            if came && outgoing {
                return false;
            }
            came |= !outgoing;
        } else if came && sync {
            if !line.contains("unfinished") {
                return true;
            }
            begun = true;
        } else if begun && ended {
            return true;
        }
    }
    panic!("`{request}` was not forwarded:\n{trace}");
}

/// Shows: G-04.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_forwarded_is_in_the_journal_after_a_kill_strict_or_relaxed() {
    let shop = Shop::open().await;
    let mut node = shop.node(&shop.first()).await;
    shop.origin.take(Duration::from_secs(5));
    let began = tokio::time::Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for what in ["strict", "relaxed"] {
        for call in 0..10 {
            let (mut caller, path) = (node.caller("front"), format!("/gate/{what}/{what}-{call}"));
            calls.spawn(async move { caller.post(&path, &[], &json!({})).await.is_ok() });
        }
    }
    while shop.origin.count() < 20 && began.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The upstream has every call, and none is settled.
    node.kill().await;
    while calls.join_next().await.is_some() {}
    shop.origin.take(Duration::ZERO);
    node.restart_as(&again()).await.expect("it starts again");
    let mut found = 0;
    for _ in 0..100 {
        let path = "/v1/call-records?outcome=unknown&limit=100";
        let listed = node.operator().get(path).await.expect("an answer").json();
        found = listed["items"].as_array().expect("items").len();
        if found == 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((shop.origin.count(), found), (20, 20));
}
