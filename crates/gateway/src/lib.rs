//! Door 1: our own proxy. Accept, read the request in its only reading, ask `admission`, forward
//! once, settle once.
//!
//! The life of a call: `connection` (bounds of a connection) → `wire` (the strict grammar, before
//! hyper reads a byte) → `exchange` (canonical request,
//! CORS, admission, body if it is asked for) → `plan` (the upstream request, made from the
//! parsed form) → `forward` (credential, send) → `answer` (stream back, count) → `settle` (told
//! to admission exactly once, whatever happens: it is what a dropped call leaves behind).
//!
//! What it never does: decide, count, forward raw bytes of a request's head, send a call twice,
//! show an app the upstream's credential, or the upstream an app's.
//!
//! To add a way to authenticate towards upstreams: a variant of `catalog::UpstreamCredential`
//! and its branch in `credential.rs`. To add a bound: a field of [`Limits`].

mod account;
mod addresses;
mod answer;
mod arrival;
mod ask;
mod base;
mod body;
mod connection;
mod connector;
mod cors;
mod credential;
mod driven;
mod exchange;
mod forward;
mod gateway;
mod health;
mod interim;
mod limits;
mod load;
mod metrics;
mod plan;
mod pool;
mod refusal;
mod settle;
mod timer;
mod tls;
mod tokens;
mod trailers;
mod upstreams;
pub mod wire;
mod workers;

pub use ask::{Asked, NotAsked};
pub use gateway::{Gateway, GatewayParts, GatewayProblem, UpstreamSecrets};
pub use health::UpstreamHealth;
pub use limits::Limits;
pub use tls::{Callers, TlsCertificate, TlsProblem, read_authorities};
pub use workers::Workers;
