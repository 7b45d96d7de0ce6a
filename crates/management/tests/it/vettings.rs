//! From an application to a level, over HTTP.

use serde_json::{Value, json};

use crate::desk::{Desk, STATE, state_request};

/// The market with properties of accounts, risks of capabilities and a model that may give the
/// lowest level alone.
fn state(automatic: &str) -> Value {
    let text = STATE.replace(
        "capabilities:\n  - { name: LOOK, level: standard }\n  - { name: PAY, level: advanced }",
        &format!(
            r"properties:
  - {{ name: years, type: integer, optional: true }}
  - {{ name: business_verified, type: boolean, optional: true }}
risk_models:
  - name: default
    base: 50
    tolerance: 100
    refuse_above: 150
    again_after_days: 30
    automatic: {automatic}
    signals:
      - {{ name: verified-business, property: business_verified, equals: true, points: -30, missing: 0 }}
      - {{ name: young, property: years, at_most: 2, points: 30 }}
      - {{ name: embargo, country: [embargoed], points: 200 }}
capabilities:
  - {{ name: LOOK, level: standard, risk: 10 }}
  - {{ name: PAY, level: advanced, risk: 60 }}"
        ),
    );
    assert_ne!(text, STATE);
    state_request(&text)
}

async fn desk(automatic: &str) -> Desk {
    let desk = Desk::empty().await;
    desk.post("/v1/state/apply", &state(automatic))
        .await
        .is(200);
    desk
}

/// Sets what is known of `acme`, keeping its level as it is.
async fn know(desk: &Desk, country: &str, properties: &Value) {
    let there = desk.get("/v1/accounts/acme").await.is(200);
    let mut entry = there.body["entry"].clone();
    entry["country"] = json!(country);
    entry["properties"] = properties.clone();
    let tag = there.etag();
    desk.ask(
        "PUT",
        "/v1/accounts/acme",
        &[("if-match", &tag)],
        Some(&entry),
    )
    .await
    .is(200);
}

async fn levels(desk: &Desk) -> Value {
    let panel = desk.get("/v1/accounts/acme/panel").await.is(200).body;
    panel["panel"]["levels"]["default"].clone()
}

const VETTING: &str = "/v1/accounts/acme/vetting";

/// Shows: P-05, P-27, P-28, P-29.
#[tokio::test]
async fn a_profile_within_the_model_gets_its_level_at_once_with_every_reason() {
    let desk = desk("advanced").await;
    know(
        &desk,
        "US",
        &json!({ "years": 5, "business_verified": true }),
    )
    .await;
    let risk = desk.get("/v1/accounts/acme/risk").await.is(200).body;
    assert_eq!(
        risk["assessment"],
        json!({
            "points": 20,
            "signals": [
                { "signal": "verified-business", "found": "yes", "points": -30 },
                { "signal": "young", "found": "no", "points": 0 },
                { "signal": "embargo", "found": "no", "points": 0 },
            ],
            "levels": [
                { "level": "standard", "riskiest": "LOOK", "sum": 30, "tolerated": true },
                { "level": "advanced", "riskiest": "PAY", "sum": 80, "tolerated": true },
            ],
            "fits": 2,
        })
    );
    assert_eq!(levels(&desk).await, "standard");
    let told = desk.post(VETTING, &json!({})).await.is(200).body;
    assert_eq!(told["standing"]["state"], "approved");
    assert_eq!(
        told["standing"]["decided"],
        json!({ "by": null, "note": "" })
    );
    assert_eq!(told["standing"]["assessment"], risk["assessment"]);
    assert_eq!(
        (&told["level"], levels(&desk).await),
        (&json!("advanced"), json!("advanced"))
    );
    assert_eq!(desk.get(VETTING).await.is(200).body, told);
    let events = desk.get("/v1/events?kind=vetting").await.is(200).body;
    assert_eq!(events["items"][0]["name"], "acme");
    assert_eq!(
        events["items"][0]["detail"],
        json!({ "ladder": "default", "state": "approved", "level": "advanced" })
    );
}

/// Shows: P-27, P-45.
#[tokio::test]
async fn what_the_model_may_not_give_waits_for_a_person_who_may_give_less() {
    let desk = desk("standard").await;
    know(&desk, "US", &json!({ "business_verified": true })).await;
    let told = desk
        .post(VETTING, &json!({ "level": "advanced" }))
        .await
        .is(200)
        .body;
    assert_eq!(told["standing"]["state"], "in_review");
    assert_eq!(
        told["standing"]["why"],
        json!(["unknown", "above_automatic"])
    );
    assert_eq!(levels(&desk).await, "standard");
    let queue = desk.get("/v1/vettings?state=in_review").await.is(200).body;
    assert_eq!(queue["items"], json!([told]));
    let again = desk.post(VETTING, &json!({})).await;
    let problem = again.refuses(422, "change_refused");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("in review already")
    );

    let wrong = json!({ "level": "king" });
    desk.post(&format!("{VETTING}/approve"), &wrong)
        .await
        .refuses(422, "change_refused");
    let note = json!({ "level": "advanced", "note": "<b>met them</b>" });
    let told = desk
        .post(&format!("{VETTING}/approve"), &note)
        .await
        .is(200)
        .body;
    assert_eq!(
        told["standing"]["decided"],
        json!({ "by": "operator", "note": "<b>met them</b>" })
    );
    assert_eq!(levels(&desk).await, "advanced");
    let late = desk.post(&format!("{VETTING}/refuse"), &json!({})).await;
    late.refuses(422, "change_refused");
    let empty = desk.get("/v1/vettings?state=in_review").await.is(200).body;
    assert_eq!(empty["items"], json!([]));
    // What a person wrote about a developer is not in the log.
    let events = desk.get("/v1/events?kind=vetting").await.is(200).body;
    assert!(!events.to_string().contains("met them"));
}

/// Shows: J-6, P-27.
#[tokio::test]
async fn more_risk_narrows_at_once_and_a_second_approval_brings_the_level_back() {
    let desk = desk("advanced").await;
    know(
        &desk,
        "US",
        &json!({ "years": 5, "business_verified": true }),
    )
    .await;
    desk.post(VETTING, &json!({})).await.is(200);
    let granted = async || {
        let told = desk.get("/v1/apps/till/capabilities").await.is(200).body;
        let all = told["apis"][0]["capabilities"].as_array().unwrap().clone();
        let is_granted = |one: &&Value| one["granted"] == true;
        let mut names: Vec<String> = all
            .iter()
            .filter(is_granted)
            .map(|one| one["capability"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(granted().await, ["LOOK", "PAY"]);
    know(
        &desk,
        "US",
        &json!({ "years": 1, "business_verified": true }),
    )
    .await;
    let again = format!("{VETTING}/look-again");
    let told = desk.post(&again, &json!({})).await.is(200).body;
    assert_eq!(told["standing"]["why"], json!(["risk_rose"]));
    assert_eq!(
        (&told["level"], granted().await),
        (&json!("standard"), vec!["LOOK".to_owned()])
    );
    let approve = json!({ "level": "advanced", "note": "grew" });
    desk.post(&format!("{VETTING}/approve"), &approve)
        .await
        .is(200);
    assert_eq!(granted().await, ["LOOK", "PAY"]);
    know(
        &desk,
        "KP",
        &json!({ "years": 1, "business_verified": true }),
    )
    .await;
    let told = desk.post(&again, &json!({})).await.is(200).body;
    assert_eq!(
        (&told["standing"]["state"], &told["level"]),
        (&json!("refused"), &Value::Null)
    );
    assert_eq!(granted().await, ["LOOK"]);
}

#[tokio::test]
async fn a_repetition_is_answered_as_before_and_withdrawn_may_apply_again() {
    let desk = desk("standard").await;
    let key = [("idempotency-key", "one")];
    let body = json!({ "level": "advanced" });
    let first = desk.ask("POST", VETTING, &key, Some(&body)).await.is(200);
    let second = desk.ask("POST", VETTING, &key, Some(&body)).await.is(200);
    assert_eq!(first.body, second.body);
    let gone = desk
        .post(&format!("{VETTING}/withdraw"), &json!({}))
        .await
        .is(200)
        .body;
    assert_eq!(gone["standing"], json!({ "state": "withdrawn" }));
    desk.post(VETTING, &body).await.is(200);
}

#[tokio::test]
async fn the_queue_goes_by_age_in_pages() {
    let desk = desk("standard").await;
    for number in 0..5 {
        let account = format!("/v1/accounts/dev-{number}");
        let entry = json!({ "kind": "person", "verified": true, "developer": {} });
        desk.put(&account, &entry).await.is(201);
        desk.post(&format!("{account}/vetting"), &json!({}))
            .await
            .is(200);
        if number % 2 == 0 {
            desk.clock.advance_seconds(1);
        }
    }
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = desk
            .get(&format!("/v1/vettings?state=in_review&limit=2{next}"))
            .await;
        let page = page.is(200).body;
        for item in page["items"].as_array().unwrap() {
            seen.push(item["account"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["dev-0", "dev-1", "dev-2", "dev-3", "dev-4"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_reason() {
    let desk = desk("standard").await;
    for (path, body, status, code, says) in [
        (
            "/v1/accounts/nobody/vetting",
            json!({}),
            404,
            "resource_unknown",
            "nobody",
        ),
        (
            "/v1/accounts/jane/vetting",
            json!({}),
            422,
            "change_refused",
            "not a developer",
        ),
        (
            VETTING,
            json!({ "ladder": "rope" }),
            422,
            "change_refused",
            "risk model",
        ),
        (
            VETTING,
            json!({ "level": "king" }),
            422,
            "change_refused",
            "`king`",
        ),
        (
            "/v1/accounts/acme/vetting/refuse",
            json!({}),
            404,
            "resource_unknown",
            "never applied",
        ),
        (
            "/v1/accounts/acme/vetting/refuse",
            json!({ "note": "x".repeat(2_001) }),
            422,
            "change_refused",
            "2000",
        ),
    ] {
        let problem = desk.post(path, &body).await.refuses(status, code);
        let detail = problem["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(says), "{path}: {detail}");
    }
    desk.get("/v1/vettings?state=lost")
        .await
        .refuses(400, "query_invalid");
    desk.get(VETTING).await.refuses(404, "resource_unknown");
    let entry = json!({ "kind": "company", "developer": {} });
    desk.put("/v1/accounts/stranger", &entry).await.is(201);
    let problem = desk.post("/v1/accounts/stranger/vetting", &json!({})).await;
    let problem = problem.refuses(422, "change_refused");
    assert!(problem["detail"].as_str().unwrap().contains("not verified"));
}

/// The market whose model asks a risk service, with an account that the rest of it lets pass.
async fn desk_with_service() -> Desk {
    let desk = Desk::empty().await;
    let mut state = state("advanced");
    let text = state["files"][0]["text"].as_str().unwrap();
    let service = "again_after_days: 30\n    service: { name: bureau, url: \"https://bureau.example/points\", secret: bureau-key }";
    state["files"][0]["text"] = text.replace("again_after_days: 30", service).into();
    desk.post("/v1/state/apply", &state).await.is(200);
    know(
        &desk,
        "US",
        &json!({ "years": 5, "business_verified": true }),
    )
    .await;
    desk
}

/// Shows: P-30.
#[tokio::test]
async fn a_risk_service_is_asked_and_its_silence_is_for_a_person() {
    let desk = desk_with_service().await;
    let asked = || desk.bureau.asked.lock().unwrap().clone();
    let answer = |text: &str| *desk.bureau.answer.lock().unwrap() = Some(text.to_owned());

    // Without its secret it is not even asked.
    answer(r#"{"points":-5}"#);
    let told = desk.post(VETTING, &json!({})).await.is(200).body;
    assert_eq!(told["standing"]["why"], json!(["unknown"]));
    assert!(asked().is_empty());
    let secret = json!({ "value": "whsec_c2VjcmV0" });
    desk.put("/v1/secrets/bureau-key", &secret).await.is(204);
    desk.post(&format!("{VETTING}/withdraw"), &json!({}))
        .await
        .is(200);

    let told = desk.post(VETTING, &json!({})).await.is(200).body;
    assert_eq!(told["standing"]["state"], "approved");
    let line = &told["standing"]["assessment"]["signals"][3];
    assert_eq!(
        *line,
        json!({ "signal": "bureau", "found": "yes", "points": -5 })
    );
    let question = json!({
        "url": "https://bureau.example/points",
        "headers": ["webhook-id", "webhook-timestamp", "webhook-signature"],
        "body": {
            "account": "acme", "ladder": "default", "title": null, "kind": "company",
            "country": "US", "properties": { "years": 5, "business_verified": true },
            "profile": [], "records": [],
        },
    });
    assert_eq!(asked(), [question]);

    // What it answers badly, or not at all, narrows nothing and waits for a person.
    let again = format!("{VETTING}/look-again");
    for bad in [
        "",
        "{}",
        r#"{"points":"5"}"#,
        r#"{"points":1001}"#,
        r#"{"points":1.5}"#,
    ] {
        answer(bad);
        let told = desk.post(&again, &json!({})).await.is(200).body;
        assert_eq!(told["standing"]["why"], json!(["unknown"]), "{bad}");
        assert_eq!(told["level"], "advanced", "{bad}");
        let approve = json!({ "level": "advanced" });
        desk.post(&format!("{VETTING}/approve"), &approve)
            .await
            .is(200);
        // What a person has seen stays until something else is unknown.
        let told = desk.post(&again, &json!({})).await.is(200).body;
        assert_eq!(told["standing"]["state"], "approved", "{bad}");
        answer(r#"{"points":-5}"#);
        desk.post(&again, &json!({})).await.is(200);
    }
    answer(r#"{"points":60,"why":"for us alone"}"#);
    let told = desk.post(&again, &json!({})).await.is(200).body;
    assert_eq!(
        (&told["level"], &told["standing"]["why"]),
        (&json!("standard"), &json!(["risk_rose"]))
    );

    let problem = desk.delete("/v1/secrets/bureau-key").await;
    let problem = problem.refuses(409, "secret_in_use");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("risk_model `default`")
    );
}
