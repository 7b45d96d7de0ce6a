use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use primitives::{Entropy, Secret};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const KEY_ID: usize = 4;

/// Seals secrets that must be used again, under the installation's key-encryption keys. The
/// first key seals; all open, so that keys can be rotated.
///
/// Layout: version (1 byte), key id (4), nonce (12), ciphertext with tag. The name of the secret
/// is authenticated with it: a sealed secret moved to another name does not open.
pub struct Sealer(Vec<([u8; KEY_ID], LessSafeKey)>);

/// A secret could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealProblem {
    /// There is no key-encryption key.
    #[error("there is no key-encryption key")]
    NoKey,
    /// No nonce, because the source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] primitives::EntropyExhausted),
    /// The cipher refused.
    #[error("the secret could not be encrypted")]
    Cipher,
}

/// A sealed secret does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenProblem {
    /// Not the layout of a sealed secret.
    #[error("the sealed secret is damaged")]
    Layout,
    /// Sealed under a key this installation does not have.
    #[error(
        "the secret was sealed under a key that this installation does not have: restore its key file, or set the secret again"
    )]
    UnknownKey,
    /// Changed, or moved to another name.
    #[error("the sealed secret was changed, or belongs to another name: set it again")]
    NotAuthentic,
}

impl Sealer {
    pub(crate) fn new<'a>(keys: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        let keys = keys.into_iter().filter_map(|key| {
            let unbound = UnboundKey::new(&AES_256_GCM, key).ok()?;
            Some((key_id(key), LessSafeKey::new(unbound)))
        });
        Self(keys.collect())
    }

    /// Seals the secret called `name`.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn seal(
        &self,
        name: &str,
        secret: &Secret,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealProblem> {
        let (id, key) = self.0.first().ok_or(SealProblem::NoKey)?;
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce)?;
        let mut text = secret.expose().as_bytes().to_vec();
        let aad = Aad::from(associated(*id, name));
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| SealProblem::Cipher)?;
        Ok([&[VERSION], id.as_slice(), &nonce, &text].concat())
    }

    /// Opens the secret called `name`.
    ///
    /// # Errors
    /// When it is damaged, was sealed under another key or for another name.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret, OpenProblem> {
        let (&version, rest) = sealed.split_first().ok_or(OpenProblem::Layout)?;
        let (id, rest) = rest
            .split_first_chunk::<KEY_ID>()
            .ok_or(OpenProblem::Layout)?;
        let (&nonce, text) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(OpenProblem::Layout)?;
        if version != VERSION {
            return Err(OpenProblem::Layout);
        }
        let (_, key) = self
            .0
            .iter()
            .find(|(known, _)| known == id)
            .ok_or(OpenProblem::UnknownKey)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = key
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(*id, name)),
                &mut text,
            )
            .map_err(|_| OpenProblem::NotAuthentic)?;
        let opened = std::str::from_utf8(opened).map_err(|_| OpenProblem::Layout)?;
        Ok(Secret::new(opened.to_owned()))
    }
}

/// What is authenticated beside the ciphertext.
fn associated(id: [u8; KEY_ID], name: &str) -> Vec<u8> {
    [
        b"portreeve sealed secret",
        [VERSION].as_slice(),
        &id,
        name.as_bytes(),
    ]
    .concat()
}

/// Tells keys apart; says nothing about the key.
fn key_id(key: &[u8; 32]) -> [u8; KEY_ID] {
    let hash = crate::sha256(&[b"portreeve key-encryption key", key.as_slice()].concat());
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

#[cfg(test)]
mod tests {
    use primitives::SeededEntropy;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_rotate() {
        let entropy = SeededEntropy::new(1);
        let secret = Secret::new("s3cret".to_owned());
        let old = Sealer::new([&[1; 32]]);
        let sealed = old.seal("a", &secret, &entropy).unwrap();
        let both = Sealer::new([&[2; 32], &[1; 32]]);
        assert_eq!(both.open("a", &sealed).unwrap().expose(), "s3cret");
        let sealed = both.seal("a", &secret, &entropy).unwrap();
        assert_eq!(old.open("a", &sealed).unwrap_err(), OpenProblem::UnknownKey);
        let none = Sealer::new([]);
        assert_eq!(none.seal("a", &secret, &entropy), Err(SealProblem::NoKey));
    }

    proptest! {
        #[test]
        fn opens_only_untouched_and_under_its_name(
            text in "\\PC{0,40}",
            name in "[a-z]{1,9}",
            other in "[a-z]{1,9}",
            seed: u64,
            at: prop::sample::Index,
            bit in 0_u8..8,
        ) {
            let sealer = Sealer::new([&[9; 32]]);
            let secret = Secret::new(text.clone());
            let sealed = sealer.seal(&name, &secret, &SeededEntropy::new(seed)).unwrap();
            let opened = sealer.open(&name, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), text.as_str());
            if name != other {
                prop_assert!(sealer.open(&other, &sealed).is_err());
            }
            let at = at.index(sealed.len());
            let mut flipped = sealed.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(sealer.open(&name, &flipped).is_err());
            prop_assert!(sealer.open(&name, &sealed[..at]).is_err());
        }
    }
}
