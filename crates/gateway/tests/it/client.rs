//! A caller at the level of bytes.

use std::{net::SocketAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Whether `read`, of which this was made, holds all of it.
    fn is_whole(&self, read: &[u8]) -> bool {
        if !read.windows(4).any(|four| four == b"\r\n\r\n") {
            return false;
        }
        if matches!(self.status, 204 | 304) {
            return true;
        }
        if self.header("transfer-encoding").is_some() {
            return self.body.ends_with("0\r\n\r\n");
        }
        let length = self.header("content-length");
        length.is_some_and(|length| self.body.len() >= length.parse().unwrap())
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends bytes and reads until the connection closes.
pub(crate) async fn send(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refuses early may close before everything is written.
    let _ = stream.write_all(bytes.as_ref()).await;
    read(&mut stream).await
}

/// Reads until the connection closes.
pub(crate) async fn read(stream: &mut TcpStream) -> Answer {
    let mut answer = Vec::new();
    let ended = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(
        ended.is_ok(),
        "the connection stayed open: {}",
        String::from_utf8_lossy(&answer)
    );
    Answer::parse(&String::from_utf8_lossy(&answer))
}

/// A request with more header lines (each with its line end) and a body.
pub(crate) fn request(line: &str, headers: &str, body: &str) -> String {
    let length = if body.is_empty() && !line.starts_with("POST") {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    format!(
        "{line} HTTP/1.1\r\nhost: gate.test\r\nconnection: close\r\n{length}{headers}\r\n{body}"
    )
}

/// The header line of HTTP Basic.
pub(crate) fn basic(user: &str, password: &str) -> String {
    let joined = STANDARD.encode(format!("{user}:{password}"));
    format!("authorization: Basic {joined}\r\n")
}

/// A connection that carries one request after the other.
pub(crate) struct Session {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Session {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
        }
    }

    /// Sends a request and reads its answer; connects anew when the gateway closed.
    pub(crate) async fn ask(&mut self, bytes: &[u8]) -> Answer {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().unwrap();
        let _ = stream.write_all(bytes).await;
        let mut read = Vec::new();
        let mut closed = false;
        let answer = loop {
            let answer = Answer::parse(&String::from_utf8_lossy(&read));
            if closed || answer.is_whole(&read) {
                break answer;
            }
            let more = timeout(Duration::from_secs(20), stream.read_buf(&mut read)).await;
            closed = more.expect("no answer").unwrap_or(0) == 0;
        };
        if closed || answer.header("connection") == Some("close") {
            self.stream = None;
        }
        answer
    }
}
