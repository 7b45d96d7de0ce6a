//! A gateway with an admission, a journal and one API, without a database.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use admission::{Admission, Parts};
use gateway::{Gateway, GatewayParts, Limits, UpstreamSecrets};
use journal::{CallOutcome, CallRecord, Durability, Entry, Journal, Options, Reader};
use keys::{InstallationKeys, IssuedFor};
use parking_lot::Mutex;
use primitives::{
    AccountId, AppId, Clock, CredentialId, Mode, Name, Revision, Secret, SeededEntropy,
    SystemClock, Timestamp,
};
use prometheus_client::registry::Registry;
use quota::Counters;
use rustls_pki_types::CertificateDer;
use snapshot::{GeoHandle, Snapshot, SnapshotHandle};
use store::{Kind, Resource};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub(crate) const CONTEXT_KEY: &str = "a context key of more than 32 bytes, shared";
pub(crate) const SITE: &str = "https://site.test";
pub(crate) const ISSUER: &str = "https://gate.test";

const DESCRIPTION: &str = r#"{
  "openapi": "3.0.3", "info": {"title": "Shop", "version": "1"},
  "paths": {
    "/items": {
      "get": {"operationId": "listItems", "responses": {"200": {"description": "ok"}}},
      "head": {"operationId": "headItems", "responses": {"200": {"description": "ok"}}},
      "post": {"operationId": "addItem", "requestBody": {"content": {"application/json": {}}}, "responses": {"200": {"description": "ok"}}},
      "put": {"operationId": "putItem", "responses": {"200": {"description": "ok"}}}
    },
    "/accounts/{acct}/items.json": {
      "get": {"operationId": "accountItems", "responses": {"200": {"description": "ok"}}}
    },
    "/admin/items": {
      "get": {"operationId": "adminItems", "responses": {"200": {"description": "ok"}}}
    },
    "/batch": {
      "post": {"operationId": "batch", "requestBody": {"content": {"application/json": {}}}, "responses": {"200": {"description": "ok"}}}
    },
    "/form": {
      "post": {"operationId": "form", "requestBody": {"content": {"application/x-www-form-urlencoded": {}}}, "responses": {"200": {"description": "ok"}}}
    },
    "/tiers": {
      "get": {"operationId": "tiers", "responses": {"200": {"description": "ok"}}}
    },
    "/transfer": {
      "post": {"operationId": "transfer", "responses": {"200": {"description": "ok"}}}
    }
  }
}"#;

/// What a test wants to be otherwise.
pub(crate) struct Setup {
    pub(crate) url: String,
    pub(crate) credential: &'static str,
    pub(crate) identity: &'static str,
    /// More members of the account's entry, each with its line end.
    pub(crate) account: &'static str,
    pub(crate) timeout: &'static str,
    /// How many reads a day.
    pub(crate) reads: u32,
    pub(crate) enforcement: &'static str,
    pub(crate) limits: Limits,
    pub(crate) secrets: Vec<(&'static str, String)>,
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Changes the credential of the app.
    pub(crate) credential_is: Option<Change>,
    /// Where the journal is; a folder of its own otherwise.
    pub(crate) journal: Option<PathBuf>,
    /// What was counted before.
    pub(crate) counters: Arc<Counters>,
}

impl Setup {
    pub(crate) fn to(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            credential: "{ basic: { user: portreeve, secret: upstream-password } }",
            identity: "{ shared: context-key }",
            account: "",
            timeout: "1s",
            reads: 1_000,
            enforcement: "enforce",
            limits: Limits {
                head_timeout: Duration::from_secs(2),
                body_idle: Duration::from_millis(400),
                answer_idle: Duration::from_millis(600),
                connect_timeout: Duration::from_millis(500),
                decision_body_bytes: 64 * 1024,
                drain: Duration::from_secs(3),
                ..Limits::default()
            },
            secrets: vec![
                ("upstream-password", "the upstream's".to_owned()),
                ("context-key", CONTEXT_KEY.to_owned()),
            ],
            authorities: Vec::new(),
            tls: None,
            credential_is: None,
            journal: None,
            counters: Arc::default(),
        }
    }

    fn state(&self) -> String {
        format!(
            r#"
portreeve: 1
ladders:
  - {{ name: default, levels: [ {{ name: standard }}, {{ name: high }} ] }}
capabilities:
  - {{ name: READ, level: standard }}
  - {{ name: WRITE, level: standard }}
  - {{ name: BATCH, level: standard }}
  - {{ name: ADMIN, level: high }}
limits:
  - {{ name: amount, capabilities: [WRITE], numeric: {{ fact: amount }}, value: "100" }}
  - {{ name: sub-calls, capabilities: [BATCH], counted: {{ window: day, per: app, cost: calls }}, value: 1500 }}
  - {{ name: batch-amount, capabilities: [BATCH], numeric: {{ fact: total }}, value: "5000" }}
  - {{ name: reads, capabilities: [READ], counted: {{ window: day, per: app }}, value: {reads} }}
apis:
  - name: shop
    description: shop.json
    version: "1"
    enforcement: {enforcement}
    mounts: [ {{ path: /shop }}, {{ host: shop.test }} ]
    live: {{ url: "{url}", credential: {credential}, timeout: {timeout}, identity: {identity} }}
    cors: {{ origins: ["https://page.test"], headers: [x-request] }}
    operations:
      - {{ operation: listItems, uses: [READ] }}
      - {{ operation: headItems, uses: [READ] }}
      - {{ operation: putItem, uses: [READ] }}
      - {{ operation: addItem, uses: [WRITE], facts: {{ amount: {{ body: "$.amount", type: quantity }} }} }}
      - {{ operation: form, uses: [WRITE], facts: {{ amount: {{ body: "$.amount", type: quantity }} }} }}
      - operation: batch
        facts:
          calls: {{ body: "$.calls[*]", type: quantity, fold: count }}
          total: {{ body: "$.calls[*].amount", type: quantity, fold: sum }}
        uses: [BATCH]
      - {{ operation: accountItems, account: {{ path: acct }}, uses: [READ] }}
      - {{ operation: adminItems, uses: [ADMIN] }}
      - operation: tiers
        facts: {{ tier: {{ header: x-tier }} }}
        uses:
          - {{ capability: READ, when: {{ fact: tier, equals: free }} }}
          - {{ capability: ADMIN, when: {{ fact: tier, equals: paid }} }}
      - operation: transfer
        account: {{ body: from }}
        uses: [READ]
accounts:
  - name: acme
    kind: company
    verified: true
    external_ids: {{ shop: AC-1 }}
{account}    developer: {{ levels: {{ default: standard }} }}
apps:
  - {{ name: till, developer: acme, account: acme, apis: [shop] }}
"#,
            enforcement = self.enforcement,
            url = self.url,
            reads = self.reads,
            credential = self.credential,
            timeout = self.timeout,
            identity = self.identity,
            account = self.account,
        )
    }
}

/// Secrets by name, which a test may change.
#[derive(Default)]
pub(crate) struct Secrets(pub(crate) Mutex<HashMap<String, String>>);

impl UpstreamSecrets for Secrets {
    fn secret(&self, name: &Name) -> Option<Secret> {
        self.0.lock().get(name.as_str()).cloned().map(Secret::new)
    }
}

/// What makes another credential of the app's key.
pub(crate) type Change = Box<dyn Fn(&mut store::Credential, &InstallationKeys) + Send>;

/// A running gateway.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Gateway,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: tokio::task::JoinHandle<()>,
    pub(crate) jwks: String,
    /// The gateway's own, to break it.
    pub(crate) journal: Arc<Journal>,
    registry: Registry,
    key: (CredentialId, Secret),
    _directory: tempfile::TempDir,
}

fn snapshot(setup: &Setup, credential: store::Credential) -> Snapshot {
    let sources = state::Sources {
        files: vec![state::SourceFile {
            path: "state.yaml".to_owned(),
            text: setup.state(),
        }],
        descriptions: BTreeMap::from([("shop.json".to_owned(), DESCRIPTION.to_owned())]),
        variables: BTreeMap::new(),
    };
    let documents = state::parse(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let resources: Vec<Resource> = documents
        .entries
        .into_iter()
        .map(|entry| Resource {
            id: match entry.kind {
                Kind::Account => AccountId::from_u128(1).as_u128(),
                Kind::App => AppId::from_u128(2).as_u128(),
                _ => 0,
            },
            kind: entry.kind,
            name: entry.name,
            version: Revision(1),
            body: entry.body,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        })
        .collect();
    Snapshot::build(Arc::default(), Revision(1), &resources, &[credential])
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn credential(id: CredentialId, secret: &Secret, keys: &InstallationKeys) -> store::Credential {
    store::Credential {
        id,
        external_id: None,
        app: AppId::from_u128(2),
        app_name: "till".parse().unwrap(),
        mode: Mode::Live,
        hash: keys.hashing_key().hash(secret).to_string(),
        hint: keys::hint(secret),
        permissions: None,
        created_at: Timestamp::default(),
        expires_at: None,
        revoked_at: None,
        kind: store::CredentialKind::Key,
        signature: None,
        certificate: None,
    }
}

impl World {
    pub(crate) async fn start(setup: Setup) -> Self {
        let entropy = Arc::new(SeededEntropy::new(11));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = InstallationKeys::generate(&entropy).unwrap();
        let secret = keys::issue(IssuedFor::App(Mode::Live), &entropy).unwrap();
        let id = CredentialId::from_u128(3);
        let mut credential = credential(id, &secret, &keys);
        if let Some(change) = &setup.credential_is {
            change(&mut credential, &keys);
        }
        let directory = tempfile::tempdir().unwrap();
        let place = setup.journal.clone();
        let place = place.unwrap_or_else(|| directory.path().to_owned());
        let journal = Journal::open(&place, Arc::clone(&clock), Options::default());
        let journal = Arc::new(journal.unwrap());
        let snapshots = Arc::new(SnapshotHandle::new(snapshot(&setup, credential)));
        let admission = Admission::new(
            Parts {
                snapshots: Arc::clone(&snapshots),
                counters: setup.counters,
                journal: Arc::clone(&journal),
                habits: Arc::default(),
                places: Arc::new(GeoHandle::default()),
                clock: Arc::clone(&clock),
                counted: Durability::Strict,
            },
            keys.hashing_key(),
        );
        let secrets = Arc::new(Secrets::default());
        for (name, value) in setup.secrets {
            secrets.0.lock().insert(name.to_owned(), value);
        }
        let signing = keys.signing_key().unwrap();
        let jwks = signing.jwks().to_string();
        let mut metrics = Registry::default();
        let parts = GatewayParts {
            admission,
            snapshots,
            secrets: Arc::<Secrets>::clone(&secrets),
            signing,
            issuer: ISSUER.to_owned(),
            site: SITE.to_owned(),
            clock,
            entropy,
            limits: setup.limits,
            authorities: setup.authorities,
        };
        let gateway = Gateway::new(parts, &mut metrics).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (serving, token) = (gateway.clone(), shutdown.clone());
        let serving = tokio::spawn(async move {
            serving.serve(listener, setup.tls, token).await.unwrap();
        });
        Self {
            address,
            gateway,
            secrets,
            shutdown,
            serving,
            jwks,
            journal,
            registry: metrics,
            key: (id, secret),
            _directory: directory,
        }
    }

    /// The header line by which the app is recognised.
    pub(crate) fn key(&self) -> String {
        crate::client::basic(&self.key.0.to_string(), self.key.1.expose())
    }

    pub(crate) fn secret(&self) -> &str {
        self.key.1.expose()
    }

    /// Sends a request of the app.
    pub(crate) async fn call(
        &self,
        line: &str,
        headers: &str,
        body: &str,
    ) -> crate::client::Answer {
        let headers = format!("{}{headers}", self.key());
        crate::client::send(self.address, crate::client::request(line, &headers, body)).await
    }

    /// What the gateway counted, as it is scraped.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    fn entries(&self) -> Vec<Entry> {
        let mut reader = Reader::new(self.journal.directory(), None);
        let mut entries = Vec::new();
        while let Some(located) = reader.next_entry().unwrap() {
            entries.push(located.entry);
        }
        entries
    }

    /// The records of all admitted calls, once the journal has written what it was handed.
    pub(crate) async fn admitted(&self) -> Vec<CallRecord> {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let of = |entry| match entry {
            Entry::Admitted(record) => Some(*record),
            _ => None,
        };
        self.entries().into_iter().filter_map(of).collect()
    }

    /// What became of `count` calls: waits until so many are settled, and a moment for more.
    pub(crate) async fn outcomes(&self, count: usize) -> Vec<(CallOutcome, bool)> {
        for _ in 0..100 {
            if self.settled().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        let settled = self.settled();
        assert_eq!(settled.len(), count, "{settled:?}");
        settled
    }

    fn settled(&self) -> Vec<(CallOutcome, bool)> {
        let of = |entry| match entry {
            Entry::Settled(settled) => Some((settled.outcome, settled.refunded)),
            _ => None,
        };
        self.entries().into_iter().filter_map(of).collect()
    }
}
