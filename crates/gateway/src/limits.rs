use std::time::Duration;

use ipnet::IpNet;

/// Every bound of the public listener. Nothing that a caller or an upstream does is unbounded.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; more wait in the system's backlog.
    pub connections: usize,
    /// Open connections of one address, of IPv6 of one /64; more are closed at once. 0 is any
    /// number; those of `proxy_networks` are not counted.
    pub connections_per_address: usize,
    /// Calls in progress; more are answered `overloaded`.
    pub calls: usize,
    /// Calls that may be in progress towards each upstream however slowly it answers.
    pub least_calls: usize,
    /// Bytes of bodies that are kept in memory at once.
    pub body_memory: u64,
    /// From the start of a connection, or the first byte of a later head, to the head's end.
    pub head_timeout: Duration,
    /// How long a connection waits for its next request.
    pub keep_alive: Duration,
    /// For so long a connection takes new requests; the answer after that is its last.
    pub connection_total: Option<Duration>,
    /// The longest head of a request, in bytes.
    pub head_bytes: usize,
    /// The longest body that is read for a decision, in bytes.
    pub decision_body_bytes: u64,
    /// The longest body that is forwarded, in bytes.
    pub body_bytes: u64,
    /// The longest pause within a request's body.
    pub body_idle: Duration,
    /// The longest time a request's body may take as a whole.
    pub body_total: Duration,
    /// For connecting to an upstream, TLS included.
    pub connect_timeout: Duration,
    /// The longest pause within an answer's body, on either side.
    pub answer_idle: Duration,
    /// How long calls in progress may take after the shutdown began.
    pub drain: Duration,
    /// Idle connections kept to each upstream.
    pub idle_per_upstream: usize,
    /// How many proxies of our own stand before this one: so many entries at the end of
    /// `X-Forwarded-For` are believed.
    pub trusted_proxies: usize,
    /// Where those proxies are: an address outside is believed about nobody. Empty: anywhere.
    pub proxy_networks: Vec<IpNet>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: 3072,
            calls: 4096,
            least_calls: 32,
            body_memory: 256 * 1024 * 1024,
            head_timeout: Duration::from_secs(15),
            keep_alive: Duration::from_secs(75),
            connection_total: None,
            head_bytes: 32 * 1024,
            decision_body_bytes: 1024 * 1024,
            body_bytes: 64 * 1024 * 1024,
            body_idle: Duration::from_secs(30),
            body_total: Duration::from_mins(5),
            connect_timeout: Duration::from_secs(5),
            answer_idle: Duration::from_mins(1),
            drain: Duration::from_secs(30),
            idle_per_upstream: 128,
            trusted_proxies: 0,
            proxy_networks: Vec::new(),
        }
    }
}
