use serde_json::json;

use crate::desk::{DESCRIPTION, Desk, STATE, state_request};

#[tokio::test]
async fn a_state_is_applied_compared_and_exported() {
    let desk = Desk::empty().await;
    let mut dry = state_request(STATE);
    dry["dry_run"] = true.into();
    let would = desk.post("/v1/state/apply", &dry).await.is(200).body;
    assert_eq!(
        (&would["changed"], &would["revision"]),
        (&true.into(), &0.into())
    );
    let applied = desk
        .post("/v1/state/apply", &state_request(STATE))
        .await
        .is(200)
        .body;
    assert_eq!(applied["revision"], 1);
    assert_eq!(applied["apis"][0]["annotated"], json!(["look"]));
    assert_eq!(applied["apis"][0]["closed"], json!(["pay"]));
    let again = desk
        .post("/v1/state/apply", &state_request(STATE))
        .await
        .is(200)
        .body;
    assert_eq!(
        (&again["changed"], &again["revision"]),
        (&false.into(), &1.into())
    );

    let changed = STATE.replace("value: 100", "value: 200");
    let diff = desk
        .post("/v1/state/diff", &state_request(&changed))
        .await
        .is(200)
        .body;
    let text = diff["text"].as_str().unwrap();
    assert!(text.contains("100") && text.contains("200"), "{text}");
    assert_eq!(
        diff["applied"]["updated"],
        json!([{ "kind": "limit", "name": "looks-per-day" }])
    );

    let exported = desk.get("/v1/state/export").await.is(200).body;
    let other = Desk::empty().await;
    let copy = json!({
        "files": [ { "path": "state.yaml", "text": exported["state"] } ],
        "descriptions": exported["descriptions"],
    });
    other.post("/v1/state/apply", &copy).await.is(200);
    assert_eq!(other.get("/v1/state/export").await.body, exported);
}

#[tokio::test]
async fn a_bad_state_is_refused_with_file_line_and_mend_and_nothing_is_half_applied() {
    let desk = Desk::with_state().await;
    let bad = STATE.replace("level: advanced }", "level: advance }")
        + "  - { name: late, developer: acme }\n";
    let line = bad.lines().position(|l| l.contains("advance }")).unwrap() + 1;
    let problem = desk.post("/v1/state/apply", &state_request(&bad)).await;
    let problem = problem.refuses(422, "state_invalid");
    let error = &problem["errors"][0];
    assert_eq!(
        (&error["file"], &error["line"]),
        (&"market.yaml".into(), &line.into())
    );
    assert!(
        error["mend"].as_str().unwrap().contains("`advanced`"),
        "{error}"
    );
    desk.get("/v1/apps/late")
        .await
        .refuses(404, "resource_unknown");

    let unknown = STATE.replace("capabilities:\n", "capabilitys:\n");
    let problem = desk.post("/v1/state/apply", &state_request(&unknown)).await;
    let problem = problem.refuses(422, "state_invalid");
    assert!(
        problem["errors"][0]["mend"]
            .as_str()
            .unwrap()
            .contains("`capabilities`")
    );
    for text in [
        "",
        "[",
        "portreeve: 1\napps: [ { name: a, developer: nobody } ]",
        "\u{0}",
    ] {
        let problem = desk.post("/v1/state/apply", &state_request(text)).await;
        problem.refuses(422, "state_invalid");
    }
    let export = desk.get("/v1/whoami").await.body["revision"].clone();
    assert_eq!(export, 1);
}

#[tokio::test]
async fn a_description_tells_what_is_open_and_what_a_new_version_changes() {
    let desk = Desk::with_state().await;
    let report = desk
        .get("/v1/descriptions/shop/1/report")
        .await
        .is(200)
        .body;
    assert_eq!(report["annotated"], json!(["GET /wares/{id}"]));
    assert_eq!(report["closed"], json!(["POST /payments"]));
    let text = DESCRIPTION
        .replace("/payments:", "/payouts:")
        .replace("operationId: pay,", "operationId: payOut,");
    desk.put("/v1/descriptions/shop@2", &json!({ "text": text }))
        .await
        .is(201);
    let diff = desk
        .get("/v1/descriptions/shop/1/diff?to=2")
        .await
        .is(200)
        .body;
    assert_eq!(diff["added"], json!(["POST /payouts"]));
    assert_eq!(diff["removed"], json!(["POST /payments"]));
    desk.get("/v1/descriptions/shop/3/report")
        .await
        .refuses(404, "resource_unknown");
    desk.get("/v1/descriptions/shop/1/diff")
        .await
        .refuses(400, "query_invalid");
    let refused = desk
        .put(
            "/v1/descriptions/shop@3",
            &json!({ "text": "not: openapi" }),
        )
        .await;
    refused.refuses(422, "change_refused");
}

#[tokio::test]
async fn secrets_are_set_by_name_and_never_shown() {
    let desk = Desk::with_state().await;
    desk.put("/v1/secrets/upstream", &json!({ "value": "open sesame" }))
        .await
        .is(204);
    desk.put("/v1/secrets/upstream", &json!({ "value": "open barley" }))
        .await
        .is(204);
    let listed = desk.get("/v1/secrets").await.is(200);
    assert_eq!(listed.body, json!({ "items": ["upstream"] }));
    desk.put("/v1/secrets/a%20b", &json!({ "value": "x" }))
        .await
        .refuses(400, "path_invalid");
    let export = desk.get("/v1/state/export").await.is(200);
    assert!(
        !String::from_utf8(export.bytes)
            .unwrap()
            .contains("open barley")
    );
}

#[tokio::test]
async fn a_secret_that_an_api_names_is_not_removed() {
    let desk = Desk::with_state().await;
    for name in ["shop-context", "spare"] {
        let path = format!("/v1/secrets/{name}");
        desk.put(&path, &json!({ "value": "open sesame" }))
            .await
            .is(204);
    }
    let refused = desk.delete("/v1/secrets/shop-context").await;
    let problem = refused.refuses(409, "secret_in_use");
    assert_eq!(
        problem["detail"],
        "the secret `shop-context` is named by api `shop`; take it out of there first"
    );
    desk.delete("/v1/secrets/spare").await.is(204);
    desk.delete("/v1/secrets/spare")
        .await
        .refuses(404, "resource_unknown");
    let listed = desk.get("/v1/secrets").await.is(200);
    assert_eq!(listed.body, json!({ "items": ["shop-context"] }));
    desk.delete("/v1/apps/till").await.is(204);
    desk.delete("/v1/apis/shop").await.is(204);
    desk.delete("/v1/secrets/shop-context").await.is(204);
}
