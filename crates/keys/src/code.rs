use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use primitives::{Entropy, EntropyExhausted, Secret};
use zeroize::Zeroizing;

/// An opaque code of 256 random bits: a sign-in link, a cookie. Only its hash is kept.
#[derive(Debug)]
pub struct OneTimeCode {
    /// What its holder gets, once: 43 characters that may stand in a URL or cookie.
    pub secret: Secret,
    /// What is stored.
    pub hash: [u8; 32],
}

impl OneTimeCode {
    /// A new code.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, EntropyExhausted> {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes)?;
        let text = URL_SAFE_NO_PAD.encode(*bytes);
        let hash = crate::sha256(text.as_bytes());
        Ok(Self {
            secret: Secret::new(text),
            hash,
        })
    }

    /// The hash under which the code `presented` would be stored.
    #[must_use]
    pub fn hash_of(presented: &str) -> [u8; 32] {
        crate::sha256(presented.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use primitives::SeededEntropy;

    use super::*;

    #[test]
    fn codes_differ_and_are_found_by_their_hash() {
        let entropy = SeededEntropy::new(7);
        let one = OneTimeCode::new(&entropy).unwrap();
        let other = OneTimeCode::new(&entropy).unwrap();
        assert_eq!(one.secret.expose().len(), 43);
        assert_eq!(OneTimeCode::hash_of(one.secret.expose()), one.hash);
        assert_ne!(one.hash, other.hash);
    }
}
