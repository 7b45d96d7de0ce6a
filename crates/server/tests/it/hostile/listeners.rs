//! What the listeners answer, and to whom.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::Duration,
};

use crate::platform::Platform;

/// What a listener answers to these bytes: the status.
fn status(at: &str, head: &str) -> String {
    let address = at
        .trim_start_matches("http://")
        .replace("localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    stream.write_all(head.as_bytes()).expect("written");
    let mut answer = [0_u8; 12];
    stream.read_exact(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer)
        .replace("HTTP/1.1 ", "")
        .replace("HTTP/1.0 ", "")
}

/// A page of anybody's that has its name lead to this machine reads nothing of the console, of
/// REST or of the metrics, however it writes the name.
///
/// Shows: S-77, S-124.
#[test]
fn other_names_of_this_machine_are_not_answered() {
    let platform = Platform::start(&[]);
    let (office, ops) = (platform.text("management"), platform.text("ops"));
    let port = office.rsplit(':').next().expect("a port");
    let pages = [
        (office, "/console/sign-in"),
        (office, "/openapi.json"),
        (office, "/v1/apps"),
        (office, "/docs/problems"),
        (office, "/nothing"),
        (ops, "/metrics"),
        (ops, "/healthz"),
    ];
    for (at, path) in pages {
        for host in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "LocalHost",
            "localhost:1",
        ] {
            let got = status(at, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n"));
            assert!(
                ["200", "401", "404"].contains(&&*got),
                "{path} for {host}: {got}"
            );
        }
        for host in [
            "evil.example".to_owned(),
            format!("evil.example:{port}"),
            format!("localhost.evil.example:{port}"),
            format!("evil.example@localhost:{port}"),
            "localhost.".to_owned(),
            "127.0.0.2".to_owned(),
            "2130706433".to_owned(),
            "0".to_owned(),
            String::new(),
        ] {
            let got = status(at, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n"));
            assert!(
                ["421", "400"].contains(&&*got),
                "{path} for `{host}`: {got}"
            );
        }
        for head in [
            format!("GET http://evil.example{path} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            format!("GET http://localhost{path} HTTP/1.1\r\nhost: evil.example\r\n\r\n"),
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n"),
            format!("GET {path} HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\n\r\n"),
            format!("GET {path} HTTP/1.1\r\nhost: localhost, evil.example\r\n\r\n"),
        ] {
            let got = status(at, &head);
            assert!(["421", "400"].contains(&&*got), "{head}: {got}");
        }
    }
    let form = format!(
        "POST /console/sign-in HTTP/1.1\r\nhost: evil.example:{port}\r\ncontent-length: 0\r\n\r\n"
    );
    assert_eq!(status(office, &form), "421");
}

/// Nothing on any listener shows the inside of the program.
///
/// Shows: S-91.
#[test]
fn no_listener_shows_the_inside() {
    let platform = Platform::start(&[]);
    for listener in ["public", "site", "management", "ops"] {
        for path in [
            "/debug",
            "/debug/pprof/",
            "/debug/vars",
            "/actuator/env",
            "/server-status",
            "/.env",
            "/.git/config",
            "/swagger-ui/",
            "/graphql",
            "/admin",
            "/config",
            "/env",
            "/heap",
            "/trace",
            "/v1/debug",
            "/console/debug",
            "/console/assets/../../Cargo.toml",
            "/assets/x/..%2f..%2fCargo.toml",
            "/data/dev.json",
            "/portreeve.db",
            "/keys.json",
        ] {
            for method in ["GET", "POST", "TRACE"] {
                let head = format!(
                    "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
                );
                let got = status(platform.text(listener), &head);
                let refused = ["303", "400", "401", "403", "404", "405", "415", "501"];
                assert!(
                    refused.contains(&&*got),
                    "{listener} {method} {path}: {got}"
                );
            }
        }
    }
}

/// Without settings it does not start and makes nothing, and no token that somebody made up is
/// taken or told again.
///
/// Shows: S-124, S-91.
#[test]
fn it_does_not_start_with_nothing_said_or_something_made_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let started = |token: Option<&str>| {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_portreeve"));
        serve.arg("serve").current_dir(folder.path());
        if let Some(token) = token {
            serve.env("PORTREEVE__OPERATOR__TOKEN", token);
        }
        let output = serve.output().expect("it runs");
        assert!(!output.status.success(), "{token:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let told = started(None);
    for key in ["keys.file", "installation.issuer", "operator.token"] {
        assert!(told.contains(key), "{key}: {told}");
    }
    for weak in [
        "secret",
        "changeme",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "changemechangemechangemechangeme",
        "00000000000000000000000000000000",
        "1234567812345678123456781234567812345678",
    ] {
        let told = started(Some(weak));
        assert!(told.contains("operator.token"), "{weak}: {told}");
        assert!(!told.contains(weak), "{told}");
    }
    assert!(!folder.path().join("data/portreeve.db").exists());
}

/// What `--dev` makes up is random, its owner's, and reached from this machine alone; and nothing
/// is open.
///
/// Shows: S-124, R-23.
#[test]
fn nothing_is_open_that_nobody_opened() {
    let (one, other) = (Platform::start(&[]), Platform::start(&[]));
    assert_ne!(one.text("operator_token"), other.text("operator_token"));
    assert!(one.text("operator_token").len() > 40);
    for listener in ["public", "site", "management", "ops"] {
        let port = one.text(listener).rsplit(':').next().expect("a port");
        let listening = listening_addresses(port);
        assert!(!listening.is_empty(), "{listener}");
        for address in listening {
            assert_eq!(address, "0100007F", "{listener} is open to others");
        }
    }
    all_is_its_owners(&one.folder.path().join("data"));
    for (listener, path, expected) in [
        ("public", "/payments/AdaptivePayments/Pay", "401"),
        ("management", "/v1/apps", "401"),
        ("management", "/console", "303"),
        ("site", "/apps", "303"),
        ("site", "/v1/developer", "401"),
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let got = status(one.text(listener), &head);
        assert_eq!(got, expected, "{listener} {path}");
    }
}

fn all_is_its_owners(data: &Path) {
    let mut looked_at = 0;
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let mode = path.metadata().expect("a mode").permissions().mode();
            if path.is_dir() {
                folders.push(path.clone());
            }
            let name = path.display();
            assert_eq!(mode & 0o077, 0, "{name} is open to others: {mode:o}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 3, "{looked_at} files");
}

/// The addresses that this machine listens on at a port, as the kernel writes them.
fn listening_addresses(port: &str) -> Vec<String> {
    let wanted = format!("{:04X}", port.parse::<u16>().expect("a port"));
    let mut found = Vec::new();
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for line in text.lines().skip(1) {
            let mut fields = line.split_whitespace().skip(1);
            let (local, _, state) = (fields.next(), fields.next(), fields.next());
            let Some((address, at)) = local.and_then(|local| local.split_once(':')) else {
                continue;
            };
            if at == wanted && state == Some("0A") {
                found.push(address.to_owned());
            }
        }
    }
    found
}
