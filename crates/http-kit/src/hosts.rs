//! The names that a listener answers to. A page of anybody's can have its own name lead to an
//! address of this machine, and then read what is answered there as if it were its own site's
//! (DNS rebinding); the name that a browser writes is the one thing such a page cannot choose.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri, header::HOST, uri::Authority};

use crate::{Problem, codes};

/// The names that requests may be for.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<[Box<str>]>);

impl Hosts {
    /// This machine by each of its names, the address that is listened on, and `more`.
    #[must_use]
    pub fn of_this_machine(address: IpAddr, more: &[String]) -> Self {
        let fixed = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let own = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let all = fixed.into_iter().chain([own]).chain(more.iter().cloned());
        Self(all.map(|name| name.to_ascii_lowercase().into()).collect())
    }

    /// Whether a request is for one of them, on whatever port, since what leads here may have
    /// another. Without any name no browser has sent it.
    fn have(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(HOST).iter();
        let header = match (named.next(), named.next()) {
            (None, _) => true,
            (Some(value), None) => {
                let authority = Authority::try_from(value.as_bytes());
                authority.is_ok_and(|authority| self.has(&authority))
            }
            (Some(_), Some(_)) => false,
        };
        header && uri.authority().is_none_or(|authority| self.has(authority))
    }

    fn has(&self, authority: &Authority) -> bool {
        // What stands before an `@` is no name, and nobody means it.
        !authority.as_str().contains('@')
            && self
                .0
                .iter()
                .any(|name| authority.host().eq_ignore_ascii_case(name))
    }
}

/// Answers nothing but a refusal to what is for another name.
pub(crate) async fn hold(
    State(hosts): State<Option<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    let known = hosts.is_none_or(|hosts| hosts.have(request.uri(), request.headers()));
    if known {
        next.run(request).await
    } else {
        Problem::of(&codes::HOST_UNKNOWN).into_response()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn have(uri: &str, hosts: &[&str]) -> bool {
        let known = Hosts::of_this_machine(
            "127.0.0.7".parse().unwrap(),
            &["Console.example.com".to_owned()],
        );
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        known.have(&uri.parse().unwrap(), &headers)
    }

    /// Shows: S-77.
    #[test]
    fn only_the_names_of_the_list_are_answered() {
        for host in [
            "localhost",
            "LOCALHOST:8082",
            "127.0.0.1:1",
            "127.0.0.7",
            "[::1]:8082",
            "console.example.com",
        ] {
            assert!(have("/v1/apps", &[host]), "{host}");
        }
        assert!(have("/healthz", &[]), "no browser leaves it out");
        assert!(have("http://localhost:8082/", &["localhost:8082"]));
        for host in [
            "",
            "evil.example",
            "evil.example:8082",
            "localhost.evil.example",
            "localhost.",
            "evil-localhost",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "127.1",
            "2130706433",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "localhost@evil.example",
            "evil.example@localhost",
            "localhost, evil.example",
            "localhost:8082:1",
            "localhost evil",
            "localhost/",
            "localhost#",
            "xn--lcalhost-f3b",
        ] {
            assert!(!have("/v1/apps", &[host]), "{host}");
        }
        assert!(!have("/", &["localhost", "evil.example"]));
        assert!(!have("/", &["localhost", "localhost"]));
        assert!(!have("http://evil.example/", &["localhost"]));
        assert!(!have("http://localhost/", &["evil.example"]));
    }
}
