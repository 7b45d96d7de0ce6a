//! What a provider's own servers can learn of an installation.

use std::process::Command;

use serde_json::Value;

use crate::platform::Platform;

fn get(url: &str, more: &[&str]) -> Value {
    let output = Command::new("curl")
        .args(["-s", "--max-time", "20", url])
        .args(more)
        .output()
        .expect("curl runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Shows: P-59.
#[test]
fn the_public_key_and_the_health_of_upstreams_are_told() {
    let platform = Platform::start(&[]);
    let keys = get(
        &format!("{}/.well-known/jwks.json", platform.text("site")),
        &[],
    );
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    assert_eq!(keys["keys"][0].get("d"), None, "the private half stays");

    // This account is known to the upstream by a credential of its own.
    let (id, secret) = platform.key("longlines-console", "live");
    let calls = "/telephony/2010-04-01/Accounts/longlines/Calls.json";
    let url = format!("{}{calls}", platform.text("public"));
    let answer = get(&url, &["-u", &format!("{id}:{secret}")]);
    assert_eq!(
        answer["received"]["account"], "AC00000000000000000000000000000003",
        "{answer}"
    );

    let ready = get(&format!("{}/readyz", platform.text("ops")), &[]);
    let checks = ready["checks"].as_array().expect("checks");
    let upstreams = checks.iter().find(|check| check["check"] == "upstreams");
    let found = upstreams.and_then(|check| check["found"].as_str());
    assert_eq!(found, Some("1 called, all answering"), "{ready}");
}
