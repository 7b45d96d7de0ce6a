//! A small provider, in memory: one API that enforces, one that observes.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use decision::Vocabulary;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use journal::{Durability, Entry, Journal, Options, Reader};
use keys::{HashingKey, InstallationKeys, IssuedFor};
use primitives::{
    AppId, CredentialId, ManualClock, Mode, Revision, Secret, SeededEntropy, Timestamp,
};
use quota::{Calendar, Counters};
use request::CanonicalRequest;
use snapshot::{GeoHandle, Snapshot, SnapshotHandle};
use state::{SourceFile, Sources};
use store::{Credential, Kind, Resource};
use tempfile::TempDir;

use crate::{Admission, Arrival, Arrived, Habits, Parts, Presented};

pub(super) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

const DESCRIPTION: &str = r#"
openapi: 3.0.3
info: { title: Pay, version: "1" }
paths:
  /send: { post: { operationId: Send, responses: { "200": { description: done } } } }
  /bulk: { post: { operationId: Bulk, responses: { "200": { description: done } } } }
  /closed: { get: { operationId: Closed, responses: { "200": { description: done } } } }
  /approved: { get: { operationId: Approved, responses: { "200": { description: done } } } }
  /agreements: { post: { operationId: Agree, responses: { "200": { description: done } } } }
  /accounts/{Sid}/calls:
    parameters: [ { name: Sid, in: path, required: true, schema: { type: string } } ]
    get: { operationId: Calls, responses: { "200": { description: done } } }
  /accounts/{Sid}/charges:
    parameters: [ { name: Sid, in: path, required: true, schema: { type: string } } ]
    post: { operationId: Charge, responses: { "200": { description: done } } }
  /transfers: { post: { operationId: Transfer, responses: { "200": { description: done } } } }
"#;

const STATE: &str = r#"
portreeve: 1
settings: { time_zone: UTC }
properties: [ { name: approved, type: boolean } ]
ladders: [ { name: default, levels: [ { name: standard }, { name: advanced } ] } ]
policies:
  - name: approved-only
    cedar: permit(principal, action, resource) when { principal.approved };
capabilities:
  - { name: SEND, level: standard }
  - { name: BULK, level: advanced }
  - { name: APPROVED, level: standard, policy: approved-only }
  - { name: AGREE, level: standard }
  - { name: CALLS, level: standard }
limits:
  - { name: sends-per-day, capabilities: [SEND], counted: { window: day, per: developer }, value: 3 }
  - { name: calls-ever, api: pay, counted: { window: lifetime, per: app }, value: 100 }
  - name: agreed-amount
    capabilities: [AGREE]
    counted: { window: lifetime, per: key, key: agreement, cost: amount }
    value: "10"
apis:
  - &pay
    name: pay
    description: pay.openapi.yaml
    version: "1"
    mounts: [ { path: /pay } ]
    live: { url: "http://127.0.0.1:1/pay", credential: none, timeout: 1s, identity: ed25519, refund_server_errors: true }
    operations: &operations
      - { operation: Send, uses: [SEND] }
      - { operation: Bulk, uses: [BULK] }
      - { operation: Approved, uses: [APPROVED] }
      - operation: Agree
        facts: { agreement: { body: "$.agreement" }, amount: { body: "$.amount", type: quantity } }
        uses: [AGREE]
      - { operation: Calls, account: { path: Sid }, uses: [CALLS] }
      - { operation: Transfer, account: { body: account }, uses: [CALLS] }
  - name: watched
    description: pay.openapi.yaml
    version: "1"
    enforcement: observe
    mounts: [ { path: /watched } ]
    live: { url: "http://127.0.0.1:1/watched", credential: none, timeout: 1s, identity: ed25519 }
    operations:
      - { operation: Send, uses: [SEND] }
      - { operation: Bulk, uses: [BULK] }
      - operation: Agree
        facts: { agreement: { body: "$.agreement" }, amount: { body: "$.amount", type: quantity } }
        uses: [AGREE]
accounts:
  - { name: acme, kind: company, verified: true, country: US, properties: { approved: false }, developer: {}, external_ids: { pay: AC1 } }
  - { name: user, kind: person, verified: true, external_ids: { pay: AC2 } }
  - { name: stranger, kind: person, verified: true, external_ids: { pay: AC3 } }
apps:
  - { name: shop, developer: acme, account: user, apis: [pay, watched] }
"#;

/// Everything a test holds in its hands.
pub(super) struct Town {
    pub(super) admission: Admission,
    pub(super) snapshots: Arc<SnapshotHandle>,
    pub(super) counters: Arc<Counters>,
    pub(super) habits: Arc<Habits>,
    pub(super) calendar: Arc<Calendar>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) journal: Arc<Journal>,
    pub(super) key: (CredentialId, Secret),
    resources: Vec<Resource>,
    pub(super) credential: Credential,
    hashing: HashingKey,
    pub(super) directory: TempDir,
}

pub(super) const NOON: Timestamp = Timestamp::from_seconds(1_800_014_400);

impl Town {
    pub(super) const STATE: &str = STATE;

    pub(super) fn new() -> Self {
        Self::with(STATE)
    }

    /// Another provider with the same API; `state` names the app `shop` and no other.
    pub(super) fn with(state: &str) -> Self {
        let entropy = SeededEntropy::new(7);
        let keys = InstallationKeys::generate(&entropy).unwrap();
        let secret = keys::issue(IssuedFor::App(Mode::Live), &entropy).unwrap();
        let resources = resources(state);
        let app = resources.iter().find(|one| one.kind == Kind::App).unwrap();
        let id = CredentialId::from_u128(99);
        let credential = Credential {
            id,
            external_id: Some("old-key".to_owned()),
            app: AppId::from_u128(app.id),
            app_name: app.name.clone(),
            mode: Mode::Live,
            hash: keys.hashing_key().hash(&secret).to_string(),
            hint: keys::hint(&secret),
            permissions: None,
            created_at: NOON,
            expires_at: None,
            revoked_at: None,
            kind: store::CredentialKind::Key,
            signature: None,
            certificate: None,
        };
        let snapshots = Arc::new(SnapshotHandle::new(build(
            &Arc::default(),
            &resources,
            &credential,
        )));
        let directory = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(NOON));
        let options = Options::default();
        let journal = Arc::new(Journal::open(directory.path(), clock.clone(), options).unwrap());
        let counters = Arc::new(Counters::new());
        let habits = Arc::new(Habits::default());
        let calendar = Arc::new(Calendar::utc());
        let parts = Parts {
            snapshots: Arc::clone(&snapshots),
            counters: Arc::clone(&counters),
            journal: Arc::clone(&journal),
            habits: Arc::clone(&habits),
            places: Arc::new(GeoHandle::default()),
            clock: clock.clone(),
            counted: Durability::Strict,
        };
        Self {
            admission: Admission::new(parts, keys.hashing_key()),
            snapshots,
            counters,
            habits,
            calendar,
            clock,
            journal,
            key: (id, secret),
            resources,
            credential,
            hashing: keys.hashing_key(),
            directory,
        }
    }

    pub(super) fn presented(&self) -> Presented {
        self.presents(&self.key.0.to_string(), self.key.1.expose())
    }

    #[expect(clippy::unused_self, reason = "reads as what the town's visitor does")]
    pub(super) fn presents(&self, user: &str, password: &str) -> Presented {
        Presented::Basic {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
            certificate: None,
        }
    }

    /// Puts a changed state in force, with the same accounts and apps in the same order.
    pub(super) fn change_state(&mut self, state: &str) {
        self.resources = resources(state);
        self.change_credential(|_, _| {});
    }

    #[expect(clippy::unused_self, reason = "reads as what the town goes by")]
    pub(super) const fn state(&self) -> &'static str {
        STATE
    }

    /// Puts a changed credential in force.
    pub(super) fn change_credential(&mut self, change: impl FnOnce(&mut Credential, &HashingKey)) {
        change(&mut self.credential, &self.hashing);
        let vocabulary = Arc::clone(self.snapshots.load().vocabulary());
        let snapshot = build(&vocabulary, &self.resources, &self.credential);
        self.snapshots.store(snapshot);
    }

    pub(super) async fn call(&self, method: &str, path: &str) -> Arrived {
        self.call_as(&self.presented(), method, path, &[]).await
    }

    pub(super) async fn call_as(
        &self,
        presented: &Presented,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Arrived {
        let request = request(method, path, headers);
        let arrival = Arrival {
            request: &request,
            peer: IpAddr::from([192, 0, 2, 1]),
            trace_id: TRACE,
            presented,
        };
        self.admission.arrive(arrival).await
    }

    /// Sends a body where one is asked for.
    pub(super) async fn call_with(&self, path: &str, body: &str) -> Arrived {
        match self.call("POST", path).await {
            Arrived::NeedsBody(waiting) => {
                let json = Some("application/json");
                waiting.with_body(json, body.as_bytes()).await
            }
            arrived => arrived,
        }
    }

    /// What the journal holds, all of it written out.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.journal.close().unwrap();
        let mut reader = Reader::new(self.directory.path(), None);
        let mut entries = Vec::new();
        while let Some(located) = reader.next_entry().unwrap() {
            entries.push(located.entry);
        }
        entries
    }
}

pub(super) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> CanonicalRequest {
    let mut map = HeaderMap::new();
    map.insert("host", HeaderValue::from_static("api.example.com"));
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, value.parse().unwrap());
    }
    let method: Method = method.parse().unwrap();
    let target: Uri = path.parse().unwrap();
    CanonicalRequest::read(&method, &target, map).unwrap()
}

fn resources(state: &str) -> Vec<Resource> {
    let file = |path: &str, text: &str| SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let sources = Sources {
        files: vec![file("state.yaml", state)],
        descriptions: BTreeMap::from([("pay.openapi.yaml".to_owned(), DESCRIPTION.to_owned())]),
        variables: BTreeMap::new(),
    };
    let documents = state::parse(&sources).unwrap_or_else(|problems| panic!("{problems:?}"));
    let entries = (1_u128..).zip(documents.entries);
    entries
        .map(|(id, entry)| Resource {
            kind: entry.kind,
            name: entry.name,
            id: match entry.kind {
                Kind::Account | Kind::App => id,
                _ => 0,
            },
            version: Revision(1),
            body: entry.body,
            created_at: NOON,
            updated_at: NOON,
        })
        .collect()
}

fn build(
    vocabulary: &Arc<Vocabulary>,
    resources: &[Resource],
    credential: &Credential,
) -> Snapshot {
    let keys = std::slice::from_ref(credential);
    Snapshot::build(Arc::clone(vocabulary), Revision(1), resources, keys)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}
