use http::{HeaderMap, Method, Uri, header};

use crate::{CanonicalPath, Host, LONGEST_TARGET, Query, RequestProblem, end_to_end};

/// The methods that are taken.
pub const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// Headers that some frameworks let change the method of a request.
const METHOD_OVERRIDES: [&str; 3] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// A request with a single reading. What is decided about and what is forwarded are both made
/// from this, never from the raw bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalRequest {
    /// One of [`METHODS`].
    pub method: Method,
    /// The host the caller addressed.
    pub host: Host,
    /// The path.
    pub path: CanonicalPath,
    /// The query.
    pub query: Query,
    /// The end-to-end headers: those of the connection, and those it nominates, are gone before
    /// anybody decides by them.
    pub headers: HeaderMap,
}

impl CanonicalRequest {
    /// Reads the head of a request.
    ///
    /// # Errors
    /// When the head has more than one reading, or asks for what is not offered.
    pub fn read(method: &Method, target: &Uri, headers: HeaderMap) -> Result<Self, RequestProblem> {
        check_method(method, &headers)?;
        if headers
            .get_all(header::CONTENT_TYPE)
            .iter()
            .nth(1)
            .is_some()
        {
            return Err(RequestProblem::ContentTypeTwice);
        }
        // What has no authority is a path and a query, as they were sent.
        let whole;
        let sent = target.path_and_query();
        let written = if let (None, Some(sent)) = (target.authority(), sent) {
            sent.as_str()
        } else {
            whole = target.to_string();
            &whole
        };
        let (authority, path, query) = split(written)?;
        let host = host(authority, &headers)?;
        Ok(Self {
            method: method.clone(),
            host,
            path: CanonicalPath::parse(path)?,
            query: Query::parse(query)?,
            headers: end_to_end(headers)?,
        })
    }

    /// Path and query as forwarded and as signed.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            self.path.to_string()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}

fn check_method(method: &Method, headers: &HeaderMap) -> Result<(), RequestProblem> {
    match method {
        &Method::CONNECT => return Err(RequestProblem::NotOffered("a tunnel (CONNECT)")),
        &Method::TRACE => return Err(RequestProblem::NotOffered("TRACE")),
        method if !METHODS.contains(method) => {
            let shown = method.as_str().chars().take(40).collect();
            return Err(RequestProblem::Method(shown));
        }
        _ => {}
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        let coding = "a transfer coding other than `chunked`";
        return Err(RequestProblem::NotOffered(coding));
    }
    if headers.contains_key(header::UPGRADE) {
        return Err(RequestProblem::NotOffered("a change of protocol (Upgrade)"));
    }
    let overriding = headers.keys().find(|name| {
        METHOD_OVERRIDES
            .iter()
            .any(|other| crate::spelled_alike(name.as_str(), other))
    });
    match overriding {
        Some(name) => Err(RequestProblem::MethodOverride(name.to_string())),
        None => Ok(()),
    }
}

/// The authority with its scheme's port, the path and the query of a target.
type Split<'a> = (Option<(&'a str, u16)>, &'a str, &'a str);

fn split(target: &str) -> Result<Split<'_>, RequestProblem> {
    if target.len() > LONGEST_TARGET {
        return Err(RequestProblem::TargetTooLong(target.len()));
    }
    if target.contains('#') {
        return Err(RequestProblem::Fragment);
    }
    let (hierarchy, query) = target.split_once('?').unwrap_or((target, ""));
    if hierarchy.starts_with('/') {
        return Ok((None, hierarchy, query));
    }
    let (scheme, rest) = hierarchy
        .split_once("://")
        .ok_or(RequestProblem::TargetForm)?;
    let port = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => return Err(RequestProblem::TargetForm),
    };
    let at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let path = if path.is_empty() { "/" } else { path };
    Ok((Some((authority, port)), path, query))
}

fn host(target: Option<(&str, u16)>, headers: &HeaderMap) -> Result<Host, RequestProblem> {
    let mut fields = headers.get_all(header::HOST).iter();
    let field = fields.next().ok_or(RequestProblem::HostMissing)?;
    if fields.next().is_some() {
        return Err(RequestProblem::HostTwice);
    }
    let field = field
        .to_str()
        .map_err(|_| RequestProblem::HostForm("…".to_owned()))?;
    let field = Host::parse(field)?;
    if let Some((authority, port)) = target {
        let authority = Host::parse(authority)?.without_port(port);
        if authority != field.clone().without_port(port) {
            return Err(RequestProblem::HostsDisagree {
                target: authority.to_string(),
                header: field.to_string(),
            });
        }
    }
    Ok(field)
}
