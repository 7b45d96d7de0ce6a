//! Views of the developers' pages, and what they show of what others wrote.

use super::*;

pub(super) fn views() -> Vec<(&'static str, Value)> {
    let mut views = before_sign_in();
    views.extend(of_apps());
    views.extend(of_developer());
    views.extend(of_mails());
    views.extend(of_trying());
    views.extend(of_notices());
    views
}

fn before_sign_in() -> Vec<(&'static str, Value)> {
    let terms = json!({ "version": "7", "paragraphs": ["Be <b>fair</b>.", "Pay."] });
    let register = json!({ "asks": "register", "email": "a@b", "name": "<i>Acme</i>", "invitation": "x",
        "terms": terms, "problem": "No.", "shown": true });
    let asks = |word: &str| {
        with(
            &register,
            &json!({ "asks": word, "code": "abc", "problem": null }),
        )
    };
    vec![
        (
            "welcome.html",
            json!({ "registers": true, "invited": false }),
        ),
        (
            "welcome.html",
            json!({ "registers": false, "invited": true }),
        ),
        ("register.html", register.clone()),
        (
            "register.html",
            with(&register, &json!({ "terms": null, "invitation": "" })),
        ),
        ("register.html", asks("look")),
        ("register.html", asks("confirm")),
        ("register.html", asks("closed")),
    ]
}

fn of_apps() -> Vec<(&'static str, Value)> {
    let app = json!({ "name": "app-1", "title": "<b>Till</b>", "href": "/apps/app-1", "apis": ["payments"], "active": true });
    let list = json!({ "section": "apps", "rows": [app], "apis": [{ "name": "payments", "ticked": true }],
        "title": "Till", "most": 50, "problem": "No." });
    let key = json!({ "id": "key_1", "hint": "wxyz", "mode": "test", "permissions": "", "created": when(),
        "tone": "warn", "state": "works until", "ends": when() });
    let capability = json!({ "name": "PREAPPROVALS", "granted": false,
        "reasons": [{ "code": "level_too_low", "value": "entry", "threshold": "advanced" }],
        "limits": [{ "limit": "agreements", "what": "calls", "used": "3", "most": "100", "unit": "calls", "resets": when() }] });
    let page = json!({ "section": "apps", "crumbs": [{ "title": "My apps", "href": "/apps" }], "app": app,
        "keys": [key], "no_keys": empty(), "apis": [{ "name": "payments", "own": [capability], "others": [] }],
        "public": "http://localhost:8080", "problem": null,
        "shown": { "id": "key_1", "secret": "ptr_test_x", "signature": "ptr_sig_x", "mode": "test" } });
    let bare = json!({ "keys": [], "apis": [], "shown": null, "problem": "No." });
    vec![
        ("own_apps.html", list.clone()),
        (
            "own_apps.html",
            with(&list, &json!({ "rows": [], "apis": [], "problem": null })),
        ),
        (
            "own_calls.html",
            json!({ "section": "apps", "crumbs": [{ "title": "My apps", "href": "/apps" }], "newest": null, "next": "/x",
                "rows": [CallRow::within(&refused("shop"), NOW, "/apps/app-1/calls")], "empty": empty() }),
        ),
        ("own_app.html", with(&page, &bare)),
        ("own_app.html", page),
    ]
}

fn of_developer() -> Vec<(&'static str, Value)> {
    let ladder = json!({ "ladder": "default", "level": null, "above": [{ "level": "entry", "fits": true }],
        "tone": "warn", "state": "in review", "why": ["a person gives this level"], "in_review": true,
        "unknown": ["young"], "against": ["<b>far</b>"] });
    let other = with(
        &ladder,
        &json!({ "level": "entry", "above": [], "in_review": false, "why": [], "unknown": [], "against": [] }),
    );
    let page = json!({ "section": "developer", "title": "<b>Acme</b>", "verified": true, "entries_of": entries(),
        "ladders": [ladder, other], "problem": null,
        "deeds": [{ "when": when(), "who": "person_1", "did": "changed", "what": "the app", "name": "<b>till</b>" }] });
    vec![
        (
            "own_developer.html",
            with(
                &page,
                &json!({ "ladders": [], "deeds": [], "verified": false, "problem": "No." }),
            ),
        ),
        ("own_developer.html", page),
    ]
}

fn of_notices() -> Vec<(&'static str, Value)> {
    let row = json!({ "at": when(), "title": "key", "tone": "warn", "says": "The key `<b>` ends.", "unread": true, "href": "/apps/app-1", "leads_to": "the app" });
    let read = with(&row, &json!({ "unread": false, "href": null }));
    let choice = json!({ "value": "key", "title": "key", "chosen": true });
    let tab =
        json!({ "title": "Unread", "count": 3, "href": "/notices?show=unread", "current": true });
    let list = json!({ "section": "notices", "tabs": [tab], "show": "unread", "kinds": [choice], "apps": [choice], "rows": [row, read],
        "empty": empty(), "read_to": 7, "newest": null, "next": "/notices?before=3" });
    vec![
        ("own_notices.html", list.clone()),
        (
            "own_notices.html",
            with(&list, &json!({ "rows": [], "read_to": null, "next": null })),
        ),
    ]
}

fn of_trying() -> Vec<(&'static str, Value)> {
    let row = json!({ "key": "POST /pay", "method": "POST", "template": "/pay", "summary": "<b>Pays</b>", "deprecated": true, "href": "/apps/app-1/apis/payments/try" });
    let list = json!({ "section": "apps", "crumbs": [{ "title": "My apps", "href": "/apps" }], "api": "payments",
        "here": "/apps/app-1/apis/payments", "find": "<i>", "rows": [row], "empty": empty() });
    let operation = json!({ "key": "POST /pay", "method": "POST", "template": "/pay", "summary": "", "about": "<b>Pays</b>\nSomebody", "deprecated": true });
    let field = json!({ "field": "header.X-Why", "name": "X-Why", "place": "header", "required": false, "about": "<b>why</b>", "kind": "string", "value": "\"><script>" });
    let detail = CallDetail::of_app(
        &refused("shop"),
        &Snapshot::empty(Arc::default()),
        NOW,
        crate::views::Crumb {
            title: "Calls",
            href: "/apps/app-1/calls".to_owned(),
        },
    );
    let answer = json!({ "asked": "POST /payments/pay", "status": 403, "tone": "bad", "headers": [["x-a", "<b>"]], "body": "</pre><script>alert(1)</script>",
        "binary": false, "bytes": 12, "cut": true, "trace": "0af7", "decision": "rec_1", "detail": detail });
    let page = json!({ "section": "apps", "crumbs": [{ "title": "My apps", "href": "/apps" }, { "title": "App", "href": "/apps/app-1" }],
        "here": "/apps/app-1/apis/payments/try", "api": "payments", "operation": operation, "fields": [field],
        "bodies": [{ "media_type": "application/json", "chosen": true }], "needs_body": false, "body": "</textarea><script>",
        "keys": [{ "id": "key_1", "hint": "wxyz", "chosen": true }], "secret": "ptr_test_x", "can_try": true, "problem": "No.", "answer": answer });
    let early = json!({ "answer": with(&answer, &json!({ "detail": null })) });
    let unreadable = json!({ "answer": with(&answer, &json!({ "detail": null, "decision": null, "binary": true, "body": "", "cut": false })) });
    vec![
        ("own_reference.html", list.clone()),
        ("own_reference.html", with(&list, &json!({ "rows": [] }))),
        ("own_try.html", with(&page, &early)),
        ("own_try.html", with(&page, &unreadable)),
        (
            "own_try.html",
            with(&page, &json!({ "answer": null, "can_try": false })),
        ),
        ("own_try.html", page),
    ]
}

/// What an upstream answers, or a description says, never becomes part of the page.
#[test]
fn an_answer_is_shown_as_text() {
    for (template, view) in of_trying() {
        let page = text(template, &view);
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(
            !page.contains("</textarea><script>") && !page.contains("<b>Pays"),
            "{page}"
        );
    }
}

fn of_mails() -> Vec<(&'static str, Value)> {
    let row = json!({ "id": "mail_1", "written": when(), "tries": 2, "problem": "the mail server answered 451",
        "due": when(), "subject": "Here: <b>x</b>", "to": "kim@example.com",
        "parts": [{ "text": "Follow <b>", "is_link": false }, { "text": "http://localhost/x?a=1&b=2", "is_link": true }] });
    let bare = with(
        &row,
        &json!({ "subject": "", "to": "", "parts": [], "problem": "" }),
    );
    let list = json!({ "section": "mail", "shown": true, "off": false, "empty": empty(), "rows": [row, bare], "newest": "/x", "next": "/y" });
    let none = json!({ "shown": false, "off": true, "rows": [], "newest": null, "next": null });
    vec![
        ("mails.html", list.clone()),
        ("mails.html", with(&list, &none)),
    ]
}

/// What an app was answered is what its developer sees: no policy's text, no fact, no record.
///
/// Shows: P-57.
#[test]
fn a_developer_sees_of_a_call_what_the_app_was_answered() {
    let more = json!({ "gates": [
        { "gate": "policy", "outcome": "refused", "code": "policy_refused", "rule": "verified", "threshold": "principal.secret > 7" },
    ] });
    let row = refused_with("shop", &more);
    let list = crate::views::Crumb {
        title: "Calls",
        href: "/apps/app-1/calls".to_owned(),
    };
    let snapshot = Snapshot::empty(Arc::default());
    let page = text(
        "decision.html",
        &CallDetail::of_app(&row, &snapshot, NOW, list),
    );
    for part in [
        "policy_refused",
        "level_too_low",
        "advanced-plus",
        "smallest change",
    ] {
        assert!(page.contains(part), "`{part}` is missing: {page}");
    }
    for part in [
        "principal.secret",
        "Facts taken",
        "trace_id",
        "0af7651916cd43dd",
        "as JSON",
    ] {
        assert!(!page.contains(part), "`{part}` is there: {page}");
    }
    let whole = decision_page(&row);
    assert!(whole.contains("principal.secret") && whole.contains("Facts taken"));
}

/// The site speaks of itself: nothing on its pages leads to the console.
#[test]
fn no_page_of_the_site_leads_to_the_console() {
    let templates = Templates::compile(&place_of(Side::Developers)).expect("templates compile");
    let of_site = [
        "own_apps.html",
        "own_app.html",
        "register.html",
        "welcome.html",
        "own_developer.html",
        "sign_in.html",
    ];
    let mut looked_at = 0;
    for (template, view) in super::views() {
        if !of_site.contains(&template) {
            continue;
        }
        // What the fixture itself says is not the page's.
        if template == "own_developer.html" || view.to_string().contains("/console") {
            continue;
        }
        let text = templates
            .text(template, &view, Some(&me()))
            .expect("a page");
        let text = text.replace("&#x2f;", "/");
        for way in ["/console/", "/console\""] {
            assert!(!text.contains(way), "{template}: {text}");
        }
        looked_at += 1;
    }
    assert!(looked_at > 12, "{looked_at}");
}
