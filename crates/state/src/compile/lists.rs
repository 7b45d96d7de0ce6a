use std::net::IpAddr;

use decision::{Catalogue, List, ListEffect, ListSubject};
use ipnet::IpNet;
use primitives::Name;
use store::Kind;

use super::{
    limits::concern,
    names::{At, Names, unknown},
    setup::each,
};
use crate::document;

pub(super) fn lists(names: &mut Names<'_>, catalogue: &mut Catalogue) {
    for (name, entry) in each::<document::List>(names) {
        let at = At::new(Kind::List, &name);
        let symbol = names.vocabulary.lists.intern(name.as_str());
        let mut capabilities = names.symbols(
            Kind::Capability,
            &entry.capabilities,
            at.field("capabilities"),
        );
        let apis = names.symbols(Kind::Api, &entry.apis, at.field("apis"));
        if entry.capabilities.is_empty() && entry.apis.is_empty() {
            capabilities = catalogue
                .capabilities
                .iter()
                .map(|(symbol, _)| symbol)
                .collect();
        }
        for capability in capabilities {
            concern(&mut catalogue.index.capability_lists, capability, symbol);
        }
        for api in apis {
            concern(&mut catalogue.index.api_lists, api, symbol);
        }
        let effect = match entry.effect {
            document::Effect::Allow => ListEffect::Allow,
            document::Effect::Deny => ListEffect::Deny,
        };
        let Some(subject) = list_subject(names, at, entry) else {
            continue;
        };
        catalogue.lists.insert(symbol, List { effect, subject });
    }
}

fn list_subject(names: &mut Names<'_>, at: At<'_>, entry: document::List) -> Option<ListSubject> {
    match (entry.developers, entry.apps, entry.accounts, entry.networks) {
        (Some(given), None, None, None) => {
            let ids = accounts(names, at.field("developers"), &given);
            Some(ListSubject::Developers(ids))
        }
        (None, Some(given), None, None) => {
            let mut ids = Vec::new();
            for (index, app) in given.iter().enumerate() {
                if let Some(id) = names.members.app_id(app.as_str()) {
                    ids.push(id);
                } else {
                    let field = format!("apps[{index}]");
                    names.refuse(unknown(Kind::App, app.as_str(), at.field(&field)));
                }
            }
            ids.sort_unstable();
            Some(ListSubject::Apps(ids))
        }
        (None, None, Some(given), None) => {
            let ids = accounts(names, at.field("accounts"), &given);
            Some(ListSubject::Accounts(ids))
        }
        (None, None, None, Some(networks)) => Some(ListSubject::networks(
            networks.into_iter().map(range).collect(),
        )),
        _ => {
            let message = "a list names `developers`, `apps`, `accounts` or `networks`";
            names.refuse(at.problem(message).mend("write exactly one of them"));
            None
        }
    }
}

fn accounts(names: &mut Names<'_>, at: At<'_>, given: &[Name]) -> Vec<primitives::AccountId> {
    let mut ids = Vec::new();
    for (index, account) in given.iter().enumerate() {
        if let Some(id) = names.members.account_id(account.as_str()) {
            ids.push(id);
        } else {
            let field = format!("{}[{index}]", at.field);
            let problem = unknown(Kind::Account, account.as_str(), at.field(&field));
            names.refuse(problem);
        }
    }
    ids.sort_unstable();
    ids
}

/// First and last address as numbers, IPv4 mapped into IPv6.
fn range(network: IpNet) -> (u128, u128) {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    };
    (number(network.network()), number(network.broadcast()))
}
