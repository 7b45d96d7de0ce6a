use catalog::{Api, Condition, Mount, Operation, Upstream, UpstreamCredential, UpstreamIdentity};
use decision::Catalogue;
use primitives::Enforcement;
use serde::Serialize;

use super::{
    Entry,
    conditions::{condition_words, fact_words},
};

/// An API in the list.
#[derive(Debug, Serialize)]
pub(crate) struct ApiRow {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) active: bool,
    pub(crate) enforcement: &'static str,
    pub(crate) mounts: Vec<String>,
    pub(crate) operations: usize,
    pub(crate) annotated: usize,
}

impl ApiRow {
    pub(crate) fn of(api: &Api) -> Self {
        Self {
            name: api.name.to_string(),
            version: api.version.clone(),
            active: api.active,
            enforcement: match api.enforcement {
                Enforcement::Enforce => "enforce",
                Enforcement::Observe => "observe",
            },
            mounts: api.mounts.iter().map(mount_text).collect(),
            operations: api.operations.len(),
            annotated: api.operations.iter().filter(|o| !o.uses.is_empty()).count(),
        }
    }
}

fn mount_text(mount: &Mount) -> String {
    match mount {
        Mount::Host(host) => format!("host {host}"),
        Mount::Path(path) => path.clone(),
    }
}

/// What is known of an API, at the head of its page.
pub(crate) fn api_entries(api: &Api, catalogue: &Catalogue) -> Vec<Entry> {
    let mounts: Vec<_> = api.mounts.iter().map(mount_text).collect();
    let upstream = |upstream: Option<&Upstream>, mode: &str| match upstream {
        Some(upstream) => upstream_words(upstream),
        None => format!("none: {mode} calls are refused"),
    };
    let origins = api.cors.as_ref().map(|cors| cors.origins.join(", "));
    Entry::said([
        Entry::text("Mounted at", mounts.join(", ")),
        Entry::words("Live upstream", upstream(api.live.as_deref(), "live")),
        Entry::words("Test upstream", upstream(api.test.as_deref(), "test")),
        Entry::text(
            "Ladder",
            catalogue.vocabulary.ladders.name(api.ladder).to_string(),
        ),
        Entry::text("Browsers may call from", origins.unwrap_or_default()),
    ])
}

fn upstream_words(upstream: &Upstream) -> String {
    let credential = match &upstream.credential {
        UpstreamCredential::None => "no credential".to_owned(),
        UpstreamCredential::Header { name, .. } => format!("header `{name}`"),
        UpstreamCredential::Basic { user, .. } => format!("HTTP Basic as `{user}`"),
        UpstreamCredential::ClientCredentials { client, .. } => {
            format!("client credentials of `{client}`")
        }
        UpstreamCredential::Mtls { .. } => "TLS client certificate".to_owned(),
    };
    let identity = match &upstream.identity {
        UpstreamIdentity::Shared(_) => "context signed with HS256",
        UpstreamIdentity::Ed25519 => "context signed with Ed25519",
        UpstreamIdentity::None => "no context",
    };
    let timeout = upstream.timeout.as_secs();
    format!(
        "`{}` · {credential} · {identity} · waits {timeout} s",
        upstream.url
    )
}

/// An operation of an API.
#[derive(Debug, Serialize)]
pub(crate) struct OperationRow {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) template: String,
    pub(crate) uses: Vec<UseRow>,
    pub(crate) facts: Vec<Entry>,
}

/// A capability that an operation uses.
#[derive(Debug, Serialize)]
pub(crate) struct UseRow {
    pub(crate) name: String,
    /// Under which condition, in words; empty when always.
    pub(crate) when: String,
}

impl OperationRow {
    pub(crate) fn of(operation: &Operation, catalogue: &Catalogue) -> Self {
        let name = |symbol| catalogue.vocabulary.capabilities.name(symbol).to_string();
        let words = |when: &Condition| condition_words(when, &operation.facts);
        Self {
            id: operation.id.to_string(),
            method: operation.method.clone(),
            template: operation.template.clone(),
            uses: operation
                .uses
                .iter()
                .map(|used| UseRow {
                    name: name(used.capability),
                    when: used.when.as_ref().map(words).unwrap_or_default(),
                })
                .collect(),
            facts: operation
                .facts
                .0
                .iter()
                .map(|fact| Entry::words(fact.name.as_str(), fact_words(fact)))
                .collect(),
        }
    }

    /// Whether the text stands anywhere in the row.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let names = self.uses.iter().map(|used| used.name.as_str());
        [&self.id, &self.method, &self.template]
            .into_iter()
            .map(String::as_str)
            .chain(names)
            .any(|part| part.to_lowercase().contains(&text))
    }
}
