use std::{collections::BTreeMap, sync::Arc, time::Duration};

use catalog::{
    Api, ApiRoutes, CapabilityUse, Cors, DescribedOperation, Description, FactDefinition,
    FactSource, FactTable, FactType, Fold, Mount, Operation, Upstream, UpstreamCredential,
    UpstreamIdentity,
};
use decision::Catalogue;
use primitives::{Enforcement, Name};
use store::Kind;

use super::{
    Setup, Sourced,
    condition::condition,
    names::{At, Names},
    setup::each,
};
use crate::{
    document::{self, DEFAULT_LADDER},
    problem::suggestion,
};

/// How long an upstream may take to begin its answer when the state does not say.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn apis(names: &mut Names<'_>, catalogue: &mut Catalogue, setup: &mut Setup) {
    let mut mounted: BTreeMap<String, Name> = BTreeMap::new();
    for (name, entry) in each::<document::Api>(names) {
        let at = At::new(Kind::Api, &name);
        let symbol = names.vocabulary.apis.intern(name.as_str());
        let Some(description) = description(names, at, &entry) else {
            continue;
        };
        let default: Option<Name> = DEFAULT_LADDER.parse().ok();
        let ladder = entry.ladder.clone().or(default);
        let ladder = ladder.and_then(|ladder| ladder_symbol(names, at, &ladder));
        let mounts = mounts(names, at, &entry, &mut mounted);
        let live = entry
            .live
            .as_ref()
            .map(|live| upstream(names, at.field("live"), live));
        let test = entry
            .test
            .as_ref()
            .map(|test| upstream(names, at.field("test"), test));
        if live.is_none() && test.is_none() {
            let problem = at.problem("the API has no upstream");
            names.refuse(problem.mend("write `live: { url: … }` or `test: { url: … }`"));
        }
        let operations = operations(names, at, &entry, &description);
        let Some(ladder) = ladder else { continue };
        let api = Api {
            symbol,
            name: name.clone(),
            version: entry.version,
            active: entry.active,
            enforcement: match entry.enforcement {
                document::Enforcement::Observe => Enforcement::Observe,
                document::Enforcement::Enforce => Enforcement::Enforce,
            },
            ladder,
            mounts,
            live,
            test,
            cors: entry.cors.map(|cors| Cors {
                origins: cors.origins,
                headers: cors
                    .headers
                    .iter()
                    .map(|h| h.to_ascii_lowercase())
                    .collect(),
            }),
            operations,
        };
        match ApiRoutes::compile(&api) {
            Ok(routes) => setup.routes.insert(symbol, Arc::new(routes)),
            Err(problem) => names.refuse(at.field("operations").problem(problem.to_string())),
        }
        catalogue.apis.insert(symbol, api);
    }
}

/// A ladder nobody declared is an empty one when it is the default: a set-up without levels.
fn ladder_symbol(names: &mut Names<'_>, at: At<'_>, ladder: &Name) -> Option<primitives::Symbol> {
    if ladder.as_str() == DEFAULT_LADDER && !names.levels.contains_key(ladder) {
        return Some(names.vocabulary.ladders.intern(DEFAULT_LADDER));
    }
    names.symbol(Kind::Ladder, ladder, at.field("ladder"))
}

fn description(
    names: &mut Names<'_>,
    at: At<'_>,
    entry: &document::Api,
) -> Option<Arc<Description>> {
    let at = at.field("description");
    let found = entry
        .description
        .parse::<Name>()
        .ok()
        .and_then(|name| names.sources.get(&(Kind::Description, name)));
    if let Some(Sourced::Description(description)) = found {
        return Some(Arc::clone(description));
    }
    let known = names
        .sources
        .keys()
        .filter(|(kind, _)| *kind == Kind::Description);
    let mend = suggestion(&entry.description, known.map(|(_, name)| name.as_str()));
    let message = format!("there is no description `{}`", entry.description);
    names.refuse(at.problem(message).mend(mend));
    None
}

fn mounts(
    names: &mut Names<'_>,
    at: At<'_>,
    entry: &document::Api,
    mounted: &mut BTreeMap<String, Name>,
) -> Vec<Mount> {
    if entry.mounts.is_empty() {
        let problem = at.field("mounts").problem("the API is reached nowhere");
        names.refuse(problem.mend("write `mounts: [ { path: /… } ]`"));
    }
    let mut mounts = Vec::new();
    for (index, mount) in entry.mounts.iter().enumerate() {
        let field = format!("mounts[{index}]");
        let at = at.field(&field);
        let (mount, text) = match mount {
            document::Mount::Host(host) => {
                let host = host.to_ascii_lowercase();
                let fits = !host.is_empty()
                    && host
                        .bytes()
                        .all(|c| c.is_ascii_alphanumeric() || b".-".contains(&c));
                if !fits {
                    let problem = at.problem(format!("`{host}` is not a host name"));
                    names.refuse(problem.mend("write it without scheme, port and path"));
                }
                (Mount::Host(host.clone()), host)
            }
            document::Mount::Path(path) => {
                if !is_mount_path(path) {
                    let problem = at.problem(format!("`{path}` is not a path to mount at"));
                    names.refuse(problem.mend("write plain segments, such as `/payments`"));
                }
                let path = path.trim_end_matches('/').to_owned();
                (Mount::Path(path.clone()), format!("{path}/"))
            }
        };
        if let Some(other) = mounted.insert(text.clone(), at.name.clone()) {
            let message = format!("the API `{other}` is mounted at `{text}` as well");
            names.refuse(at.problem(message).mend("choose another path or host"));
        }
        mounts.push(mount);
    }
    mounts
}

/// `/`, or segments of characters that need no escaping and are not dots alone.
fn is_mount_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    rest.is_empty()
        || rest.split('/').all(|segment| {
            !segment.is_empty()
                && !segment.bytes().all(|c| c == b'.')
                && segment
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || b"-._~".contains(&c))
        })
}

fn upstream(names: &mut Names<'_>, at: At<'_>, entry: &document::Upstream) -> Upstream {
    let url = entry.url.trim_end_matches('/').to_owned();
    if !is_upstream_url(&url) {
        let field = format!("{}.url", at.field);
        let problem = at
            .field(&field)
            .problem(format!("`{url}` is not the URL of a server"));
        names.refuse(problem.mend("write `https://`, a host, and a base path if there is one"));
    }
    let timeout = entry.timeout.map_or(TIMEOUT, |timeout| timeout.0);
    if timeout.is_zero() {
        let field = format!("{}.timeout", at.field);
        let problem = at
            .field(&field)
            .problem("a timeout of nothing lets no answer through");
        names.refuse(problem.mend("write `1s` or more"));
    }
    Upstream {
        url,
        credential: credential(&entry.credential),
        timeout,
        identity: match &entry.identity {
            document::Identity::Ed25519 => UpstreamIdentity::Ed25519,
            document::Identity::Shared(secret) => UpstreamIdentity::Shared(secret.clone()),
        },
        refund_server_errors: entry.refund_server_errors,
    }
}

fn is_upstream_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let authority = rest.split('/').next().unwrap_or_default();
        !authority.is_empty()
            && !authority.starts_with(':')
            && rest
                .bytes()
                .all(|c| c.is_ascii_graphic() && !b"?#@\\\"<>{}|^`".contains(&c))
    })
}

fn credential(entry: &document::UpstreamCredential) -> UpstreamCredential {
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

/// All operations of the description, those that are annotated with what they use.
fn operations(
    names: &mut Names<'_>,
    at: At<'_>,
    entry: &document::Api,
    description: &Description,
) -> Vec<Arc<Operation>> {
    let mut annotated: BTreeMap<&str, (String, &document::Operation)> = BTreeMap::new();
    for (index, operation) in entry.operations.iter().enumerate() {
        let field = format!("operations[{index}]");
        let place = format!("{field}.operation");
        let at = at.field(&place);
        let Some(found) = description.find(&operation.operation) else {
            let ids = description.operations.iter().map(|op| op.id.as_str());
            let keys = description.operations.iter().map(|op| op.key.as_str());
            let mend = suggestion(&operation.operation, ids.chain(keys));
            let message = format!("the description has no operation `{}`", operation.operation);
            names.refuse(at.problem(message).mend(mend));
            continue;
        };
        if let Some(elsewhere) = &found.elsewhere {
            let message = format!("`{}` is served by `{elsewhere}`", operation.operation);
            names.refuse(at.problem(message).mend("describe it in an API of its own"));
        }
        if annotated.insert(&found.key, (field, operation)).is_some() {
            let message = format!("`{}` is annotated twice", operation.operation);
            names.refuse(at.problem(message).mend("keep one of them"));
        }
    }
    let all = (0_u32..).zip(&description.operations);
    all.map(|(index, described)| {
        let annotation = annotated.get(described.key.as_str());
        let operation = match annotation {
            Some((field, annotation)) => {
                let at = At { field, ..at };
                annotate(names, at, (index, described), (entry, annotation))
            }
            None => bare(index, described),
        };
        Arc::new(operation)
    })
    .collect()
}

fn bare(index: u32, described: &DescribedOperation) -> Operation {
    Operation {
        index,
        id: described.id.clone(),
        method: described.method.clone(),
        template: described.template.as_str().to_owned(),
        uses: Vec::new(),
        facts: FactTable::default(),
        account: None,
    }
}

fn annotate(
    names: &mut Names<'_>,
    at: At<'_>,
    (index, described): (u32, &DescribedOperation),
    (api, annotation): (&document::Api, &document::Operation),
) -> Operation {
    let mut operation = bare(index, described);
    operation.facts = facts(names, at, described, (api, annotation));
    if annotation.uses.is_empty() {
        let field = format!("{}.uses", at.field);
        let problem = at.field(&field).problem("the operation uses no capability");
        names.refuse(problem.mend("name one, or take the annotation out: it is closed then"));
    }
    for (index, used) in annotation.uses.iter().enumerate() {
        let field = format!("{}.uses[{index}]", at.field);
        let at = at.field(&field);
        let when = used.when.as_ref().map(|when| {
            condition(when, &operation.facts).and_then(|when| {
                let checked = when.check(&operation.facts);
                let why = |problem: catalog::ConditionProblem| {
                    (String::new(), problem.to_string(), String::new())
                };
                checked.map(|()| when).map_err(why)
            })
        });
        let when = match when.transpose() {
            Ok(when) => when,
            Err((below, message, mend)) => {
                let field = format!("{field}.when.{below}");
                let problem = at.field(field.trim_end_matches('.')).problem(message);
                names.refuse(problem.mend(mend));
                None
            }
        };
        if let Some(capability) = names.symbol(Kind::Capability, &used.capability, at) {
            operation.uses.push(CapabilityUse { capability, when });
        }
    }
    operation.account = annotation
        .account
        .as_ref()
        .map(|parameter| account(names, at, described, parameter));
    operation
}

fn account(
    names: &mut Names<'_>,
    at: At<'_>,
    described: &DescribedOperation,
    parameter: &document::AccountParameter,
) -> catalog::AccountParameter {
    match parameter.clone() {
        document::AccountParameter::Path(name) => {
            let field = format!("{}.account.path", at.field);
            in_template(names, at.field(&field), described, &name);
            catalog::AccountParameter::Path(name)
        }
        document::AccountParameter::Query(name) => catalog::AccountParameter::Query(name),
        document::AccountParameter::Header(name) => {
            catalog::AccountParameter::Header(name.to_ascii_lowercase())
        }
        document::AccountParameter::Body(name) => catalog::AccountParameter::Body(name),
    }
}

fn in_template(names: &mut Names<'_>, at: At<'_>, described: &DescribedOperation, given: &str) {
    if !described.template.parameters().any(|name| name == given) {
        let mend = suggestion(given, described.template.parameters());
        let message = format!("`{}` has no parameter `{given}`", described.key);
        names.refuse(at.problem(message).mend(mend));
    }
}

/// The facts of the API that the operation can have, and its own in place of them.
fn facts(
    names: &mut Names<'_>,
    at: At<'_>,
    described: &DescribedOperation,
    (api, annotation): (&document::Api, &document::Operation),
) -> FactTable {
    let mut table: BTreeMap<&Name, FactDefinition> = BTreeMap::new();
    for (name, fact) in &api.facts {
        let in_path = |path: &String| described.template.parameters().any(|name| name == path);
        let possible = fact.path.as_ref().is_none_or(in_path)
            && (fact.body.is_none() || !described.bodies.is_empty());
        let field = format!("facts.{name}");
        let definition = definition(
            names,
            At {
                field: &field,
                ..at
            },
            name,
            fact,
        );
        if let Some(definition) = definition.filter(|_| possible) {
            table.insert(name, definition);
        }
    }
    for (name, fact) in &annotation.facts {
        let field = format!("{}.facts.{name}", at.field);
        let at = at.field(&field);
        if let Some(path) = &fact.path {
            in_template(names, at, described, path);
        }
        if let Some(definition) = definition(names, at, name, fact) {
            table.insert(name, definition);
        }
    }
    FactTable(table.into_values().collect())
}

fn definition(
    names: &mut Names<'_>,
    at: At<'_>,
    name: &Name,
    fact: &document::Fact,
) -> Option<FactDefinition> {
    let source = match (&fact.path, &fact.query, &fact.header, &fact.body) {
        (Some(path), None, None, None) => FactSource::Path(path.clone()),
        (None, Some(query), None, None) => FactSource::Query(query.clone()),
        (None, None, Some(header), None) => FactSource::Header(header.to_ascii_lowercase()),
        (None, None, None, Some(body)) => FactSource::Body(body.clone()),
        _ => {
            let message = "a fact is taken from `path`, `query`, `header` or `body`";
            names.refuse(at.problem(message).mend("write exactly one of them"));
            return None;
        }
    };
    let fold = match fact.fold {
        document::FactFold::Single => Fold::Single,
        document::FactFold::Count => Fold::Count,
        document::FactFold::Sum => Fold::Sum,
        document::FactFold::Min => Fold::Min,
        document::FactFold::Max => Fold::Max,
    };
    let kind = match (fold, fact.kind) {
        // A number of matches is a number, whatever matched.
        (Fold::Count, _) | (_, document::FactKind::Quantity) => FactType::Quantity,
        (_, document::FactKind::Text) => FactType::Text,
        (_, document::FactKind::Boolean) => FactType::Boolean,
        (_, document::FactKind::Country) => FactType::Country,
    };
    Some(FactDefinition {
        name: name.clone(),
        source,
        kind,
        fold,
    })
}
