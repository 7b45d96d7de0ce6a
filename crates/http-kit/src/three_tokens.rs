use http::HeaderMap;
use primitives::Secret;

/// The headers that carry user name, password and signature.
pub const THREE_TOKENS: [&str; 3] = [
    "portreeve-user",
    "portreeve-password",
    "portreeve-signature",
];

/// What stands in the headers of [`THREE_TOKENS`].
#[derive(Clone, Debug)]
pub enum ThreeTokens {
    /// None of them is there.
    Missing,
    /// One is missing, doubled, empty or not visible ASCII, or something else is presented too.
    Malformed,
    /// User name, password and signature.
    Given(String, Secret, Secret),
}

impl ThreeTokens {
    /// Reads the headers of a request.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        if !THREE_TOKENS.iter().any(|name| headers.contains_key(*name)) {
            return Self::Missing;
        }
        // One caller, one way of showing who it is.
        if headers.contains_key(http::header::AUTHORIZATION) {
            return Self::Malformed;
        }
        let [user, password, signature] = THREE_TOKENS.map(|name| only(headers, name));
        match (user, password, signature) {
            (Some(user), Some(password), Some(signature)) => Self::Given(
                user.to_owned(),
                Secret::new(password.to_owned()),
                Secret::new(signature.to_owned()),
            ),
            _ => Self::Malformed,
        }
    }
}

/// The only value under this name.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let text = value.to_str().ok()?;
    let is_plain = !text.is_empty() && text.bytes().all(|c| c.is_ascii_graphic());
    is_plain.then_some(text)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn of(fields: &[(&str, &str)]) -> ThreeTokens {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        ThreeTokens::of(&headers)
    }

    const GOOD: [(&str, &str); 3] = [
        ("portreeve-user", "key_1"),
        ("portreeve-password", "p"),
        ("portreeve-signature", "s"),
    ];

    /// Shows: P-31.
    #[test]
    fn all_three_are_read_and_anything_less_or_more_is_not() {
        assert!(matches!(of(&[]), ThreeTokens::Missing));
        let ThreeTokens::Given(user, password, signature) = of(&GOOD) else {
            panic!("not read");
        };
        let read = (user.as_str(), password.expose(), signature.expose());
        assert_eq!(read, ("key_1", "p", "s"));
        for one in 0..3 {
            let mut fewer = GOOD.to_vec();
            let left = fewer.remove(one);
            assert!(matches!(of(&fewer), ThreeTokens::Malformed), "{fewer:?}");
            let doubled = [&GOOD[..], &[left]].concat();
            assert!(matches!(of(&doubled), ThreeTokens::Malformed), "{left:?}");
            for bad in ["", " ", "a b", "a\tb"] {
                let mut bent = GOOD;
                bent[one].1 = bad;
                assert!(matches!(of(&bent), ThreeTokens::Malformed), "{bent:?}");
            }
        }
        let beside = [&GOOD[..], &[("authorization", "Basic eDp5")]].concat();
        assert!(matches!(of(&beside), ThreeTokens::Malformed));
    }

    proptest! {
        /// Shows: P-31.
        #[test]
        fn what_is_read_is_what_stands_there_once(
            fields in prop::collection::vec((0_usize..4, "[ -~]{0,3}"), 0..6),
        ) {
            let names = ["portreeve-user", "portreeve-password", "portreeve-signature", "authorization"];
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (names[*name], value.as_str())).collect();
            let count = |name: &str| fields.iter().filter(|(one, _)| *one == name).count();
            if let ThreeTokens::Given(user, password, signature) = of(&fields) {
                prop_assert_eq!(count("authorization"), 0);
                for (name, value) in THREE_TOKENS
                    .iter()
                    .zip([user.as_str(), password.expose(), signature.expose()])
                {
                    prop_assert_eq!(count(name), 1);
                    prop_assert!(fields.contains(&(name, value)) && !value.contains(' '));
                }
            }
        }
    }
}
