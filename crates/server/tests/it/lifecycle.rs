use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use testkit::{Postgres, geoip};

use crate::platform::{Platform, serve};

const PAY: &str = r#"{"currencyCode":"USD","receiverList":{"receiver":[{"email":"a@example.com","amount":"10.00"}]}}"#;

/// The status and body of a request.
fn curl(arguments: &[&str]) -> (u16, String) {
    let output = Command::new("curl")
        .args(["-s", "--max-time", "20", "-w", "\n%{http_code}"])
        .args(arguments)
        .output()
        .expect("curl runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = printed.rsplit_once('\n').expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}

pub(crate) fn pay(platform: &Platform, key: &(String, String), more: &[&str]) -> (u16, String) {
    let user = format!("{}:{}", key.0, key.1);
    let url = format!("{}/payments/AdaptivePayments/Pay", platform.text("public"));
    let mut arguments = vec!["-u", &user, "-H", "content-type: application/json"];
    arguments.extend(more);
    arguments.extend(["--data", PAY, &url]);
    curl(&arguments)
}

fn run(platform: &Platform, arguments: &[&str]) -> Output {
    let mut command = platform.command();
    command.args(arguments).output().expect("the command runs")
}

fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file can be written");
    path.display().to_string()
}

/// Shows: P-17, P-18.
#[test]
fn a_second_start_keeps_ids_secrets_and_what_was_changed() {
    let mut platform = Platform::start(&[]);
    let key = platform.key("acme-shop", "live");
    let apps = platform.dev["apps"].clone();
    let token = platform.text("operator_token").to_owned();
    assert_eq!(pay(&platform, &key, &[]).0, 201);
    let change = "portreeve: 1\nregions: [ { name: nordic, countries: [SE, NO] } ]\n";
    let file = write(platform.folder.path(), "nordic.yaml", change);
    let applied = run(&platform, &["apply", "-f", &file]);
    assert!(
        printed(&applied).contains("+ region nordic"),
        "{}",
        printed(&applied)
    );
    let dev_json = platform.folder.path().join("data/dev.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(&dev_json).expect("dev.json").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);

    platform.restart(&[]);
    assert_eq!(platform.dev["apps"], apps);
    assert_eq!(platform.text("operator_token"), token);
    assert_eq!(pay(&platform, &key, &[]).0, 201);
    let exported = run(&platform, &["export"]);
    assert!(printed(&exported).contains("nordic"));
    let nobody = curl(&[
        &format!("{}/payments/AdaptivePayments/Pay", platform.text("public")),
        "-d",
        PAY,
    ]);
    assert_eq!(nobody.0, 401);
    assert_eq!(platform.terminate(), Some(0));
}

/// A small process stays small; one with very many apps is given what it asks for.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_in_huge_pages_when_that_is_asked_for() {
    let is_allowed = |platform: &Platform| {
        let status = fs::read_to_string(format!("/proc/{}/status", platform.process()));
        let status = status.expect("Linux tells of its processes");
        status.contains("THP_enabled:\t1\n")
    };
    let mut platform = Platform::start(&[]);
    assert!(!is_allowed(&platform));
    platform.terminate();
    let mut asked = serve(&[]);
    asked.env("PORTREEVE__MEMORY__HUGE_PAGES", "true");
    assert!(is_allowed(&Platform::start_by(asked)));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the call must be on its way before the signal, and only time can tell"
)]
fn a_call_in_progress_ends_well_when_it_is_told_to_stop() {
    let mut platform = Platform::start(&[]);
    let key = platform.key("acme-shop", "live");
    let (answer, code) = std::thread::scope(|threads| {
        let slow = threads.spawn(|| pay(&platform, &key, &["-H", "dev-fault: delay=1500"]));
        std::thread::sleep(Duration::from_millis(500));
        let id = platform.process().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.expect("kill runs").success());
        (slow.join().expect("the call ends"), id)
    });
    assert_eq!(answer.0, 201, "{} (process {code})", answer.1);
    assert_eq!(platform.terminate(), Some(0));
}

#[test]
fn health_readiness_metrics_and_version_are_told_on_ops() {
    let platform = Platform::start(&[]);
    let ops = platform.text("ops");
    let get = |path: &str| curl(&[&format!("{ops}{path}")]);
    assert_eq!(get("/healthz").0, 200);
    let (status, body) = get("/readyz");
    assert_eq!(status, 200, "{body}");
    for check in ["process", "store", "journal", "snapshot"] {
        assert!(
            body.contains(&format!("\"check\":\"{check}\",\"ok\":true")),
            "{body}"
        );
    }
    let key = platform.key("acme-shop", "live");
    assert_eq!(pay(&platform, &key, &[]).0, 201);
    let (_, metrics) = get("/metrics");
    assert!(
        metrics.contains("portreeve_gateway_calls_total{api=\"payments\""),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(get("/version").1.contains("\"name\":\"portreeve\""));
    assert_eq!(get("/v1/apps").0, 404);
}

#[test]
fn keys_are_issued_rotated_and_revoked_from_the_command_line() {
    let platform = Platform::start(&[]);
    let json = |arguments: &[&str]| -> serde_json::Value {
        let output = run(&platform, arguments);
        assert!(output.status.success(), "{}", printed(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let pair = |issued: &serde_json::Value| {
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        (text(&issued["key"]["id"]), text(&issued["secret"]))
    };
    let first = pair(&json(&[
        "keys",
        "issue",
        "acme-shop",
        "--mode",
        "live",
        "-o",
        "json",
    ]));
    assert_eq!(pay(&platform, &first, &[]).0, 201);
    let rotate = [
        "keys",
        "rotate",
        "acme-shop",
        &first.0,
        "--overlap",
        "0",
        "-o",
        "json",
    ];
    let second = pair(&json(&rotate));
    assert_eq!(pay(&platform, &first, &[]).0, 401);
    assert_eq!(pay(&platform, &second, &[]).0, 201);
    let revoked = run(&platform, &["keys", "revoke", "acme-shop", &second.0]);
    assert!(revoked.status.success(), "{}", printed(&revoked));
    assert_eq!(pay(&platform, &second, &[]).0, 401);
    let wrong = run(&platform, &["keys", "issue", "no-such-app"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        printed(&wrong).contains("no-such-app"),
        "{}",
        printed(&wrong)
    );
}

#[test]
fn drift_ends_with_two_and_a_wrong_file_changes_nothing() {
    let platform = Platform::start(&[]);
    let folder = platform.folder.path();
    let wanted = write(
        folder,
        "wanted.yaml",
        "portreeve: 1\nprofiles:\n  - { name: only-pay, capabilities: [SIMPLE_SEND_MONEY] }\n",
    );
    let drift = run(&platform, &["diff", "-f", &wanted]);
    assert_eq!(drift.status.code(), Some(2), "{}", printed(&drift));
    assert!(printed(&drift).contains("only-pay"));
    assert!(run(&platform, &["apply", "-f", &wanted]).status.success());
    let same = run(&platform, &["diff", "-f", &wanted]);
    assert_eq!(same.status.code(), Some(0), "{}", printed(&same));

    let wrong = write(
        folder,
        "wrong.yaml",
        "portreeve: 1\nprofiles:\n  - { name: fine, capabilities: [SIMPLE_SEND_MONEY] }\n  - { name: bad, capabilites: [] }\n",
    );
    let refused = run(&platform, &["apply", "-f", &wrong]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        printed(&refused).contains("wrong.yaml:4"),
        "{}",
        printed(&refused)
    );
    let exported = run(&platform, &["export"]);
    assert!(!printed(&exported).contains("name: fine"));
    // What is exported is what is in force, on paper and in a folder.
    let whole = folder.join("whole");
    let into = whole.to_str().expect("it is text");
    let written = run(&platform, &["export", "--into", into]);
    assert!(written.status.success(), "{}", printed(&written));
    let file = whole.join("state.yaml");
    let state = std::fs::read_to_string(&file).expect("it was written");
    assert_eq!(state, String::from_utf8_lossy(&exported.stdout));
    let same = run(&platform, &["diff", "-f", file.to_str().expect("text")]);
    assert_eq!(printed(&same).trim(), "no difference");

    // A script takes 2 for a difference, so that nothing else may end with it.
    let mistyped = run(&platform, &["diff", "--fiel", &wrong]);
    assert_eq!(mistyped.status.code(), Some(64), "{}", printed(&mistyped));
    let latin = folder.join("latin.yaml");
    std::fs::write(&latin, b"portreeve: 1\n# caf\xe9\n").expect("it can be written");
    let latin = latin.to_str().expect("it is text");
    let refused = run(&platform, &["diff", "-f", latin]);
    assert_eq!(refused.status.code(), Some(1));
    let text = printed(&refused);
    assert!(text.contains("latin.yaml:2: this is not UTF-8"), "{text}");
    let nobody = ["apps", "--management", "http://127.0.0.1:9", "--token", "x"];
    let text = printed(&run(&platform, &nobody));
    assert!(text.contains("refused"), "the reason is not in {text}");
}

#[test]
fn without_dev_it_refuses_unsafe_settings_until_each_mend_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let portreeve = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portreeve"));
        command.current_dir(folder.path()).args(arguments);
        command
    };
    let refused = portreeve(&["serve", "--public", "0.0.0.0:0"])
        .output()
        .expect("it runs");
    assert_eq!(refused.status.code(), Some(1));
    let text = printed(&refused);
    for part in [
        "`keys.file`: unset; make a file with `portreeve config new-keys FILE`",
        "`installation.issuer`: unset",
        "`operator.token`: unset; make one with `portreeve config new-token`",
        "`listeners.public.address`: `0.0.0.0:0` is reachable from outside without TLS",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let made = portreeve(&["config", "new-keys", "keys.json"]).status();
    assert!(made.expect("it runs").success());
    let token = portreeve(&["config", "new-token"])
        .output()
        .expect("it runs");
    let token = String::from_utf8_lossy(&token.stdout).trim().to_owned();
    let check = || {
        let mut command = portreeve(&["config", "check"]);
        command
            .env("PORTREEVE__KEYS__FILE", "keys.json")
            .env("PORTREEVE__INSTALLATION__ISSUER", "https://a.example")
            .env("PORTREEVE__OPERATOR__TOKEN", &token);
        command
    };
    let checked = check().output().expect("it runs");
    assert!(checked.status.success(), "{}", printed(&checked));
    // What only shows when it is read is not called sound either.
    let garbage = write(folder.path(), "garbage.mmdb", "not a database");
    let checked = check()
        .env("PORTREEVE__LOG__FILTER", "info=loud")
        .env("PORTREEVE__GEO__MMDB_PATH", &garbage)
        .output()
        .expect("it runs");
    assert_eq!(checked.status.code(), Some(1));
    let text = printed(&checked);
    assert!(
        text.contains("`log.filter`: ") && text.contains("`geo.mmdb_path`: "),
        "{text}"
    );
    let again = portreeve(&["config", "new-keys", "keys.json"]).output();
    assert!(
        !again.expect("it runs").status.success(),
        "an existing file was replaced"
    );
}

/// Shows: P-36, P-66.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_runs_on_postgresql() {
    let Some(server) = Postgres::launch().await else {
        return;
    };
    let database = server.database().await;
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "[store]\npostgres_url = \"{}\"\n",
        database.address().expose()
    );
    let config = write(folder.path(), "portreeve.toml", &text);
    let mut platform = Platform::start(&["--config", &config]);
    let key = platform.key("acme-shop", "live");
    assert_eq!(pay(&platform, &key, &[]).0, 201);
    platform.restart(&["--config", &config]);
    assert_eq!(platform.key("acme-shop", "live"), key);
    let user = format!("{}:{}", key.0, key.1);
    let url = format!(
        "{}/payments/AdaptivePayments/Preapproval",
        platform.text("public")
    );
    let agree = r#"{"currencyCode":"USD","maxAmount":"100","durationYears":1}"#;
    let refused = curl(&[
        "-u",
        &user,
        "-H",
        "content-type: application/json",
        "-d",
        agree,
        &url,
    ]);
    assert_eq!(refused.0, 403);
    assert!(refused.1.contains("level_too_low"), "{}", refused.1);
    assert!(!platform.folder.path().join("data/portreeve.db").exists());
}

#[test]
fn the_state_files_of_the_command_line_stand_in_for_the_examples() {
    let folder = tempfile::tempdir().expect("a folder");
    let description = "openapi: 3.0.3\ninfo: { title: Notes, version: '1' }\npaths:\n  /notes/{id}:\n    get: { operationId: ReadNote, responses: { '200': { description: A note } } }\n";
    write(folder.path(), "notes.openapi.yaml", description);
    let state = "portreeve: 1\nladders: [ { name: default, levels: [ { name: basic } ] } ]\n\
        capabilities: [ { name: READ_NOTES, level: basic } ]\n\
        apis:\n  - name: notes\n    description: notes.openapi.yaml\n    version: '1'\n    mounts: [ { path: '${mount}' } ]\n\
        \x20   live: { url: '${dev_upstream}/notes', credential: none, identity: ed25519 }\n\
        \x20   operations: [ { operation: ReadNote, uses: [READ_NOTES] } ]\n\
        accounts: [ { name: ann, kind: person, verified: true, developer: {} } ]\n\
        apps: [ { name: reader, developer: ann, account: ann, apis: [notes] } ]\n";
    let state = write(folder.path(), "state.yaml", state);
    let platform = Platform::start(&["--state", &state, "--var", "mount=/n"]);
    let (id, secret) = platform.key("reader", "live");
    let url = format!("{}/n/notes/1", platform.text("public"));
    let (status, body) = curl(&["-u", &format!("{id}:{secret}"), &url]);
    assert!(status == 200 || status == 404, "{status} {body}");
    assert!(
        body.contains("decision"),
        "the upstream did not answer: {body}"
    );
    let apps = run(&platform, &["apps"]);
    assert!(!printed(&apps).contains("acme-shop"));
}

/// What `GET /readyz` finds about the GeoIP file.
fn places_in_use(platform: &Platform) -> String {
    let (status, report) = curl(&[&format!("{}/readyz", platform.text("ops"))]);
    assert_eq!(status, 200, "{report}");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    let places = checks.iter().find(|check| check["check"] == "places");
    let found = &places.expect("a check")["found"];
    found.as_str().expect("a text").to_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a file is looked at now and then, and only time can tell"
)]
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..100 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}: not within ten seconds");
}

/// Shows: P-48.
#[test]
fn a_geoip_file_is_read_again_and_a_bad_one_never_replaces_a_good_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("places.mmdb");
    let good = geoip(&[("127.0.0.0/8", "US")]);
    fs::write(&file, &good).expect("a file");
    let mut command = serve(&[]);
    command.env("PORTREEVE__GEO__MMDB_PATH", &file);
    let platform = Platform::start_by(command);
    let (id, secret) = platform.key("hooli-pay", "live");
    let url = format!("{}/payments-next/ExchangeRates", platform.text("public"));
    let rates = || curl(&["-u", &format!("{id}:{secret}"), &url]);
    assert_eq!(rates().0, 200, "{}", rates().1);
    let in_use = format!("`{}`", file.display());
    assert_eq!(places_in_use(&platform), in_use);

    let elsewhere = geoip(&[("127.0.0.0/8", "JP")]);
    let not_countries = testkit::mmdb("asn", &[("127.0.0.0/8", "JP")]);
    let truncated = &elsewhere[..elsewhere.len() / 2];
    let told = || places_in_use(&platform);
    for bad in [truncated, &not_countries] {
        let before = told();
        fs::write(&file, bad).expect("a file");
        until("the bad file is told", || told() != before);
        let told = told();
        assert!(told.contains("is not a usable GeoIP database"), "{told}");
        assert_eq!(rates().0, 200, "{}", rates().1);
    }
    fs::remove_file(&file).expect("a file");
    until("its absence is told", || told().contains("cannot be read"));
    assert_eq!(rates().0, 200, "{}", rates().1);

    fs::write(&file, elsewhere).expect("a file");
    until("the new file is in use", || told() == in_use);
    let (status, body) = rates();
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("place_not_allowed"), "{body}");
}

#[test]
fn it_does_not_start_on_a_geoip_file_that_it_cannot_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = geoip(&[("127.0.0.0/8", "US")]);
    let absent = folder.path().join("absent.mmdb").display().to_string();
    let cut = folder.path().join("cut.mmdb");
    fs::write(&cut, &good[..good.len() - 9]).expect("a file");
    for (file, why, mend) in [
        (absent, "cannot be read", "or leave the key out"),
        (
            cut.display().to_string(),
            "is not a usable GeoIP database",
            "give a country database in MMDB format",
        ),
    ] {
        let mut command = serve(&[]);
        let ended = command
            .current_dir(folder.path())
            .env("PORTREEVE__GEO__MMDB_PATH", &file)
            .output()
            .expect("it runs");
        assert_eq!(ended.status.code(), Some(1));
        let told = printed(&ended);
        for part in ["`geo.mmdb_path`", &file, why, mend] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        assert!(!folder.path().join("data").exists());
    }
}
