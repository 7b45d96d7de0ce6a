use primitives::{Entropy, EntropyExhausted, PersonId, Secret};
use zeroize::Zeroizing;

use crate::HashingKey;

/// Base 32 without letters that look like digits or each other (Crockford's).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters of a code: 60 random bits, far from what ten tries and one a minute can guess.
const LENGTH: usize = 12;

/// A code that stands in once for a second factor that is lost. Only a keyed hash of it is kept.
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// A new code.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, EntropyExhausted> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        entropy.fill(&mut *bytes)?;
        let letters = bytes.iter().filter_map(|byte| {
            let letter = LETTERS.get(usize::from(byte % 32));
            letter.copied().map(char::from)
        });
        Ok(Self(Zeroizing::new(letters.collect())))
    }

    /// A code as somebody typed it: with or without its dashes, in any case, and with the letters
    /// that are easily taken for digits. `None` when it cannot be one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut code = Zeroizing::new(String::with_capacity(LENGTH));
        for letter in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let letter = match letter.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                letter => letter,
            };
            let known = u8::try_from(letter).is_ok_and(|byte| LETTERS.contains(&byte));
            if !known || code.len() == LENGTH {
                return None;
            }
            code.push(letter);
        }
        (code.len() == LENGTH).then_some(Self(code))
    }

    /// As it is shown, once: in fours.
    #[must_use]
    pub fn text(&self) -> Secret {
        let letters: Vec<char> = self.0.chars().collect();
        let fours: Vec<String> = letters
            .chunks(4)
            .map(|four| four.iter().collect())
            .collect();
        Secret::new(fours.join("-"))
    }

    /// What is kept of it: another one for every person and installation.
    #[must_use]
    pub fn hash(&self, key: &HashingKey, person: PersonId) -> [u8; 32] {
        let person = person.as_u128().to_be_bytes();
        key.fingerprint(&[b"recovery code", &person, self.0.as_bytes()])
    }
}

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use primitives::SeededEntropy;

    use super::*;
    use crate::InstallationKeys;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let entropy = SeededEntropy::new(7);
        let key = InstallationKeys::generate(&entropy).unwrap().hashing_key();
        let person = PersonId::from_u128(1);
        let code = RecoveryCode::new(&entropy).unwrap();
        let shown = code.text();
        assert_eq!(shown.expose().len(), 14);
        let kept = code.hash(&key, person);
        let typed = shown.expose().to_uppercase().replace('-', " ");
        let typed = typed.replace('0', "O").replace('1', "l");
        for text in [shown.expose(), &typed, &shown.expose().replace('-', "")] {
            let read = RecoveryCode::read(text).unwrap();
            assert_eq!(read.hash(&key, person), kept, "{text}");
        }
        let other = RecoveryCode::read(shown.expose()).unwrap();
        assert_ne!(other.hash(&key, PersonId::from_u128(2)), kept);
        assert_ne!(
            RecoveryCode::new(&entropy).unwrap().hash(&key, person),
            kept
        );
        assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
    }

    #[test]
    fn what_is_no_code_is_not_read() {
        for text in [
            "",
            "123456",
            "aaaa-aaaa-aaa",
            "aaaa-aaaa-aaaaa",
            "aaaa-aaaa-aaau",
            "ａaaa-aaaa-aaaa",
        ] {
            assert!(RecoveryCode::read(text).is_none(), "{text}");
        }
    }
}
