//! Allow and deny lists of developers, apps, accounts and networks.

use std::net::IpAddr;

use primitives::Symbol;

use crate::{
    Gate, List, ListEffect, ListSubject,
    finding::{Finding, Listener, Refusal},
    scene::Scene,
};

pub(super) fn lists<'a>(scene: &Scene<'a>, lists: &'a [Symbol], listener: &mut impl Listener<'a>) {
    let (mut allowing, mut allowed, mut refused) = (false, false, false);
    let (mut deny_unread, mut allow_unread) = (false, false);
    for &symbol in lists {
        let Some(list) = scene.catalogue.lists.get(symbol) else {
            continue;
        };
        let member = is_member(scene, symbol, list);
        allowing |= list.effect == ListEffect::Allow;
        match (list.effect, member) {
            (ListEffect::Deny, None) => deny_unread = true,
            (ListEffect::Allow, None) => allow_unread = true,
            (ListEffect::Allow, Some(member)) => allowed |= member,
            (ListEffect::Deny, Some(false)) => {}
            (ListEffect::Deny, Some(true)) => {
                refused = true;
                listener.hear(Gate::List, Finding::Refused(Refusal::OnDenyList(symbol)));
            }
        }
    }
    if lists.is_empty() {
        listener.hear(Gate::List, Finding::NotApplicable);
    } else if deny_unread || (allow_unread && !allowed) {
        listener.hear(Gate::List, Finding::Unread);
    } else if allowing && !allowed {
        listener.hear(Gate::List, Finding::Refused(Refusal::NotOnAllowList(lists)));
    } else if !refused {
        listener.hear(Gate::List, Finding::Passed);
    }
}

/// `None` when it depends on an address, and there is no call yet.
fn is_member(scene: &Scene<'_>, symbol: Symbol, list: &List) -> Option<bool> {
    if scene.changes.lists.contains(&symbol) {
        return Some(list.effect == ListEffect::Allow);
    }
    let caller = scene.caller;
    Some(match &list.subject {
        ListSubject::Developers(members) => members.binary_search(&caller.developer.id).is_ok(),
        ListSubject::Apps(members) => members.binary_search(&caller.app.id).is_ok(),
        ListSubject::Accounts(members) => caller
            .account
            .is_some_and(|account| members.binary_search(&account.id).is_ok()),
        ListSubject::Networks(ranges) => {
            // An unknown address is on no list, so it never satisfies an allow list.
            let address = scene.request?.call.places.address;
            address.is_some_and(|address| in_ranges(ranges, address))
        }
    })
}

/// Whether the caller could be put on the list at all: it has what the list names.
pub(crate) fn can_join(scene: &Scene<'_>, list: &List) -> bool {
    match list.subject {
        ListSubject::Developers(_) | ListSubject::Apps(_) => true,
        ListSubject::Accounts(_) => scene.caller.account.is_some(),
        ListSubject::Networks(_) => scene
            .request
            .is_some_and(|request| request.call.places.address.is_some()),
    }
}

fn in_ranges(ranges: &[(u128, u128)], address: IpAddr) -> bool {
    let number = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    let beginning_at_or_before = ranges.partition_point(|(first, _)| *first <= number);
    beginning_at_or_before
        .checked_sub(1)
        .and_then(|at| ranges.get(at))
        .is_some_and(|(_, last)| number <= *last)
}
