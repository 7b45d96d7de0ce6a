//! The hot use-case that every door shares: identify the caller, find the operation, decide,
//! reserve every counter, admit in the journal, and hand out a [`Permit`] by value.
//!
//! [`Admission::arrive`] answers a request's head. What can be refused without the body is
//! refused then; where the answer depends on the body, [`AwaitingBody::with_body`] continues.
//! A [`Permit`] is the only way to an upstream, and is settled exactly once.
//!
//! What it never does: speak HTTP, touch SQL, buffer a body, or count a call that it refuses.
//!
//! To add a door: read a request into an [`Arrival`], and turn a [`Refusal`] or a [`Permit`]
//! into whatever the door speaks. To add a way to be recognised: a variant of [`Presented`] and
//! its reading in `identify.rs`.

mod admit;
mod arrival;
mod case;
mod context;
mod evidence;
mod explain;
mod facts;
mod forward;
mod habits;
mod identify;
mod limits;
mod permit;
mod record;
mod refusal;
mod target;
mod ticket;
mod unusual;
mod zone;

pub use admit::{Admission, Arrived, AwaitingBody, Parts};
pub use arrival::{Arrival, ClientCertificate, Presented};
pub use context::{Context, ContextAccount, ContextCapability, ContextLimit, Named};
pub use explain::{Audience, Names, cut, explanation, first_refusal, granted_in_words};
pub use habits::{Coming, Habits, Judged, Lower, Whose, anomaly_id};
pub use identify::{Identified, Unidentified};
pub use limits::{RateLimit, rate_limit_fields};
pub use permit::{ExternalAccount, Permit};
pub use refusal::Refusal;

#[cfg(test)]
mod tests;
