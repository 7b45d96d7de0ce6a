use std::{error::Error, fmt::Write as _, path::Path};

use reqwest::{Method, RequestBuilder, header::CONTENT_TYPE};
use serde_json::Value;

use crate::{
    cli::ConnectArguments,
    failure::{Failure, why},
    progress::Progress,
};

/// Speaks to management REST of one installation.
pub(crate) struct Client {
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Client {
    /// Finds the installation: flag, environment, or the `dev.json` of a `serve --dev`.
    ///
    /// # Errors
    /// When neither tells address and token.
    pub(crate) fn connect(arguments: &ConnectArguments) -> Result<Self, Failure> {
        let dev = dev_json(&arguments.data);
        let text = |key: &str| Some(dev.as_ref()?.get(key)?.as_str()?.to_owned());
        let base = arguments.management.clone().or_else(|| text("management"));
        let token = arguments.token.clone().or_else(|| text("operator_token"));
        let (Some(base), Some(token)) = (base, token) else {
            return Err(Failure::new(format!(
                "which installation? give --management and --token (or PORTREEVE_MANAGEMENT and \
                 PORTREEVE_TOKEN), or --data with the directory of a running `serve --dev`; \
                 `{}` is not there",
                arguments.data.join("dev.json").display()
            )));
        };
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            token,
            http: reqwest::Client::new(),
        })
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let mut address = format!("{}{path}", self.base);
        for (index, (name, value)) in query.iter().enumerate() {
            let before = if index == 0 { '?' } else { '&' };
            // Writing to a `String` cannot fail.
            let _ = write!(address, "{before}{name}={}", escaped(value));
        }
        self.send(self.http.get(address)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.with_body(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.with_body(Method::PUT, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.send(self.http.delete(format!("{}{path}", self.base)))
            .await
    }

    /// Posts what takes long, showing how far it is; `then` is what the server does with it.
    pub(crate) async fn post_shown(
        &self,
        (path, body): (&str, &Value),
        progress: &Progress,
        then: &'static str,
    ) -> Result<Value, Failure> {
        let content = serde_json::to_vec(body).map_err(why("writing the request"))?;
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/json")
            .body(reqwest::Body::wrap(progress.body(content, then)));
        self.send(request).await
    }

    async fn with_body(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        let address = format!("{}{path}", self.base);
        self.send(self.http.request(method, address).json(body))
            .await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let (status, text) = self.exchange(request).await?;
        if status >= 400 {
            return Err(refused(status, &text));
        }
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(why("the answer is not JSON"))
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<(u16, String), Failure> {
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.map_err(|problem| {
            let reason = innermost(&problem);
            Failure::new(format!("{} does not answer: {reason}", self.base))
        })?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(why("reading the answer"))?;
        Ok((status, text))
    }
}

/// The reason below all that was being done: refused, no such host, an unknown certificate.
fn innermost(problem: &dyn Error) -> String {
    let mut reason = problem;
    while let Some(below) = reason.source() {
        reason = below;
    }
    reason.to_string()
}

fn dev_json(directory: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(directory.join("dev.json")).ok()?;
    serde_json::from_str(&text).ok()
}

/// A value of a query or a segment of a path: everything but unreserved characters is escaped.
pub(crate) fn escaped(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// What a problem body says, for a person: every fault with its place and mend.
fn refused(status: u16, body: &str) -> Failure {
    let Ok(problem) = serde_json::from_str::<Value>(body) else {
        return Failure::new(format!("refused with status {status}: {}", body.trim()));
    };
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(|found| {
            found
                .as_str()
                .map(str::to_owned)
                .or_else(|| found.as_u64().map(|n| n.to_string()))
        })
    };
    let mut message = text(&problem, "detail")
        .or_else(|| text(&problem, "title"))
        .unwrap_or_else(|| format!("refused with status {status}"));
    if let Some(code) = text(&problem, "code") {
        // Writing to a `String` cannot fail.
        let _ = write!(message, " (`{code}`)");
    }
    let faults = problem.get("errors").and_then(Value::as_array);
    let faults = faults.map_or(&[][..], Vec::as_slice);
    if !faults.is_empty() {
        let plural = if faults.len() == 1 { "" } else { "s" };
        message = format!("{} problem{plural}; nothing was changed", faults.len());
    }
    for fault in faults {
        let place: Vec<String> = ["file", "line", "column"]
            .iter()
            .filter_map(|key| text(fault, key))
            .collect();
        let place = if place.is_empty() {
            text(fault, "field")
                .or_else(|| text(fault, "pointer"))
                .unwrap_or_default()
        } else {
            place.join(":")
        };
        let separator = if place.is_empty() { "" } else { ": " };
        let detail = text(fault, "detail").unwrap_or_default();
        let mend = text(fault, "mend")
            .map(|mend| format!("; {mend}"))
            .unwrap_or_default();
        let _ = write!(message, "\n{place}{separator}{detail}{mend}");
    }
    Failure::new(message)
}
