//! What an upstream links to read, and to enforce, what was decided about a call: the signed
//! context that arrives in the header `Portreeve-Context`.
//!
//! ```
//! # use verifier::{RequestLine, Verifier};
//! # fn serve(request: &http::Request<()>, now: primitives::Timestamp)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::shared(b"the key that the provider set for this upstream")?
//!     .audience("https://api.internal/payments");
//! let context = verifier.verify(
//!     verifier::token(request.headers())?,
//!     &RequestLine::of(request)?,
//!     now,
//! )?;
//! let sending = context.require("SIMPLE_SEND_MONEY")?;
//! println!("{} may, limits: {:?}", context.app.name, sending.limits);
//! # Ok(())
//! # }
//! ```
//!
//! A context is good for one request line, one upstream and about a minute. What is not
//! checked: whether it came twice. An upstream that must know remembers [`Context::decision`]
//! for [`LONGEST_LIFE_SECONDS`] and refuses a second one.
//!
//! What this crate never does: link anything of the server, fetch keys over a network, or
//! believe a token about its own algorithm.
//!
//! To read another claim: a field of [`Context`] with a default, because older gateways do not
//! send it.

mod context;
mod refusal;
mod verify;

pub use context::{Account, Capability, Context, Limit, Named, NotGranted};
pub use keys::{KeyProblem, TokenProblem};
pub use refusal::Refusal;
pub use verify::{
    LONGEST_LIFE_SECONDS, RequestLine, SKEW_SECONDS, Verifier, WithoutAudience, token,
};

#[cfg(test)]
mod tests;
