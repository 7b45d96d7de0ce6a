use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};
use uuid::{Builder, Uuid};

use crate::{Clock, Entropy, EntropyExhausted};

/// A text is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdProblem {
    /// The prefix before `_` is another one, or missing.
    #[error("`{text}` is not an id of the form `{prefix}_…`")]
    Prefix {
        /// What was given.
        text: String,
        /// What ids of this kind begin with.
        prefix: &'static str,
    },
    /// The part after the prefix is not 26 characters of the `TypeID` alphabet.
    #[error("`{0}` does not end in 26 characters of base 32")]
    Suffix(String),
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const LENGTH: usize = 26;
/// No digit of the alphabet.
const NONE: u8 = 0xff;
/// What each byte stands for in [`ALPHABET`].
const DIGITS: [u8; 256] = digits();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated while compiling, where a slip is an error; there are 32 digits"
)]
const fn digits() -> [u8; 256] {
    let mut digits = [NONE; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
}

/// Crockford's base 32 as the `TypeID` specification 0.3 uses it: 26 characters, lower case.
struct Encoded([u8; LENGTH]);

impl Encoded {
    fn of(value: u128) -> Self {
        let (mut text, mut rest) = ([0; LENGTH], value);
        for place in text.iter_mut().rev() {
            let digit = usize::try_from(rest & 31).unwrap_or_default();
            *place = ALPHABET.get(digit).copied().unwrap_or_default();
            rest >>= 5;
        }
        Self(text)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != LENGTH || text.as_bytes().first().is_none_or(|&first| first > b'7') {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, c| {
        let digit = DIGITS.get(usize::from(c)).copied()?;
        (digit != NONE).then_some((value << 5) | u128::from(digit))
    })
}

fn parse(text: &str, prefix: &'static str) -> Result<u128, IdProblem> {
    let suffix = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or_else(|| IdProblem::Prefix {
            text: text.to_owned(),
            prefix,
        })?;
    decode(suffix).ok_or_else(|| IdProblem::Suffix(text.to_owned()))
}

fn write_id(f: &mut fmt::Formatter<'_>, prefix: &str, value: u128) -> fmt::Result {
    f.write_str(prefix)?;
    f.write_str("_")?;
    f.write_str(Encoded::of(value).as_str())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        ///
        /// Text form: `TypeID`, that is a prefix, `_` and 26 characters of base 32.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(u128);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id (UUID version 7: its order is the order of making).
            ///
            /// # Errors
            /// When the source of randomness fails.
            pub fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<Self, EntropyExhausted> {
                Ok(Self(version_7(clock, entropy)?))
            }

            /// From the number that the text form encodes.
            #[must_use]
            pub const fn from_u128(value: u128) -> Self {
                Self(value)
            }

            /// The number that the text form encodes.
            #[must_use]
            pub const fn as_u128(self) -> u128 {
                self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_id(f, Self::PREFIX, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdProblem;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text, Self::PREFIX).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdProblem;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )+};
}

ids! {
    /// Something unusual in how an app calls.
    AnomalyId = "anom";
    /// A person or company; developers and users are accounts.
    AccountId = "acct";
    /// A mail that is to be sent.
    MailId = "mail";
    /// A developer's application.
    AppId = "app";
    /// A key of an app; public, and the user name of HTTP Basic.
    CredentialId = "key";
    /// One entry of the event log.
    EventId = "evt";
    /// A passkey of somebody who signs in.
    PasskeyId = "passkey";
    /// Somebody who signs in: of the provider, of a developer.
    PersonId = "person";
    /// A browser's sign-in.
    SignInId = "sign";
    /// A record about a developer that was sent here.
    DeveloperRecordId = "rec";
}

fn version_7(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<u128, EntropyExhausted> {
    let mut random = [0; 10];
    entropy.fill(&mut random)?;
    let millis = u64::try_from(clock.now().as_micros().div_euclid(1_000)).unwrap_or(0);
    Ok(Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .as_u128())
}

/// A decision and its call record: the gateway's epoch and the sequence within it.
///
/// Text form: `dec_` and 26 characters of base 32. Unique without coordination, because an
/// epoch is never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RecordId {
    /// One run of one gateway process.
    pub epoch: u64,
    /// Position within the epoch, from 1.
    pub sequence: u64,
}

impl RecordId {
    /// What every record id begins with.
    pub const PREFIX: &'static str = "dec";
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = (u128::from(self.epoch) << 64) | u128::from(self.sequence);
        write_id(f, Self::PREFIX, value)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecordId {
    type Err = IdProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (high, low) = Uuid::from_u128(parse(text, Self::PREFIX)?).as_u64_pair();
        Ok(Self {
            epoch: high,
            sequence: low,
        })
    }
}

impl TryFrom<String> for RecordId {
    type Error = IdProblem;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RecordId> for String {
    fn from(id: RecordId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From the `TypeID` specification's `valid.yml` and `invalid.yml`.
    #[test]
    fn agrees_with_the_specification_vectors() {
        assert_eq!(Encoded::of(0).as_str(), "00000000000000000000000000");
        assert_eq!(
            Encoded::of(u128::MAX).as_str(),
            "7zzzzzzzzzzzzzzzzzzzzzzzzz"
        );
        assert_eq!(
            decode("01h455vb4pex5vsknk084sn02q"),
            Some(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057)
        );
        for bad in [
            "",
            "8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "01H455VB4PEX5VSKNK084SN02Q",
            "01h455vb4pex5vsknk084sn02",
            "01h455vb4pex5vsknk084sn02u",
            "01h455vb4pex5vsknk084sn0\u{e9}",
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_and_value_agree(epoch: u64, sequence: u64) {
            let id = RecordId { epoch, sequence };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert!(id.to_string().parse::<AppId>().is_err());
        }
    }
}
