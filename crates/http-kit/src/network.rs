//! Where a request comes from, for what is counted by it.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, request::Parts};
use ipnet::IpNet;

/// The proxies in front of a listener.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// How many there are; with none, no header is believed.
    pub hops: usize,
    /// The networks that they are in; anywhere, if empty.
    pub networks: Vec<IpNet>,
    /// Whether one stands there that nothing is known of: all requests come from its address then,
    /// and none of them tells anything.
    pub hidden: bool,
}

/// Where a call comes from: the peer, or what proxies of our own say. An entry that is no
/// address makes the nearest known hop the answer; nothing a caller wrote is believed.
#[must_use]
pub fn caller_address(
    peer: IpAddr,
    headers: &HeaderMap,
    (hops, networks): (usize, &[IpNet]),
) -> IpAddr {
    if hops == 0 {
        return peer.to_canonical();
    }
    let mut entries = Vec::new();
    for field in headers.get_all("x-forwarded-for") {
        match field.to_str() {
            Ok(text) => entries.extend(text.split(',').map(str::trim)),
            Err(_) => entries.push(""),
        }
    }
    let mut address = peer;
    for entry in entries.iter().rev().take(hops) {
        if !is_proxy(address, networks) {
            break;
        }
        match entry.parse::<IpAddr>() {
            Ok(hop) => address = hop,
            Err(_) => break,
        }
    }
    address.to_canonical()
}

/// Whether what `address` says about the hop before it is believed.
fn is_proxy(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    networks.is_empty() || networks.iter().any(|network| network.contains(&address))
}

/// Whose requests are counted together: an address, of IPv6 the 2^64 beside it, since whoever
/// has one has them all. `None` where addresses tell nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network(pub Option<String>);

impl Network {
    /// The network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(Some(match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("{:016x}", u128::from(address) >> 64),
        }))
    }
}

impl<S: Sync> FromRequestParts<S> for Network {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Writes at a request where it comes from.
pub(crate) async fn find(
    State(proxies): State<Arc<Proxies>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let Some(ConnectInfo(peer)) = peer
        && !proxies.hidden
    {
        let believed = (proxies.hops, &*proxies.networks);
        let address = caller_address(peer.ip(), request.headers(), believed);
        request.extensions_mut().insert(Network::of(address));
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows: S-90.
    #[test]
    fn a_network_is_what_one_person_has() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1:2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }
}
