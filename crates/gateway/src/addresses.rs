use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;
use parking_lot::Mutex;

use crate::Limits;

/// How many connections each address has open, so that one caller does not take them all.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// The most of one address; `None` is any number.
    most: Option<usize>,
    /// Our own proxies, behind which everybody is.
    exempt: Vec<IpNet>,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection of an address; gives its place back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Option<(Arc<Addresses>, IpAddr)>);

impl Addresses {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            most: Some(limits.connections_per_address).filter(|most| *most > 0),
            exempt: limits.proxy_networks.clone(),
            open: Mutex::default(),
        }
    }

    /// A place for one more connection from `peer`; `None` when it has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let Some(most) = self.most else {
            return Some(Place(None));
        };
        let address = peer.to_canonical();
        if self.exempt.iter().any(|network| network.contains(&address)) {
            return Some(Place(None));
        }
        let caller = caller(address);
        let mut open = self.open.lock();
        let count = open.entry(caller).or_default();
        if *count >= most {
            return None;
        }
        *count = count.saturating_add(1);
        drop(open);
        Some(Place(Some((Arc::clone(self), caller))))
    }
}

/// Whoever has an address of IPv6 has the 2^64 beside it.
fn caller(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((addresses, caller)) = &self.0 else {
            return;
        };
        let mut open = addresses.open.lock();
        if let Some(count) = open.get_mut(caller) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(most: usize, exempt: &str) -> Arc<Addresses> {
        let limits = Limits {
            connections_per_address: most,
            proxy_networks: vec![exempt.parse().unwrap()],
            ..Limits::default()
        };
        Arc::new(Addresses::new(&limits))
    }

    #[test]
    fn a_caller_has_so_many_places_and_gets_them_back() {
        let addresses = of(2, "10.0.0.0/8");
        let enter = |address: &str| addresses.enter(address.parse().unwrap());
        let held = [enter("192.0.2.1"), enter("::ffff:192.0.2.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(enter("192.0.2.1").is_none(), "a third");
        assert!(enter("192.0.2.2").is_some(), "another");
        drop(held);
        assert!(addresses.open.lock().is_empty(), "nothing is kept");
        let held = [enter("2001:db8::1"), enter("2001:db8::ffff:2")];
        assert!(held.iter().all(Option::is_some));
        assert!(enter("2001:db8::3").is_none(), "the same network");
        assert!(enter("2001:db8:0:1::3").is_some(), "the next one");
        let proxied: Vec<_> = (0..9).map(|_| enter("::ffff:10.1.2.3")).collect();
        assert!(proxied.iter().all(Option::is_some), "our own proxy");
    }

    #[test]
    fn none_is_any_number() {
        let addresses = of(0, "10.0.0.0/8");
        let address = "192.0.2.1".parse().unwrap();
        let all: Vec<_> = (0..99).map(|_| addresses.enter(address)).collect();
        assert!(all.iter().all(Option::is_some));
    }
}
