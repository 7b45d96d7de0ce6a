//! What upstreams want of us. What could not be presented at a call is refused when it is applied.

use catalog::{AccountCredentials, UpstreamCredential};
use request::{CanonicalPath, Host};

use super::names::At;
use crate::{document, problem::Problem};

/// Headers that a connection, a request's framing, or the gateway itself writes.
const TAKEN: [&str; 10] = [
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "traceparent",
    "tracestate",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

pub(super) fn credential(
    at: At<'_>,
    entry: &document::UpstreamCredential,
    problems: &mut Vec<Problem>,
) -> UpstreamCredential {
    if let Some((field, message, mend)) = unusable(entry) {
        let field = format!("{}.{field}", at.field);
        problems.push(at.field(&field).problem(message).mend(mend));
    }
    match entry.clone() {
        document::UpstreamCredential::None => UpstreamCredential::None,
        document::UpstreamCredential::Header(header) => UpstreamCredential::Header {
            name: header.name.to_ascii_lowercase(),
            secret: header.secret,
        },
        document::UpstreamCredential::Basic(basic) => UpstreamCredential::Basic {
            user: basic.user,
            secret: basic.secret,
        },
        document::UpstreamCredential::ClientCredentials(client) => {
            UpstreamCredential::ClientCredentials {
                token_url: client.token_url,
                client: client.client,
                secret: client.secret,
                scope: client.scope,
            }
        }
        document::UpstreamCredential::Mtls(mtls) => UpstreamCredential::Mtls {
            certificate: mtls.certificate,
            key: mtls.key,
        },
    }
}

/// The credentials of an account with one API.
pub(super) fn of_account(
    at: At<'_>,
    entry: &document::AccountCredentials,
    problems: &mut Vec<Problem>,
) -> AccountCredentials {
    let mut one = |mode: &str, entry: &Option<document::UpstreamCredential>| {
        let field = format!("{}.{mode}", at.field);
        let entry = entry.as_ref()?;
        Some(credential(at.field(&field), entry, problems))
    };
    AccountCredentials {
        live: one("live", &entry.live),
        test: one("test", &entry.test),
    }
}

/// The field that cannot be used, why, and the mend.
fn unusable(entry: &document::UpstreamCredential) -> Option<(&'static str, String, &'static str)> {
    use document::UpstreamCredential as Entry;
    match entry {
        Entry::Header(header) if !is_header_of_a_credential(&header.name) => Some((
            "header.name",
            format!("no credential can be sent in a header `{}`", header.name),
            "write a name such as `x-api-key` or `authorization`",
        )),
        Entry::Basic(basic) if !is_basic_user(&basic.user) => Some((
            "basic.user",
            format!("`{}` cannot be a user name of HTTP Basic", basic.user),
            "write it without `:` and without control characters",
        )),
        Entry::ClientCredentials(client) if !is_token_url(&client.token_url) => Some((
            "client_credentials.token_url",
            format!("`{}` is not the URL of a token endpoint", client.token_url),
            "write `https://`, a host, and a path",
        )),
        Entry::None
        | Entry::Header(_)
        | Entry::Basic(_)
        | Entry::ClientCredentials(_)
        | Entry::Mtls(_) => None,
    }
}

/// A token (RFC 9110, section 5.1).
pub(super) fn is_header_name(name: &str) -> bool {
    let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    !name.is_empty() && name.bytes().all(token)
}

fn is_header_of_a_credential(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_header_name(&lower)
        && !TAKEN.contains(&lower.as_str())
        && !request::HOP_BY_HOP.contains(&lower.as_str())
        && !lower.replace('_', "-").starts_with(request::NAMESPACE)
}

fn is_basic_user(user: &str) -> bool {
    !user.contains(|c: char| c == ':' || c.is_control())
}

fn is_token_url(url: &str) -> bool {
    is_server_url(url.split('?').next().unwrap_or_default())
}

/// Whether `url` is http or https, a host, and a base path that has one reading.
pub(super) fn is_server_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        Host::parse(authority).is_ok() && (path.is_empty() || CanonicalPath::parse(path).is_ok())
    })
}

/// Whether `origin` is written as browsers send it (RFC 6454, section 6.2).
pub(super) fn is_origin(origin: &str) -> bool {
    let (scheme, authority) = origin.split_once("://").unwrap_or_default();
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return !scheme.is_empty() && !authority.is_empty(),
    };
    Host::parse(authority)
        .is_ok_and(|host| host.port() != Some(default) && host.to_string() == authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_host_and_a_path_with_one_reading() {
        for url in [
            "https://api.example.com",
            "http://127.0.0.1:9000/a/b",
            "https://[::1]:8443/v1",
            "https://my_service/v1",
        ] {
            assert!(is_server_url(url), "{url}");
        }
        for url in [
            "",
            "api.example.com",
            "ftp://a",
            "https://",
            "https://:80",
            "https://a:99999",
            "https://a:b",
            "https://u@a",
            "https://a//b",
            "https://a/../b",
            "https://a/b?c",
            "https://a/b#c",
            "https://a b",
        ] {
            assert!(!is_server_url(url), "{url}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for origin in [
            "https://shop.example",
            "http://localhost:8080",
            "http://[::1]:3000",
            "capacitor://localhost",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "*",
            "null",
            "",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://Shop.example",
            "https://shop.example:443",
            "https://*.shop.example",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn what_cannot_be_presented_is_refused() {
        for name in ["x-api-key", "Authorization", "x_key", "cookie"] {
            assert!(is_header_of_a_credential(name), "{name}");
        }
        for name in [
            "",
            "x key",
            "host",
            "Content-Length",
            "connection",
            "te",
            "portreeve-context",
            "Portreeve_Key",
            "x-äpi",
        ] {
            assert!(!is_header_of_a_credential(name), "{name}");
        }
        assert!(is_basic_user("AC 1") && is_basic_user(""));
        assert!(!is_basic_user("a:b") && !is_basic_user("a\n"));
        assert!(is_token_url("https://id.example.com/token?tenant=1"));
        assert!(!is_token_url("token"));
    }
}
