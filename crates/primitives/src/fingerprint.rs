use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of `bytes`: for identities and chains, never for passwords.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

/// `bytes` in hexadecimal, lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first 16 bytes of SHA-256 of `bytes`: a stable identity of a text that must not be kept.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> u128 {
    digest(&SHA256, bytes)
        .as_ref()
        .iter()
        .take(16)
        .fold(0, |value, &byte| (value << 8) | u128::from(byte))
}

/// The first 8 bytes of SHA-256 of `bytes`: the stable identity of a limit's name.
#[must_use]
pub fn short_fingerprint(bytes: &[u8]) -> u64 {
    digest(&SHA256, bytes)
        .as_ref()
        .iter()
        .take(8)
        .fold(0, |value, &byte| (value << 8) | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From FIPS 180-4's example: SHA-256 of `abc` begins `ba7816bf 8f01cfea 414140de 5dae2223`.
    #[test]
    fn is_the_beginning_of_sha_256() {
        assert_eq!(
            fingerprint(b"abc"),
            0xba78_16bf_8f01_cfea_4141_40de_5dae_2223
        );
        assert_eq!(short_fingerprint(b"abc"), 0xba78_16bf_8f01_cfea);
    }
}
