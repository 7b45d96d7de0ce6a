use serde_json::{Value, json};

use crate::desk::Desk;

async fn many(desk: &Desk, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|n| format!("shop-{n:03}")).collect();
    let accounts: Vec<Value> = names
        .iter()
        .map(|name| json!({ "name": name, "kind": "person" }))
        .collect();
    desk.post("/v1/import", &json!({ "accounts": accounts }))
        .await
        .is(200);
    names
}

/// Walks a list to its end.
async fn walk(desk: &Desk, path: &str) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    for _ in 0..200 {
        let page = desk.get(&format!("{path}{cursor}")).await.is(200).body;
        let items = page["items"].as_array().unwrap();
        names.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return names,
        }
    }
    panic!("the list does not end");
}

#[tokio::test]
async fn pages_hold_every_entry_once_in_order() {
    let desk = Desk::with_state().await;
    let mut names = many(&desk, 53).await;
    names.splice(0..0, ["acme".to_owned(), "jane".to_owned()]);
    for limit in [1, 7, 55, 499] {
        let walked = walk(&desk, &format!("/v1/accounts?limit={limit}")).await;
        assert_eq!(walked, names, "in pages of {limit}");
    }
    let some = walk(&desk, "/v1/accounts?limit=2&q=-01").await;
    assert_eq!(some, names[12..22]);
}

#[tokio::test]
async fn a_page_goes_on_where_it_was_even_when_entries_come_and_go() {
    let desk = Desk::with_state().await;
    many(&desk, 6).await;
    let page = desk.get("/v1/accounts?limit=4").await.is(200).body;
    let next = page["next"].as_str().unwrap().to_owned();
    desk.delete("/v1/accounts/shop-001").await.is(204);
    let person = json!({ "kind": "person" });
    desk.put("/v1/accounts/aaa", &person).await.is(201);
    desk.put("/v1/accounts/shop-0015", &person).await.is(201);
    let rest = walk(&desk, &format!("/v1/accounts?limit=9&cursor={next}")).await;
    assert_eq!(
        rest,
        ["shop-0015", "shop-002", "shop-003", "shop-004", "shop-005"]
    );
}

#[tokio::test]
async fn a_cursor_is_of_one_list_and_cannot_be_made_up() {
    let desk = Desk::with_state().await;
    many(&desk, 6).await;
    let page = desk.get("/v1/accounts?limit=2").await.is(200).body;
    let next = page["next"].as_str().unwrap();
    let mut changed = next.to_owned();
    let last = changed.pop().unwrap();
    changed.push(if last == 'A' { 'B' } else { 'A' });
    for path in [
        format!("/v1/apps?cursor={next}"),
        format!("/v1/accounts?q=shop&cursor={next}"),
        format!("/v1/accounts?cursor={changed}"),
        "/v1/accounts?cursor=shop-001".to_owned(),
        "/v1/accounts?cursor=".to_owned(),
    ] {
        desk.get(&path).await.refuses(400, "cursor_invalid");
    }
    for query in ["limit=0", "limit=x", "colour=red", "limit=2&limit=3"] {
        desk.get(&format!("/v1/accounts?{query}"))
            .await
            .refuses(400, "query_invalid");
    }
}

#[tokio::test]
async fn apps_are_filtered_by_developer_and_api() {
    let desk = Desk::with_state().await;
    let other = json!({ "kind": "company", "verified": true, "developer": {} });
    desk.put("/v1/accounts/other", &other).await.is(201);
    desk.put("/v1/apps/kiosk", &json!({ "developer": "other" }))
        .await
        .is(201);
    assert_eq!(walk(&desk, "/v1/apps?developer=acme").await, ["till"]);
    assert_eq!(walk(&desk, "/v1/apps?developer=other").await, ["kiosk"]);
    assert_eq!(walk(&desk, "/v1/apps?api=shop").await, ["till"]);
}

#[tokio::test]
async fn the_event_log_is_complete_and_tells_no_secret() {
    let desk = Desk::with_state().await;
    let (_, secret) = desk.key().await;
    desk.put("/v1/secrets/upstream", &json!({ "value": "open sesame" }))
        .await
        .is(204);
    let mut events = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = desk
            .get(&format!("/v1/events?limit=1{cursor}"))
            .await
            .is(200)
            .body;
        events.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let revisions: Vec<u64> = events
        .iter()
        .map(|e| e["revision"].as_u64().unwrap())
        .collect();
    assert!(revisions.is_sorted_by(|a, b| a >= b));
    assert_eq!((revisions[0], revisions[revisions.len() - 1]), (3, 1));
    let all = Value::from(events).to_string();
    assert!(!all.contains(&secret) && !all.contains("open sesame") && !all.contains("hmac"));
    let keys = desk.get("/v1/events?kind=credential").await.is(200).body;
    assert_eq!(keys["items"].as_array().unwrap().len(), 1);
}
