//! Credentials of apps, and what accounts entrust, over real TLS and from the command line.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use primitives::{Clock as _, SystemClock, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd, generate_simple_self_signed,
};
use serde_json::{Value, json};

use crate::platform::{Platform, serve};

const CALLS: &str = "/telephony/2010-04-01/Accounts/longlines/Calls.json";
const APP: &str = "longlines-console";

/// Certificates of the gateway, of an authority and of two of its callers, as files.
fn certificates(folder: &Path) -> [u8; 32] {
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("written");
    let ours = generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    write("api.pem", ours.cert.pem());
    write("api.key", ours.signing_key.serialize_pem());
    let mut wanted = CertificateParams::new(Vec::new()).expect("parameters");
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(wanted, key).expect("an authority");
    write("callers.pem", authority.pem());
    let mut first = None;
    for name in ["till", "other"] {
        let mut wanted =
            CertificateParams::new(vec![format!("{name}.example")]).expect("parameters");
        wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let made = wanted.signed_by(&key, &authority).expect("a certificate");
        write(&format!("{name}.pem"), made.pem());
        write(&format!("{name}.key"), key.serialize_pem());
        first.get_or_insert_with(|| keys::sha256(made.der()));
    }
    first.expect("a certificate")
}

/// A platform whose gateway speaks TLS and asks for certificates, as one setting more says.
fn platform(folder: &Path, (asks, value): (&str, &str)) -> Platform {
    let mut command = serve(&[]);
    let file = |name: &str| folder.join(name).display().to_string();
    for (key, value) in [
        ("TLS_CERTIFICATE", file("api.pem")),
        ("TLS_KEY", file("api.key")),
        (asks, value.to_owned()),
    ] {
        command.env(format!("PORTREEVE__LISTENERS__PUBLIC__{key}"), value);
    }
    Platform::start_by(command)
}

/// Status and code of a call with these arguments of curl.
fn call(platform: &Platform, folder: &Path, arguments: &[&str]) -> (String, String) {
    let (_, port) = platform.text("public").rsplit_once(':').expect("a port");
    let output = Command::new("curl")
        .current_dir(folder)
        .args(["-s", "--max-time", "20", "--cacert", "api.pem"])
        .args(["-w", "\n%{http_code}"])
        .arg(format!(
            "https://localhost:{}{CALLS}",
            port.trim_end_matches('/')
        ))
        .args(arguments)
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').unwrap_or(("", &text));
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    (status.to_owned(), code)
}

/// What a command answers; `given` stands on its standard input.
fn run(platform: &Platform, arguments: &[&str], given: &str) -> String {
    let mut child = platform
        .command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut input = child.stdin.take().expect("standard input");
    input.write_all(given.as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn issue(platform: &Platform, more: &[&str]) -> [String; 3] {
    let arguments = [
        &["keys", "issue", APP, "--mode", "live", "-o", "json"],
        more,
    ]
    .concat();
    let issued: Value = serde_json::from_str(&run(platform, &arguments, "")).expect("JSON");
    ["/key/id", "/secret", "/signature"].map(|place| {
        let found = issued.pointer(place).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    })
}

/// Shows: P-04, P-31, P-32.
#[test]
fn an_app_shows_a_certificate_or_three_tokens_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let print = primitives::hex(&certificates(folder.path()));
    let authorities = folder.path().join("callers.pem");
    let authorities = authorities.to_str().expect("a path");
    let platform = platform(folder.path(), ("TLS_CLIENT_AUTHORITIES", authorities));
    let call = |arguments: &[&str]| call(&platform, folder.path(), arguments);
    let (ok, no) = ("200".to_owned(), "401".to_owned());
    let till = ["--cert", "till.pem", "--key", "till.key"];
    let other = ["--cert", "other.pem", "--key", "other.key"];

    assert_eq!(call(&till), (no.clone(), "credential_unknown".to_owned()));
    let [id, secret, _] = issue(
        &platform,
        &["--kind", "certificate", "--certificate", &print],
    );
    assert!(secret.is_empty());
    assert_eq!(call(&till).0, ok);
    assert_eq!(call(&other), (no.clone(), "credential_unknown".to_owned()));
    assert_eq!(call(&[]), (no.clone(), "credential_missing".to_owned()));
    let spoofed = format!("X-Forwarded-Client-Cert: Hash={print}");
    assert_eq!(call(&["-H", &spoofed]).1, "credential_missing");
    run(&platform, &["keys", "revoke", APP, &id], "");
    assert_eq!(call(&till), (no.clone(), "credential_revoked".to_owned()));

    let [id, secret, _] = issue(&platform, &["--certificate", &print]);
    let basic = format!("{id}:{secret}");
    assert_eq!(
        call(&["-u", &basic]),
        (no.clone(), "credential_certificate".to_owned())
    );
    assert_eq!(
        call(&[&other[..], &["-u", &basic]].concat()).1,
        "credential_certificate"
    );
    assert_eq!(call(&[&till[..], &["-u", &basic]].concat()).0, ok);

    let [user, password, signature] = issue(&platform, &["--kind", "three_token"]);
    let named = [
        format!("Portreeve-User: {user}"),
        format!("Portreeve-Password: {password}"),
        format!("Portreeve-Signature: {signature}"),
    ];
    let [user, password_named, signature_named] = &named;
    let three = ["-H", user, "-H", password_named, "-H", signature_named];
    assert_eq!(call(&three).0, ok);
    assert_eq!(
        call(&three[..4]),
        (no.clone(), "credential_malformed".to_owned())
    );
    let doubled = [&three[..], &["-H", user]].concat();
    assert_eq!(call(&doubled).1, "credential_malformed");
    let leaked = run(
        &platform,
        &["keys", "leaked"],
        &format!("{signature}\n\nother\n"),
    );
    assert!(leaked.starts_with("2 reported"), "{leaked}");
    assert_eq!(call(&three), (no, "credential_revoked".to_owned()));
}

/// A certificate that nobody else has signed, as files, valid until then; its SHA-256.
fn own_certificate(folder: &Path, name: &str, until: Timestamp) -> String {
    let mut wanted = CertificateParams::new(vec!["till.example".to_owned()]).expect("parameters");
    // As `openssl req -x509` makes them.
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let since = Duration::from_micros(until.as_micros().unsigned_abs());
    wanted.not_after = date_time_ymd(1970, 1, 1) + since;
    let key = KeyPair::generate().expect("a key");
    let made = wanted.self_signed(&key).expect("a certificate");
    let write = |kind: &str, text: String| {
        fs::write(folder.join(format!("{name}.{kind}")), text).expect("written");
    };
    write("pem", made.pem());
    write("key", key.serialize_pem());
    primitives::hex(&keys::sha256(made.der()))
}

/// Issues a credential for the certificate over REST; its id.
fn pin(platform: &Platform, print: &str, more: &Value) -> String {
    let mut wanted = json!({ "mode": "live", "kind": "certificate", "certificate": print });
    let more = more.as_object().expect("an object").clone();
    wanted.as_object_mut().expect("an object").extend(more);
    let token = platform.text("operator_token");
    let output = Command::new("curl")
        .args(["-s", "--max-time", "20", "--json", &wanted.to_string()])
        .args(["-H", &format!("authorization: Bearer {token}")])
        .arg(format!(
            "{}/v1/apps/{APP}/keys",
            platform.text("management")
        ))
        .output()
        .expect("curl runs");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    told["key"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{told}"))
        .to_owned()
}

/// A platform that lets in certificates that their owners made.
struct Owners {
    folder: tempfile::TempDir,
    platform: Platform,
}

impl Owners {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        certificates(folder.path());
        let platform = platform(folder.path(), ("TLS_CLIENT_SELF_SIGNED", "true"));
        Self { folder, platform }
    }

    fn own(&self, name: &str, until: Timestamp) -> String {
        own_certificate(self.folder.path(), name, until)
    }

    fn pin(&self, print: &str, more: &Value) -> String {
        pin(&self.platform, print, more)
    }

    fn call(&self, name: &str, more: &[&str]) -> (String, String) {
        let files = [format!("{name}.pem"), format!("{name}.key")];
        let shown = ["--cert", files[0].as_str(), "--key", files[1].as_str()];
        let arguments = [&shown[..], more].concat();
        call(&self.platform, self.folder.path(), &arguments)
    }
}

fn ok() -> (String, String) {
    ("200".to_owned(), String::new())
}

fn no(code: &str) -> (String, String) {
    ("401".to_owned(), code.to_owned())
}

fn no_connection() -> (String, String) {
    ("000".to_owned(), String::new())
}

/// Certificates that their owners made: each opens what it was pinned for, and the next one works
/// before the last one goes.
///
/// Shows: P-31, P-32.
#[test]
fn certificates_that_their_owners_made_overlap() {
    let owners = Owners::open();
    let later = SystemClock.now().plus_seconds(3_600);
    let [first, second, reports] =
        ["first", "second", "reports"].map(|name| owners.own(name, later));

    assert_eq!(owners.call("first", &[]), no("credential_unknown"));
    let old = owners.pin(&first, &json!({}));
    assert_eq!(owners.call("first", &[]), ok());
    assert_eq!(owners.call("second", &[]), no("credential_unknown"));
    owners.pin(&second, &json!({}));
    assert_eq!(owners.call("first", &[]), ok());
    assert_eq!(owners.call("second", &[]), ok());
    run(&owners.platform, &["keys", "revoke", APP, &old], "");
    assert_eq!(owners.call("first", &[]), no("credential_revoked"));
    assert_eq!(owners.call("second", &[]), ok());

    // Of the same app, and opens less.
    owners.pin(&reports, &json!({ "permissions": "telephony-reports" }));
    assert_eq!(owners.call("reports", &[]), ok());
    let place = ["-d", "To=%2B15005550006&From=%2B15005550001"];
    let outside = "outside_key_permissions";
    assert_eq!(owners.call("reports", &place).1, outside);
    assert_ne!(owners.call("second", &place).1, outside);
}

/// Neither certificate nor credential works out of its time, on a connection that was opened in
/// time neither.
///
/// Shows: P-31, P-32.
#[test]
fn certificates_that_their_owners_made_end() {
    let owners = Owners::open();
    let later = SystemClock.now().plus_seconds(3_600);
    let past = owners.own("past", SystemClock.now().plus_seconds(-60));
    owners.pin(&past, &json!({}));
    assert_eq!(owners.call("past", &[]), no_connection());

    let soon = SystemClock.now().plus_seconds(4);
    let ends = owners.own("ends", later);
    owners.pin(&ends, &json!({ "expires_at": soon.to_string() }));
    assert_eq!(owners.call("ends", &[]), ok());

    let short = owners.own("short", soon);
    owners.pin(&short, &json!({}));
    let port = owners.platform.text("public").rsplit_once(':');
    let port = port.expect("a port").1.trim_end_matches('/');
    let url = format!("https://localhost:{port}{CALLS}");
    let told = Command::new("curl")
        .current_dir(owners.folder.path())
        .args(["-s", "--max-time", "20", "--cacert", "api.pem"])
        .args(["--cert", "short.pem", "--key", "short.key"])
        // Two calls, five seconds apart, on one connection.
        .args(["--rate", "12/m", "-o", "/dev/null", "-o", "/dev/null"])
        .args(["-w", "%{http_code} on %{num_connects} new\n", &url, &url])
        .output()
        .expect("curl runs");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(told, "200 on 1 new\n401 on 0 new\n");
    assert_eq!(owners.call("short", &[]), no_connection());
    assert_eq!(owners.call("ends", &[]), no("credential_expired"));
}

/// Everything secret that went in, looked for in everything that is written.
///
/// Shows: P-19, S-123.
#[test]
fn no_secret_stands_in_data_or_logs() {
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let mut command = serve(&[]);
    let log = folder.path().join("log");
    command
        .env("PORTREEVE__LOG__FILTER", "trace")
        .stderr(fs::File::create(&log).expect("a log"));
    let mut platform = Platform::start_logged(command);
    let [_, password, signature] = issue(&platform, &["--kind", "three_token"]);
    let mut canaries = vec![password.clone(), signature];
    for (name, kind, value) in [
        ("card", "card", "4111111111111111"),
        ("bank", "bank", "DE89370400440532013000"),
        ("sending", "password", "canary of a transaction"),
    ] {
        let set = ["confidential", "set", "longlines", name, "--kind", kind];
        run(&platform, &set, value);
        let shown = run(
            &platform,
            &["confidential", "reveal", "longlines", name],
            "",
        );
        assert_eq!(shown.trim(), value);
        canaries.push(value.to_owned());
    }
    let listed = run(&platform, &["confidential", "list", "longlines"], "");
    assert!(
        listed.contains("•••• 1111") && !listed.contains("4111"),
        "{listed}"
    );
    run(&platform, &["keys", "leaked"], &password);
    platform.terminate();
    let mut looked_at = 0;
    let mut open = vec![platform.folder.path().to_owned(), log.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a folder");
            open.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        looked_at += bytes.len();
        for canary in &canaries {
            let mut parts = bytes.windows(canary.len());
            let there = parts.any(|part| part == canary.as_bytes());
            assert!(!there, "{} holds {canary}", path.display());
        }
    }
    let logged = fs::metadata(&log).expect("a log").len();
    assert!(looked_at > 100_000 && logged > 100, "{looked_at} {logged}");
}
