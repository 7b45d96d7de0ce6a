use std::cmp::Ordering;

use primitives::Quantity;
use smol_str::SmolStr;

/// A JSON number, exact whatever its length: `0.digits × 10^point`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// ASCII digits without zeros at either end; none for zero.
    digits: SmolStr,
    point: i32,
}

impl Decimal {
    const MOST_CHARACTERS: usize = 400;
    const MOST_EXPONENT: i32 = 9_999;

    /// Reads a number of JSON's grammar; `None` when it is none, longer than 400 characters or
    /// has an exponent beyond ±9999.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::MOST_CHARACTERS {
            return None;
        }
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        if exponent.abs() > Self::MOST_EXPONENT {
            return None;
        }
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let all = [whole, fraction].concat();
        if whole.is_empty() || !all.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let significant = all.trim_start_matches('0');
        let leading = all.len() - significant.len();
        let digits: SmolStr = significant.trim_end_matches('0').into();
        let point = i32::try_from(whole.len()).ok()? - i32::try_from(leading).ok()? + exponent;
        let zero = digits.is_empty();
        Some(Self {
            negative: negative && !zero,
            digits,
            point: if zero { 0 } else { point },
        })
    }

    /// The same value as a quantity; `None` when it does not fit without rounding.
    pub(crate) fn to_quantity(&self) -> Option<Quantity> {
        if self.digits.is_empty() {
            return Some(Quantity::ZERO);
        }
        let scale = i32::try_from(Quantity::SCALE).ok()?;
        let shift = self.point + scale - i32::try_from(self.digits.len()).ok()?;
        let power = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
        let digits: i128 = self.digits.parse().ok()?;
        let millionths = digits.checked_mul(power)?;
        let signed = if self.negative {
            -millionths
        } else {
            millionths
        };
        i64::try_from(signed).ok().map(Quantity::from_millionths)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let (mine, theirs) = (sign(self), sign(other));
        // Digits have no zeros in front, so the point decides before they do.
        let magnitude = self
            .point
            .cmp(&other.point)
            .then_with(|| self.digits.cmp(&other.digits));
        mine.cmp(&theirs).then(if mine < 0 {
            magnitude.reverse()
        } else {
            magnitude
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_value_has_one_form() {
        for (text, same) in [
            ("1e3", "1000"),
            ("0.10", "0.1"),
            ("-0.0", "0"),
            ("120E-1", "12"),
            ("0.00012e4", "1.2"),
        ] {
            assert_eq!(Decimal::parse(text), Decimal::parse(same), "{text}");
        }
        for text in ["", "-", "1.", ".5", "1e", "1e99999", "0x1", "1_0", "١"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_fits_without_rounding_is_a_quantity() {
        let quantity = |text: &str| Decimal::parse(text).unwrap().to_quantity();
        assert_eq!(quantity("1.25e1"), "12.5".parse().ok());
        assert_eq!(quantity("9007199254740993"), None);
        assert_eq!(
            quantity("9223372036854.775807"),
            "9223372036854.775807".parse().ok()
        );
        assert_eq!(
            quantity("-9223372036854.775808"),
            "-9223372036854.775808".parse().ok()
        );
        assert_eq!(quantity("9223372036854.775808"), None);
        assert_eq!(quantity("0.0000001"), None);
        assert_eq!(quantity("1e9999"), None);
    }

    proptest! {
        #[test]
        fn agrees_with_quantities(a: i64, b: i64) {
            let (a, b) = (Quantity::from_millionths(a), Quantity::from_millionths(b));
            let (x, y) = (Decimal::parse(&a.to_string()).unwrap(), Decimal::parse(&b.to_string()).unwrap());
            prop_assert_eq!(x.to_quantity(), Some(a));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }
    }
}
