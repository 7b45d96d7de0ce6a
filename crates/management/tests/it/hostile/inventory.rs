//! What is reached is in the document: nothing is open that nobody has written down.

use std::collections::{BTreeMap, BTreeSet};

use super::described::Operation;
use crate::desk::Desk;

/// What the listener answers besides the operations.
const MORE: &[&str] = &["GET /openapi.json", "GET /docs/problems"];

/// The doors of a router, as it lists them when it is asked to describe itself for people who
/// write programs: a method and a path each.
fn doors(router: &axum::Router) -> BTreeSet<String> {
    let told = format!("{router:?}");
    let (listed, rest) = told.split_once("node: Node { paths: {").expect("paths");
    let paths = until_the_end(rest);
    let mut found = BTreeSet::new();
    let by_id: BTreeMap<&str, Vec<String>> = listed
        .split("RouteId(")
        .skip(1)
        .map(|route| {
            let (id, told) = route.split_once(')').expect("an id");
            (id, methods(told))
        })
        .collect();
    for entry in paths.split("RouteId(").skip(1) {
        let (id, rest) = entry.split_once(')').expect("an id");
        let path = rest.split('"').nth(1).expect("a path");
        for method in &by_id[id] {
            found.insert(format!("{method} {path}"));
        }
    }
    assert!(!found.is_empty(), "{told}");
    found
}

/// The paths end where the map does; braces of templates are in quotes.
fn until_the_end(rest: &str) -> &str {
    let mut quoted = false;
    let end = rest.find(|letter| {
        quoted ^= letter == '"';
        letter == '}' && !quoted
    });
    end.and_then(|end| rest.get(..end)).unwrap_or(rest)
}

fn methods(told: &str) -> Vec<String> {
    let allowed = told.split_once("allow_header: Bytes(b\"");
    let (_, rest) = allowed.expect("methods are told");
    let (allowed, _) = rest.split_once('"').expect("an end");
    let methods = allowed.split(',').filter(|one| *one != "HEAD");
    methods.map(str::to_owned).collect()
}

/// Every route of the listener is in the document or in the short list, and the other way round.
///
/// Shows: S-91.
#[tokio::test]
async fn what_is_open_is_in_the_document() {
    let desk = Desk::empty().await;
    let documented: BTreeSet<String> = Operation::all().iter().map(Operation::name).collect();
    let open = doors(&desk.router);
    let more: BTreeSet<String> = MORE.iter().map(|one| (*one).to_owned()).collect();
    let expected: BTreeSet<String> = documented.union(&more).cloned().collect();
    let unknown: Vec<_> = open.difference(&expected).collect();
    assert!(unknown.is_empty(), "open, and in no document: {unknown:?}");
    let missing: Vec<_> = expected.difference(&open).collect();
    assert!(missing.is_empty(), "documented, and not open: {missing:?}");
}

/// The site has a part of it, and only what developers do.
///
/// Shows: S-91, S-88.
#[tokio::test]
async fn the_site_has_a_part_of_it() {
    let desk = Desk::empty().await;
    let documented: BTreeSet<String> = Operation::all().iter().map(Operation::name).collect();
    let open = doors(&management::site_router(desk.management.clone()));
    for door in &open {
        assert!(documented.contains(door), "{door} is in no document");
    }
    insta::assert_snapshot!(
        "site_doors",
        open.into_iter().collect::<Vec<_>>().join("\n")
    );
}

/// What is tried where programs are looked into: nothing of it is there, for anybody.
///
/// Shows: S-91.
#[tokio::test]
async fn nothing_is_open_to_look_into_the_program() {
    let desk = Desk::empty().await;
    for path in [
        "/debug",
        "/debug/pprof",
        "/debug/vars",
        "/actuator",
        "/actuator/env",
        "/metrics",
        "/healthz",
        "/status",
        "/server-status",
        "/.env",
        "/.git/config",
        "/admin",
        "/console/debug",
        "/swagger",
        "/swagger-ui",
        "/docs",
        "/api-docs",
        "/graphql",
        "/v1",
        "/v1/",
        "/v2/apps",
        "/v1/debug",
        "/v1/admin",
        "/v1/config",
        "/v1/env",
        "/v1/../openapi.json",
        "/trace",
        "/phpinfo.php",
        "/wp-admin",
        "/test",
        "/internal",
        "/v1/internal",
        "/v1/test",
        "/v1/keys",
        "/v1/tokens",
        "/v1/sql",
    ] {
        for method in ["GET", "POST", "TRACE", "OPTIONS", "PROPFIND"] {
            let answer = desk.ask(method, path, &[], None).await;
            let what = format!("{method} {path}");
            super::described::refused(&answer, &what);
            assert!(
                matches!(answer.status.as_u16(), 404 | 405),
                "{what}: {}",
                answer.status
            );
        }
    }
}
