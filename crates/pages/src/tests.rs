use std::sync::Arc;

use flows::{Admits, Caller, Origins, Rules};
use primitives::{Mode, RecordId, Timestamp};
use serde_json::{Value, json};
use snapshot::Snapshot;
use store::CallIndexRow;

use crate::{
    Mails, Place, Side,
    console::Me,
    render::Templates,
    views::{CallDetail, CallRow},
};

const ID: RecordId = RecordId {
    epoch: 7,
    sequence: 9,
};
const NOW: Timestamp = Timestamp::from_seconds(1_795_312_860);

fn refused(app: &str) -> CallIndexRow {
    refused_with(app, &json!({}))
}

/// A refused call whose explanation says `more` as well.
fn refused_with(app: &str, more: &Value) -> CallIndexRow {
    let mut answer = json!({
        "verdict": "refused",
        "gates": [{ "gate": "api", "outcome": "passed" }],
        "capabilities": [{
            "capability": "PREAPPROVALS",
            "granted": false,
            "gates": [{ "gate": "level", "outcome": "refused", "code": "level_too_low", "value": "entry", "threshold": "advanced-plus" }],
            "limits": [{ "limit": "agreements", "most": "100", "used": "3", "resets_at": "2026-11-23T08:00:00Z" }],
        }],
        "edits": [
            { "text": "assign the developer `<b>acme</b>` the level `advanced-plus`", "by": "operator" },
            { "text": "grant it", "by": "business_unit", "business_unit": "payments" },
        ],
    });
    for (key, value) in more.as_object().unwrap() {
        answer[key] = value.clone();
    }
    let record = json!({
        "call": {
            "id": ID, "at": 0, "mode": "live", "api": "payments", "operation": "Preapproval",
            "method": "POST", "path": "/AdaptivePayments/Preapproval", "credential": null,
            "app": ["app_00000000000000000000000001", app], "developer": null, "account": null,
            "capabilities": ["PREAPPROVALS"], "enforcement": "enforce", "status": 403,
            "code": "level_too_low", "answer": answer.to_string(), "revision": 3,
            "facts": [
                { "name": "amount", "type": "quantity", "value": "10.5" },
                { "name": "note", "type": "text", "value": "<i>`x`</i>", "cut": true },
                { "name": "legs", "type": "quantity", "unusable": "not a number" },
            ],
            "facts_left_out": 2,
            "counters": [{ "limit": 4, "subject": "0", "fact": "0", "begins_at": 0,
                "ends_at": 1_795_400_000_000_000_i64, "cost": "1" }],
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
        },
        "settled": null,
    });
    CallIndexRow {
        id: ID,
        at: NOW.plus_seconds(-60),
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
        record: record.to_string().into_bytes(),
    }
}

mod site;

/// Where the console stands.
fn place() -> Place {
    place_of(Side::Provider)
}

fn place_of(side: Side) -> Place {
    Place {
        name: "Portreeve".to_owned(),
        public: "http://localhost:8080".to_owned(),
        tls: false,
        side,
        mails: Mails::Shown,
        refused: flows::RefusedPasskeys::default(),
        rules: Rules {
            admits: Admits::Everybody,
            terms: None,
            per_network_hour: 20,
            email_verifies: true,
            origins: Origins {
                name: "Portreeve".to_owned(),
                site: "http://localhost:8081".to_owned(),
                console: "http://localhost:8082".to_owned(),
            },
        },
    }
}

fn text(template: &str, view: &impl serde::Serialize) -> String {
    Templates::compile(&place())
        .expect("templates compile")
        .text(template, view, Some(&me()))
        .expect("a page")
        // A slash is escaped as well, which only makes what is looked for harder to read.
        .replace("&#x2f;", "/")
}

/// Whoever may everything.
fn me() -> Me {
    Me::of(&Caller::owner(None))
}

fn decision_page(row: &CallIndexRow) -> String {
    let snapshot = Snapshot::empty(Arc::default());
    text(
        "decision.html",
        &CallDetail::of(row, &snapshot, NOW, &[("outcome", "refused")]),
    )
}

/// A view of every template, so that a name misspelt in one is found here.
fn views() -> Vec<(&'static str, Value)> {
    let (lone, none) = (
        json!({ "asks": "link", "code": "abc", "ticket": "", "email": "", "problem": null, "hours": 12 }),
        Value::Null,
    );
    let mut views = vec![
        ("sign_in.html", with(&lone, &none)),
        (
            "sign_in.html",
            with(
                &lone,
                &json!({ "asks": "password", "email": "", "problem": "used" }),
            ),
        ),
        (
            "sign_in.html",
            with(&lone, &json!({ "asks": "code", "ticket": "abc" })),
        ),
        (
            "sign_in.html",
            with(&lone, &json!({ "asks": "new_password" })),
        ),
        ("sign_in.html", with(&lone, &json!({ "asks": "forgot" }))),
        ("sign_in.html", with(&lone, &json!({ "asks": "mailed" }))),
        (
            "problem.html",
            json!({ "section": "", "title": "Not found", "says": "nothing here" }),
        ),
        ("overview.html", overview()),
        (
            "chart.html",
            json!({ "chart": with(&chart(), &json!({ "calls": 0, "codes": [], "bars": [] })) }),
        ),
    ];
    views.extend(views_of_decisions());
    views.extend(views_of_apis());
    views.extend(views_of_apps());
    views.extend(views_of_developers());
    views.extend(views_of_vettings());
    views.extend(views_of_anomalies());
    views.extend(views_of_persons());
    views.extend(views_of_events());
    views.extend(site::views());
    views
}

fn views_of_events() -> Vec<(&'static str, Value)> {
    let row = json!({
        "at": when(), "actor": "Kim", "actor_href": "/console/persons/person_1", "action": "created",
        "tone": "good", "kind": "app", "name": "acme-shop", "href": "/console/apps/acme-shop",
        "revision": 7, "detail": "{}", "alike": "/console/events?kind=app", "says": null,
    });
    let bare = with(
        &row,
        &json!({ "actor_href": null, "href": null, "detail": null, "says": "marked, rule `<b>`" }),
    );
    let list = json!({
        "section": "events", "kinds": ["account", "app"], "filter": { "kind": "app", "name": "x" },
        "rows": [row, bare], "empty": empty(), "newest": "/console/events", "next": null,
    });
    vec![
        ("events.html", list.clone()),
        ("events.html", with(&list, &json!({ "rows": [] }))),
    ]
}

fn views_of_persons() -> Vec<(&'static str, Value)> {
    let person = json!({
        "id": "person_1", "email": "kim@example.com", "name": "<b>Kim</b>",
        "href": "/console/persons/person_1", "standing": "active", "tone": "good",
        "roles": ["business_unit"], "units": ["cards"], "codes": true, "developer": false, "since": when(),
    });
    let out = with(
        &person,
        &json!({ "standing": "disabled", "codes": false, "roles": [], "units": [] }),
    );
    let roles = json!([{ "word": "business_unit", "purpose": "Grants.", "held": true }]);
    let link = json!({ "whom": "Kim", "url": "http://localhost/console/password?code=x", "expires": when() });
    let mailed = with(&link, &json!({ "url": null }));
    let sign_ins = json!([{ "id": "sign_1", "label": "Firefox on Linux", "kind": "browser", "this": true, "began": when(), "ends": when() }]);
    let list = json!({
        "section": "persons", "rows": [person, out], "roles": roles, "problem": "No.",
        "typed": { "email": "a@b", "name": "", "units": "" }, "invited": link, "newest": null, "next": "/x",
    });
    let one = json!({
        "section": "persons", "crumbs": [{ "title": "Persons", "href": "/console/persons" }],
        "person": person, "roles": roles, "units": "cards", "sign_ins": sign_ins,
        "oneself": false, "link": link, "problem": "No.", "passkeys": 2,
    });
    let passkeys = json!([
        { "id": "passkey_1", "name": "<b>phone</b>", "backed_up": true, "added": when(), "used": when() },
        { "id": "passkey_2", "name": "key", "backed_up": false, "added": when(), "used": null },
    ]);
    let you = json!({
        "section": "you", "person": person, "roles": roles, "sign_ins": sign_ins, "most_days": 366,
        "done": "Done.", "problem": null, "token": "ptr_person_x",
        "codes": { "picture": "data:image/svg+xml,x", "seed": "AAAA BBBB", "sealed": "00" },
        "mails": [{ "kind": "key", "title": "a key ends", "ticked": true }],
        "passkeys": passkeys, "most_passkeys": 20, "left": 2, "recovery": ["aaaa-bbbb-cccc"],
    });
    let bare = json!({ "token": null, "codes": null, "done": null, "person": out, "mails": null,
        "passkeys": [], "left": 0, "recovery": [] });
    vec![
        ("persons.html", list.clone()),
        (
            "persons.html",
            with(
                &list,
                &json!({ "rows": [], "invited": null, "problem": null }),
            ),
        ),
        ("persons.html", with(&list, &json!({ "invited": mailed }))),
        ("person.html", one.clone()),
        (
            "person.html",
            with(
                &one,
                &json!({ "person": out, "oneself": true, "sign_ins": [], "link": null }),
            ),
        ),
        ("you.html", you.clone()),
        ("you.html", with(&you, &bare)),
    ]
}

/// `view` with other values for some of its keys.
fn with(view: &Value, others: &Value) -> Value {
    let mut view = view.clone();
    for (key, value) in others.as_object().into_iter().flatten() {
        view[key] = value.clone();
    }
    view
}

fn when() -> Value {
    json!({ "iso": "2026-11-22T05:39:00Z", "absolute": "2026-11-22 05:39:00 UTC", "relative": "1 min ago" })
}

fn empty() -> Value {
    json!({ "title": "None", "says": "Make `one`:", "command": "portreeve apply", "action": ["/console", "Clear"] })
}

fn entries() -> Value {
    json!([
        { "label": "Id", "text": "app_1", "href": null, "id": true, "words": false },
        { "label": "API", "text": "payments", "href": "/console/apis/payments", "id": false, "words": false },
        { "label": "Upstream", "text": "`http://a`", "href": null, "id": false, "words": true },
    ])
}

fn tabs() -> Value {
    json!([{ "title": "All", "count": 1_200, "href": "/x", "current": true }])
}

fn overview() -> Value {
    let state =
        json!({ "tone": "bad", "word": "behind", "says": "Revision 2", "problem": "broken" });
    let hour = json!({ "calls": 3, "capped": true, "observes": true,
        "outcomes": [{ "words": "served", "tone": "good", "calls": 3, "href": "/x", "begins": 0, "width": 1_000 }],
        "codes": [{ "code": "level_too_low", "refused": 2, "observed": 1, "newest": when(), "href": "/x" }] });
    json!({ "section": "overview", "state": state, "entries_of": entries(), "empty": empty(), "chart": chart(), "hour": hour,
        "rows": [CallRow::of(&refused("shop"), NOW, &[])],
        "quiet": [{ "name": "payments", "why": "only observes" }],
        "expiring": [{ "id": "key_1", "app": "shop", "mode": "live", "ends": when() }] })
}

#[test]
fn where_there_can_be_no_passkeys_the_page_says_why() {
    let mut place = place();
    for (console, says) in [
        ("http://127.0.0.1:8082", "open this page by a name"),
        ("http://console.example.com", "over `https:"),
        ("http://localhost:8082", "data-passkey="),
    ] {
        console.clone_into(&mut place.rules.origins.console);
        let templates = Templates::compile(&place).expect("templates compile");
        for (name, view) in views_of_persons() {
            let page = templates.text(name, &view, Some(&me())).expect("a page");
            let there = page.contains(says) || page.contains(&says.replace('`', "<code>"));
            assert_eq!(there, name == "you.html", "{console}: {page}");
        }
        let password = json!({ "asks": "password", "email": "", "problem": null, "hours": 12 });
        let page = templates
            .text("sign_in.html", &password, None)
            .expect("a page");
        assert_eq!(
            page.contains("data-passkey="),
            console.contains("localhost")
        );
    }
}

fn views_of_decisions() -> Vec<(&'static str, Value)> {
    let choices = json!({ "apps": ["shop"], "apis": ["payments"], "capabilities": ["PAY"],
        "outcomes": [["served", "served"]], "modes": [["test", "test"]], "stretches": [["1h", "last hour"]] });
    let filter = json!({ "app": "", "api": "payments", "outcome": "refused", "code": "", "capability": "",
        "mode": "", "since": "", "from": "", "until": "" });
    let list = json!({ "section": "decisions", "rows": [CallRow::of(&refused("shop"), NOW, &[])], "empty": empty(),
        "seen": "0", "filter": filter, "choices": choices, "live": "/console/decisions/rows", "newest": null, "next": "/x", "looked": "Few",
        "chips": [{ "label": "api", "value": "payments", "without": "/console/decisions" }] });
    let older = json!({ "live": null, "newest": "/x", "next": null, "looked": null, "chips": [] });
    vec![
        (
            "decisions_table.html",
            json!({ "rows": [], "empty": empty(), "seen": "0" }),
        ),
        ("decisions.html", with(&list, &older)),
        ("decisions.html", list),
    ]
}

fn views_of_apis() -> Vec<(&'static str, Value)> {
    let api = json!({ "name": "payments", "version": "1", "active": true, "enforcement": "observe",
        "mounts": ["/payments"], "operations": 3, "annotated": 2 });
    let operation = json!({ "id": "Pay", "method": "POST", "template": "/Pay",
        "uses": [{ "name": "PAY", "when": "`legs` is present" }], "facts": entries() });
    let page = json!({ "section": "apis", "crumbs": [{ "title": "APIs", "href": "/console/apis" }], "api": api,
        "entries_of": entries(), "decisions": "/x", "find": "p", "show": "open", "tabs": tabs(),
        "operations": [operation], "empty": empty() });
    vec![
        (
            "apis.html",
            json!({ "section": "apis", "rows": [api], "empty": empty() }),
        ),
        (
            "apis.html",
            json!({ "section": "apis", "rows": [], "empty": empty() }),
        ),
        ("api.html", with(&page, &json!({ "operations": [] }))),
        ("api.html", page),
    ]
}

fn views_of_apps() -> Vec<(&'static str, Value)> {
    let app = json!({ "id": "app_1", "name": "shop", "developer": "acme", "level": "entry",
        "apis": ["payments"], "active": true, "provider": true });
    let capability = json!({ "name": "PREAPPROVALS", "granted": false, "on": false, "overridden": true, "next": "default",
        "reasons": [{ "code": "level_too_low", "value": "entry", "threshold": "advanced" }],
        "limits": [{ "limit": "agreements", "what": "calls", "used": "3", "most": "100", "unit": "calls", "resets": when() }] });
    let key = json!({ "id": "key_1", "hint": "wxyz", "mode": "test", "permissions": "read-only", "created": when(),
        "tone": "warn", "state": "works until", "ends": when() });
    let change = json!({ "at": when(), "actor": "Kim", "actor_href": "/x", "action": "created", "tone": "good",
        "kind": "credential", "name": "key_1", "href": null, "alike": "/x", "says": null });
    let marked = with(
        &change,
        &json!({ "actor_href": null, "kind": "anomaly", "href": "/x", "says": "marked, rule `<b>`" }),
    );
    let list =
        json!({ "section": "apps", "from": "", "rows": [app], "empty": empty(), "next": null });
    let page = json!({ "section": "apps", "crumbs": [{ "title": "Apps", "href": "/console/apps" }], "app": app,
        "ladders": [{ "name": "default", "level": "entry", "choices": ["entry"], "vetting": "/x" }], "developer_href": "/x",
        "entries_of": entries(), "decisions": "/x", "keys": [key], "no_keys": empty(), "tabs": tabs(), "no_apis": empty(),
        "profiles": ["read-only"], "limits": [limit()], "told": { "problem": null, "new_key": null },
        "history": { "rows": [change, marked], "all": "/x" }, "chart": chart(), "quotas": [{ "width": 900, "tone": "warn",
            "limit": { "limit": "per-day", "what": "calls a day", "used": "9", "most": "10", "unit": "calls", "resets": null } }],
        "apis": [{ "name": "payments", "own": [capability], "others": [capability] }] });
    vec![
        (
            "apps.html",
            with(&list, &json!({ "from": "z", "rows": [] })),
        ),
        ("apps.html", list),
        (
            "app.html",
            with(
                &page,
                &json!({ "keys": [], "apis": [], "history": { "rows": [], "all": "/x" }, "told": { "problem": "That is not so.",
                    "new_key": { "id": "key_1", "mode": "test", "secret": "s", "signature": "t" } } }),
            ),
        ),
        ("app.html", page),
    ]
}

fn chart() -> Value {
    json!({ "href": "/x", "stretches": [{ "words": "1 hour", "href": "/x", "current": true }],
        "bars": [{ "at": when(), "left": 0, "width": 10, "counts": [3, 1],
            "parts": [{ "tone": "good", "top": 40, "height": 120 }] }],
        "highest": 4, "calls": 4, "capped": true,
        "totals": [{ "words": "served", "tone": "good", "calls": 3 }, { "words": "refused", "tone": "bad", "calls": 0 }],
        "codes": [{ "code": "level_too_low", "calls": 1, "width": 1000 }] })
}

fn limit() -> Value {
    json!({ "name": "per-day", "what": "calls a day", "edited": true, "faded": true,
        "fields": [{ "field": "value.USD", "currency": "USD", "default": "100", "edited": "5" },
            { "field": "value", "currency": "", "default": "100", "edited": "" }] })
}

fn views_of_developers() -> Vec<(&'static str, Value)> {
    let row = json!({ "name": "acme", "title": "Acme", "href": "/x", "verified": true,
        "levels": "entry", "overrides": 2, "country": "US" });
    let list = json!({ "section": "developers", "from": "", "rows": [row], "empty": empty(), "next": "/y" });
    let switch = json!({ "name": "PAY", "way": "level", "on": false, "overridden": true, "next": "default",
        "limits": ["`per-day` 100"], "places": "everywhere", "confined": true, "places_href": "/x" });
    let fixed = with(
        &switch,
        &json!({ "next": "", "on": true, "overridden": false, "confined": false }),
    );
    let page = json!({ "section": "developers", "crumbs": [{ "title": "Developers", "href": "/x" }], "developer": row,
        "entries_of": entries(), "capabilities": [switch, fixed], "no_capabilities": empty(), "limits": [limit()], "problem": null,
        "ladders": [{ "name": "default", "level": "entry", "choices": ["entry"], "vetting": "/x" }] });
    let none = json!({ "capabilities": [], "limits": [], "ladders": [], "problem": "No." });
    let map = json!({ "subject": "caller_now", "whose": "the caller", "allowed": ["US", "MT"], "not_drawn": ["MT"],
        "rules": [{ "regions": "`us` (1 country)", "own": true }],
        "shapes": [{ "country": "US", "outline": "M0 0l1 1z", "allowed": true }] });
    let places = json!({ "section": "developers", "crumbs": [{ "title": "Developers", "href": "/x" }], "developer": "acme",
        "developer_href": "/x", "capability": "PAY", "maps": [map], "subjects": [["caller_now", "the caller"]],
        "regions": [{ "name": "us", "countries": "US" }], "problem": "No." });
    vec![
        (
            "developers.html",
            with(&list, &json!({ "rows": [], "next": null })),
        ),
        ("developers.html", with(&list, &json!({ "rows": [] }))),
        ("developers.html", list),
        ("developer.html", with(&page, &none)),
        ("developer.html", page),
        (
            "places.html",
            with(
                &places,
                &json!({ "maps": [], "regions": [], "problem": null }),
            ),
        ),
        ("places.html", places),
    ]
}

fn views_of_anomalies() -> Vec<(&'static str, Value)> {
    let row = json!({ "href": "/x", "app": "acme-shop", "mode": "live", "rule": "strange-client", "what": "Technology",
        "found": "curl, in 0 of 20 calls", "wanted": "in 10 of 1000 calls or more; usual: acme-sdk", "tone": "warn",
        "action": "alert", "open": true, "calls": 3, "last": when() });
    let list = json!({ "section": "anomalies", "tabs": tabs(), "rows": [row], "empty": empty(), "newest": "/x", "next": "/y" });
    let page = json!({ "section": "anomalies", "crumbs": [{ "title": "Anomalies", "href": "/x" }], "anomaly": row,
        "detail": { "known": entries(), "marked": [] }, "problem": "say why" });
    let fine = with(&row, &json!({ "open": false }));
    vec![
        (
            "anomalies.html",
            with(&list, &json!({ "rows": [], "newest": null, "next": null })),
        ),
        ("anomalies.html", list),
        (
            "anomaly.html",
            with(
                &page,
                &json!({ "anomaly": fine, "problem": null, "detail": { "known": entries(), "marked": entries() } }),
            ),
        ),
        ("anomaly.html", page),
    ]
}

fn views_of_vettings() -> Vec<(&'static str, Value)> {
    let row = json!({ "account": "acme", "ladder": "default", "href": "/x", "tone": "warn", "state": "in review",
        "level": "advanced", "points": 40, "why": ["a person gives this level"], "since": when() });
    let list = json!({ "section": "vettings", "tabs": tabs(), "rows": [row], "empty": empty(), "newest": "/x", "next": "/y" });
    let detail = json!({ "entries_of": entries(), "known": entries(),
        "signals": [{ "name": "young", "tone": "bad", "found": "not said", "open": true, "points": "+30" }],
        "levels": [{ "name": "standard", "riskiest": "PAY", "sum": 90, "fits": true }] });
    let page = json!({ "section": "vettings", "crumbs": [{ "title": "Vetting", "href": "/x" }], "vetting": row,
        "detail": detail, "choices": ["standard"], "chosen": "standard", "may_look_again": false, "problem": "decided already" });
    let bare = json!({ "entries_of": entries(), "known": [], "signals": [], "levels": [] });
    let withdrawn = with(&row, &json!({ "level": "", "points": null, "why": [] }));
    vec![
        (
            "vettings.html",
            with(&list, &json!({ "rows": [], "newest": null, "next": null })),
        ),
        ("vettings.html", list),
        (
            "vetting.html",
            with(
                &page,
                &json!({ "vetting": withdrawn, "detail": bare, "choices": [],
            "problem": null, "may_look_again": true }),
            ),
        ),
        ("vetting.html", page),
    ]
}

#[test]
fn every_template_renders_with_what_its_page_gives_it() {
    for (template, view) in views() {
        assert!(text(template, &view).len() > 100, "{template}");
    }
}

/// The policy of the pages forbids both; a page that uses one looks broken, and only there.
#[test]
fn no_template_holds_a_script_or_a_style_of_its_own() {
    for (template, view) in views() {
        let page = text(template, &view);
        for part in page.split('<').skip(1) {
            let tag = part.split('>').next().unwrap_or_default();
            let is_inline = tag.starts_with("style")
                || (tag.starts_with("script") && !tag.contains(" src=\"/console/assets/"));
            let attribute = tag.split(' ').any(|word| {
                word.starts_with("style=") || (word.starts_with("on") && word.contains("=\""))
            });
            assert!(!is_inline && !attribute, "{template}: <{tag}>");
        }
    }
}

/// Shows: J-2, P-57.
#[test]
fn a_decision_shows_every_gate_and_who_may_change_what() {
    let page = decision_page(&refused("shop"));
    for part in [
        "level_too_low",
        "advanced-plus",
        "assign the developer",
        "the operator",
        "the business unit <code>payments</code>",
        "2026-11-23 08:00:00 UTC",
        "1 min ago",
        "POST",
        "shop",
        "10.5",
        "unusable: not a number",
        "2 facts, left out",
        "403 by the gate",
    ] {
        assert!(page.contains(part), "`{part}` is missing");
    }
    assert!(
        page.contains("/console/decisions?outcome=refused"),
        "the way back keeps the filter"
    );
}

/// Shows: J-5.
#[test]
fn an_exhausted_limit_shows_what_may_be_offered() {
    let more = json!({ "offers": [{ "offer": "plan", "who": "account", "admits": true,
        "text": "on the plan `Pro` the limit `monthly-calls` is 5000 instead of 1000" }],
        "because": "the body could not be read" });
    let page = decision_page(&refused_with("shop", &more));
    assert!(
        page.contains("on the plan <code>Pro</code>")
            && page.contains("for the account to take up")
    );
    assert!(page.contains("the body could not be read"));
    assert!(!decision_page(&refused("shop")).contains("offered instead"));
}

/// Whatever stands in a view, wherever a template puts it.
#[test]
fn no_value_of_any_view_becomes_markup() {
    fn hostile(value: &mut Value) {
        match value {
            Value::String(text) => "<x-evil>\"'`<x-evil>`".clone_into(text),
            Value::Array(all) => all.iter_mut().for_each(hostile),
            Value::Object(all) => all.values_mut().for_each(hostile),
            _ => {}
        }
    }
    for (template, mut view) in views() {
        hostile(&mut view);
        let page = text(template, &view);
        assert!(!page.contains("<x-evil"), "{template}");
        let says = view.to_string().contains("x-evil");
        assert_eq!(page.contains("x-evil"), says, "{template} shows nothing");
    }
}

#[test]
fn what_an_app_is_called_cannot_become_markup() {
    let page = decision_page(&refused("<script>alert(1)</script>"));
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&lt;script&gt;"));
    assert!(
        page.contains("<code>&lt;b&gt;acme&lt;/b&gt;</code>"),
        "between backticks too"
    );
    assert!(
        !page.contains("<i>") && page.contains("`x`"),
        "facts are shown as they came"
    );
}

#[test]
fn a_record_that_cannot_be_read_still_has_its_row() {
    let mut row = refused("shop");
    row.record = b"{\"of\": \"another version\"}".to_vec();
    let page = decision_page(&row);
    assert!(page.contains("level_too_low") && !page.contains("No change of settings"));
}

/// Every page stands in a table that says who it is open to, but for these, which are open to
/// whoever comes.
///
/// Shows: S-91.
#[test]
fn no_page_is_open_past_the_tables() {
    let mut open = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.ends_with("tests.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let routes = text.split(".route(").skip(1);
            open.extend(routes.map(|route| {
                let written = route.trim_start().strip_prefix('"');
                written
                    .and_then(|route| route.split('"').next())
                    .unwrap_or("?")
                    .to_owned()
            }));
        }
    }
    open.sort();
    assert_eq!(
        open,
        [
            "/",
            "/",
            "/assets/{mark}/{name}",
            "/confirm",
            "/console/assets/{mark}/{name}",
            "/console/forgot",
            "/console/password",
            "/console/sign-in",
            "/console/sign-in/code",
            "/console/sign-in/passkey",
            "/console/sign-in/passkey/begin",
            "/console/sign-out",
            "/forgot",
            "/password",
            "/register",
            "/sign-in",
            "/sign-in/code",
            "/sign-in/passkey",
            "/sign-in/passkey/begin",
            "/sign-out",
            // The doors of the tables.
            "?",
        ]
    );
}
