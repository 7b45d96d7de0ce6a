use std::borrow::Cow;

use bytes::Bytes;
use catalog::{
    AccountParameter, BodyProblem, Lookup, Operation, PathTemplate, Routes, replace_text_field,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use request::{CanonicalPath, Query};

/// The upstream's own id of an account cannot be put where the caller gave ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountProblem {
    #[error("the external id cannot stand in a path: {0}")]
    Path(#[from] request::RequestProblem),
    #[error("the external id cannot stand in a header")]
    Header,
    #[error("the parameter `{0}` is not where the operation says")]
    Missing(String),
    #[error(transparent)]
    Body(#[from] BodyProblem),
}

/// The parts of a request that may name an account.
pub(crate) struct Named<'a> {
    pub(crate) path: &'a mut CanonicalPath,
    pub(crate) query: &'a mut Query,
    pub(crate) headers: &'a mut HeaderMap,
    pub(crate) body: Option<&'a mut Bytes>,
}

/// Puts `external` where the operation's parameter names an account.
pub(crate) fn replace(
    operation: &Operation,
    request: Named<'_>,
    external: &str,
) -> Result<(), AccountProblem> {
    let Some(parameter) = &operation.account else {
        return Ok(());
    };
    match parameter {
        AccountParameter::Path(name) => in_path(operation, request.path, name, external),
        AccountParameter::Query(name) => request
            .query
            .replace(name, external)
            .then_some(())
            .ok_or_else(|| AccountProblem::Missing(name.clone())),
        AccountParameter::Header(name) => {
            let header = HeaderName::try_from(name.as_str()).map_err(|_| AccountProblem::Header)?;
            let value = HeaderValue::from_str(external).map_err(|_| AccountProblem::Header)?;
            request.headers.insert(header, value);
            Ok(())
        }
        AccountParameter::Body(name) => {
            let missing = || AccountProblem::Missing(name.clone());
            let body = request.body.ok_or_else(missing)?;
            let content_type = request.headers.get(http::header::CONTENT_TYPE);
            let content_type = content_type.and_then(|value| value.to_str().ok());
            let replaced = match replace_text_field(content_type, body, name, external)? {
                Cow::Owned(replaced) => Bytes::from(replaced),
                Cow::Borrowed(_) => return Err(missing()),
            };
            *body = replaced;
            Ok(())
        }
    }
}

fn in_path(
    operation: &Operation,
    path: &mut CanonicalPath,
    name: &str,
    external: &str,
) -> Result<(), AccountProblem> {
    let missing = || AccountProblem::Missing(name.to_owned());
    let template = PathTemplate::parse(&operation.template).map_err(|_| missing())?;
    let mut routes = Routes::default();
    routes
        .insert(&operation.method, &template, ())
        .map_err(|_| missing())?;
    let found = routes.lookup(&operation.method, path.segments(), path.trailing_slash());
    let Lookup::Found(found) = found else {
        return Err(missing());
    };
    let replaced = found.replacing(name, external).map_err(|_| missing())?;
    let (at, segment) = replaced.ok_or_else(missing)?;
    path.replace(at, &segment)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use catalog::FactTable;

    use super::*;

    fn replaced(
        parameter: AccountParameter,
        content_type: &'static str,
        body: &str,
    ) -> Result<(String, String, HeaderMap, String), AccountProblem> {
        let operation = Operation {
            index: 0,
            id: "x".parse().unwrap(),
            method: "POST".to_owned(),
            template: "/Accounts/{Sid}/Calls/{Call}.json".to_owned(),
            uses: Vec::new(),
            facts: FactTable::default(),
            account: Some(parameter),
            bodies: catalog::ReadableBodies::default(),
        };
        let mut path = CanonicalPath::parse("/Accounts/acme/Calls/C1.json").unwrap();
        let mut query = Query::parse("a=acme&acct=acme").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        headers.insert("x-account", HeaderValue::from_static("acme"));
        let mut body = Bytes::copy_from_slice(body.as_bytes());
        let named = Named {
            path: &mut path,
            query: &mut query,
            headers: &mut headers,
            body: Some(&mut body),
        };
        replace(&operation, named, "AC 1")?;
        let body = String::from_utf8(body.to_vec()).unwrap();
        Ok((path.to_string(), query.to_string(), headers, body))
    }

    #[test]
    fn only_the_parameter_changes() {
        let json = "application/json";
        let (path, query, ..) = replaced(AccountParameter::Path("Sid".into()), json, "").unwrap();
        assert_eq!(path, "/Accounts/AC%201/Calls/C1.json");
        assert_eq!(query, "a=acme&acct=acme");
        let (path, query, ..) = replaced(AccountParameter::Query("acct".into()), json, "").unwrap();
        assert_eq!(path, "/Accounts/acme/Calls/C1.json");
        assert_eq!(query, "a=acme&acct=AC%201");
        let (.., headers, _) =
            replaced(AccountParameter::Header("x-account".into()), json, "").unwrap();
        assert_eq!(headers["x-account"], "AC 1");
    }

    #[test]
    fn every_other_byte_of_a_body_is_kept() {
        let field = || AccountParameter::Body("acct".to_owned());
        let body =
            r#"{"z": 1.10, "acct":"acme", "a": {"acct": "acme"}, "n": 12345678901234567890.5}"#;
        let (.., body) = replaced(field(), "application/json; charset=utf-8", body).unwrap();
        assert_eq!(
            body,
            r#"{"z": 1.10, "acct":"AC 1", "a": {"acct": "acme"}, "n": 12345678901234567890.5}"#
        );
        let form = "application/x-www-form-urlencoded";
        let (.., body) = replaced(field(), form, "b=1+2&acct=acme&c").unwrap();
        assert_eq!(body, "b=1+2&acct=AC%201&c");
    }

    #[test]
    fn what_is_not_there_is_not_forwarded() {
        let field = || AccountParameter::Body("acct".to_owned());
        for (kind, body) in [
            ("application/json", "{}"),
            ("application/json", "[]"),
            ("application/json", "{"),
            ("application/x-www-form-urlencoded", "a=1"),
            ("text/plain", r#"{"acct":"acme"}"#),
        ] {
            assert!(replaced(field(), kind, body).is_err(), "{kind} {body}");
        }
        assert!(replaced(AccountParameter::Path("Other".into()), "text/plain", "").is_err());
        assert!(replaced(AccountParameter::Query("z".into()), "text/plain", "").is_err());
    }
}
