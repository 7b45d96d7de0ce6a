use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

const MAC_BYTES: usize = 16;

/// The key under which cursors are authenticated; it belongs to the installation.
#[derive(Clone, Debug)]
pub struct CursorKey(Arc<hmac::Key>);

impl CursorKey {
    /// A key from its bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// A cursor for `position` in the list that `scope` describes.
    #[must_use]
    pub fn seal(&self, scope: &str, position: &str) -> String {
        let mut bytes = self.mac(scope, position);
        bytes.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position in `cursor`, if it was made with this key for this very `scope`.
    #[must_use]
    pub fn open(&self, scope: &str, cursor: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (mac, position) = bytes.split_at_checked(MAC_BYTES)?;
        let position = std::str::from_utf8(position).ok()?;
        aws_lc_rs::constant_time::verify_slices_are_equal(mac, &self.mac(scope, position)).ok()?;
        Some(position.to_owned())
    }

    /// Over both parts with the length of the first, so that no two pairs look alike.
    fn mac(&self, scope: &str, position: &str) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"cursor");
        context.update(&(scope.len() as u64).to_be_bytes());
        context.update(scope.as_bytes());
        context.update(position.as_bytes());
        let tag = context.sign();
        tag.as_ref().iter().copied().take(MAC_BYTES).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_the_untouched_cursor_opens_and_only_in_its_scope(
            scope in ".{0,40}", other in ".{0,40}", position in ".{0,40}",
            at in 0_usize..200, flip in 1_u8..=255,
        ) {
            let key = CursorKey::new(&[7; 32]);
            let cursor = key.seal(&scope, &position);
            prop_assert_eq!(key.open(&scope, &cursor), Some(position.clone()));
            prop_assert_eq!(CursorKey::new(&[8; 32]).open(&scope, &cursor), None);
            if other != scope {
                prop_assert_eq!(key.open(&other, &cursor), None);
            }
            let mut bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert_eq!(key.open(&scope, &URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }
}
