//! A small stateful upstream made from any OpenAPI document, for trying things out and for tests.
//!
//! It demands what a provider demands: the credential that Portreeve must inject (else 401), which
//! may be one of the account acted for, a signed context that fits the request (else 403), and its own ids of accounts: one of ours
//! (`acct_…`) anywhere in a request, or an account it does not know, is a 404. So a gateway that
//! forgets one of these does not look as if it worked.
//!
//! For each described operation it keeps objects per account: `POST` to a collection makes one,
//! `GET` reads it or lists them, `PUT`, `PATCH` and `POST` to it change it, `DELETE` removes it.
//! Every answer echoes what was received. `GET /_received` lists the last calls.
//!
//! A caller asks for a fault with the header `dev-fault`: `delay=250` (milliseconds),
//! `status=503`, `close=before` or `close=after` (the connection is closed without an answer,
//! before or after the call took effect), joined by commas.
//!
//! What it never does: run in production, or persist anything.
//!
//! To demand another credential: a variant of [`Demanded`] and its check in `demand`. To add a
//! fault: `fault`.

mod answer;
mod builder;
mod call;
mod demand;
mod fault;
mod log;
mod objects;
mod serve;

pub use builder::{ApiSettings, BuildProblem, Builder, Secrets};
pub use demand::Demanded;
pub use log::Received;
pub use serve::Handle;

/// The upstream; begin with [`DevUpstream::builder`].
#[derive(Debug)]
pub struct DevUpstream;

impl DevUpstream {
    /// An upstream without APIs.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }
}
