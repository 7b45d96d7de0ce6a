use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Launch, Node, Process, Provider, Report, Workshop};

/// How a node is held under a ceiling of memory.
#[derive(Clone, Debug)]
pub struct Memory {
    /// The binary.
    pub binary: PathBuf,
    /// For how long.
    pub lasts: Duration,
    /// Callers that send large bodies, one after the other.
    pub callers: usize,
}

/// What the node may have: 256 MiB.
const CEILING: u64 = 256 * 1024 * 1024;
/// The hierarchy of control groups that counts memory, and the names it has in either version.
const PLACES: [(&str, &str, &str); 2] = [
    (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.oom_control",
    ),
    ("/sys/fs/cgroup", "memory.max", "memory.events"),
];

/// A control group of our own, removed when dropped.
struct Group {
    folder: PathBuf,
    kills: &'static str,
}

impl Group {
    fn make() -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for (place, limit, kills) in PLACES {
            let name = format!("portreeve-faults-{}", std::process::id());
            let folder = Path::new(place).join(name);
            let made = fs::create_dir_all(&folder)
                .and_then(|()| fs::write(folder.join(limit), CEILING.to_string()));
            match made {
                Ok(()) => return Ok(Self { folder, kills }),
                Err(problem) => {
                    let _ = fs::remove_dir(&folder);
                    last = problem;
                }
            }
        }
        Err(last)
    }

    /// How many processes the system has ended for want of memory.
    fn kills(&self) -> u64 {
        let text = fs::read_to_string(self.folder.join(self.kills)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        line.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It can be removed once its last process is gone.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// F-20: large bodies, sent and answered, on a node that may have 256 MiB.
///
/// # Panics
/// When the node does not start.
pub async fn memory(wanted: &Memory) -> Report {
    let mut report = Report::new("memory", &["F-20"], (0, 0));
    let Ok(group) = Group::make() else {
        testkit::forbidden("a control group for memory");
        return report;
    };
    let workshop = Workshop::open(16, Duration::from_millis(20), 4 * 1024 * 1024);
    let provider = Provider::new().await;
    let join = format!(
        "echo $$ > {}/cgroup.procs; exec \"$@\"",
        group.folder.display()
    );
    let launch = Launch::dev(&wanted.binary)
        .through(["sh", "-c", &join, "sh"])
        .variable("PORTREEVE__LIMITS__BODY_MEMORY_BYTES", "16777216");
    let launch = provider.launch_before(launch, workshop.url());
    let started = Node::start(&launch, provider.folder()).await;
    let mut node = started.expect("the node starts");
    let process = Process::of(node.process().expect("it runs"));
    let ends = Instant::now() + wanted.lasts;
    let mut callers = JoinSet::new();
    for number in 0..wanted.callers {
        let caller = node.caller("front").patience(Duration::from_secs(30));
        callers.spawn(calls(caller, number, ends));
    }
    let (mut served, mut shed, mut lost) = (0, 0, 0);
    while let Some(done) = callers.join_next().await {
        let (of_served, of_shed, of_lost) = done.expect("a caller ends");
        served += of_served;
        shed += of_shed;
        lost += of_lost;
    }
    report.count("callers", wanted.callers);
    report.count("served", served);
    report.count("shed", shed);
    report.count("failed", lost);
    report.count("resident_kib_at_most", process.peak());
    report.count("killed_for_memory", group.kills());
    report.demand(node.is_running(), || {
        format!("the node is gone: {}", node.printed())
    });
    report.demand(group.kills() == 0, || {
        "killed for want of memory".to_owned()
    });
    report.demand(served > 0 && shed > 0, || {
        format!("{served} served, {shed} shed")
    });
    let after = node
        .caller("front")
        .post("/gate/free/1", &[], &serde_json::json!({}))
        .await;
    report.demand(after.is_ok_and(|answer| answer.status == 200), || {
        "no answer after it".to_owned()
    });
    node.kill().await;
    sleep(Duration::from_millis(50)).await;
    report
}

/// Calls with bodies that are passed on, and with bodies that are read for the decision, until
/// `ends`: how many were served, shed, and neither.
async fn calls(mut caller: crate::Client, number: usize, ends: Instant) -> (usize, usize, usize) {
    let passed = bytes::Bytes::from(vec![b'x'; 4 * 1024 * 1024]);
    let mut read = br#"{"amount":"1","filling":""#.to_vec();
    read.resize(1_000_000, b'x');
    read.extend_from_slice(b"\"}");
    let read = bytes::Bytes::from(read);
    let (mut served, mut shed, mut lost) = (0, 0, 0);
    let mut turn = number;
    while Instant::now() < ends {
        turn += 1;
        let (path, body) = if turn.is_multiple_of(2) {
            ("/gate/free/1", &passed)
        } else {
            ("/gate/weighed/1", &read)
        };
        let answer = caller
            .send(hyper::Method::POST, path, &[], body.clone())
            .await;
        match answer.map(|answer| answer.status) {
            Ok(200) => served += 1,
            Ok(503) => shed += 1,
            Ok(_) | Err(_) => lost += 1,
        }
    }
    (served, shed, lost)
}
