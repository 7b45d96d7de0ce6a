//! Who may pass which door: one row for each, checked against the document of the API by test.
//! A door without a row is closed to everybody.

use accounts::persons::Action::{
    self, ChangeState, Develop, HandleKeys, HandlePersons, NarrowApps, Own, RevealConfidential,
    See, SendRecords, SetConfidential, SetDevelopers, SetSecrets, SwitchDevelopers, Vet,
};
use http::Method;

/// What is done at each door: method, path template, action.
pub(crate) const TABLE: &[(&str, &str, Action)] = &[
    ("GET", "/v1/accounts/{account}/confidential", See),
    ("GET", "/v1/accounts/{account}/panel", See),
    ("GET", "/v1/accounts/{account}/profile", See),
    ("GET", "/v1/accounts/{account}/records", See),
    ("GET", "/v1/accounts/{account}/risk", See),
    ("GET", "/v1/accounts/{account}/vetting", See),
    ("GET", "/v1/anomalies", See),
    ("GET", "/v1/apps/{app}/apis/{api}/openapi.json", See),
    ("GET", "/v1/apps/{app}/capabilities", See),
    ("GET", "/v1/apps/{app}/habits", See),
    ("GET", "/v1/apps/{app}/keys", See),
    ("GET", "/v1/audit/events", See),
    ("GET", "/v1/call-chart", See),
    ("GET", "/v1/call-records", See),
    ("GET", "/v1/decisions/{id}", See),
    ("GET", "/v1/descriptions/{api}/{version}/diff", See),
    ("GET", "/v1/descriptions/{api}/{version}/report", See),
    ("GET", "/v1/events", See),
    ("GET", "/v1/secrets", See),
    ("GET", "/v1/state/export", See),
    ("GET", "/v1/vettings", See),
    ("POST", "/v1/state/diff", See),
    ("POST", "/v1/apps/{app}/keys", HandleKeys),
    ("DELETE", "/v1/apps/{app}/keys/{key}", HandleKeys),
    ("POST", "/v1/apps/{app}/keys/{key}/rotate", HandleKeys),
    ("POST", "/v1/apps/{app}/limits", NarrowApps),
    ("POST", "/v1/apps/{app}/toggles", NarrowApps),
    ("POST", "/v1/accounts/{account}/geography", SetDevelopers),
    ("POST", "/v1/accounts/{account}/level", SetDevelopers),
    ("POST", "/v1/accounts/{account}/level/reset", SetDevelopers),
    ("POST", "/v1/accounts/{account}/limits", SetDevelopers),
    ("POST", "/v1/accounts/{account}/toggles", SwitchDevelopers),
    ("POST", "/v1/accounts/{account}/vetting", Vet),
    ("POST", "/v1/accounts/{account}/vetting/approve", Vet),
    ("POST", "/v1/accounts/{account}/vetting/look-again", Vet),
    ("POST", "/v1/accounts/{account}/vetting/refuse", Vet),
    ("POST", "/v1/accounts/{account}/vetting/withdraw", Vet),
    ("POST", "/v1/accounts/{account}/records", SendRecords),
    (
        "PUT",
        "/v1/accounts/{account}/confidential/{name}",
        SetConfidential,
    ),
    (
        "DELETE",
        "/v1/accounts/{account}/confidential/{name}",
        SetConfidential,
    ),
    (
        "POST",
        "/v1/accounts/{account}/confidential/{name}/reveal",
        RevealConfidential,
    ),
    ("POST", "/v1/anomalies/{anomaly}/fine", Vet),
    ("POST", "/v1/import", ChangeState),
    ("POST", "/v1/state/apply", ChangeState),
    ("PUT", "/v1/secrets/{name}", SetSecrets),
    ("DELETE", "/v1/secrets/{name}", SetSecrets),
    ("GET", "/v1/persons", HandlePersons),
    ("POST", "/v1/persons", HandlePersons),
    ("GET", "/v1/persons/{person}", HandlePersons),
    ("DELETE", "/v1/persons/{person}", HandlePersons),
    ("POST", "/v1/persons/{person}/disable", HandlePersons),
    ("POST", "/v1/persons/{person}/duties", HandlePersons),
    ("POST", "/v1/persons/{person}/enable", HandlePersons),
    ("POST", "/v1/persons/{person}/password-link", HandlePersons),
    ("POST", "/v1/persons/{person}/remove-codes", HandlePersons),
    (
        "POST",
        "/v1/persons/{person}/remove-passkeys",
        HandlePersons,
    ),
    ("POST", "/v1/persons/{person}/sign-out", HandlePersons),
    ("POST", "/v1/sign-in-links", HandlePersons),
    ("GET", "/v1/mails", HandlePersons),
    ("POST", "/v1/developer-invitations", HandlePersons),
    ("GET", "/v1/developer", Develop),
    ("POST", "/v1/developer/vetting", Develop),
    ("POST", "/v1/developer/vetting/withdraw", Develop),
    ("GET", "/v1/developer/apps", Develop),
    ("POST", "/v1/developer/apps", Develop),
    ("GET", "/v1/developer/apps/{app}", Develop),
    ("GET", "/v1/developer/apps/{app}/capabilities", Develop),
    (
        "GET",
        "/v1/developer/apps/{app}/apis/{api}/openapi.json",
        Develop,
    ),
    ("GET", "/v1/developer/apps/{app}/calls", Develop),
    ("GET", "/v1/developer/apps/{app}/calls/{id}", Develop),
    ("GET", "/v1/developer/apps/{app}/keys", Develop),
    ("POST", "/v1/developer/apps/{app}/keys", Develop),
    ("DELETE", "/v1/developer/apps/{app}/keys/{key}", Develop),
    (
        "POST",
        "/v1/developer/apps/{app}/keys/{key}/rotate",
        Develop,
    ),
    ("GET", "/v1/developer/notices", Develop),
    ("POST", "/v1/developer/notices/read", Develop),
    ("GET", "/v1/developer/notice-mails", Develop),
    ("PUT", "/v1/developer/notice-mails", Develop),
    ("POST", "/v1/access-tokens", Own),
    ("GET", "/v1/one-time-codes", Own),
    ("POST", "/v1/one-time-codes", Own),
    ("POST", "/v1/one-time-codes/confirm", Own),
    ("POST", "/v1/one-time-codes/end", Own),
    ("GET", "/v1/passkeys", Own),
    ("POST", "/v1/passkeys", Own),
    ("POST", "/v1/passkeys/begin", Own),
    ("POST", "/v1/passkeys/{passkey}/remove", Own),
    ("POST", "/v1/password", Own),
    ("POST", "/v1/recovery-codes", Own),
    ("GET", "/v1/sign-ins", Own),
    ("DELETE", "/v1/sign-ins/{sign_in}", Own),
    ("GET", "/v1/whoami", Own),
];

/// The doors of resources, which are the same for every kind: list, then one of them.
const RESOURCES: &[(&str, bool, Action)] = &[
    ("GET", false, See),
    ("GET", true, See),
    ("PUT", true, ChangeState),
    ("DELETE", true, ChangeState),
];

/// What is done at a door; `None` when it has no row.
pub(crate) fn action(method: &Method, path: &str) -> Option<Action> {
    // What answers GET answers HEAD without the body.
    let method = match method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let named = TABLE
        .iter()
        .find(|(on, at, _)| *on == method && *at == path)
        .map(|(_, _, action)| *action);
    named.or_else(|| {
        let list = path.strip_prefix("/v1/")?;
        let (list, one) = match list.strip_suffix("/{name}") {
            Some(list) => (list, true),
            None => (list, false),
        };
        crate::resources::is_list(list).then_some(())?;
        RESOURCES
            .iter()
            .find(|(on, of_one, _)| *on == method && *of_one == one)
            .map(|(_, _, action)| *action)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Shows: S-88.
    #[test]
    fn the_table_and_the_document_have_the_same_doors() {
        let document = crate::openapi();
        let mut documented = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                documented.insert((method.to_uppercase(), path.clone()));
            }
        }
        for (method, path) in &documented {
            // An app asks about itself with its own key, whoever holds a secret may report it, and
            // the others are for those who are nobody yet.
            let open = [
                "/v1/leaked-secrets",
                "/v1/registrations",
                "/v1/registrations/confirm",
                "/v1/password-links",
            ];
            if path.starts_with("/v1/me/") || open.contains(&path.as_str()) {
                continue;
            }
            let known: Method = method.parse().unwrap();
            assert!(action(&known, path).is_some(), "{method} {path} has no row");
        }
        for (method, path, _) in TABLE {
            let row = (method.to_string(), path.to_string());
            assert!(documented.contains(&row), "{row:?} is a row for nothing");
        }
        let rows: BTreeSet<_> = TABLE
            .iter()
            .map(|(method, path, _)| (method, path))
            .collect();
        assert_eq!(rows.len(), TABLE.len(), "a door stands there twice");
    }

    #[test]
    fn what_has_no_row_has_no_action() {
        for (method, path) in [
            (Method::POST, "/v1/accounts"),
            (Method::PATCH, "/v1/accounts/{name}"),
            (Method::PUT, "/v1/nothing/{name}"),
            (Method::GET, "/v1/nothing"),
            (Method::GET, "/v1/accounts/{account}/elsewhere"),
            (Method::GET, ""),
        ] {
            assert_eq!(action(&method, path), None, "{method} {path}");
        }
        assert_eq!(action(&Method::HEAD, "/v1/accounts"), Some(See));
    }
}
