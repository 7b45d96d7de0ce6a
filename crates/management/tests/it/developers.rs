use serde_json::{Value, json};

use crate::desk::Desk;

fn on(panel: &Value) -> Vec<&str> {
    let capabilities = panel["panel"]["capabilities"].as_array().unwrap();
    let on = capabilities.iter().filter(|one| one["on"] == true);
    on.map(|one| one["name"].as_str().unwrap()).collect()
}

async fn granted(desk: &Desk) -> Vec<String> {
    let told = desk.get("/v1/apps/till/capabilities").await.is(200).body;
    let all = told["apis"][0]["capabilities"].as_array().unwrap().clone();
    let mut names: Vec<String> = all
        .iter()
        .filter(|one| one["granted"] == true)
        .map(|one| one["capability"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Shows: P-61, P-62.
#[tokio::test]
async fn a_level_switch_is_in_force_when_it_is_answered_and_keeps_overrides() {
    let desk = Desk::with_state().await;
    assert_eq!(granted(&desk).await, ["LOOK"]);
    let off = json!({ "toggles": { "LOOK": "off" } });
    let panel = desk
        .post("/v1/accounts/acme/toggles", &off)
        .await
        .is(200)
        .body;
    assert!(on(&panel).is_empty());
    assert!(granted(&desk).await.is_empty());
    let limits = json!({ "limits": { "looks-per-day": "7" } });
    desk.post("/v1/accounts/acme/limits", &limits).await.is(200);
    let level = json!({ "level": "advanced" });
    let panel = desk
        .post("/v1/accounts/acme/level", &level)
        .await
        .is(200)
        .body;
    assert_eq!(
        (on(&panel), &panel["panel"]["overrides"]),
        (vec!["PAY"], &2.into())
    );
    assert_eq!(granted(&desk).await, ["PAY"]);
    let reset = desk
        .post("/v1/accounts/acme/level/reset", &json!({}))
        .await
        .is(200)
        .body;
    assert_eq!(
        (on(&reset), &reset["panel"]["overrides"]),
        (vec!["LOOK", "PAY"], &0.into())
    );
    assert_eq!(granted(&desk).await, ["LOOK", "PAY"]);
    let shown = desk.get("/v1/accounts/acme/panel").await.is(200).body;
    assert_eq!(shown, reset);
}

/// Shows: P-61, P-63, P-64, P-65.
#[tokio::test]
async fn toggles_and_limits_narrow_and_open_what_they_may() {
    let desk = Desk::with_state().await;
    let open = json!({ "toggles": { "PING": "on", "NO_FEE": "business_unit" } });
    desk.post("/v1/accounts/acme/toggles", &open).await.is(200);
    assert_eq!(granted(&desk).await, ["LOOK", "NO_FEE", "PING"]);
    let off = json!({ "toggles": { "PING": "off" } });
    desk.post("/v1/apps/till/toggles", &off).await.is(200);
    assert_eq!(granted(&desk).await, ["LOOK", "NO_FEE"]);
    let back = json!({ "toggles": { "PING": "default" } });
    let narrowed = desk.post("/v1/apps/till/toggles", &back).await.is(200).body;
    assert_eq!(narrowed["off"], json!([]));
    let limits = json!({ "limits": { "looks-per-day": 12 } });
    let narrowed = desk
        .post("/v1/apps/till/limits", &limits)
        .await
        .is(200)
        .body;
    assert_eq!(narrowed["limits"]["looks-per-day"], "12");
    let told = desk.get("/v1/apps/till/capabilities").await.is(200).body;
    assert!(told.to_string().contains("\"most\":\"12\""));
}

/// Shows: P-65.
#[tokio::test]
async fn a_developer_is_confined_to_places_and_freed_again() {
    let desk = Desk::with_state().await;
    let path = "/v1/accounts/acme/geography";
    let at_home = |region: &str| json!({ "geography": { "LOOK": [ { "subject": "caller_home", "regions": [region] } ] } });
    let panel = desk.post(path, &at_home("EU")).await.is(200).body;
    let look = &panel["panel"]["capabilities"][0];
    assert_eq!(look["geography"]["own"][0]["regions"], json!(["EU"]));
    assert_eq!(panel["panel"]["overrides"], 1);
    assert!(granted(&desk).await.is_empty());
    desk.post(path, &at_home("US")).await.is(200);
    assert_eq!(granted(&desk).await, ["LOOK"]);
    desk.post(path, &at_home("EU")).await.is(200);
    let free = json!({ "geography": { "LOOK": [] } });
    desk.post(path, &free).await.is(200);
    assert_eq!(granted(&desk).await, ["LOOK"]);

    let problem = desk.post(path, &at_home("MARS")).await;
    let problem = problem.refuses(422, "change_refused");
    assert!(problem["detail"].as_str().unwrap().contains("`MARS`"));
    let nowhere =
        json!({ "geography": { "LOOK": [ { "subject": "caller_home", "regions": [] } ] } });
    desk.post(path, &nowhere)
        .await
        .refuses(422, "change_refused");
}

/// A region that a developer is confined to is not taken away from under him.
#[tokio::test]
async fn a_region_that_is_used_stays() {
    let desk = Desk::with_state().await;
    let confined =
        json!({ "geography": { "LOOK": [ { "subject": "caller_home", "regions": ["US"] } ] } });
    desk.post("/v1/accounts/acme/geography", &confined)
        .await
        .is(200);
    let problem = desk.ask("DELETE", "/v1/regions/US", &[], None).await;
    assert!(!problem.status.is_success(), "{:?}", problem.body);
    assert!(problem.body.to_string().contains("US"));
}

#[tokio::test]
async fn all_toggles_of_a_request_or_none() {
    let desk = Desk::with_state().await;
    let mixed = json!({ "toggles": { "LOOK": "off", "PAY": "on" } });
    let problem = desk.post("/v1/accounts/acme/toggles", &mixed).await;
    let problem = problem.refuses(422, "change_refused");
    assert!(problem["detail"].as_str().unwrap().contains("`PAY`"));
    assert_eq!(granted(&desk).await, ["LOOK"]);
    for (path, body) in [
        (
            "/v1/accounts/acme/toggles",
            json!({ "toggles": { "NONE": "off" } }),
        ),
        ("/v1/accounts/acme/level", json!({ "level": "king" })),
        (
            "/v1/accounts/acme/level",
            json!({ "ladder": "rope", "level": "king" }),
        ),
        (
            "/v1/accounts/acme/limits",
            json!({ "limits": { "nothing": 1 } }),
        ),
        (
            "/v1/accounts/acme/limits",
            json!({ "limits": { "looks-per-day": { "USD": 1 } } }),
        ),
        (
            "/v1/accounts/acme/limits",
            json!({ "limits": { "looks-per-day": "-1" } }),
        ),
        ("/v1/accounts/jane/level", json!({ "level": "advanced" })),
        (
            "/v1/apps/till/toggles",
            json!({ "toggles": { "PING": "on" } }),
        ),
    ] {
        desk.post(path, &body).await.refuses(422, "change_refused");
    }
    let float = json!({ "limits": { "looks-per-day": 1.5 } });
    desk.post("/v1/accounts/acme/limits", &float)
        .await
        .refuses(400, "body_malformed");
    let nobody = desk
        .post("/v1/accounts/nobody/level", &json!({ "level": "advanced" }))
        .await;
    nobody.refuses(404, "resource_unknown");
}
