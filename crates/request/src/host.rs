use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use crate::RequestProblem;

/// A host in its one canonical form: lower case, no dot at the end, addresses as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    name: Box<str>,
    port: Option<u16>,
}

impl Host {
    /// Reads a `Host` field or the authority of a target.
    ///
    /// # Errors
    /// When it has user information, or is neither a name nor an address.
    pub fn parse(text: &str) -> Result<Self, RequestProblem> {
        if text.contains('@') {
            return Err(RequestProblem::UserInformation);
        }
        Self::read(text).ok_or_else(|| RequestProblem::HostForm(text.chars().take(120).collect()))
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = match port {
                "" => None,
                port => Some(number(port.strip_prefix(':')?)?),
            };
            let name = format!("[{address}]").into();
            return Some(Self { name, port });
        }
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(number(port)?)),
            None => (text, None),
        };
        Some(Self {
            name: canonical_name(name)?.into(),
            port,
        })
    }

    /// The name or address, without port; an IPv6 address in brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, when one is written.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The same host without its port when it is `default`.
    #[must_use]
    pub(crate) fn without_port(mut self, default: u16) -> Self {
        self.port = self.port.filter(|&port| port != default);
        self
    }
}

/// A port: digits only, not 0, no sign and no space.
fn number(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|c| c.is_ascii_digit());
    port.parse().ok().filter(|&port| digits && port != 0)
}

fn canonical_name(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    if name.len() > 253 || !name.split('.').all(label_fits) {
        return None;
    }
    // A last label that is a number makes the whole an address to most resolvers (`127.1`,
    // `0x7f000001`); only the dotted form with four numbers is one.
    let last = name.rsplit('.').next()?;
    let is_number = last.bytes().all(|c| c.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|c| c.is_ascii_hexdigit()));
    if is_number {
        let address: Ipv4Addr = name.parse().ok()?;
        return Some(address.to_string());
    }
    Some(name)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_form() {
        for (given, canonical) in [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("example.com:8080", "example.com:8080"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:8080", "[::1]:8080"),
            ("[0:0:0:0:0:0:0:1]", "[::1]"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("my_service", "my_service"),
        ] {
            assert_eq!(Host::parse(given).unwrap().to_string(), canonical);
        }
    }

    /// Shows: S-13.
    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            ".",
            "..",
            "a..b",
            "a.b..",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a,b",
            "a:",
            "a:0",
            "a:+1",
            "a:65536",
            "a:80:80",
            "a:8o",
            ":80",
            "-a",
            "a-",
            "ä.de",
            "a%2eb",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0x7f000001",
            "127.0.0.01",
            "1.2.3.4.5",
            "::1",
            "[::1",
            "[::1]x",
            "[::1%25eth0]",
            "[127.0.0.1]",
            "[]",
            "a\tb",
            "a\0",
        ] {
            let problem = Host::parse(bad).unwrap_err();
            assert_eq!(problem, RequestProblem::HostForm(bad.to_owned()), "{bad}");
        }
        for bad in ["u@a", "127.0.0.1:1@evil", "@a", "a@"] {
            assert_eq!(Host::parse(bad), Err(RequestProblem::UserInformation));
        }
        assert!(Host::parse(&"a".repeat(64)).is_err());
        assert!(Host::parse(&"a.".repeat(128)).is_err());
    }
}
