use serde_json::json;

use crate::desk::Desk;

#[tokio::test]
async fn an_entry_is_made_read_changed_and_deleted() {
    let desk = Desk::with_state().await;
    let entry = json!({ "title": "Refund", "level": "advanced" });
    let made = desk.put("/v1/capabilities/REFUND", &entry).await.is(201);
    assert_eq!(made.body["entry"], entry);
    let read = desk.get("/v1/capabilities/REFUND").await.is(200);
    assert_eq!(
        (read.body.clone(), read.etag()),
        (made.body.clone(), made.etag())
    );
    let unchanged = [("if-none-match", made.etag())];
    let unchanged: Vec<_> = unchanged.iter().map(|(n, v)| (*n, v.as_str())).collect();
    desk.ask("GET", "/v1/capabilities/REFUND", &unchanged, None)
        .await
        .is(304);
    let entry = json!({ "level": "standard" });
    let changed = desk.put("/v1/capabilities/REFUND", &entry).await.is(200);
    assert_ne!(changed.etag(), made.etag());
    let same = desk.put("/v1/capabilities/REFUND", &entry).await.is(200);
    assert_eq!(
        same.etag(),
        changed.etag(),
        "nothing changed, so nothing moved"
    );
    desk.delete("/v1/capabilities/REFUND").await.is(204);
    desk.get("/v1/capabilities/REFUND")
        .await
        .refuses(404, "resource_unknown");
    desk.delete("/v1/capabilities/REFUND")
        .await
        .refuses(404, "resource_unknown");
}

#[tokio::test]
async fn every_kind_can_be_listed_and_read() {
    let desk = Desk::with_state().await;
    for kind in [
        "settings",
        "properties",
        "ladders",
        "regions",
        "policies",
        "profiles",
        "capabilities",
        "limits",
        "lists",
        "plans",
        "descriptions",
        "apis",
        "accounts",
        "apps",
    ] {
        let page = desk.get(&format!("/v1/{kind}")).await.is(200).body;
        for item in page["items"].as_array().unwrap() {
            let name = item["name"].as_str().unwrap();
            let one = desk.get(&format!("/v1/{kind}/{name}")).await.is(200);
            assert_eq!(one.body, *item);
        }
    }
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let desk = Desk::with_state().await;
    let path = "/v1/profiles/read-only";
    let read = desk.get(path).await.is(200).etag();
    let mine = json!({ "capabilities": ["LOOK", "PAY"] });
    let theirs = json!({ "capabilities": [] });
    desk.ask("PUT", path, &[("if-match", &read)], Some(&theirs))
        .await
        .is(200);
    let refused = desk
        .ask("PUT", path, &[("if-match", &read)], Some(&mine))
        .await;
    refused.refuses(412, "precondition_failed");
    let kept = desk.get(path).await.is(200);
    assert_eq!(kept.body["entry"], theirs);
    let refused = desk.ask("DELETE", path, &[("if-match", &read)], None).await;
    refused.refuses(412, "precondition_failed");
    let refused = desk
        .ask("PUT", path, &[("if-none-match", "*")], Some(&mine))
        .await;
    refused.refuses(412, "precondition_failed");
    let now = kept.etag();
    desk.ask("PUT", path, &[("if-match", &now)], Some(&mine))
        .await
        .is(200);
}

#[tokio::test]
async fn many_writers_with_if_match_lose_nothing() {
    let desk = std::sync::Arc::new(Desk::with_state().await);
    let path = "/v1/accounts/jane";
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let desk = std::sync::Arc::clone(&desk);
        tasks.spawn(async move {
            loop {
                let read = desk.get(path).await.is(200);
                let mut entry = read.body["entry"].clone();
                let title = entry["title"].as_str().unwrap_or_default();
                entry["title"] = format!("{title}{writer}").into();
                let tag = read.etag();
                let put = desk
                    .ask("PUT", path, &[("if-match", &tag)], Some(&entry))
                    .await;
                match put.status.as_u16() {
                    200 => break,
                    412 | 409 => {}
                    other => panic!("{other}: {}", put.body),
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let title = desk.get(path).await.body["entry"]["title"].clone();
    let mut letters: Vec<char> = title.as_str().unwrap().chars().collect();
    letters.sort_unstable();
    assert_eq!(letters.iter().collect::<String>(), "012345");
}

#[tokio::test]
async fn what_contradicts_the_rest_is_refused_with_its_place() {
    let desk = Desk::with_state().await;
    let before = desk.get("/v1/whoami").await.body["revision"].clone();
    let entry = json!({ "capabilities": ["LOOK", "PAI"] });
    let refused = desk.put("/v1/profiles/wide", &entry).await;
    let problem = refused.refuses(422, "change_refused");
    assert_eq!(problem["errors"][0]["pointer"], "/capabilities/1");
    let told = problem["errors"][0].to_string();
    assert!(told.contains("PAI") && told.contains("PAY"), "{told}");
    let entry = json!({ "capabilitys": [] });
    let refused = desk.put("/v1/profiles/wide", &entry).await;
    refused.refuses(400, "body_malformed");
    // The ladder is what capabilities stand on, the developer what an app belongs to.
    desk.delete("/v1/ladders/default")
        .await
        .refuses(422, "change_refused");
    desk.delete("/v1/accounts/acme")
        .await
        .refuses(422, "change_refused");
    desk.put("/v1/profiles/a%20b", &json!({ "capabilities": [] }))
        .await
        .refuses(400, "path_invalid");
    desk.put("/v1/profiles/wide", &json!(["Wide", ["LOOK"]]))
        .await
        .refuses(400, "body_malformed");
    // There is one entry of settings: of two, which holds?
    desk.put("/v1/settings/other", &json!({ "time_zone": "UTC" }))
        .await
        .refuses(404, "resource_unknown");
    assert_eq!(desk.get("/v1/whoami").await.body["revision"], before);
}

#[tokio::test]
async fn accounts_and_apps_are_called_by_name_or_id() {
    let desk = Desk::with_state().await;
    for (kind, name, prefix) in [("accounts", "acme", "acct_"), ("apps", "till", "app_")] {
        let named = desk.get(&format!("/v1/{kind}/{name}")).await.is(200);
        let id = named.body["id"].as_str().unwrap();
        assert!(id.starts_with(prefix));
        let same = desk.get(&format!("/v1/{kind}/{id}")).await.is(200);
        assert_eq!(same.body, named.body);
    }
    desk.get("/v1/apps/app_00000000000000000000000000")
        .await
        .refuses(404, "resource_unknown");
}

#[tokio::test]
async fn an_app_that_is_gone_takes_its_keys_along() {
    let desk = Desk::with_state().await;
    let key = desk.key().await;
    let pair = (key.0.as_str(), key.1.as_str());
    desk.as_app("/v1/me/capabilities", pair).await.is(200);
    desk.delete("/v1/apps/till").await.is(204);
    let refused = desk.as_app("/v1/me/capabilities", pair).await;
    assert_eq!(refused.status, 401);
    let app = json!({ "developer": "acme", "apis": ["shop"] });
    desk.put("/v1/apps/till", &app).await.is(201);
    let still = desk.as_app("/v1/me/capabilities", pair).await;
    assert_eq!(
        still.status, 401,
        "a new app of the same name has keys of its own"
    );
}

#[tokio::test]
async fn keys_are_not_smuggled_in_with_an_app() {
    let desk = Desk::with_state().await;
    let key = json!({ "id": "old", "mode": "live", "hash": format!("sha256:{}", "0".repeat(64)) });
    let app = json!({ "developer": "acme", "apis": ["shop"], "keys": [key] });
    desk.put("/v1/apps/till", &app)
        .await
        .refuses(422, "change_refused");
}
