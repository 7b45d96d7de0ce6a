//! Where a call goes and whom it acts for.

use std::sync::Arc;

use catalog::{AccountParameter, Api, CompiledFacts, Lookup, Operation, RequestHead};
use decision::Account;
use request::{CanonicalPath, CanonicalRequest};
use snapshot::Snapshot;

use crate::Identified;

/// The header by which a caller names the account a call acts for.
const ACCOUNT_HEADER: &str = "portreeve-account";

/// The API of a request, and its path there.
pub(crate) struct Mounted<'s> {
    pub(crate) api: &'s Api,
    pub(crate) path: CanonicalPath,
}

/// Finds the API by host name or by the beginning of the path, which is also given as `written`.
pub(crate) fn mounted<'s>(
    snapshot: &'s Snapshot,
    request: &CanonicalRequest,
    written: &str,
) -> Option<Mounted<'s>> {
    let found = snapshot.mounted(Some(request.host.name()), written)?;
    let mount = written.get(..found.prefix)?;
    let path = request.path.after(mount.matches('/').count())?;
    Some(Mounted {
        api: found.api,
        path,
    })
}

/// The operation of a request, and what its path parameters are.
pub(crate) struct Target<'s> {
    pub(crate) operation: &'s Arc<Operation>,
    pub(crate) facts: Option<&'s CompiledFacts>,
    pub(crate) parameters: Vec<(String, String)>,
}

/// No operation of the API.
pub(crate) enum NoOperation {
    /// The path is none of the description's.
    Unknown,
    /// The path is, the method is not; these are.
    OtherMethods(Vec<String>),
}

/// Finds the operation by method and path.
pub(crate) fn target<'s>(
    snapshot: &'s Snapshot,
    api: &'s Api,
    method: &str,
    path: &CanonicalPath,
) -> Result<Target<'s>, NoOperation> {
    let routes = snapshot.routes(api.symbol).ok_or(NoOperation::Unknown)?;
    match routes.lookup(method, path.segments(), path.trailing_slash()) {
        Lookup::Unknown => Err(NoOperation::Unknown),
        Lookup::MethodNotAllowed(methods) => Err(NoOperation::OtherMethods(
            methods.into_iter().map(str::to_owned).collect(),
        )),
        Lookup::Found(found) => {
            let index = *found.value;
            let at = usize::try_from(index).map_err(|_| NoOperation::Unknown)?;
            let parameters = found.params.iter();
            Ok(Target {
                operation: api.operations.get(at).ok_or(NoOperation::Unknown)?,
                facts: routes.facts(index),
                parameters: parameters
                    .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            })
        }
    }
}

/// What facts are read from before there is a body.
pub(crate) struct Head<'a> {
    pub(crate) request: &'a CanonicalRequest,
    pub(crate) parameters: &'a [(String, String)],
}

impl RequestHead for Head<'_> {
    fn path(&self, name: &str, each: &mut dyn FnMut(&str)) {
        for (_, value) in self.parameters.iter().filter(|(known, _)| known == name) {
            each(value);
        }
    }

    fn query(&self, name: &str, each: &mut dyn FnMut(&str)) {
        self.request.query.all(name).for_each(each);
    }

    fn header(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        for value in self.request.headers.get_all(name) {
            each(value.as_bytes());
        }
    }
}

/// What a request says of the account it acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccountNamed {
    /// In the parameter that the operation's annotation names.
    ByParameter(String),
    /// In the header.
    ByHeader(String),
    /// Nowhere.
    Nowhere,
    /// In the body, which has not been read.
    InBody(String),
    /// More than once, or not as text.
    Ambiguous,
}

/// Reads what the head says of the account.
pub(crate) fn account_named(operation: Option<&Operation>, head: &Head<'_>) -> AccountNamed {
    let mut values: Vec<Option<String>> = Vec::new();
    let mut text = |value: &str| values.push(Some(value.to_owned()));
    match operation.and_then(|operation| operation.account.as_ref()) {
        None => {}
        Some(AccountParameter::Path(name)) => head.path(name, &mut text),
        Some(AccountParameter::Query(name)) => head.query(name, &mut text),
        Some(AccountParameter::Header(name)) => head.header(name, &mut |value| {
            values.push(std::str::from_utf8(value).ok().map(str::to_owned));
        }),
        Some(AccountParameter::Body(field)) => return AccountNamed::InBody(field.clone()),
    }
    match single(values) {
        Ok(Some(value)) => AccountNamed::ByParameter(value),
        Ok(None) => by_header(head.request),
        Err(()) => AccountNamed::Ambiguous,
    }
}

/// Reads the header, where the operation's parameter says nothing.
pub(crate) fn by_header(request: &CanonicalRequest) -> AccountNamed {
    let values = request.headers.get_all(ACCOUNT_HEADER).into_iter();
    let values = values.map(|value| value.to_str().ok().map(str::to_owned));
    match single(values.collect()) {
        Ok(Some(value)) => AccountNamed::ByHeader(value),
        Ok(None) => AccountNamed::Nowhere,
        Err(()) => AccountNamed::Ambiguous,
    }
}

fn single(values: Vec<Option<String>>) -> Result<Option<String>, ()> {
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(Some(value)), None) => Ok(Some(value)),
        _ => Err(()),
    }
}

/// The account is not one that the app may act for, or is none at all: the caller is not told.
pub(crate) struct NotVisible;

/// The account that a call acts for: the one named, if the app may act for it, else the app's.
pub(crate) fn account<'s>(
    snapshot: &'s Snapshot,
    api: &Api,
    caller: &Identified<'s>,
    named: &AccountNamed,
) -> Result<Option<&'s Account>, NotVisible> {
    let bound = caller.app.account.and_then(|id| snapshot.account(id));
    match named {
        AccountNamed::Nowhere | AccountNamed::InBody(_) => Ok(bound),
        AccountNamed::Ambiguous => Err(NotVisible),
        AccountNamed::ByParameter(text) | AccountNamed::ByHeader(text) => bound
            .into_iter()
            .chain([caller.developer])
            .find(|account| is_called(account, api, text))
            .map(Some)
            .ok_or(NotVisible),
    }
}

/// By our id, by name, or by the id it has with this API's upstream.
fn is_called(account: &Account, api: &Api, text: &str) -> bool {
    let external_id = account.external_ids.get(api.name.as_str());
    account.name.as_str() == text
        || external_id.is_some_and(|external_id| external_id == text)
        || text.parse() == Ok(account.id)
}
