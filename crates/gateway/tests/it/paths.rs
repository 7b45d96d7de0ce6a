//! One path decides and is forwarded: nothing that any server behind us could read as another.

use crate::{
    client::Session,
    upstream::{Received, Upstream, ok},
    world::{Setup, World},
};

/// Once percent-decoded, byte by byte; what is no escape stays.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|two| std::str::from_utf8(two).ok());
        let escape = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        if let Some(byte) = escape.filter(|_| bytes[at] == b'%') {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// As servers do that make a path short: `//`, `.`, `..`, and what follows `;`.
fn shortened(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment
            .split(';')
            .next()
            .unwrap_or_default()
            .trim_end_matches(['.', ' '])
        {
            "" if segment.starts_with("..") => {
                kept.pop();
            }
            "" => {}
            name => kept.push(name),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Every path that some server makes of the one it was sent.
fn readings(target: &str) -> Vec<String> {
    let path = target
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_owned();
    let once = decoded(&path);
    let twice = decoded(&once);
    let mut all = Vec::new();
    for path in [path, once, twice] {
        let slashed = path.replace('\\', "/");
        let cut = path.split('\0').next().unwrap_or_default().to_owned();
        for path in [path, slashed, cut] {
            all.push(shortened(&path));
            all.push(shortened(&path).to_lowercase());
            all.push(path);
        }
    }
    all
}

/// Paths around a denied route, spelled in every way that was ever an advisory.
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn hostile() -> Vec<String> {
    let slashes = [
        "/",
        "//",
        "///",
        "/./",
        "/%2e/",
        "/x/../",
        "/x/%2e%2e/",
        "/x/..%2f",
        "%2f",
        "%2F",
        "\\",
        "%5c",
        "%5C",
        "/;/",
        "/;a=b/",
        "/..;/x/",
        "%252f",
        "%252F",
        "%c0%af",
        "/%20/",
        "/.%2e/",
        "/\u{2215}",
        "%e2%88%95",
        "/%00/",
        "/\t/",
        "/ /",
        "/...//",
        "/%09",
        "/\u{85}/",
    ];
    let words = [
        "admin",
        "%61dmin",
        "a%64min",
        "ADMIN",
        "%2561dmin",
        "admi%6E",
        "admin.",
        "admin;x=1",
    ];
    let items = [
        "items",
        "item%73",
        "items/",
        "items.",
        "items%20",
        "items;a",
        "items%00",
        "items?",
        "items?x=/../..",
        "items#",
        "items%23",
        "items%3f",
        "items/.",
        "items/..",
        "items%2e",
    ];
    let mounts = [
        "/shop",
        "//shop",
        "/./shop",
        "/x/../shop",
        "/%73hop",
        "/Shop",
        "/shop/items/..",
    ];
    let mut all = Vec::new();
    for slash in slashes {
        for word in words {
            for item in items {
                all.push(format!("/shop{slash}{word}/{item}"));
            }
        }
    }
    for mount in mounts {
        for slash in slashes {
            all.push(format!("{mount}{slash}admin{slash}items"));
            all.push(format!("{mount}{slash}items{slash}..{slash}admin/items"));
            all.push(format!("{mount}/items{slash}admin"));
        }
    }
    let mut at = 0;
    all.retain(|_| {
        at += 1;
        at % 3 != 0
    });
    all
}

/// Shows: S-12, S-14, R-22, R-27, R-34, R-62, R-66, R-70, R-71.
#[tokio::test]
async fn no_path_reaches_a_route_that_was_not_decided_about() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.reads = 100_000;
    let world = World::start(setup).await;
    let mut session = Session::new(world.address);
    let all = hostile();
    assert!(all.len() >= 2_000, "{}", all.len());
    let (mut refused, key) = (0, world.key());
    for path in &all {
        let bytes = format!("GET {path} HTTP/1.1\r\nHost: gate.test\r\n{key}\r\n");
        let before = upstream.received().len();
        let answer = session.ask(bytes.as_bytes()).await;
        let reached = upstream.received().len() > before;
        assert_eq!(reached, answer.status == 200, "{path}: {answer:?}");
        assert!(
            [200, 400, 403, 404, 405].contains(&answer.status),
            "{path}: {answer:?}"
        );
        if answer.status == 400 {
            refused += 1;
        }
    }
    assert!(refused > all.len() / 2, "{refused} of {}", all.len());
    for got in upstream.received() {
        assert_one_reading(&got);
    }
}

fn assert_one_reading(got: &Received) {
    let target = got.line().split(' ').nth(1).unwrap().to_owned();
    for reading in readings(&target) {
        assert!(!reading.contains("admin"), "{target} is read as {reading}");
    }
}

/// Shows: S-14, R-66.
#[tokio::test]
async fn a_mount_is_cut_off_from_the_path_that_was_read() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let mut session = Session::new(world.address);
    let key = world.key();
    for (path, forwarded) in [
        ("/shop/items", Some("/base/items")),
        ("/sho%70/item%73", Some("/base/items")),
        (
            "/%73%68%6f%70/items?a=%2e%2e/shop",
            Some("/base/items?a=../shop"),
        ),
        (
            "/shop/accounts/a%20b/items.json",
            Some("/base/accounts/a%20b/items.json"),
        ),
        ("/shopitems", None),
        ("/shop%2fitems", None),
        ("/Shop/items", None),
        ("/shop/shop/items", None),
        ("/shop/../items", None),
        ("/shop;/items", None),
        ("/items", None),
        ("/base/items", None),
        ("/shop/base/items", None),
    ] {
        let before = upstream.received().len();
        let bytes = format!("GET {path} HTTP/1.1\r\nHost: gate.test\r\n{key}\r\n");
        let answer = session.ask(bytes.as_bytes()).await;
        let got = upstream.received();
        let sent = got
            .get(before)
            .map(|got| got.line().split(' ').nth(1).unwrap().to_owned());
        // An account that nobody knows is refused; what is forwarded is the point here.
        if path.contains("accounts") {
            assert!(answer.status >= 400 && sent.is_none(), "{answer:?}");
        } else {
            assert_eq!(sent.as_deref(), forwarded, "{path}: {answer:?}");
        }
    }
}

/// Shows: S-13, R-60, R-69, R-70.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn a_host_has_one_form_or_none() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let mut session = Session::new(world.address);
    let key = world.key();
    let mut ask = async |target: &str, host: &str| {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{key}\r\n");
        session.ask(bytes.as_bytes()).await.status
    };
    for (target, host) in [
        ("/items", "shop.test"),
        ("/items", "SHOP.Test"),
        ("/items", "shop.test."),
        ("/items", "shop.test:80"),
        ("/items", "shop.test:8080"),
        ("http://shop.test/items", "shop.test"),
        ("HTTP://Shop.Test./items", "shop.test:80"),
        ("https://shop.test:443/items", "SHOP.test"),
    ] {
        assert_eq!(ask(target, host).await, 200, "{target} {host}");
        let got = upstream.received().pop().unwrap();
        let told = got.header("x-forwarded-host").unwrap().to_owned();
        assert!(
            told.starts_with("shop.test") && !told.contains("test."),
            "{told}"
        );
    }
    let calls = upstream.received().len();
    for (target, host) in [
        ("/items", ""),
        ("/items", "shop.test, evil.test"),
        ("/items", "shop.test evil.test"),
        ("/items", "shop.test:"),
        ("/items", "shop.test:0"),
        ("/items", "shop.test:99999"),
        ("/items", "shop.test:80:80"),
        ("/items", "shop.test@evil.test"),
        ("/items", "evil.test:1@shop.test"),
        ("/items", "shop.test/"),
        ("/items", "shop.test#"),
        ("/items", "shop.test?"),
        ("/items", "shop%2etest"),
        ("/items", "shop。test"),
        ("/items", "ＳＨＯＰ.test"),
        ("/items", "shop.test.."),
        ("/items", ".shop.test"),
        ("/items", "[::1"),
        ("/items", "[::ffff:127.0.0.1%eth0]"),
        ("/items", "0x7f.1"),
        ("/items", "127.1"),
        ("/items", "2130706433"),
        ("http://evil.test/items", "shop.test"),
        ("http://shop.test/items", "evil.test"),
        ("http://shop.test:81/items", "shop.test"),
        ("http://u@shop.test/items", "shop.test"),
        ("http://shop.test\\@evil.test/items", "shop.test"),
        ("ftp://shop.test/items", "shop.test"),
        ("http:/items", "shop.test"),
        ("//shop.test/items", "evil.test"),
        ("shop.test/items", "shop.test"),
        ("*", "shop.test"),
    ] {
        assert_eq!(ask(target, host).await, 400, "{target} {host}");
    }
    for host in [
        "evil.test",
        "shop.test.evil.test",
        "xshop.test",
        "xn--shop-.test",
        "127.0.0.1",
        "[::1]:80",
    ] {
        let status = ask("/items", host).await;
        assert!(matches!(status, 400 | 404), "{host}: {status}");
    }
    assert_eq!(upstream.received().len(), calls);
}
