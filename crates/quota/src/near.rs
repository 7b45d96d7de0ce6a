use primitives::Quantity;

/// How near a counter has come to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Near {
    /// At least 80 of 100 of it are taken.
    Nearing,
    /// Nothing of it is left.
    Reached,
}

impl Near {
    /// Each, the nearer one last.
    pub const ALL: [Self; 2] = [Self::Nearing, Self::Reached];

    /// How near a counter is that stands at `used` of `most`; `None` when it is not. A limit of
    /// nothing is never near: nobody ever had anything of it.
    #[must_use]
    pub fn of(used: Quantity, most: Quantity) -> Option<Self> {
        if most <= Quantity::ZERO {
            return None;
        }
        let (used, most) = (i128::from(used.millionths()), i128::from(most.millionths()));
        if used >= most {
            Some(Self::Reached)
        } else if used * 5 >= most * 4 {
            Some(Self::Nearing)
        } else {
            None
        }
    }

    /// How many of 100 are taken at least.
    #[must_use]
    pub const fn percent(self) -> u8 {
        match self {
            Self::Nearing => 80,
            Self::Reached => 100,
        }
    }

    /// As call records have it; 0 is not near.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Nearing => 1,
            Self::Reached => 2,
        }
    }

    /// Each that a number of a call record stands for: who has nothing left has passed 80, too.
    pub fn up_to(number: u8) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |near| near.number() <= number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_from_eighty_of_a_hundred_on() {
        let of = |used, most| {
            Near::of(
                Quantity::from_millionths(used),
                Quantity::from_millionths(most),
            )
        };
        assert_eq!(of(79, 100), None);
        assert_eq!(of(80, 100), Some(Near::Nearing));
        assert_eq!(of(99, 100), Some(Near::Nearing));
        assert_eq!(of(100, 100), Some(Near::Reached));
        assert_eq!(of(120, 100), Some(Near::Reached));
        assert_eq!(of(0, 1), None);
        assert_eq!(of(1, 1), Some(Near::Reached));
        assert_eq!(of(i64::MAX, i64::MAX), Some(Near::Reached));
        assert_eq!(of(i64::MAX / 5 * 4, i64::MAX), None);
        assert_eq!(of(0, 0), None);
        assert_eq!(of(1, -1), None);
        let told: Vec<_> = Near::up_to(2).collect();
        assert_eq!(told, Near::ALL);
        assert_eq!(Near::up_to(1).count(), 1);
        assert_eq!(Near::up_to(0).count(), 0);
    }
}
