//! Names under which an upstream would believe something that only we may say.

use std::net::IpAddr;

use crate::{
    client::{Session, request, send},
    upstream::{Received, Upstream, answer, ok},
    world::{Setup, World},
};

/// What we say to the upstream, and how a nomination may be spelled.
const OURS: [&str; 8] = [
    "Portreeve-Context",
    "Portreeve-Decision",
    "Authorization",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Traceparent",
    "Host",
];

fn says_everything(got: &Received) -> bool {
    OURS.iter()
        .all(|name| got.header(name).is_some_and(|value| !value.contains("lie")))
}

/// Shows: S-10, R-62, R-63.
#[tokio::test]
async fn no_nomination_takes_away_what_we_say() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let mut session = Session::new(world.address);
    let mut asked = 0;
    for name in OURS {
        // A nominated credential is gone before anybody is recognised by it.
        let gone = matches!(name, "Authorization" | "Host");
        for spelled in [name.to_owned(), name.to_lowercase(), name.to_uppercase()] {
            for option in [
                spelled.clone(),
                format!("keep-alive, {spelled}"),
                format!("{spelled},x-real-ip ,\tx-other"),
                format!("x-a\r\nConnection: {spelled}"),
            ] {
                let bytes = format!(
                    "GET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{}Connection: {option}\r\n\r\n",
                    world.key()
                );
                let answer = session.ask(bytes.as_bytes()).await;
                let fits = answer.status == 200 || (gone && matches!(answer.status, 400 | 401));
                assert!(fits, "{option}: {answer:?}");
                asked += 1;
            }
        }
    }
    let got = upstream.received();
    assert!(asked == 96 && got.len() >= 72, "{asked} {}", got.len());
    for got in got {
        assert!(says_everything(&got), "{}", got.head);
    }
}

/// Every way to write `name` with other letters' case and other separators.
fn spellings(name: &str) -> Vec<String> {
    let mut all = vec![name.to_uppercase(), name.to_owned()];
    let dashes: Vec<usize> = name.match_indices('-').map(|(at, _)| at).collect();
    for separators in [['_', '-'], ['.', '-'], ['_', '.'], ['~', '_'], ['!', '-']] {
        for choice in 1..(1 << dashes.len()) {
            let mut spelled: Vec<char> = name.chars().collect();
            for (bit, at) in dashes.iter().enumerate() {
                let other = if choice & (1 << bit) == 0 {
                    separators[1]
                } else {
                    separators[0]
                };
                spelled[*at] = other;
            }
            let spelled: String = spelled.into_iter().collect();
            all.extend([spelled.to_uppercase(), spelled]);
        }
    }
    let every_other = name.chars().enumerate();
    let mixed = every_other.map(|(at, c)| {
        if at % 2 == 0 {
            c.to_ascii_uppercase()
        } else {
            c
        }
    });
    all.push(mixed.collect());
    all.sort();
    all.dedup();
    all
}

/// Shows: S-11, R-31, R-38, R-62, R-69.
#[tokio::test]
async fn no_spelling_of_a_name_of_ours_survives() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let mut session = Session::new(world.address);
    let mut all = Vec::new();
    for name in [
        "portreeve-context",
        "portreeve-decision",
        "portreeve-user-id",
        "portreeve-x",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-forwarded-uri",
        "x-forwarded-user",
        "x-forwarded-prefix",
        "x-forwarded-client-cert",
        "x-original-url",
        "x-original-uri",
        "x-original-host",
        "x-original-method",
        "x-rewrite-url",
        "x-envoy-original-path",
        "x-envoy-external-address",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "true-client-ip",
        "client-ip",
        "forwarded",
    ] {
        all.extend(spellings(name));
    }
    assert!(all.len() >= 500, "{}", all.len());
    for names in all.chunks(40) {
        let fields = names.join(": lie\r\n") + ": lie\r\n";
        let twice = fields.clone();
        let bytes = format!(
            "GET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{}{fields}{twice}\r\n",
            world.key()
        );
        assert_eq!(session.ask(bytes.as_bytes()).await.status, 200, "{names:?}");
    }
    for got in upstream.received() {
        assert!(says_everything(&got), "{}", got.head);
        assert!(!got.head.contains("lie"), "{}", got.head);
    }
    let calls = upstream.received().len();
    // Letters that look alike, or that some readers fold into ASCII, are no names at all.
    for name in [
        "pоrtreeve-context",
        "portreeve‐context",
        "portreeve\u{ad}-context",
        "portreeve\u{2d}\u{200b}context",
        "ｐortreeve-context",
        "x-ſorwarded-for",
        "portreeve-\u{212a}ey",
        "portreeve context",
        "portreeve-context\u{a0}",
        "portreeve-context ",
        "\u{feff}portreeve-context",
    ] {
        let headers = format!("{}{name}: lie\r\n", world.key());
        let answer = send(world.address, request("GET /shop/items", &headers, "")).await;
        assert_eq!(answer.status, 400, "{name}");
    }
    assert_eq!(upstream.received().len(), calls);
}

/// Shows: S-11, S-08.
#[tokio::test]
async fn trailers_pass_the_same_sieve_in_both_directions() {
    let upstream = Upstream::start(|_: &_| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\
                    trailer: x-sum, portreeve-decision, set-cookie\r\n\r\n";
        let tail = "4\r\nfine\r\n0\r\nx-sum: 7\r\nportreeve-decision: lie\r\n\
                    set-cookie: lie\r\nx-unsaid: lie\r\n\r\n";
        vec![crate::upstream::Step::Send(format!("{head}{tail}"))]
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    let headers = format!(
        "{}transfer-encoding: chunked\r\ntrailer: x-sum, x_other, te\r\nte: trailers\r\n",
        world.key()
    );
    let mut bytes = request("PUT /shop/items", &headers, "");
    bytes.push_str("4\r\nbody\r\n0\r\nx-sum: 9\r\nx-unsaid: lie\r\n\r\n");
    let answered = send(world.address, bytes).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert!(
        answered.body.ends_with("0\r\nx-sum: 7\r\n\r\n"),
        "{answered:?}"
    );
    assert!(!answered.body.contains("lie"), "{answered:?}");
    let got = upstream.only();
    assert_eq!(
        (got.header("trailer"), got.header("te")),
        (Some("x-sum"), Some("trailers"))
    );
    let body = String::from_utf8(got.body).unwrap();
    assert!(
        body.ends_with("0\r\nx-sum: 9\r\n\r\n") && !body.contains("lie"),
        "{body}"
    );
}

/// What follows a body that is read before the decision is announced by the gateway, because by
/// then it knows it.
///
/// Shows: S-11.
#[tokio::test]
async fn trailers_pass_behind_a_body_that_was_read_for_the_decision() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let ask = async |announced: &str, trailers: &str| {
        let headers = format!(
            "{}transfer-encoding: chunked\r\ncontent-type: application/json\r\n{announced}",
            world.key()
        );
        // The length that `request` gives to a POST would be a second framing.
        let head = request("POST /shop/items", &headers, "");
        let mut bytes = head.replace("content-length: 0\r\n", "");
        bytes.push_str("d\r\n{\"amount\": 1}\r\n0\r\n");
        bytes.push_str(trailers);
        send(world.address, bytes + "\r\n").await.status
    };
    for (announced, trailers, told) in [
        ("trailer: x-sum, date\r\n", "X-Sum: 9\r\n", Some("x-sum")),
        (
            "",
            "x-sum: 9\r\nx-sum: 10\r\nx-more: 1\r\n",
            Some("x-sum, x-more"),
        ),
        ("trailer: x-sum\r\n", "", None),
    ] {
        assert_eq!(ask(announced, trailers).await, 200, "{announced}");
        let got = upstream.received().pop().unwrap();
        assert_eq!(got.header("trailer"), told, "{announced}");
        let body = String::from_utf8(got.body.clone()).unwrap();
        let sent = if told.is_some() {
            assert_eq!(got.header("content-length"), None, "{got:?}");
            format!("D\r\n{{\"amount\": 1}}\r\n0\r\n{trailers}\r\n").to_lowercase()
        } else {
            "{\"amount\": 1}".to_owned()
        };
        assert_eq!(body.to_lowercase(), sent, "{announced}");
    }
    let calls = upstream.received().len();
    assert_eq!(ask("", "date: lie\r\n").await, 400);
    assert_eq!(upstream.received().len(), calls);
}

/// Shows: S-15, R-35, R-42.
#[tokio::test]
async fn a_rule_over_a_header_cannot_be_dodged_by_saying_it_twice() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let mut session = Session::new(world.address);
    let mut ask = async |fields: &str| {
        let bytes = format!(
            "GET /shop/tiers HTTP/1.1\r\nHost: gate.test\r\n{}{fields}\r\n",
            world.key()
        );
        session.ask(bytes.as_bytes()).await
    };
    assert_eq!(ask("X-Tier: free\r\n").await.status, 200);
    let calls = upstream.received().len();
    for fields in [
        "",
        "X-Tier: paid\r\n",
        "X-Tier: free\r\nX-Tier: paid\r\n",
        "X-Tier: paid\r\nx-tier: free\r\n",
        "X-Tier: free\r\nX-TIER: free\r\n",
        "X-Tier: free,paid\r\n",
        "X-Tier: free, paid\r\n",
        "X-Tier: paid,free\r\n",
        "X-Tier: free\r\nX-Tier:\r\n",
        "X-Tier: FREE\r\n",
        "X-Tier:\r\n",
        "X_Tier: free\r\n",
    ] {
        let refused = ask(fields).await;
        assert_eq!(refused.status, 403, "{fields}: {refused:?}");
    }
    assert_eq!(upstream.received().len(), calls);
}

/// Shows: S-16, R-41, R-70.
#[tokio::test]
async fn an_address_is_believed_from_our_own_hops_only() {
    let upstream = Upstream::start(ok).await;
    let seen = async |hops: usize, networks: &[&str], fields: &str| {
        let mut setup = Setup::to(upstream.url());
        setup.limits.trusted_proxies = hops;
        setup.limits.proxy_networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        let world = World::start(setup).await;
        assert_eq!(world.call("GET /shop/items", fields, "").await.status, 200);
        let got = upstream.received().pop().unwrap();
        let address: IpAddr = got.header("x-forwarded-for").unwrap().parse().unwrap();
        assert!(got.header("forwarded").is_none() && got.header("x-real-ip").is_none());
        address.to_string()
    };
    let spoofed = "X-Forwarded-For: 203.0.113.9\r\n";
    let home = ["127.0.0.0/8"];
    assert_eq!(seen(0, &[], spoofed).await, "127.0.0.1");
    assert_eq!(
        seen(
            0,
            &home,
            "Forwarded: for=203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n"
        )
        .await,
        "127.0.0.1"
    );
    assert_eq!(seen(1, &home, spoofed).await, "203.0.113.9");
    assert_eq!(
        seen(1, &["10.0.0.0/8"], spoofed).await,
        "127.0.0.1",
        "private is not ours"
    );
    let chain = "X-Forwarded-For: 127.0.0.1, 10.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\n";
    assert_eq!(
        seen(1, &home, chain).await,
        "203.0.113.9",
        "the nearest entry counts"
    );
    assert_eq!(
        seen(2, &home, chain).await,
        "203.0.113.9",
        "its hop is not ours"
    );
    assert_eq!(
        seen(1, &home, "X-Forwarded-For: ::ffff:203.0.113.9\r\n").await,
        "203.0.113.9"
    );
    for junk in [
        "\"203.0.113.9\"",
        "203.0.113.9:80",
        "for=203.0.113.9",
        "203.0.113.9 203.0.113.10",
        "unknown",
        "[2001:db8::1]:80",
        "0xcb007109",
        "203.0.113.09",
        "",
        ",",
        "203.0.113.9,",
        "127.1",
    ] {
        let fields = format!("X-Forwarded-For: 203.0.113.1, {junk}\r\n");
        assert_eq!(seen(1, &home, &fields).await, "127.0.0.1", "{junk}");
    }
}

/// A caller that begins with the preamble of another proxy is no request.
///
/// Shows: S-16.
#[tokio::test]
async fn the_proxy_protocol_is_not_spoken() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let call = request("GET /shop/items", &world.key(), "");
    for preamble in [
        "PROXY TCP4 203.0.113.9 127.0.0.1 1 2\r\n",
        "PROXY UNKNOWN\r\n",
        "\r\n\r\n\0\r\nQUIT\n!\u{11}\0\u{c}",
    ] {
        let answer = send(world.address, format!("{preamble}{call}")).await;
        assert_eq!(answer.status, 400, "{preamble:?}");
    }
    assert!(upstream.received().is_empty());
}

/// Answers are never kept: what one caller got is not shown to the next.
///
/// Shows: S-09, R-74.
#[tokio::test]
async fn two_callers_share_no_answer() {
    let told = std::sync::atomic::AtomicU32::new(0);
    let upstream = Upstream::start(move |_: &_| {
        let number = told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let headers = "cache-control: public, max-age=3600\r\netag: \"1\"\r\n";
        answer("200 OK", headers, &format!("private-{number}"))
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    for (number, line) in [
        "GET /shop/items",
        "GET /shop/items",
        "GET /shop/items?a=.css",
        "GET /shop/items",
    ]
    .iter()
    .enumerate()
    {
        let answered = world.call(line, "x-forwarded-scheme: http\r\n", "").await;
        assert_eq!(answered.body, format!("private-{number}"));
    }
    let refused = send(world.address, request("GET /shop/items", "", "")).await;
    assert_eq!(refused.status, 401);
}
