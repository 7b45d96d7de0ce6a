//! Passkeys (WebAuthn Level 3): what a browser is asked for, and what its answer proves.
//!
//! An answer is read twice. First strictly, here: every field that something rests on is there
//! once and in one form, and nothing stands beside it ([`RegistrationAnswer`], [`SignInAnswer`]). Then
//! `webauthn-rs` verifies it, from the same bytes; no cryptography is done here. What a browser
//! answers is worth nothing before a [`Party`] has verified it.
//!
//! What it never does: keep anything, know a person, a clock or a socket, choose a challenge, or
//! say that a challenge was one of ours. Whoever calls takes the challenge that the signed client
//! data carry, once, before they believe the rest.
//!
//! To allow another algorithm: its row in `key.rs`, and its number in the options of a
//! registration.

mod answer;
mod authenticator;
mod cbor;
mod client;
mod key;
mod party;
mod refusal;

pub use answer::{LONGEST_CREDENTIAL, RegistrationAnswer, SignInAnswer};
pub use party::{Holder, NewPasskey, NoParty, Party, Shown};
pub use refusal::Refusal;
