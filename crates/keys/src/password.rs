use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use primitives::{Entropy, EntropyExhausted, Secret};
use zeroize::Zeroizing;

use crate::HashingKey;

const SALT: usize = 16;

/// Hashes passwords with Argon2id (RFC 9106) under a key of the installation, so that a stolen
/// table of hashes cannot even be tried against. 19 MiB of memory and two passes for each: for a
/// thread that may be slow.
pub struct PasswordHashing {
    pepper: Zeroizing<[u8; 32]>,
    /// Of no password: verified where there is none, so that it takes as long.
    nobodys: String,
}

/// A password could not be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashProblem {
    /// No salt, because the source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyExhausted),
    /// The function refused.
    #[error("the password could not be hashed")]
    Function,
}

impl PasswordHashing {
    /// Under a key made from the installation's.
    ///
    /// # Errors
    /// When the function refuses, or there is no randomness.
    pub fn new(key: &HashingKey, entropy: &dyn Entropy) -> Result<Self, PasswordHashProblem> {
        let mut hashing = Self {
            pepper: Zeroizing::new(key.fingerprint(&[b"password"])),
            nobodys: String::new(),
        };
        let mut nobodys = Zeroizing::new([0; 32]);
        entropy.fill(&mut *nobodys)?;
        hashing.nobodys = hashing.hash_bytes(&*nobodys, entropy)?;
        Ok(hashing)
    }

    /// The hash under which a password is stored, with its scheme and salt.
    ///
    /// # Errors
    /// When the function refuses, or there is no randomness.
    pub fn hash(
        &self,
        password: &Secret,
        entropy: &dyn Entropy,
    ) -> Result<String, PasswordHashProblem> {
        self.hash_bytes(password.expose().as_bytes(), entropy)
    }

    /// Whether `presented` is the password; without one it never is, and takes as long to say so.
    #[must_use]
    pub fn matches(&self, stored: Option<&str>, presented: &Secret) -> bool {
        let known = PasswordHash::new(stored.unwrap_or(&self.nobodys));
        let password = presented.expose().as_bytes();
        let matches = known.is_ok_and(|known| {
            let function = self.function();
            function.is_some_and(|function| function.verify_password(password, &known).is_ok())
        });
        matches && stored.is_some()
    }

    fn hash_bytes(
        &self,
        password: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, PasswordHashProblem> {
        let mut salt = [0; SALT];
        entropy.fill(&mut salt)?;
        let function = self.function().ok_or(PasswordHashProblem::Function)?;
        let hash = function.hash_password_with_salt(password, &salt);
        let hash = hash.map_err(|_| PasswordHashProblem::Function)?;
        Ok(hash.to_string())
    }

    fn function(&self) -> Option<Argon2<'_>> {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        Argon2::new_with_secret(&*self.pepper, algorithm, version, Params::default()).ok()
    }
}

impl std::fmt::Debug for PasswordHashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHashing(…)")
    }
}

#[cfg(test)]
mod tests {
    use primitives::SeededEntropy;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    /// Shows: S-123.
    #[test]
    fn a_password_matches_its_hash_under_its_key_and_nothing_else() {
        let entropy = SeededEntropy::new(1);
        let hashing = |key: &[u8]| PasswordHashing::new(&HashingKey::new(key), &entropy).unwrap();
        let here = hashing(b"here");
        let stored = here.hash(&secret("correct horse"), &entropy).unwrap();
        // OWASP's least for Argon2id: m = 19 MiB, t = 2, p = 1.
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(!stored.contains("horse"));
        assert!(here.matches(Some(&stored), &secret("correct horse")));
        for other in ["correct horsf", "Correct horse", "correct horse ", ""] {
            assert!(!here.matches(Some(&stored), &secret(other)), "{other}");
        }
        assert!(!hashing(b"there").matches(Some(&stored), &secret("correct horse")));
        let again = here.hash(&secret("correct horse"), &entropy).unwrap();
        assert_ne!(stored, again, "each has its own salt");
    }

    #[test]
    fn nothing_matches_where_there_is_no_password_or_no_hash() {
        let entropy = SeededEntropy::new(2);
        let here = PasswordHashing::new(&HashingKey::new(b"k"), &entropy).unwrap();
        for stored in [None, Some(""), Some("$argon2id$"), Some("plain")] {
            assert!(!here.matches(stored, &secret("plain")), "{stored:?}");
            assert!(!here.matches(stored, &secret("")), "{stored:?}");
        }
    }
}
