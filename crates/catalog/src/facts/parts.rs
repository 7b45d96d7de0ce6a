use std::slice;

/// How many elements a part of a long sequence has.
const PART: usize = 1_024;

/// A sequence that is not copied while it grows long: when a part is full the next begins, so that
/// reading a large body takes what the body comes to, and not several times as much.
#[derive(Clone, Debug)]
pub(crate) enum Parts<T> {
    /// Up to [`PART`] elements.
    Short(Vec<T>),
    /// More: every part but the last is full.
    #[expect(clippy::box_collection, reason = "it keeps the short ones small")]
    Long(Box<Vec<Vec<T>>>),
}

impl<T> Parts<T> {
    /// With nothing in it.
    pub(crate) const fn new() -> Self {
        Self::Short(Vec::new())
    }

    /// Adds an element at the end.
    pub(crate) fn push(&mut self, element: T) {
        match self {
            Self::Short(all) if all.len() < PART => all.push(element),
            Self::Short(all) => {
                let full = std::mem::take(all);
                *self = Self::Long(Box::new(vec![full, part_with(element)]));
            }
            Self::Long(parts) => match parts.last_mut() {
                Some(last) if last.len() < PART => last.push(element),
                _ => parts.push(part_with(element)),
            },
        }
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> usize {
        let parts = self.parts();
        let full = parts.len().saturating_sub(1).saturating_mul(PART);
        parts
            .last()
            .map_or(0, |last| full.saturating_add(last.len()))
    }

    /// The element at `at`, from 0.
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        match self {
            Self::Short(all) => all.get(at),
            Self::Long(parts) => parts.get(at / PART)?.get(at % PART),
        }
    }

    /// Every element, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts().iter().flatten()
    }

    fn parts(&self) -> &[Vec<T>] {
        match self {
            Self::Short(all) => slice::from_ref(all),
            Self::Long(parts) => parts,
        }
    }
}

fn part_with<T>(element: T) -> Vec<T> {
    let mut part = Vec::with_capacity(PART);
    part.push(element);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_a_list_holds() {
        for many in [0, 1, PART - 1, PART, PART + 1, 3 * PART, 3 * PART + 7] {
            let mut parts = Parts::new();
            (0..many).for_each(|at| parts.push(at));
            assert_eq!(parts.len(), many);
            assert!(parts.iter().copied().eq(0..many));
            assert!((0..many).all(|at| parts.get(at) == Some(&at)));
            assert_eq!(parts.get(many), None);
        }
    }
}
