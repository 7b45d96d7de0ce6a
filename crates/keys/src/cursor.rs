use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Longer cursors are refused before they are decoded.
const LONGEST: usize = 2048;
const TAG: usize = 16;

/// Authenticates the cursors of lists, so that a caller cannot make up a position or use the
/// cursor of one list in another.
pub struct CursorKey(hmac::Key);

/// The cursor was not made here for this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one of this list: take it from the last page, unchanged")]
pub struct CursorRefused;

impl CursorKey {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// A cursor of the list `kind` that says `payload`. The payload can be read by anyone.
    #[must_use]
    pub fn seal(&self, kind: &str, payload: &[u8]) -> String {
        let tag = self.tag(kind, payload);
        let bytes: Vec<u8> = payload
            .iter()
            .chain(tag.iter().take(TAG))
            .copied()
            .collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a cursor of the list `kind` says.
    ///
    /// # Errors
    /// When it was not made by [`Self::seal`] with this key and kind.
    pub fn open(&self, kind: &str, cursor: &str) -> Result<Vec<u8>, CursorRefused> {
        if cursor.len() > LONGEST {
            return Err(CursorRefused);
        }
        let mut payload = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| CursorRefused)?;
        let end = payload.len().checked_sub(TAG).ok_or(CursorRefused)?;
        let given = payload.split_off(end);
        let tag = self.tag(kind, &payload);
        let expected = tag.get(..TAG).ok_or(CursorRefused)?;
        if crate::same(expected, &given) {
            Ok(payload)
        } else {
            Err(CursorRefused)
        }
    }

    fn tag(&self, kind: &str, payload: &[u8]) -> [u8; 32] {
        crate::tag(&self.0, &[b"cursor", kind.as_bytes(), payload])
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_an_untouched_cursor_of_the_same_list_opens(
            payload in proptest::collection::vec(any::<u8>(), 0..64),
            at: prop::sample::Index,
            to in "[A-Za-z0-9_-]",
        ) {
            let key = CursorKey::new(b"a key");
            let cursor = key.seal("apps", &payload);
            prop_assert_eq!(key.open("apps", &cursor), Ok(payload));
            prop_assert_eq!(key.open("accounts", &cursor), Err(CursorRefused));
            prop_assert_eq!(CursorKey::new(b"other").open("apps", &cursor), Err(CursorRefused));
            let at = at.index(cursor.len());
            let mut changed = cursor.clone();
            changed.replace_range(at..=at, &to);
            if changed != cursor {
                prop_assert_eq!(key.open("apps", &changed), Err(CursorRefused));
            }
            prop_assert_eq!(key.open("apps", cursor.split_at(at).0), Err(CursorRefused));
        }
    }
}
