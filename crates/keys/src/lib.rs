//! Everything secret: issued secrets and their hashes, the installation's own keys, sealed
//! secrets, one-time codes, recovery codes, passwords, authenticated cursors, and signing and verifying tokens.
//!
//! Two ways to keep a secret: *hashed* when it is only ever compared ([`HashedSecret`],
//! [`OneTimeCode`], slowly what people choose: [`PasswordHashing`]), *sealed* when it must be used again ([`Sealer`], for one the
//! [`CodeSeed`]). What it never does: show
//! a secret (no `Display`, a `Debug` without value), compare one byte by byte, take a token's
//! own word for its algorithm, or invent cryptography (`aws-lc-rs`, `jsonwebtoken`,
//! `argon2` and `totp-rs` do it).
//!
//! To add a hash scheme for imported secrets: a variant of [`HashedSecret`] with its text form.
//! To add an algorithm: a variant of [`Algorithm`], pinned to its keys in `token.rs`.

mod code;
mod context;
mod cursor;
mod hashed;
mod installation;
mod issued;
mod one_time;
mod password;
mod recovery;
mod sealed;
mod signers;
mod token;
mod webhook;

pub use code::OneTimeCode;
pub use context::{CONTEXT_HEADER, CONTEXT_TYPE, request_hash};
pub use cursor::{CursorKey, CursorRefused};
pub use hashed::{HashProblem, HashedSecret, HashingKey};
pub use installation::{InstallationKeys, KeyFileProblem};
pub use issued::{IssuedFor, IssuedSecretProblem, hint, issue, read_issued};
pub use one_time::CodeSeed;
pub use password::{PasswordHashProblem, PasswordHashing};
pub(crate) use primitives::hex;
pub use primitives::sha256;
pub use recovery::RecoveryCode;
pub use sealed::{OpenProblem, SealProblem, Sealer};
pub use signers::SharedSigners;
pub use token::{Algorithm, KeyProblem, LONGEST_TOKEN, SigningKey, TokenProblem, VerifyingKeys};
pub use webhook::sign_message;

/// Whether two secrets are the same, in a time that does not tell where they differ.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(one, other).into()
}

/// HMAC-SHA256 of the parts, each with its length before it, so that no two lists of parts have
/// the same tag.
pub(crate) fn tag(key: &aws_lc_rs::hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = aws_lc_rs::hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    array(context.sign().as_ref())
}

fn array(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

/// Bytes from lower- or upper-case hexadecimal; `None` for anything else.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        })
        .collect()
}
