use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use primitives::Secret;

/// What stands in `Authorization` as HTTP Basic (RFC 7617).
#[derive(Clone, Debug)]
pub enum Basic {
    /// No `Authorization` header.
    Missing,
    /// Another scheme, several headers, or not base 64 of `user:password` in UTF-8.
    Malformed,
    /// User name and password.
    Given(String, Secret),
}

impl Basic {
    /// Reads the headers of a request.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Missing,
            (Some(value), None) => value
                .to_str()
                .ok()
                .and_then(read)
                .unwrap_or(Self::Malformed),
            (Some(_), Some(_)) => Self::Malformed,
        }
    }

    /// What a caller with this credential writes into `Authorization`.
    #[must_use]
    pub fn written(user: &str, password: &Secret) -> Option<HeaderValue> {
        let encoded = STANDARD.encode(format!("{user}:{}", password.expose()));
        let mut value = HeaderValue::try_from(format!("Basic {encoded}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn read(value: &str) -> Option<Basic> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    // Any number of spaces, and no tab (RFC 9110, section 11.4).
    let bytes = STANDARD.decode(encoded.trim_start_matches(' ')).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    if user.is_empty() || text.bytes().any(|c| c.is_ascii_control()) {
        return None;
    }
    let password = Secret::new(password.to_owned());
    Some(Basic::Given(user.to_owned(), password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Basic {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_str(value).unwrap();
            headers.append(header::AUTHORIZATION, value);
        }
        Basic::of(&headers)
    }

    #[test]
    fn one_well_formed_credential_is_read_and_nothing_else() {
        let given = of(&[&format!("basic {}", STANDARD.encode("key_1:a:b"))]);
        let Basic::Given(user, password) = given else {
            panic!("{given:?}");
        };
        assert_eq!((user.as_str(), password.expose()), ("key_1", "a:b"));
        let written = Basic::written("key_1", &Secret::new("a:b".to_owned())).unwrap();
        let Basic::Given(user, password) = of(&[written.to_str().unwrap()]) else {
            panic!("{written:?}");
        };
        assert_eq!((user.as_str(), password.expose()), ("key_1", "a:b"));
        assert!(matches!(of(&[]), Basic::Missing));
        let spaced = format!("Basic   {}", STANDARD.encode("u:p"));
        assert!(matches!(of(&[&spaced]), Basic::Given(..)));
        let good = format!("Basic {}", STANDARD.encode("u:p"));
        for bad in [
            vec!["Bearer x"],
            vec!["Basic"],
            vec!["Basic !!!"],
            vec![&good.replace(' ', " \t")],
            vec![good.as_str(), good.as_str()],
        ] {
            assert!(matches!(of(&bad), Basic::Malformed), "{bad:?}");
        }
        for text in ["nocolon", ":p", "u:p\n"] {
            let encoded = format!("Basic {}", STANDARD.encode(text));
            assert!(matches!(of(&[&encoded]), Basic::Malformed), "{text:?}");
        }
    }
}
