use std::{fmt, str::FromStr};

use aws_lc_rs::hmac;
use primitives::Secret;

/// The installation's key for hashing issued secrets: without it, a stolen table of hashes
/// cannot even be tried against.
pub struct HashingKey(hmac::Key);

impl HashingKey {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The hash under which an issued secret is stored.
    #[must_use]
    pub fn hash(&self, secret: &Secret) -> HashedSecret {
        HashedSecret::Keyed(self.keyed(secret.expose()))
    }

    /// A keyed fingerprint of several parts: what further keys are made of.
    #[must_use]
    pub fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 32] {
        let all: Vec<&[u8]> = [b"fingerprint".as_slice()]
            .into_iter()
            .chain(parts.iter().copied())
            .collect();
        crate::tag(&self.0, &all)
    }

    fn keyed(&self, secret: &str) -> [u8; 32] {
        crate::tag(&self.0, &[b"secret", secret.as_bytes()])
    }
}

impl fmt::Debug for HashingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashingKey(…)")
    }
}

/// A secret that is only ever compared: a hash with its scheme. `Display` and `FromStr` are the
/// stored text.
#[derive(Clone, PartialEq, Eq)]
pub enum HashedSecret {
    /// `hmac-sha256:HEX`: HMAC-SHA256 under the [`HashingKey`]; what is issued here.
    Keyed([u8; 32]),
    /// `sha256:HEX`: SHA-256 of the secret, imported.
    Plain([u8; 32]),
    /// `sha256-salted:HEX:HEX`: the salt, and SHA-256 of salt and secret, imported.
    Salted(Vec<u8>, [u8; 32]),
}

/// The text is not a hash with its scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashProblem {
    /// No scheme that is known.
    #[error(
        "`{0}` is not a hash scheme: use `hmac-sha256:HEX`, `sha256:HEX` or `sha256-salted:SALT:HEX`"
    )]
    Scheme(String),
    /// The hash is not 32 bytes in hexadecimal.
    #[error("the hash is not 64 hexadecimal digits")]
    Digest,
    /// The salt is not 1 to 64 bytes in hexadecimal.
    #[error("the salt is not 2 to 128 hexadecimal digits")]
    Salt,
}

impl HashedSecret {
    /// Whether `presented` is the secret, compared in constant time.
    #[must_use]
    pub fn matches(&self, presented: &str, key: &HashingKey) -> bool {
        let (stored, computed) = match self {
            Self::Keyed(stored) => (stored, key.keyed(presented)),
            Self::Plain(stored) => (stored, crate::sha256(presented.as_bytes())),
            Self::Salted(salt, stored) => {
                let salted = [salt, presented.as_bytes()].concat();
                (stored, crate::sha256(&salted))
            }
        };
        crate::same(stored, &computed)
    }

    /// Whether it was issued here, and the secret must have our form.
    #[must_use]
    pub const fn is_issued_here(&self) -> bool {
        matches!(self, Self::Keyed(_))
    }
}

impl FromStr for HashedSecret {
    type Err = HashProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digest = |text: &str| -> Result<[u8; 32], HashProblem> {
            let bytes = crate::unhex(text).ok_or(HashProblem::Digest)?;
            bytes.try_into().map_err(|_| HashProblem::Digest)
        };
        match text.split_once(':') {
            Some(("hmac-sha256", hash)) => Ok(Self::Keyed(digest(hash)?)),
            Some(("sha256", hash)) => Ok(Self::Plain(digest(hash)?)),
            Some(("sha256-salted", rest)) => {
                let (salt, hash) = rest.split_once(':').ok_or(HashProblem::Salt)?;
                let salt = crate::unhex(salt)
                    .filter(|salt| (1..=64).contains(&salt.len()))
                    .ok_or(HashProblem::Salt)?;
                Ok(Self::Salted(salt, digest(hash)?))
            }
            _ => {
                let scheme = text.split(':').next().unwrap_or_default();
                Err(HashProblem::Scheme(scheme.chars().take(40).collect()))
            }
        }
    }
}

impl fmt::Display for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyed(hash) => write!(f, "hmac-sha256:{}", crate::hex(hash)),
            Self::Plain(hash) => write!(f, "sha256:{}", crate::hex(hash)),
            Self::Salted(salt, hash) => {
                write!(f, "sha256-salted:{}:{}", crate::hex(salt), crate::hex(hash))
            }
        }
    }
}

impl fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> HashedSecret {
        text.parse().unwrap()
    }

    #[test]
    fn imported_hashes_match_the_secret_they_were_made_of() {
        let key = HashingKey::new(b"k");
        // From `printf secret | sha256sum` and `printf 'salt!secret' | sha256sum`.
        let plain = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        assert!(parsed(plain).matches("secret", &key));
        assert!(!parsed(plain).matches("Secret", &key));
        let hash = crate::hex(&crate::sha256(b"salt!secret"));
        let salted = format!("sha256-salted:{}:{hash}", crate::hex(b"salt!"));
        assert!(parsed(&salted).matches("secret", &key));
        assert!(!parsed(&salted).matches("salt!secret", &key));
        for text in [plain, &salted] {
            assert_eq!(parsed(text).to_string(), *text);
            assert!(!parsed(text).is_issued_here());
        }
    }

    #[test]
    fn a_keyed_hash_needs_the_same_key() {
        let key = HashingKey::new(b"k");
        let hash = key.hash(&Secret::new("s".to_owned()));
        assert_eq!(parsed(&hash.to_string()), hash);
        assert!(hash.matches("s", &key) && hash.is_issued_here());
        assert!(!hash.matches("t", &key));
        assert!(!hash.matches("s", &HashingKey::new(b"l")));
        let split = |parts: &[&[u8]]| key.fingerprint(parts);
        assert_ne!(split(&[b"ab", b"c"]), split(&[b"a", b"bc"]));
    }

    #[test]
    fn anything_else_is_refused() {
        let hex = "00".repeat(32);
        for (text, problem) in [
            (String::new(), HashProblem::Scheme(String::new())),
            (format!("md5:{hex}"), HashProblem::Scheme("md5".to_owned())),
            (
                hex.clone(),
                HashProblem::Scheme(hex.chars().take(40).collect()),
            ),
            ("sha256:00".to_owned(), HashProblem::Digest),
            (format!("sha256:{hex}0"), HashProblem::Digest),
            (format!("sha256:{}", "zz".repeat(32)), HashProblem::Digest),
            (format!("sha256-salted:{hex}"), HashProblem::Salt),
            (format!("sha256-salted::{hex}"), HashProblem::Salt),
            (format!("sha256-salted:+1:{hex}"), HashProblem::Salt),
        ] {
            assert_eq!(text.parse::<HashedSecret>(), Err(problem), "{text}");
        }
    }
}
