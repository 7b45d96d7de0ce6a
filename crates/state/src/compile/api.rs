use std::{collections::BTreeMap, sync::Arc, time::Duration};

use catalog::{Api, ApiRoutes, Cors, Description, Mount, Upstream, UpstreamIdentity};
use decision::Catalogue;
use primitives::{Enforcement, Name};
use store::Kind;

use super::{
    Setup, Sourced,
    annotations::operations,
    credential::{credential, is_header_name, is_origin, is_server_url},
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
            live: live.map(Arc::new),
            test: test.map(Arc::new),
            cors: entry.cors.as_ref().map(|entry| cors(names, at, entry)),
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

/// Origins are compared byte by byte with what browsers send, so one that none sends is refused.
fn cors(names: &mut Names<'_>, at: At<'_>, entry: &document::Cors) -> Cors {
    for (index, origin) in entry.origins.iter().enumerate() {
        if !is_origin(origin) {
            let field = format!("cors.origins[{index}]");
            let problem = at
                .field(&field)
                .problem(format!("`{origin}` is not an origin as browsers send it"));
            names.refuse(problem.mend("write `https://` and a host in lower case, without a path"));
        }
    }
    for (index, header) in entry.headers.iter().enumerate() {
        if !is_header_name(header) {
            let field = format!("cors.headers[{index}]");
            let problem = at
                .field(&field)
                .problem(format!("`{header}` is not the name of a header"));
            names.refuse(problem.mend("write a name such as `x-request`"));
        }
    }
    let headers = entry.headers.iter().map(|name| name.to_ascii_lowercase());
    Cors {
        origins: entry.origins.clone(),
        headers: headers.collect(),
    }
}

fn upstream(names: &mut Names<'_>, at: At<'_>, entry: &document::Upstream) -> Upstream {
    let url = entry.url.trim_end_matches('/').to_owned();
    if !is_server_url(&url) {
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
    let field = format!("{}.credential", at.field);
    Upstream {
        url,
        credential: credential(at.field(&field), &entry.credential, &mut names.problems),
        timeout,
        identity: identity(names, at, entry),
        refund_server_errors: entry.refund_server_errors,
    }
}

/// A key of its own for each upstream where the state does not say otherwise.
fn identity(names: &mut Names<'_>, at: At<'_>, entry: &document::Upstream) -> UpstreamIdentity {
    match &entry.identity {
        Some(document::Identity::Ed25519) => UpstreamIdentity::Ed25519,
        Some(document::Identity::Shared(secret)) => UpstreamIdentity::Shared(secret.clone()),
        Some(document::Identity::None) => UpstreamIdentity::None,
        None => {
            let apart = if at.field == "test" { "-test" } else { "" };
            match format!("{}{apart}-context", at.name).parse() {
                Ok(secret) => UpstreamIdentity::Shared(secret),
                Err(problem) => {
                    names.refuse(
                        at.problem(problem.to_string())
                            .mend("name one: `identity: …`"),
                    );
                    UpstreamIdentity::Ed25519
                }
            }
        }
    }
}
