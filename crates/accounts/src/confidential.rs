//! What accounts entrust to the provider: what it may be, and what may be shown of it.

use primitives::Secret;

/// What is entrusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The number of an account with the provider or somebody else.
    AccountNumber,
    /// A bank account: IBAN or number.
    Bank,
    /// The number of a payment card.
    Card,
    /// A password for transactions.
    Password,
    /// Anything else.
    Other,
}

/// The text cannot be such a thing. What it is, is never said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No account or bank number.
    #[error("a number has 4 to 34 letters and digits, with spaces and hyphens between if need be")]
    Number,
    /// No card number.
    #[error("a card number has 12 to 19 digits, and its last one fits the others")]
    Card,
    /// No password.
    #[error("a password has 1 to 256 characters")]
    Password,
    /// Too long, or nothing.
    #[error("a text has 1 to 4,000 characters")]
    Other,
}

/// Shown of what is not shown.
const NOTHING: &str = "••••";
/// Of shorter numbers the last four would be too much.
const LEAST_SHOWN: usize = 8;

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::AccountNumber,
        Self::Bank,
        Self::Card,
        Self::Password,
        Self::Other,
    ];

    /// The word in documents and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountNumber => "account_number",
            Self::Bank => "bank",
            Self::Card => "card",
            Self::Password => "password",
            Self::Other => "other",
        }
    }

    /// The one with this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What is kept of a text, and what is shown of that.
    ///
    /// # Errors
    /// When it cannot be such a thing.
    pub fn read(self, text: &str) -> Result<(Secret, String), Unfit> {
        match self {
            Self::AccountNumber | Self::Bank => {
                let plain = without_gaps(text);
                let fits = (4..=34).contains(&plain.len())
                    && plain.bytes().all(|c| c.is_ascii_alphanumeric());
                fits.then(|| masked(plain)).ok_or(Unfit::Number)
            }
            Self::Card => {
                let plain = without_gaps(text);
                let fits = (12..=19).contains(&plain.len())
                    && plain.bytes().all(|c| c.is_ascii_digit())
                    && adds_up(&plain);
                fits.then(|| masked(plain)).ok_or(Unfit::Card)
            }
            Self::Password => hidden(text, 256).ok_or(Unfit::Password),
            Self::Other => hidden(text, 4_000).ok_or(Unfit::Other),
        }
    }
}

fn without_gaps(text: &str) -> String {
    let is_gap = |c: &char| matches!(c, ' ' | '-');
    text.trim().chars().filter(|c| !is_gap(c)).collect()
}

fn masked(plain: String) -> (Secret, String) {
    let length = plain.chars().count();
    let mask = if length < LEAST_SHOWN {
        NOTHING.to_owned()
    } else {
        let last = plain.chars().skip(length.saturating_sub(4));
        format!("{NOTHING} {}", last.collect::<String>())
    };
    (Secret::new(plain), mask)
}

fn hidden(text: &str, longest: usize) -> Option<(Secret, String)> {
    let fits = (1..=longest).contains(&text.chars().count()) && !text.contains('\0');
    fits.then(|| (Secret::new(text.to_owned()), NOTHING.to_owned()))
}

/// Whether the last digit fits the others (ISO/IEC 7812-1, annex B).
fn adds_up(digits: &str) -> bool {
    let sum = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit.saturating_sub(b'0'));
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => digit.saturating_mul(2).saturating_sub(9),
                (_, digit) => digit.saturating_mul(2),
            }
        })
        .fold(0_u32, u32::saturating_add);
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_kept_without_gaps_and_shown_by_its_end() {
        let read = |kind: Kind, text: &str| {
            let read = kind.read(text);
            read.map(|(kept, mask)| (kept.expose().to_owned(), mask))
        };
        let both = |kept: &str, mask: &str| Ok((kept.to_owned(), mask.to_owned()));
        let card = both("4111111111111111", "•••• 1111");
        assert_eq!(read(Kind::Card, " 4111-1111 1111 1111"), card);
        let bank = both("DE89370400440532013000", "•••• 3000");
        assert_eq!(read(Kind::Bank, "DE89 3704 0044 0532 0130 00"), bank);
        assert_eq!(read(Kind::AccountNumber, "12345"), both("12345", "••••"));
        assert_eq!(read(Kind::Password, " a b "), both(" a b ", "••••"));
        for (kind, text, problem) in [
            (Kind::Card, "4111111111111112", Unfit::Card),
            (Kind::Card, "4111", Unfit::Card),
            (Kind::Card, "٤١١١١١١١١١١١١١١١", Unfit::Card),
            (Kind::Bank, "DE", Unfit::Number),
            (Kind::Bank, "DE89/3704", Unfit::Number),
            (Kind::AccountNumber, &"1".repeat(35), Unfit::Number),
            (Kind::Password, "", Unfit::Password),
            (Kind::Other, &"x".repeat(4_001), Unfit::Other),
            (Kind::Other, "a\0b", Unfit::Other),
        ] {
            assert_eq!(read(kind, text), Err(problem), "{text}");
        }
    }

    proptest! {
        /// Shows: P-19, S-123.
        #[test]
        fn no_more_than_four_characters_are_ever_shown(
            kind in 0_usize..5,
            text in "[0-9A-Z -]{0,40}|\\PC{0,40}",
        ) {
            let Ok((kept, mask)) = Kind::ALL[kind].read(&text) else {
                return Ok(());
            };
            let shown = mask.trim_start_matches('•').trim_start();
            prop_assert!(shown.is_empty() || shown.len() == 4);
            prop_assert!(shown.is_empty() || kept.expose().len() >= 8);
            prop_assert!(kept.expose().ends_with(shown));
            prop_assert!(shown.is_empty() || !matches!(Kind::ALL[kind], Kind::Password | Kind::Other));
        }

        /// One digit that is wrong is always found.
        #[test]
        fn a_mistyped_card_is_refused(at in 0_usize..16, to in 0_u8..10) {
            let mut digits = *b"4111111111111111";
            let right = digits[at];
            digits[at] = b'0' + to;
            let text = std::str::from_utf8(&digits).unwrap();
            prop_assert_eq!(Kind::Card.read(text).is_ok(), digits[at] == right);
        }
    }
}
