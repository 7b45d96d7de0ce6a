use std::sync::{Arc, Mutex};

use admission::{Admission, Parts};
use async_trait::async_trait;
use axum::{Router, body::Body};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use decision::Vocabulary;
use flows::{
    Admits, Authority, Carrier, Origins, PasswordSet, Passwords, RiskServices, Rules, SecretBook,
    Tried,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use http_kit::{Edge, Surface, dress};
use journal::{Durability, Journal, Options};
use keys::{InstallationKeys, IssuedFor, issue};
use management::Management;
use primitives::{Clock as _, ManualClock, Secret, SeededEntropy, Timestamp};
use quota::Counters;
use serde_json::{Value, json};
use snapshot::Loader;
use store::Store;
use store_contract::Failing;
use store_sqlite::SqliteStore;
use tower::ServiceExt as _;

/// What everybody here signs in with.
pub(crate) const PASSWORD: &str = "several words in a row";
/// A small market: two levels, one capability of each kind, a limit, a developer with an app.
pub(crate) const STATE: &str = r#"portreeve: 1
ladders:
  - name: default
    levels: [ { name: standard }, { name: advanced } ]
profiles:
  - { name: read-only, capabilities: [LOOK] }
regions:
  - { name: US, countries: [US] }
  - { name: EU, countries: [DE, FR] }
  - { name: embargoed, countries: [KP] }
capabilities:
  - { name: LOOK, level: standard }
  - { name: PAY, level: advanced }
  - { name: NO_FEE, business_unit: payments }
  - { name: PING, non_risk: true }
limits:
  - name: looks-per-day
    capabilities: [LOOK]
    counted: { window: day, per: developer }
    value: 100
apis:
  - name: shop
    description: shop.yaml
    mounts: [ { path: /shop } ]
    live: { url: "https://upstream.example" }
    operations:
      - { operation: look, uses: [LOOK] }
accounts:
  - { name: acme, kind: company, verified: true, country: US, developer: {} }
  - { name: jane, kind: person, verified: true }
apps:
  - { name: till, developer: acme, apis: [shop] }
"#;

pub(crate) const DESCRIPTION: &str = r#"openapi: 3.1.0
info: { title: Shop, version: "1" }
servers: [ { url: "https://upstream.example" } ]
paths:
  /wares/{id}:
    get:
      operationId: look
      parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
      responses: { "200": { description: ok } }
  /payments:
    post: { operationId: pay, responses: { "200": { description: ok } } }
"#;

/// An installation that is managed over HTTP, with a clock that the test moves.
pub(crate) struct Desk {
    pub(crate) router: Router,
    /// What it is made of.
    pub(crate) management: Management,
    pub(crate) token: Secret,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) authority: Authority,
    /// The same store, to let it fail.
    pub(crate) failing: Arc<Failing>,
    /// The risk service that is asked, wherever it is said to be.
    pub(crate) bureau: Arc<Bureau>,
    pub(crate) loader: Arc<Loader>,
    pub(crate) services: RiskServices,
    /// Where all is kept.
    pub(crate) folder: tempfile::TempDir,
}

/// A risk service: what it answers, and what it was asked.
#[derive(Default)]
pub(crate) struct Bureau {
    pub(crate) answer: Mutex<Option<String>>,
    pub(crate) asked: Mutex<Vec<Value>>,
}

#[async_trait]
impl Carrier for Bureau {
    async fn post(
        &self,
        url: &str,
        headers: [(&'static str, String); 3],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let names = headers.map(|(name, _)| name);
        let asked = json!({ "url": url, "headers": names, "body": body });
        self.asked.lock().unwrap().push(asked);
        let answer = self.answer.lock().unwrap().clone();
        answer
            .map(String::into_bytes)
            .ok_or("it is away".to_owned())
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: Value,
}

impl Answer {
    /// Fails unless the status is `status`.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// Fails unless it is a problem with this status and code.
    #[track_caller]
    pub(crate) fn refuses(self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.body
    }

    pub(crate) fn etag(&self) -> String {
        self.headers["etag"].to_str().unwrap().to_owned()
    }
}

impl Desk {
    /// An installation with nothing in it.
    pub(crate) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_760_000_000)));
        let entropy = Arc::new(SeededEntropy::new(3));
        let keys = InstallationKeys::generate(&*entropy).unwrap();
        let store = SqliteStore::open(folder.path().join("db"), clock.now()).await;
        let failing = Arc::new(Failing::over(Arc::new(store.unwrap())));
        let store: Arc<dyn Store> = Arc::clone(&failing) as _;
        let authority = Authority {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::clone(&entropy) as _,
            hashing: Arc::new(keys.hashing_key()),
            sealer: Arc::new(keys.sealer()),
            passwords: Passwords::new(&keys.hashing_key(), Arc::clone(&entropy) as _).unwrap(),
            rounds: flows::Rounds::default(),
        };
        let vocabulary = Arc::new(Vocabulary::default());
        let loader = Loader::start(Arc::clone(&store), vocabulary, Arc::clone(&clock) as _).await;
        let loader = Arc::new(loader.unwrap());
        let journal = folder.path().join("journal");
        let journal = Journal::open(&journal, Arc::clone(&clock) as _, Options::default());
        let parts = Parts {
            snapshots: Arc::clone(loader.handle()),
            counters: Arc::new(Counters::new()),
            journal: Arc::new(journal.unwrap()),
            habits: Arc::default(),
            places: Arc::default(),
            clock: Arc::clone(&clock) as _,
            counted: Durability::Relaxed,
        };
        let (bureau, secrets) = (Arc::new(Bureau::default()), SecretBook::default());
        let token = issue(IssuedFor::Operator, &*entropy).unwrap();
        let services = RiskServices {
            carrier: Arc::clone(&bureau) as _,
            secrets: secrets.clone(),
        };
        let management = Management {
            loader: Arc::clone(&loader),
            admission: Arc::new(Admission::new(parts, keys.hashing_key())),
            services: services.clone(),
            secrets,
            token: Arc::new(authority.hashing.hash(&token)),
            cursors: Arc::new(keys.cursor_key()),
            console: "http://localhost:8082".into(),
            rules: Arc::new(rules()),
            refused: flows::RefusedPasskeys::default(),
            shows_mails: true,
            sends_mails: false,
            authority: authority.clone(),
        };
        let router = management::router(management.clone());
        Self {
            router: dress(router, edge(entropy)),
            management,
            token,
            clock,
            store,
            authority,
            failing,
            bureau,
            loader,
            services,
            folder,
        }
    }

    /// An installation with [`STATE`] in force.
    pub(crate) async fn with_state() -> Self {
        let desk = Self::empty().await;
        desk.post("/v1/state/apply", &state_request(STATE))
            .await
            .is(200);
        desk
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            bytes,
        }
    }

    /// A request of the operator, with more headers.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        self.ask_as(&self.token, (method, path), headers, body)
            .await
    }

    /// A request with a bearer token.
    pub(crate) async fn ask_as(
        &self,
        token: &Secret,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", token.expose()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// Somebody who has taken an invitation: their id, and an access token of theirs.
    pub(crate) async fn person(
        &self,
        email: &str,
        roles: &[&str],
        units: &[&str],
    ) -> (String, Secret) {
        let wanted = json!({ "email": email, "name": "Kim", "roles": roles, "units": units });
        let invited = self.post("/v1/persons", &wanted).await.is(201).body;
        let url = invited["link"]["url"].as_str().unwrap();
        let (_, code) = url.split_once("code=").unwrap();
        let password = Secret::new(PASSWORD.to_owned());
        let set = flows::set_password_by_link(&self.authority, (code, password), "a browser").await;
        assert!(
            matches!(set, Ok(PasswordSet::Tried(Tried::In(_)))),
            "{set:?}"
        );
        let id = invited["person"]["id"].as_str().unwrap().to_owned();
        let found = flows::find_person(&self.authority, id.parse().unwrap()).await;
        (id, self.token_of(&found.unwrap()).await)
    }

    /// A new access token of somebody.
    pub(crate) async fn token_of(&self, person: &flows::Person) -> Secret {
        let password = Secret::new(PASSWORD.to_owned());
        let made = flows::make_access_token(&self.authority, person, password, ("ci", 30)).await;
        made.unwrap().secret
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &[], Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, &[], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, &[], None).await
    }

    /// A request with HTTP Basic, as an app makes it.
    pub(crate) async fn as_app(&self, path: &str, (id, secret): (&str, &str)) -> Answer {
        let basic = STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::get(path).header("authorization", format!("Basic {basic}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// The same with a method and a body.
    pub(crate) async fn ask_as_app(
        &self,
        (id, secret): (&str, &str),
        (method, path): (&str, &str),
        body: Option<&Value>,
    ) -> Answer {
        let basic = STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Basic {basic}"));
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// What the clock says, as the API writes it.
    pub(crate) fn clock_text(&self) -> String {
        self.clock.now().to_string()
    }

    /// A live key of the app `till`: id and secret.
    pub(crate) async fn key(&self) -> (String, String) {
        let issued = self
            .post("/v1/apps/till/keys", &json!({ "mode": "live" }))
            .await;
        let issued = issued.is(201).body;
        (
            issued["key"]["id"].as_str().unwrap().to_owned(),
            issued["secret"].as_str().unwrap().to_owned(),
        )
    }
}

/// How the listener of a test meets the world.
fn edge(entropy: Arc<SeededEntropy>) -> Edge {
    Edge {
        surface: Surface::Api,
        tls: false,
        body_limit: management::LONGEST_BODY,
        hosts: None,
        proxies: Arc::default(),
        body_time: std::time::Duration::from_mins(1),
        entropy,
    }
}

fn rules() -> Rules {
    Rules {
        admits: Admits::Everybody,
        terms: None,
        per_network_hour: 20,
        email_verifies: true,
        origins: Origins {
            name: "Here".to_owned(),
            site: "http://localhost:8081".to_owned(),
            console: "http://localhost:8082".to_owned(),
        },
    }
}

/// The body that applies a state file.
pub(crate) fn state_request(state: &str) -> Value {
    json!({
        "files": [ { "path": "market.yaml", "text": state } ],
        "descriptions": [ { "path": "shop.yaml", "text": DESCRIPTION } ],
    })
}
