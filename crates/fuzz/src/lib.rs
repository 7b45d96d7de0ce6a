//! What every parser at a trust boundary promises of any bytes whatever: a target is a function
//! that is given bytes and fails when a promise is broken.
//!
//! `cargo xtask fuzz TARGET` lets libFuzzer look for such bytes; what it found worth keeping is
//! under `corpus/TARGET`, and the tests here replay that, and thousands of mutants of it, in
//! seconds.
//!
//! What it never does: open a socket, or take "it did not panic" for enough. Every target states
//! what holds of what was accepted.
//!
//! To add a target: a function of bytes in the module of its kind, its row in [`TARGETS`], and
//! a few small files in its folder of `corpus/`.

mod credentials;
mod documents;
mod heads;
mod journals;
mod passkeys;
mod records;
mod wire;

/// A parser and what it promises.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called; the name of its folder.
    pub name: &'static str,
    /// Fails when a promise is broken.
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// All of them, by name.
pub const TARGETS: [Target; 22] = [
    target("basic", credentials::basic),
    target("body", documents::body),
    target("cursor", credentials::cursor),
    target("framing", wire::framing),
    target("geoip", records::geoip),
    target("hash", credentials::hash),
    target("head", heads::head),
    target("headers", heads::headers),
    target("host", heads::host),
    target("idempotency-key", heads::idempotency_key),
    target("journal", journals::journal),
    target("jsonpath", documents::jsonpath),
    target("jwks", credentials::jwks),
    target("jwt", credentials::jwt),
    target("openapi", documents::openapi),
    target("passkey-made", passkeys::made),
    target("passkey-shown", passkeys::shown),
    target("path", heads::path),
    target("query", heads::query),
    target("secret", credentials::secret),
    target("state", documents::state),
    target("traceparent", heads::traceparent),
];

/// The target called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
