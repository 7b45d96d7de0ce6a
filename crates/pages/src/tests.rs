use primitives::{Mode, RecordId, Timestamp};
use serde_json::{Value, json};
use store::CallIndexRow;

use crate::{
    render::Templates,
    views::{CallDetail, CallRow},
};

const ID: RecordId = RecordId {
    epoch: 7,
    sequence: 9,
};

fn refused(app: &str) -> CallIndexRow {
    let answer = json!({
        "verdict": "refused",
        "gates": [{ "gate": "api", "outcome": "passed" }],
        "capabilities": [{
            "capability": "PREAPPROVALS",
            "granted": false,
            "gates": [{ "gate": "level", "outcome": "refused", "code": "level_too_low", "value": "entry", "threshold": "advanced-plus" }],
            "limits": [{ "limit": "agreements", "most": "100", "used": "3", "resets_at": "2026-11-23T08:00:00Z" }],
        }],
        "edits": [
            { "text": "assign the level", "by": "operator" },
            { "text": "grant it", "by": "business_unit", "business_unit": "payments" },
        ],
    });
    let record = json!({
        "call": {
            "id": ID, "at": 0, "mode": "live", "api": "payments", "operation": "Preapproval",
            "method": "POST", "path": "/AdaptivePayments/Preapproval", "credential": null,
            "app": ["app_00000000000000000000000001", app], "developer": null, "account": null,
            "capabilities": ["PREAPPROVALS"], "enforcement": "enforce", "status": 403,
            "code": "level_too_low", "answer": answer.to_string(), "counters": [], "revision": 3,
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
        },
        "settled": null,
    });
    CallIndexRow {
        id: ID,
        at: Timestamp::from_seconds(1_795_312_800),
        day: 20_779,
        mode: Some(Mode::Live),
        api: "payments".to_owned(),
        operation: "Preapproval".to_owned(),
        app: None,
        developer: None,
        account: None,
        capabilities: " PREAPPROVALS ".to_owned(),
        outcome: "refused".to_owned(),
        status: 403,
        code: "level_too_low".to_owned(),
        record: record.to_string(),
    }
}

fn text(template: &str, view: &impl serde::Serialize) -> String {
    Templates::compile()
        .expect("templates compile")
        .text(template, view)
        .expect("a page")
}

/// Every template with a view of its own, so that a name misspelt in one is found here.
#[test]
fn every_template_renders_with_what_its_page_gives_it() {
    let rows = json!([CallRow::of(&refused("shop"))]);
    let api = json!({ "name": "payments", "version": "1", "active": true, "enforcement": "enforce",
        "mounts": ["/payments"], "operations": 3, "annotated": 2 });
    let app = json!({ "id": "app_1", "name": "shop", "developer": "acme", "level": "entry",
        "apis": ["payments"], "active": true, "provider": false });
    let filter =
        json!({ "app": "", "api": "payments", "outcome": "refused", "mode": "", "capability": "" });
    let capability = json!({ "name": "PREAPPROVALS", "granted": false, "reasons": ["level_too_low"],
        "limits": [{ "limit": "agreements", "used": "3", "most": "100", "resets_at": "" }] });
    let views: Vec<(&str, Value)> = vec![
        (
            "sign_in.html",
            json!({ "code": "abc", "problem": null, "hours": 12 }),
        ),
        (
            "sign_in.html",
            json!({ "code": "", "problem": "used", "hours": 12 }),
        ),
        (
            "overview.html",
            json!({ "section": "overview", "revision": 3, "problem": "broken", "rows": rows, "hint": "",
            "cards": [{ "title": "APIs", "number": 2, "href": "/console/apis" }] }),
        ),
        (
            "decisions_table.html",
            json!({ "rows": [], "hint": "curl" }),
        ),
        (
            "decisions.html",
            json!({ "section": "decisions", "rows": rows, "hint": "", "filter": filter, "apps": ["shop"],
            "apis": ["payments"], "outcomes": ["served", "refused"], "live": "/console/decisions/rows", "next": "/x" }),
        ),
        ("apis.html", json!({ "section": "apis", "rows": [api] })),
        ("apis.html", json!({ "section": "apis", "rows": [] })),
        (
            "api.html",
            json!({ "section": "apis", "api": api, "operations": [{ "id": "Pay", "method": "POST",
            "template": "/Pay", "uses": [{ "name": "PAY", "conditional": true }], "facts": ["amount"] }] }),
        ),
        (
            "apps.html",
            json!({ "section": "apps", "from": "", "rows": [app], "next": null }),
        ),
        (
            "apps.html",
            json!({ "section": "apps", "from": "z", "rows": [], "next": null }),
        ),
        (
            "app.html",
            json!({ "section": "apps", "app": app, "apis": [{ "name": "payments", "capabilities": [capability] }] }),
        ),
        (
            "problem.html",
            json!({ "section": "", "title": "Not found", "says": "nothing here" }),
        ),
    ];
    for (template, view) in views {
        assert!(text(template, &view).len() > 100, "{template}");
    }
}

/// Shows: J-2, P-57.
#[test]
fn a_decision_shows_every_gate_and_who_may_change_what() {
    let page = text("decision.html", &CallDetail::of(&refused("shop")));
    for part in [
        "level_too_low",
        "advanced-plus",
        "assign the level",
        "the operator",
        "the business unit payments",
        "2026-11-23 08:00:00",
        "POST",
        "shop",
    ] {
        assert!(page.contains(part), "`{part}` is missing");
    }
}

#[test]
fn what_an_app_is_called_cannot_become_markup() {
    let page = text(
        "decision.html",
        &CallDetail::of(&refused("<script>alert(1)</script>")),
    );
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn a_record_that_cannot_be_read_still_has_its_row() {
    let mut row = refused("shop");
    row.record = "{\"of\": \"another version\"}".to_owned();
    let page = text("decision.html", &CallDetail::of(&row));
    assert!(page.contains("level_too_low") && !page.contains("No single change"));
}
