use std::{net::SocketAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// A client with one connection at a time. It never repeats a request by itself, so that what
/// it was told about a request is about that one request.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    authorization: Option<String>,
    connection: Option<SendRequest<Full<Bytes>>>,
    patience: Duration,
}

/// What a client was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why a client was answered nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// No connection came about, so that nothing was sent.
    Unsent,
    /// Something was sent, and nobody knows what became of it.
    Unknown,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of a problem; empty without one.
    #[must_use]
    pub fn code(&self) -> String {
        let code = self.json();
        code["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header's text; empty without one.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Client {
    /// A client of the server at `address`, that waits ten seconds for an answer.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            authorization: None,
            connection: None,
            patience: Duration::from_secs(10),
        }
    }

    /// Who says to be the app of this key.
    #[must_use]
    pub fn basic(mut self, (id, secret): (&str, &str)) -> Self {
        let pair = STANDARD.encode(format!("{id}:{secret}"));
        self.authorization = Some(format!("Basic {pair}"));
        self
    }

    /// Who shows this token.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.authorization = Some(format!("Bearer {token}"));
        self
    }

    /// How long an answer is waited for.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Speaks to another address from now on.
    pub fn move_to(&mut self, address: SocketAddr) {
        self.address = address;
        self.connection = None;
    }

    /// Asks for something.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn get(&mut self, path: &str) -> Result<Answer, Lost> {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer, Lost> {
        let body = Bytes::from(body.to_string());
        self.send(Method::POST, path, headers, body).await
    }

    /// Sends a request, once.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer, Lost> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let says =
            |wanted: &hyper::header::HeaderName| headers.iter().any(|(name, _)| *wanted == *name);
        if !body.is_empty() && !says(&CONTENT_TYPE) {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("a request");
        let mut connection = self.connection().await?;
        let exchange = async {
            let answer = connection
                .send_request(request)
                .await
                .map_err(|_| Lost::Unknown)?;
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.map_err(|_| Lost::Unknown)?;
            Ok(Answer {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body: body.to_bytes(),
            })
        };
        let answer = timeout(self.patience, exchange).await;
        let answer = answer.unwrap_or(Err(Lost::Unknown))?;
        self.connection = Some(connection);
        Ok(answer)
    }

    async fn connection(&mut self) -> Result<SendRequest<Full<Bytes>>, Lost> {
        if let Some(mut kept) = self.connection.take()
            && kept.ready().await.is_ok()
        {
            return Ok(kept);
        }
        let connect = async {
            let stream = TcpStream::connect(self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(async move {
                // How it ended is told to whoever waits for an answer.
                let _ = connection.await;
            });
            Some(sender)
        };
        let connected = timeout(self.patience, connect).await;
        connected.ok().flatten().ok_or(Lost::Unsent)
    }
}
