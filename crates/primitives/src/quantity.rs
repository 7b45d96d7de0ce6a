use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

/// An exact decimal with six digits after the point: amounts, counts, durations.
///
/// Kept as an integer of millionths; every operation is checked, nothing is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Quantity(i64);

/// The text is not a decimal that fits without rounding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityProblem {
    /// Not of the form `-12.34`.
    #[error("`{0}` is not a decimal number")]
    NotDecimal(String),
    /// More than six digits after the point.
    #[error("`{0}` has more than six digits after the point")]
    TooFine(String),
    /// Beyond ±9,223,372,036,854.775807.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl Quantity {
    /// Digits after the point.
    pub const SCALE: u32 = 6;
    const UNIT: i64 = 1_000_000;

    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From millionths.
    #[must_use]
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// In millionths.
    #[must_use]
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// A whole number; `None` when it does not fit.
    #[must_use]
    pub const fn whole(number: i64) -> Option<Self> {
        match number.checked_mul(Self::UNIT) {
            Some(millionths) => Some(Self(millionths)),
            None => None,
        }
    }

    /// The whole number this is, or `None` when it has a fraction.
    #[must_use]
    pub const fn as_whole(self) -> Option<i64> {
        if self.0 % Self::UNIT == 0 {
            Some(self.0 / Self::UNIT)
        } else {
            None
        }
    }

    /// The sum, or `None` when it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` when it does not fit.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

impl FromStr for Quantity {
    type Err = QuantityProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(60).collect::<String>();
        let not_decimal = || QuantityProblem::NotDecimal(shown());
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return Err(not_decimal());
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 6 {
            return Err(QuantityProblem::TooFine(shown()));
        }
        let too_large = || QuantityProblem::TooLarge(shown());
        let whole: i64 = whole.parse().map_err(|_| too_large())?;
        let fraction: i64 = format!("{fraction:0<6}")
            .parse()
            .map_err(|_| not_decimal())?;
        let sign = if negative { -1 } else { 1 };
        whole
            .checked_mul(Self::UNIT * sign)
            .and_then(|millionths| millionths.checked_add(fraction * sign))
            .map(Self)
            .ok_or_else(too_large)
    }
}

impl TryFrom<String> for Quantity {
    type Error = QuantityProblem;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for Quantity {
    /// Without trailing zeros: `12.5`, `100`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let unit = Self::UNIT.unsigned_abs();
        let (whole, fraction) = (self.0.unsigned_abs() / unit, self.0.unsigned_abs() % unit);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = format!("{fraction:06}");
        write!(f, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_would_need_rounding_or_is_no_decimal() {
        for text in [
            "",
            "-",
            ".5",
            "1.",
            "1e3",
            "+1",
            "0x1",
            "1.0000001",
            "9223372036854.775808",
        ] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
        assert_eq!("1.0000000".parse::<Quantity>(), Ok(Quantity(1_000_000)));
        assert_eq!(
            "-9223372036854.775808".parse::<Quantity>(),
            Ok(Quantity(i64::MIN))
        );
    }

    proptest! {
        #[test]
        fn text_and_value_agree(millionths: i64) {
            let quantity = Quantity(millionths);
            prop_assert_eq!(quantity.to_string().parse(), Ok(quantity));
        }
    }
}
