use std::{fs, path::PathBuf, process::Command, time::Duration};

use tokio::time::sleep;

use crate::platform::Platform;

/// How often a thing is looked for that is there within a second, on a machine that is not busy.
const LOOKS: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(200);

/// A platform, and who checks its event log.
struct Auditor {
    platform: Platform,
    heads: PathBuf,
    keys: PathBuf,
    events: PathBuf,
}

impl Auditor {
    fn begin() -> Self {
        let platform = Platform::start(&[]);
        let folder = platform.folder.path();
        let auditor = Self {
            heads: folder.join("data/audit-heads.jwt"),
            keys: folder.join("jwks.json"),
            events: folder.join("events.jsonl"),
            platform,
        };
        let jwks = format!("{}/.well-known/jwks.json", auditor.platform.text("site"));
        let fetched = Command::new("curl")
            .args(["-sf", "-o"])
            .arg(&auditor.keys)
            .arg(jwks)
            .status();
        assert!(fetched.expect("curl runs").success());
        auditor
    }

    /// Makes a change that the log tells.
    fn change(&self) {
        let mut command = self.platform.command();
        let issued = command.args(["keys", "issue", "acme-shop"]).output();
        assert!(issued.expect("the command runs").status.success());
    }

    fn export(&self) -> String {
        let mut command = self.platform.command();
        let told = command.args(["audit", "export", "--into"]);
        let told = told.arg(&self.events).output().expect("the command runs");
        assert!(
            told.status.success(),
            "{}",
            String::from_utf8_lossy(&told.stderr)
        );
        fs::read_to_string(&self.events).expect("the export")
    }

    /// The status and words of a check of `log`.
    fn verify(&self, log: &str) -> (Option<i32>, String) {
        fs::write(&self.events, log).expect("a file");
        let mut command = self.platform.command();
        let check = command.args(["audit", "verify"]).arg(&self.events);
        let check = check.arg("--heads").arg(&self.heads);
        let told = check.arg("--keys").arg(&self.keys).output();
        let told = told.expect("the command runs");
        let text = [told.stdout, told.stderr].concat();
        (
            told.status.code(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    /// A gauge of the metrics; none while it is not told.
    async fn gauge(&self, name: &str) -> Option<f64> {
        let url = format!("{}/metrics", self.platform.text("ops"));
        let told = reqwest::get(url).await.expect("metrics");
        let told = told.text().await.expect("text");
        let mut lines = told.lines();
        let value = lines.find_map(|line| line.strip_prefix(&format!("portreeve_{name} ")));
        value.map(|value| value.parse().expect("a number"))
    }

    fn heads(&self) -> String {
        fs::read_to_string(&self.heads).unwrap_or_default()
    }
}

/// Metrics tell how far the log is signed, at once after a restart as well.
#[tokio::test]
async fn metrics_tell_how_far_the_log_is_signed() {
    let mut auditor = Auditor::begin();
    auditor.change();
    auditor.platform.restart(&[]);
    auditor.change();
    let newest = auditor.export();
    let newest: serde_json::Value =
        serde_json::from_str(newest.lines().last().expect("an event")).expect("JSON");
    let newest = newest["revision"].as_f64().expect("a revision");
    let mut told = (None, None);
    for _ in 0..LOOKS {
        let head = auditor.gauge("audit_head_revision").await;
        told = (head, auditor.gauge("audit_log_revision").await);
        if told == (Some(newest), Some(newest)) {
            break;
        }
        sleep(BETWEEN).await;
    }
    assert_eq!(told, (Some(newest), Some(newest)));
    let age = auditor
        .gauge("audit_head_age_seconds")
        .await
        .expect("an age");
    assert!((0.0..60.0).contains(&age), "{age}");
    sleep(Duration::from_millis(1_100)).await;
    let later = auditor
        .gauge("audit_head_age_seconds")
        .await
        .expect("an age");
    assert!(later > age, "{later} after {age}");
}

/// The event log can be checked without the server, and what was cut off shows.
#[tokio::test]
async fn the_event_log_is_checked_against_its_signed_heads() {
    let mut auditor = Auditor::begin();
    auditor.change();
    let mut log = String::new();
    for _ in 0..LOOKS {
        log = auditor.export();
        if auditor.verify(&log).1.lines().count() == 1 {
            break;
        }
        sleep(BETWEEN).await;
    }
    let (status, told) = auditor.verify(&log);
    assert_eq!((status, told.lines().count()), (Some(0), 1), "{told}");
    let (rest, last) = log.trim_end().rsplit_once('\n').expect("many lines");
    assert!(last.contains("credential"), "{last}");
    let (status, told) = auditor.verify(&format!("{rest}\n"));
    assert!(status == Some(1) && told.contains("cut off"), "{told}");
    let changed = log.replacen("\"actor\":\"", "\"actor\":\"x", 1);
    let (status, told) = auditor.verify(&changed);
    assert!(
        status == Some(1) && told.contains("line 1 does not follow"),
        "{told}"
    );

    // A later start goes on in the same file, whatever a crash tore off at its end.
    assert_eq!(auditor.platform.terminate(), Some(0));
    let before = auditor.heads();
    fs::write(&auditor.heads, format!("{before}eyJ0eXAi")).expect("a file");
    auditor.platform.restart(&[]);
    auditor.change();
    for _ in 0..LOOKS {
        if auditor.heads().lines().count() > before.lines().count() {
            break;
        }
        sleep(BETWEEN).await;
    }
    assert!(auditor.heads().starts_with(&before) && auditor.heads() != before);
    let (status, told) = auditor.verify(&auditor.export());
    assert_eq!(status, Some(0), "{told}");
}
