//! What an operation takes is bounded, and whatever it does not take is refused in one form.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use primitives::Name;
use serde_json::json;

use super::described::{Everybody, Operation, least, refused};

/// Lists that are answered whole, and what bounds each.
const WHOLE: &[(&str, &str)] = &[
    ("/v1/accounts/{account}/confidential", "50 things at most"),
    ("/v1/me/confidential", "50 things at most"),
    ("/v1/developer/apps", "50 apps at most"),
    ("/v1/developer/apps/{app}/keys", "100 keys at most"),
    ("/v1/apps/{app}/keys", "100 keys at most"),
    ("/v1/passkeys", "20 passkeys at most"),
    ("/v1/sign-ins", "one's own, which end"),
    ("/v1/secrets", "made by operators"),
];

/// Every list has pages with a most, or stands above with what bounds it; every page size and
/// cursor that cannot be is refused.
///
/// Shows: S-85.
#[tokio::test]
async fn every_list_is_bounded() {
    let all = Everybody::assembled().await;
    let document = management::openapi();
    let mut lists = 0;
    for operation in Operation::all() {
        let Some(schema) = operation.answer() else {
            continue;
        };
        let schema = super::described::resolved(&document, &schema);
        if schema["properties"]["items"].is_null() {
            continue;
        }
        let path = operation.path.as_str();
        let size = operation.parameters("query").into_iter();
        let Some(size) = size.into_iter().find(|one| one["name"] == "limit") else {
            let known = WHOLE.iter().any(|(there, _)| *there == path);
            assert!(known, "{path} is answered whole");
            continue;
        };
        assert_eq!(size["schema"]["maximum"], 499, "{path}");
        let path = path.replace(['{', '}'], "");
        for given in SIZES {
            let at = format!("{path}?limit={given}");
            let answer = all.send(("GET", &at), &[], "").await;
            refused(&answer, &at);
        }
        for cursor in cursors() {
            let at = format!("{path}?cursor={cursor}");
            let answer = all.send(("GET", &at), &[], "").await;
            refused(&answer, &at);
        }
        for query in [
            "limit=1&limit=2",
            "cursor=a&cursor=b",
            "nothing=1",
            "limit%00=1",
        ] {
            let at = format!("{path}?{query}");
            let answer = all.send(("GET", &at), &[], "").await;
            refused(&answer, &at);
        }
        lists += 1;
    }
    assert!(lists > 20, "only {lists} lists have pages");
}

const SIZES: &[&str] = &[
    "0",
    "-1",
    "500",
    "1000000000",
    "4294967296",
    "18446744073709551616",
    "1e2",
    "0x10",
    "1.5",
    "",
    "%20",
    "NaN",
    "true",
    "%00",
    "١",
];

/// What is no cursor of this list: garbage in many forms, and the cursor of another.
fn cursors() -> Vec<String> {
    let mut all: Vec<String> = hostile_values();
    all.extend(["AAAA", "eyJhbGciOiJub25lIn0.e30.", "null", "0"].map(str::to_owned));
    all.push("A".repeat(4_000));
    all
}

/// What stands where a name or id should, as it is written in a path: nothing is decoded twice,
/// nothing leads elsewhere, nothing is a name.
fn hostile_values() -> Vec<String> {
    let written = |text: &str| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string();
    let mut all = Vec::new();
    let traversals = [
        "../x",
        "..\\x",
        "....//x",
        "/etc/passwd",
        "\\\\host\\x",
        "file:///x",
        "~/x",
    ];
    let templates = [
        "{{7*7}}",
        "${7*7}",
        "#{7*7}",
        "<%= 7 %>",
        "{%raw%}",
        "${jndi:ldap://x/y}",
    ];
    let statements = [
        "' OR '1'='1",
        "'; DROP TABLE apps;--",
        "\" OR 1=1",
        "1) UNION SELECT 1",
        "%' --",
        "_%",
        "a'||'b",
        "/*",
        "x\0y",
    ];
    let texts = [
        "<script>alert(1)</script>",
        "\" onload=\"x",
        "javascript:x",
        "&#x41;",
        "a b",
    ];
    let commands = [
        "$(id)",
        "`id`",
        "|id",
        ";id",
        "&&id",
        "%s%s%n",
        "a\nb",
        "a\r\nset-cookie: x",
    ];
    let signs = [
        "\u{202e}x",
        "\u{200b}x",
        "\u{feff}x",
        "ａcme",
        "аcme",
        "acme\u{301}",
        "ﬁ",
        "İ",
        "ß",
        "💥",
        "\u{1b}[31mred",
        "\u{7f}x",
        "\t",
        " acme",
        "acme ",
        "-",
        ".",
        "..",
        "@",
        "_",
        "*",
        "?x",
        "#x",
    ];
    let numbers = [
        "-1",
        "0",
        "1e999",
        "NaN",
        "Infinity",
        "0x0",
        "99999999999999999999",
        "1_000",
    ];
    let words = [
        "null",
        "undefined",
        "true",
        "[object Object]",
        "__proto__",
        "None",
        "nil",
    ];
    let ids = [
        "acct_",
        "app_00000000000000000000000000",
        "key_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "person_!",
        "dec_1",
        "anomaly_1",
        "acct_00000000000000000000000000x",
        "00000000-0000-0000-0000-000000000000",
        "ACCT_00000000000000000000000000",
    ];
    let lists: [&[&str]; 9] = [
        &traversals,
        &templates,
        &statements,
        &texts,
        &commands,
        &signs,
        &numbers,
        &words,
        &ids,
    ];
    let plain: Vec<&str> = lists.concat();
    for text in &plain {
        all.push(written(text));
        // Twice, which is what it would take to get past a reader that decodes again.
        all.push(written(&written(text)));
        all.push(written(&format!("acme{text}")));
        all.push(written(&format!("{text}{text}")));
    }
    for raw in [
        "%ff",
        "%c0%af",
        "%ed%a0%80",
        "%80",
        "%fe%ff",
        "a%00",
        "%2e%2e%2f",
        "%2f",
        "%5c",
    ] {
        all.push(raw.to_owned());
    }
    for length in [101, 255, 1_000, 4_000] {
        all.push("a".repeat(length));
    }
    all
}

fn is_name(written: &str) -> bool {
    let text = percent_decode_str(written).decode_utf8();
    text.is_ok_and(|text| text.parse::<Name>().is_ok())
}

/// Every id of every path with what no id is: refused, and nothing is changed.
///
/// Shows: S-85.
#[tokio::test]
async fn no_id_of_a_path_is_taken_at_its_word() {
    let all = Everybody::assembled().await;
    let before = all.revision().await;
    let values = hostile_values();
    assert!(values.len() >= 300, "only {} values", values.len());
    let (mut tried, mut taken) = (0, String::new());
    for operation in Operation::all() {
        let parameters = operation.parameters("path");
        for parameter in &parameters {
            let marker = format!("{{{}}}", parameter["name"].as_str().unwrap());
            assert!(operation.path.contains(&marker), "{}", operation.name());
            for value in &values {
                // Whoever may make things may call them so.
                if operation.method == "PUT" && is_name(value) {
                    continue;
                }
                let path = operation.path.replace(&marker, value);
                let path = path.replace("{api}", "shop").replace("{account}", "acme");
                let path = path.replace("{app}", "till").replace(['{', '}'], "");
                let answer = if operation.body.is_some() {
                    all.json(&operation.method, &path, "{}").await
                } else {
                    all.send((&operation.method, &path), &[], "").await
                };
                let what = format!("{} {path}", operation.method);
                tried += 1;
                if answer.status.is_success() {
                    writeln!(taken, "{what}: {}", answer.status).unwrap();
                    continue;
                }
                refused(&answer, &what);
            }
        }
    }
    println!("{tried} requests");
    assert!(tried > 20_000, "only {tried}");
    assert!(taken.is_empty(), "{taken}");
    assert_eq!(all.revision().await, before, "something was changed");
}

/// Bodies that nobody means: each is refused by every operation, with its place where it has one.
///
/// Shows: S-85.
#[tokio::test]
async fn no_operation_takes_a_body_that_nobody_means() {
    let all = Everybody::assembled().await;
    let document = management::openapi();
    let before = all.revision().await;
    let deep = |open: &str, shut: &str| format!("{}{}", open.repeat(9_000), shut.repeat(9_000));
    let mut bodies: Vec<String> = [
        "",
        " ",
        "null",
        "true",
        "1",
        "-0",
        "1e999",
        "\"text\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{]",
        "{}{}",
        "{} x",
        "{'a':1}",
        "{a:1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"\\ud800\":1}",
        "{\"a\":\"\u{1}\"}",
        "\u{feff}{}",
        "// x\n{}",
        "NaN",
        "{\"a\":NaN}",
        "{\"a\":01}",
        "{\"a\":\"\\x\"}",
        "{\"a\":1,\"a\":2}",
        "<x/>",
        "a=b",
        "--- {}",
        "\0",
    ]
    .map(str::to_owned)
    .to_vec();
    bodies.push(deep("[", "]"));
    bodies.push(deep("{\"a\":", "}").replace("}}", "1}}"));
    bodies.push(format!("{{\"{}\":1}}", "a".repeat(50_000)));
    for operation in Operation::with_body() {
        let path = operation.path.replace(['{', '}'], "");
        for body in &bodies {
            all.desk.clock.advance_seconds(30);
            let answer = all.json(&operation.method, &path, body).await;
            let start: String = body.chars().take(30).collect();
            let what = format!("{} with {start}", operation.name());
            refused(&answer, &what);
            assert_eq!(answer.status, 400, "{what}: {}", answer.body);
        }
        let fits = least(&document, operation.body.as_ref().unwrap()).to_string();
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/json",
            "application/xml",
            "application/jsonx",
            "json",
            "*/*",
            "",
        ] {
            let headers = [("content-type", kind)];
            all.desk.clock.advance_seconds(30);
            let to = (operation.method.as_str(), path.as_str());
            let answer = all.send(to, &headers, fits.clone()).await;
            let what = format!("{} as `{kind}`", operation.name());
            refused(&answer, &what);
            assert_eq!(answer.status, 415, "{what}");
        }
        for coding in ["gzip", "br", "deflate", "gzip, gzip"] {
            let headers = [
                ("content-type", "application/json"),
                ("content-encoding", coding),
            ];
            all.desk.clock.advance_seconds(30);
            let to = (operation.method.as_str(), path.as_str());
            let answer = all.send(to, &headers, fits.clone()).await;
            assert_eq!(answer.status, 415, "{} as {coding}", operation.name());
        }
    }
    assert_eq!(all.revision().await, before, "something was changed");
}

/// Every value of a body in every other type of JSON: a fault with its place, and no name of a
/// type of ours.
///
/// Shows: S-85.
#[tokio::test]
async fn no_value_of_the_wrong_type_is_told_in_our_types() {
    let all = Everybody::assembled().await;
    let document = management::openapi();
    let before = all.revision().await;
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!("x"),
        json!([]),
        json!([1, [2]]),
        json!({ "a": 1 }),
        json!("\u{0}"),
        json!("💥"),
    ];
    let mut refusals = 0;
    for operation in Operation::with_body() {
        let schema = super::described::resolved(&document, operation.body.as_ref().unwrap());
        let path = operation.path.replace(['{', '}'], "");
        let whole = least(&document, &schema);
        for (name, _) in schema["properties"].as_object().into_iter().flatten() {
            for value in &wrong {
                let mut body = whole.clone();
                body[name] = value.clone();
                all.desk.clock.advance_seconds(30);
                let answer = all.json(&operation.method, &path, &body.to_string()).await;
                if answer.status.is_success() {
                    continue;
                }
                refused(&answer, &format!("{} with {body}", operation.name()));
                refusals += 1;
            }
        }
    }
    println!("{refusals} refusals");
    assert!(refusals > 1_000, "only {refusals}");
    let _ = before;
}

/// A name that stands twice has two readings, however deep it stands.
///
/// Shows: S-85.
#[tokio::test]
async fn no_name_stands_twice() {
    let all = Everybody::assembled().await;
    let body = r#"{"kind":"company","properties":{"tier":"a","tier":"b"}}"#;
    let answer = all.json("PUT", "/v1/accounts/acme", body).await;
    let problem = answer.refuses(400, "body_malformed");
    assert_eq!(
        (
            &problem["errors"][0]["pointer"],
            &problem["errors"][0]["detail"]
        ),
        (
            &json!("/properties"),
            &json!("`tier` stands there more than once")
        )
    );
}

/// A body longer than the operation takes is refused before it is read.
///
/// Shows: S-85.
#[tokio::test]
async fn no_body_is_longer_than_its_bound() {
    let all = Everybody::assembled().await;
    let mut long_ones = 0;
    for operation in Operation::with_body() {
        let path = operation.path.replace(['{', '}'], "");
        let most = operation.said["x-most-bytes"].as_u64();
        let most = most.unwrap_or_else(|| panic!("{} has no bound", operation.name()));
        let most = usize::try_from(most).unwrap();
        // White space, so that nothing but its length is wrong with it.
        let long = |more: usize| " ".repeat(most + more);
        assert!(most <= management::LONGEST_BODY, "{}", operation.name());
        all.desk.clock.advance_seconds(30);
        let answer = all.json(&operation.method, &path, &long(1)).await;
        answer.refuses(413, "body_too_large");
        if most > 1_048_576 {
            long_ones += 1;
            continue;
        }
        all.desk.clock.advance_seconds(30);
        let answer = all.json(&operation.method, &path, &long(0)).await;
        answer.refuses(400, "body_malformed");
    }
    assert_eq!(long_ones, 5, "whole files travel through few operations");
}
