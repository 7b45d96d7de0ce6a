//! What the upstream demands, keeps and can be asked to get wrong.

use std::{sync::Arc, time::Duration};

use catalog::{Upstream, UpstreamCredential, UpstreamIdentity};
use dev_upstream::{ApiSettings, Builder, Demanded, DevUpstream, Handle, Secrets};
use primitives::{Clock, ManualClock, Name, Secret, Timestamp};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};
use verifier::Verifier;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const DESCRIPTION: &str = "
openapi: 3.1.0
info: { title: Phones, version: 1 }
paths:
  /Accounts/{Sid}.json: { get: {} }
  /Accounts/{AccountSid}/Calls.json: { get: {}, post: {} }
  /Accounts/{AccountSid}/Calls/{Sid}.json: { get: {}, post: {}, delete: {} }
";

struct Running {
    handle: Handle,
    clock: Arc<ManualClock>,
    stop: oneshot::Sender<()>,
    client: Client,
}

impl Running {
    async fn new(credential: Demanded, signed: bool, accounts: &[&str]) -> Self {
        Self::with(credential, signed, accounts, |builder| builder).await
    }

    async fn with(
        credential: Demanded,
        signed: bool,
        accounts: &[&str],
        more: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let audience = format!("http://{}/phones", listener.local_addr().unwrap());
        let context = signed.then(|| Verifier::shared(KEY).unwrap().audience(audience));
        let settings = ApiSettings {
            credential,
            context,
            accounts: accounts.iter().map(|&id| id.to_owned()).collect(),
        };
        let clock = Arc::new(ManualClock::at(NOW));
        let (stop, stopped) = oneshot::channel();
        let builder = DevUpstream::builder()
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .api("/phones/", DESCRIPTION, settings)
            .unwrap();
        let handle = more(builder)
            .serve(listener, async {
                drop(stopped.await);
            })
            .unwrap();
        Self {
            handle,
            clock,
            stop,
            client: Client::new(),
        }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("http://{}{path}", self.handle.address());
        self.client.request(method, url)
    }

    /// A request with the context that a gateway would sign for it.
    fn signed(&self, method: &str, path: &str, account: &str) -> RequestBuilder {
        self.request(method, path)
            .header(keys::CONTEXT_HEADER, self.context(method, path, account))
    }

    fn context(&self, method: &str, path: &str, account: &str) -> String {
        let authority = self.handle.address().to_string();
        let now = self.clock.now().as_seconds();
        let claims = json!({
            "iss": "test", "aud": format!("http://{authority}/phones"),
            "iat": now, "exp": now + 60,
            "htm": method, "hta": authority, "htp": keys::request_hash(method, &authority, path),
            "decision": "dec_00000000000000000000000001",
            "app": { "id": "app_1", "name": "app" },
            "developer": { "id": "acct_1", "name": "developer" },
            "account": { "id": "acct_2", "name": "user", "external_id": account },
            "mode": "live", "capabilities": [],
        });
        let key = keys::SigningKey::shared(KEY).unwrap();
        key.sign(keys::CONTEXT_TYPE, &claims).unwrap()
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        drop(self.client);
        self.handle.finished().await;
    }
}

async fn sent(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn code(request: RequestBuilder) -> (u16, String) {
    let (status, body) = sent(request).await;
    (
        status.as_u16(),
        body["code"].as_str().unwrap_or_default().to_owned(),
    )
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

const CALLS: &str = "/phones/Accounts/AC1/Calls.json";

#[tokio::test]
async fn an_account_s_own_credential_is_demanded_instead() {
    let of_api = Demanded::Basic {
        user: "portreeve".to_owned(),
        password: secret("right"),
    };
    let phones = Upstream {
        url: "http://phones.test/phones".to_owned(),
        credential: UpstreamCredential::None,
        timeout: Duration::from_secs(1),
        identity: UpstreamIdentity::Ed25519,
        refund_server_errors: false,
    };
    let own = UpstreamCredential::Basic {
        user: "AC2".to_owned(),
        secret: "of-ac2".parse().unwrap(),
    };
    let upstream = Running::with(of_api, true, &["AC1", "AC2"], |builder| {
        let of = |_: &Name| Some(secret("own"));
        let secrets = Secrets { of: &of, jwks: "" };
        builder.account(&phones, "AC2", &own, secrets).unwrap()
    })
    .await;
    let others = "/phones/Accounts/AC2/Calls.json";
    let refused = (401, "credential_refused".to_owned());
    for (path, account, user, password, expected) in [
        (CALLS, "AC1", "portreeve", "right", None),
        (CALLS, "AC1", "AC2", "own", Some(&refused)),
        (others, "AC2", "AC2", "own", None),
        (others, "AC2", "portreeve", "right", Some(&refused)),
    ] {
        let call = upstream.signed("GET", path, account);
        let answered = code(call.basic_auth(user, Some(password))).await;
        match expected {
            Some(expected) => assert_eq!(answered, *expected, "{account} {user}"),
            None => assert_eq!(answered.0, 200, "{account} {user}: {answered:?}"),
        }
    }
    upstream.stop().await;
}

#[tokio::test]
async fn the_upstreams_own_credential_is_demanded() {
    let basic = Demanded::Basic {
        user: "portreeve".to_owned(),
        password: secret("right"),
    };
    let upstream = Running::new(basic, false, &[]).await;
    let refused = (401, "credential_refused".to_owned());
    assert_eq!(code(upstream.request("GET", CALLS)).await, refused);
    let wrong = upstream
        .request("GET", CALLS)
        .basic_auth("portreeve", Some("wrong"));
    assert_eq!(code(wrong).await, refused);
    let right = upstream
        .request("GET", CALLS)
        .basic_auth("portreeve", Some("right"));
    assert_eq!(sent(right).await.0, 200);
    upstream.stop().await;

    let header = Demanded::Header {
        name: "x-api-key".to_owned(),
        value: secret("right"),
    };
    let upstream = Running::new(header, false, &[]).await;
    let twice = upstream.request("GET", CALLS).header("x-api-key", "right");
    assert_eq!(code(twice.header("x-api-key", "right")).await, refused);
    let right = upstream.request("GET", CALLS).header("x-api-key", "right");
    assert_eq!(sent(right).await.0, 200);
    upstream.stop().await;
}

#[tokio::test]
async fn a_token_is_issued_to_the_client_and_ends() {
    let bearer = Demanded::Bearer {
        client: "portreeve".to_owned(),
        secret: secret("right"),
    };
    let upstream = Running::new(bearer, false, &[]).await;
    let ask = |password: &str| {
        let form = [("grant_type", "client_credentials")];
        let request = upstream.request("POST", "/oauth/token").form(&form);
        request.basic_auth("portreeve", Some(password))
    };
    assert_eq!(sent(ask("wrong")).await.0, 401);
    let (_, granted) = sent(ask("right")).await;
    assert_eq!(granted["token_type"], "Bearer");
    let token = granted["access_token"].as_str().unwrap();
    let call = || upstream.request("GET", CALLS).bearer_auth(token);
    assert_eq!(sent(call()).await.0, 200);
    assert_eq!(
        sent(upstream.request("GET", CALLS).bearer_auth("other"))
            .await
            .0,
        401
    );
    upstream.clock.advance_seconds(301);
    assert_eq!(sent(call()).await.0, 401);
    upstream.stop().await;
}

#[tokio::test]
async fn a_context_for_this_very_request_is_demanded() {
    let upstream = Running::new(Demanded::Nothing, true, &["AC1", "AC2"]).await;
    let refused = (403, "context_refused".to_owned());
    assert_eq!(code(upstream.request("GET", CALLS)).await, refused);
    let context = upstream.context("GET", CALLS, "AC1");
    let moved = upstream
        .request("GET", &format!("{CALLS}?a=b"))
        .header(keys::CONTEXT_HEADER, context);
    assert_eq!(code(moved).await, refused);
    let late = upstream.signed("GET", CALLS, "AC1");
    upstream.clock.advance_seconds(200);
    assert_eq!(code(late).await, refused);
    let (status, body) = sent(upstream.signed("GET", CALLS, "AC1")).await;
    assert_eq!(status, 200);
    assert_eq!(body["received"]["account"], "AC1");
    assert_eq!(
        body["received"]["decision"],
        "dec_00000000000000000000000001"
    );
    upstream.stop().await;
}

#[tokio::test]
async fn it_knows_its_own_accounts_only() {
    let upstream = Running::new(Demanded::Nothing, true, &["AC1", "AC2"]).await;
    let unknown = (404, "account_unknown".to_owned());
    let ours = "acct_00000000000000000000000001";
    for (path, account) in [
        (format!("/phones/Accounts/{ours}/Calls.json"), "AC1"),
        (format!("/phones/Accounts/{ours}.json"), "AC1"),
        (format!("{CALLS}?of={ours}"), "AC1"),
        (CALLS.to_owned(), "AC2"),
        (CALLS.to_owned(), "AC3"),
    ] {
        assert_eq!(
            code(upstream.signed("GET", &path, account)).await,
            unknown,
            "{path}"
        );
    }
    let body = upstream
        .signed("POST", CALLS, "AC1")
        .json(&json!({ "a": [ours] }));
    assert_eq!(code(body).await, unknown);
    let own = upstream.signed("GET", "/phones/Accounts/AC1.json", "AC1");
    assert_eq!(sent(own).await.0, 200);
    upstream.stop().await;
}

#[tokio::test]
async fn objects_are_kept_per_account_and_calls_are_written_down() {
    let upstream = Running::new(Demanded::Nothing, true, &["AC1", "AC2"]).await;
    let creation = upstream
        .signed("POST", CALLS, "AC1")
        .form(&[("To", "+1"), ("To", "+2")]);
    let (status, made) = sent(creation).await;
    assert_eq!(status, 201);
    assert_eq!(made["object"]["To"], json!(["+1", "+2"]));
    let id = made["id"].as_str().unwrap();
    let one = format!("/phones/Accounts/AC1/Calls/{id}.json");
    let (_, read) = sent(upstream.signed("GET", &one, "AC1")).await;
    assert_eq!(read["object"], made["object"]);
    let other = format!("/phones/Accounts/AC2/Calls/{id}.json");
    assert_eq!(sent(upstream.signed("GET", &other, "AC2")).await.0, 404);
    let (_, list) = sent(upstream.signed("GET", CALLS, "AC1")).await;
    assert_eq!(list["objects"].as_array().unwrap().len(), 1);
    assert_eq!(sent(upstream.signed("DELETE", &one, "AC1")).await.0, 200);
    assert_eq!(sent(upstream.signed("GET", &one, "AC1")).await.0, 404);
    let put = upstream.signed("PUT", &one, "AC1");
    assert_eq!(code(put).await, (405, "method_unknown".to_owned()));
    let received = upstream.handle.received();
    assert_eq!(received.len(), 7);
    assert_eq!(&received[0].body[..], b"To=%2B1&To=%2B2");
    assert_eq!(
        received[0].operation.as_deref(),
        Some("POST /Accounts/{AccountSid}/Calls.json")
    );
    assert_eq!(received[0].status, Some(StatusCode::CREATED));
    let (_, shown) = sent(upstream.request("GET", "/_received")).await;
    let context = shown[0]["headers"]["portreeve-context"].as_str().unwrap();
    assert!(context.ends_with("characters)"), "{context}");
    upstream.handle.forget();
    assert!(upstream.handle.received().is_empty());
    upstream.stop().await;
}

#[tokio::test]
async fn it_fails_as_it_is_asked_to() {
    let upstream = Running::new(Demanded::Nothing, false, &[]).await;
    let post = |fault: &str| upstream.request("POST", CALLS).header("dev-fault", fault);
    assert_eq!(
        code(post("status=503")).await,
        (503, "asked_for".to_owned())
    );
    assert_eq!(
        code(post("nonsense")).await,
        (400, "malformed_request".to_owned())
    );
    assert!(post("close=before").send().await.is_err());
    let count = || async {
        let (_, list) = sent(upstream.request("GET", CALLS)).await;
        list["objects"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 0);
    assert!(post("close=after").send().await.is_err());
    assert_eq!(count().await, 1);
    let waited = tokio::time::timeout(
        std::time::Duration::from_millis(50),
        post("delay=60000").send(),
    );
    assert!(waited.await.is_err());
    let closed = upstream.handle.received();
    assert_eq!(
        closed.iter().filter(|call| call.status.is_none()).count(),
        2
    );
    drop(upstream);
}
