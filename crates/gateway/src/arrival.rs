use std::net::IpAddr;

use admission::{ClientCertificate, Presented};
use http::{HeaderMap, HeaderValue, header::InvalidHeaderValue};
use http_kit::{Basic, ThreeTokens, TraceContext};
use primitives::Entropy;

use crate::Limits;

/// Who stands at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// The address as a header has it.
    pub(crate) written: HeaderValue,
    pub(crate) tls: bool,
    /// What the TLS handshake proved.
    pub(crate) certificate: Option<ClientCertificate>,
}

impl Peer {
    pub(crate) fn new(address: IpAddr, tls: bool) -> Result<Self, InvalidHeaderValue> {
        let address = address.to_canonical();
        Ok(Self {
            address,
            written: written(address)?,
            tls,
            certificate: None,
        })
    }
}

/// An address as a header has it.
pub(crate) fn written(address: IpAddr) -> Result<HeaderValue, InvalidHeaderValue> {
    address.to_string().try_into()
}

/// What the caller presents to be recognised by. A certificate is the connection's: a header
/// that claims to carry one is not read.
pub(crate) fn presented(headers: &HeaderMap, peer: &Peer) -> Presented {
    let certificate = peer.certificate;
    match (ThreeTokens::of(headers), Basic::of(headers)) {
        (ThreeTokens::Given(user, password, signature), _) => Presented::ThreeTokens {
            user,
            password,
            signature,
            certificate,
        },
        (ThreeTokens::Malformed, _) | (_, Basic::Malformed) => Presented::Malformed,
        (_, Basic::Given(user, password)) => Presented::Basic {
            user,
            password,
            certificate,
        },
        (ThreeTokens::Missing, Basic::Missing) => {
            certificate.map_or(Presented::Nothing, Presented::Certificate)
        }
    }
}

/// Where the call comes from: the peer, or what proxies of our own say.
pub(crate) fn caller_address(peer: IpAddr, headers: &HeaderMap, limits: &Limits) -> IpAddr {
    let believed = (limits.trusted_proxies, &*limits.proxy_networks);
    http_kit::caller_address(peer, headers, believed)
}

/// The caller's trace, or a new one; and whether it is the caller's.
pub(crate) fn trace(headers: &HeaderMap, entropy: &dyn Entropy) -> (TraceContext, bool) {
    let mut fields = headers.get_all("traceparent").iter();
    let given = match (fields.next(), fields.next()) {
        (Some(field), None) => field.to_str().ok().and_then(TraceContext::parse),
        _ => None,
    };
    match given {
        Some(trace) => (trace, true),
        None => (TraceContext::new(entropy), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    /// Shows: S-16.
    #[test]
    fn only_hops_of_our_own_are_believed() {
        let peer: IpAddr = "10.0.0.9".parse().unwrap();
        let at = |fields: &[(&'static str, &str)], proxies| {
            let limits = Limits {
                trusted_proxies: proxies,
                ..Limits::default()
            };
            caller_address(peer, &headers(fields), &limits).to_string()
        };
        let spoofed = [
            ("x-forwarded-for", "6.6.6.6, 7.7.7.7"),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        assert_eq!(at(&spoofed, 0), "10.0.0.9");
        assert_eq!(at(&spoofed, 1), "192.0.2.1");
        assert_eq!(at(&spoofed, 2), "7.7.7.7");
        assert_eq!(at(&[("x-forwarded-for", "1.1.1.1, junk")], 1), "10.0.0.9");
        assert_eq!(
            at(&[("x-forwarded-for", "1.1.1.1, junk, 2.2.2.2")], 3),
            "2.2.2.2"
        );
        assert_eq!(
            at(&[("x-forwarded-for", "::ffff:192.0.2.7")], 1),
            "192.0.2.7"
        );
        assert_eq!(at(&[], 1), "10.0.0.9");
    }

    #[test]
    fn only_proxies_within_the_networks_are_believed() {
        let said = headers(&[("x-forwarded-for", "7.7.7.7, 10.0.0.8")]);
        let at = |peer: &str, network: &str| {
            let limits = Limits {
                trusted_proxies: 2,
                proxy_networks: vec![network.parse().unwrap()],
                ..Limits::default()
            };
            caller_address(peer.parse().unwrap(), &said, &limits).to_string()
        };
        assert_eq!(at("10.0.0.9", "10.0.0.0/8"), "7.7.7.7");
        assert_eq!(at("::ffff:10.0.0.9", "10.0.0.0/8"), "7.7.7.7");
        assert_eq!(at("10.0.0.9", "10.0.0.9/32"), "10.0.0.8");
        assert_eq!(at("192.0.2.1", "10.0.0.0/8"), "192.0.2.1");
    }
}
