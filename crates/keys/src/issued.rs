use primitives::{Entropy, EntropyExhausted, Mode, Secret};
use zeroize::Zeroizing;

/// Whom an issued secret is for; its text says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuedFor {
    /// An app, in one mode.
    App(Mode),
    /// Whoever set the installation up.
    Operator,
    /// A program that acts for a person.
    Person,
}

impl IssuedFor {
    const ALL: [Self; 4] = [
        Self::App(Mode::Live),
        Self::App(Mode::Test),
        Self::Operator,
        Self::Person,
    ];

    /// What such secrets begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::App(Mode::Live) => "ptr_live_",
            Self::App(Mode::Test) => "ptr_test_",
            Self::Operator => "ptr_operator_",
            Self::Person => "ptr_person_",
        }
    }
}

/// A text that claims to be a secret issued here cannot be one. Known before any look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuedSecretProblem {
    /// It begins with `ptr_`, but with no prefix in use.
    #[error("a secret begins with `ptr_live_`, `ptr_test_`, `ptr_operator_` or `ptr_person_`")]
    Prefix,
    /// Not 49 letters and digits after the prefix.
    #[error("a secret has 49 letters and digits after its prefix: part of it is missing or added")]
    Length,
    /// The last six characters do not fit the others.
    #[error("the secret is mistyped: its checksum does not fit")]
    Checksum,
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62⁴³ is the first power of 62 beyond 2²⁵⁶.
const BODY: usize = 43;
const CHECKSUM: usize = 6;

/// A new secret of 256 random bits with a checksum.
///
/// # Errors
/// When the source of randomness fails.
pub fn issue(whom: IssuedFor, entropy: &dyn Entropy) -> Result<Secret, EntropyExhausted> {
    let mut number = Zeroizing::new([0; 32]);
    entropy.fill(&mut *number)?;
    let mut text = Zeroizing::new(String::with_capacity(64));
    text.push_str(whom.prefix());
    text.push_str(&Zeroizing::new(base_62(&mut *number, BODY)));
    let checksum = checksum(&text);
    text.push_str(&checksum);
    Ok(Secret::new(text.to_string()))
}

/// Whom a secret is for that was issued here; `None` when it does not claim to be one (it may be
/// an imported secret).
///
/// # Errors
/// When it claims to be one and cannot be.
pub fn read_issued(text: &str) -> Result<Option<IssuedFor>, IssuedSecretProblem> {
    if !text.starts_with("ptr_") {
        return Ok(None);
    }
    let (whom, rest) = IssuedFor::ALL
        .into_iter()
        .find_map(|whom| Some((whom, text.strip_prefix(whom.prefix())?)))
        .ok_or(IssuedSecretProblem::Prefix)?;
    if rest.len() != BODY + CHECKSUM || !rest.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return Err(IssuedSecretProblem::Length);
    }
    let (covered, given) = text
        .split_at_checked(text.len() - CHECKSUM)
        .ok_or(IssuedSecretProblem::Length)?;
    if checksum(covered) == given {
        Ok(Some(whom))
    } else {
        Err(IssuedSecretProblem::Checksum)
    }
}

/// The last four characters, for people to tell secrets apart.
#[must_use]
pub fn hint(secret: &Secret) -> String {
    let text = secret.expose();
    let skipped = text.chars().count().saturating_sub(4);
    text.chars().skip(skipped).collect()
}

fn checksum(text: &str) -> String {
    base_62(
        &mut crc32fast::hash(text.as_bytes()).to_be_bytes(),
        CHECKSUM,
    )
}

/// `digits` digits of the big-endian `number`, which is used up.
fn base_62(number: &mut [u8], digits: usize) -> String {
    let mut reversed = Vec::with_capacity(digits);
    for _ in 0..digits {
        let mut remainder = 0_u16;
        for byte in number.iter_mut() {
            let value = (remainder << 8) | u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        let digit = ALPHABET
            .get(usize::from(remainder))
            .copied()
            .unwrap_or(b'0');
        reversed.push(char::from(digit));
    }
    reversed.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use primitives::SeededEntropy;
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyExhausted> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    struct Broken;

    impl Entropy for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyExhausted> {
            Err(EntropyExhausted)
        }
    }

    #[test]
    fn the_text_form_is_fixed() {
        let zero = issue(IssuedFor::App(Mode::Test), &Fixed(0)).unwrap();
        let body = "0".repeat(43);
        assert!(zero.expose().starts_with(&format!("ptr_test_{body}")));
        assert_eq!(zero.expose().len(), 9 + 49);
        // 2²⁵⁶ − 1 still fits.
        let most = issue(IssuedFor::Operator, &Fixed(255)).unwrap();
        assert_eq!(read_issued(most.expose()), Ok(Some(IssuedFor::Operator)));
        assert_eq!(base_62(&mut [0, 61], 2), "0z");
        assert_eq!(base_62(&mut [0, 62], 2), "10");
        assert_eq!(hint(&Secret::new("abcdef".to_owned())), "cdef");
        assert!(!format!("{most:?}").contains(most.expose()));
    }

    /// Shows: S-63.
    #[test]
    fn without_randomness_there_is_no_secret() {
        assert!(issue(IssuedFor::Operator, &Broken).is_err());
    }

    #[test]
    fn what_cannot_be_one_is_told() {
        assert_eq!(read_issued("an imported secret"), Ok(None));
        assert_eq!(read_issued("ptr_prod_x"), Err(IssuedSecretProblem::Prefix));
        assert_eq!(read_issued("ptr_live_x"), Err(IssuedSecretProblem::Length));
        let strange = format!("ptr_live_{}é", "0".repeat(47));
        assert_eq!(read_issued(&strange), Err(IssuedSecretProblem::Length));
    }

    proptest! {
        /// Shows: S-59.
        #[test]
        fn no_secret_with_one_character_changed_is_accepted(
            seed: u64,
            at: prop::sample::Index,
            to in "[!-~]",
        ) {
            for whom in IssuedFor::ALL {
                let secret = issue(whom, &SeededEntropy::new(seed)).unwrap();
                let text = secret.expose();
                prop_assert_eq!(read_issued(text), Ok(Some(whom)));
                let at = at.index(text.len());
                let mut changed = text.to_owned();
                changed.replace_range(at..=at, &to);
                if changed != text {
                    prop_assert!(!matches!(read_issued(&changed), Ok(Some(_))), "{}", changed);
                }
                prop_assert!(!matches!(read_issued(text.split_at(at).0), Ok(Some(_))));
                let longer = [text, &to].concat();
                prop_assert!(!matches!(read_issued(&longer), Ok(Some(_))));
            }
        }
    }
}
