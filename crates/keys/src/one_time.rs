use primitives::{Entropy, EntropyExhausted, Secret, Timestamp};
use totp_rs::{Builder, Secret as Seed, Totp};
use zeroize::Zeroizing;

/// Bytes of a seed: what RFC 4226, section 4, recommends.
const BYTES: usize = 20;
/// Seconds for which a code is shown (RFC 6238, section 5.2).
const STEP: u64 = 30;
/// Codes of this many steps before and after now are taken as well, for clocks that differ.
const SKEW: u16 = 1;

/// What an authenticator app makes its codes of (RFC 6238 with SHA-1 and six digits, which every
/// app knows).
pub struct CodeSeed(Totp);

impl CodeSeed {
    /// A new seed.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, EntropyExhausted> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        entropy.fill(&mut *bytes)?;
        Ok(Self::of(Seed::new(Box::from(bytes.as_slice()))))
    }

    /// A seed from its text; `None` when it is none of ours.
    #[must_use]
    pub fn read(text: &Secret) -> Option<Self> {
        let seed = Seed::try_from_base32(text.expose()).ok()?;
        (seed.as_bytes().len() == BYTES).then(|| Self::of(seed))
    }

    fn of(seed: Seed) -> Self {
        let codes = Builder::new()
            .with_secret(seed)
            .with_skew(SKEW)
            .with_step_duration(STEP);
        Self(codes.build_noncompliant())
    }

    /// Its text, for sealing and for typing it into an app: base 32.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::new(self.0.secret().to_base32())
    }

    /// The time step whose code this is, if it is one of those around `now`. A step may be taken
    /// once (RFC 6238, section 5.2); who takes it remembers that.
    #[must_use]
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let seconds = u64::try_from(now.as_micros().div_euclid(1_000_000)).ok()?;
        let step = self.0.check(&digits, seconds)?;
        i64::try_from(step).ok()
    }

    /// The code of a moment, as an app shows it.
    #[must_use]
    pub fn code(&self, at: Timestamp) -> String {
        let seconds = u64::try_from(at.as_micros().div_euclid(1_000_000)).unwrap_or(0);
        self.0.generate(seconds).to_string()
    }

    /// The address that a QR code carries into an app (the `otpauth` scheme that apps share).
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> Secret {
        let (issuer, account) = (escaped(issuer), escaped(account));
        let seed = self.text();
        Secret::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period={STEP}",
            seed.expose()
        ))
    }
}

impl std::fmt::Debug for CodeSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeSeed(…)")
    }
}

/// RFC 3986, section 2.3: everything but the unreserved is escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&crate::hex(&[byte]).to_uppercase());
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use primitives::SeededEntropy;
    use proptest::prelude::*;

    use super::*;

    /// The vectors of RFC 6238, appendix B, of which apps show the last six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let text = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let seed = CodeSeed::read(&Secret::new(text.to_owned())).unwrap();
        assert_eq!(seed.text().expose(), text);
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let at = Timestamp::from_seconds(seconds);
            assert_eq!(seed.code(at), code, "{seconds}");
            assert_eq!(seed.step_of(code, at), Some(seconds / 30));
            let (first, rest) = code.split_at(3);
            let spaced = format!(" {first} {rest}");
            assert_eq!(seed.step_of(&spaced, at), Some(seconds / 30));
        }
    }

    #[test]
    fn what_is_no_code_has_no_step() {
        let seed = CodeSeed::new(&SeededEntropy::new(4)).unwrap();
        let at = Timestamp::from_seconds(1_795_312_860);
        let code = seed.code(at);
        for wrong in [
            "",
            "12345",
            "1234567",
            "abcdef",
            "-12345",
            "١٢٣٤٥٦",
            &format!("{code}0"),
        ] {
            assert_eq!(seed.step_of(wrong, at), None, "{wrong}");
        }
        assert_eq!(seed.step_of(&code, Timestamp::from_seconds(-5)), None);
        for text in ["", "MFRGG", "not base 32!"] {
            assert!(
                CodeSeed::read(&Secret::new(text.to_owned())).is_none(),
                "{text}"
            );
        }
    }

    #[test]
    fn an_app_is_told_whose_codes_they_are() {
        let text = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let seed = CodeSeed::read(&Secret::new(text.to_owned())).unwrap();
        assert_eq!(
            seed.uri("Pay & Co", "o'neil@example.com").expose(),
            "otpauth://totp/Pay%20%26%20Co:o%27neil%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Pay%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }

    proptest! {
        /// A code works in its own step and those beside it, and stands for its own.
        #[test]
        fn a_code_works_around_its_time(seed: u64, at in 100_i64..4_000_000_000, off in -200_i64..200) {
            let seed = CodeSeed::new(&SeededEntropy::new(seed)).unwrap();
            let code = seed.code(Timestamp::from_seconds(at));
            let found = seed.step_of(&code, Timestamp::from_seconds(at + off));
            let apart = (at + off).div_euclid(30) - at.div_euclid(30);
            if apart.abs() <= 1 {
                prop_assert!(found.is_some());
            } else if let Some(found) = found {
                // By chance the code of another step.
                prop_assert_ne!(found, at / 30);
            }
        }
    }
}
