//! Cedar policies of capabilities (P-60): what they may speak of, whether they are sound, and
//! what they say of a call. The only crate that knows Cedar.
//!
//! A policy is a Cedar text that one or more capabilities name. It speaks of
//!
//! * `principal`, a `Developer`: every declared property, `verified`, `country` (optional), and
//!   `switched_off`, the set of capability names on its off-list. It is `in` every
//!   `Level::"ladder/level"` that it belongs to, so `principal in Level::"default/entry"` means
//!   entry or higher;
//! * `resource`, the `Account` acted for: every declared property, `verified`, `country`;
//! * `action`, the capability: `Action::"SIMPLE_SEND_MONEY"`;
//! * `context`: `api`, `operation`, `mode`, `country` (optional: where the call's address is),
//!   and `facts`, a record with the facts of the operations that use the policy's
//!   capabilities, each optional.
//!
//! Quantities are whole numbers of **millionths**: `context.facts.amount <= 2000000000` means at
//! most 2,000. Cedar's own `decimal` keeps four digits and a quantity six; rounding a limit
//! would let something through that the provider meant to refuse.
//!
//! Policies are parsed and validated, in strict mode, when they are applied, never when a call
//! waits: an attribute that may be missing must be asked for with `has` first. A policy that
//! does not look at `context` is settled once for all accounts that are alike in what policies
//! see. A policy that cannot be evaluated refuses; no error ever permits.
//!
//! What it never does: decide a call (it answers one gate), name a single account (lists do
//! that), read anything but what it is handed.
//!
//! To let policies speak of one more thing: its type in `schema`, its value in `party` (of an
//! account) or `context` (of a call), its line above.

mod bounds;
mod compile;
mod context;
mod judge;
mod party;
mod problem;
mod reads;
mod schema;

pub use compile::Policies;
pub use problem::PolicyProblem;
pub use schema::{Property, PropertyType};

#[cfg(test)]
mod tests;
