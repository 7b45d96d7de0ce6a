use std::time::Duration;

use async_trait::async_trait;
use flows::Carrier;
use reqwest::{Client, header::CONTENT_TYPE, redirect::Policy};

/// The whole exchange with a risk service.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest answer of one.
const LONGEST: usize = 64 * 1024;

/// Asks risk services over HTTP. An answer from elsewhere, by a redirect, is none.
pub(crate) struct Https(Client);

impl Https {
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder().timeout(DEADLINE).redirect(Policy::none());
        Ok(Self(client.build()?))
    }
}

#[async_trait]
impl Carrier for Https {
    async fn post(
        &self,
        url: &str,
        headers: [(&'static str, String); 3],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let request = self.0.post(url).header(CONTENT_TYPE, "application/json");
        let request = headers.into_iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        // A URL may have something secret in its query.
        let told = |failure: reqwest::Error| failure.without_url().to_string();
        let mut answer = request.body(body).send().await.map_err(told)?;
        if !answer.status().is_success() {
            return Err(format!("it answered {}", answer.status().as_u16()));
        }
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(told)? {
            bytes.extend_from_slice(&part);
            if bytes.len() > LONGEST {
                return Err(format!("its answer is longer than {LONGEST} bytes"));
            }
        }
        Ok(bytes)
    }
}
