//! What attackers send, generated from the document of the API, so that no operation is left out.

mod audit;
mod bounds;
mod closed;
mod described;
mod inventory;
mod others;

/// Where anybody who is signed in does what is their own.
const OWN: &[&str] = &[
    "/v1/access-tokens",
    "/v1/one-time-codes",
    "/v1/passkeys",
    "/v1/password",
    "/v1/recovery-codes",
    "/v1/sign-ins",
];
