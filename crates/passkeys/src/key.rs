use crate::{Refusal, cbor::Map};

/// ECDSA on P-256 with SHA-256 (RFC 9053, section 2.1): nearly every authenticator.
const ES256: i64 = -7;
/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8812, section 2): Windows Hello on a TPM.
const RS256: i64 = -257;

/// The numbers of what is taken, the best first.
pub(crate) const ALGORITHMS: [i64; 2] = [ES256, RS256];

/// Whether a COSE key is of a kind that is taken, and has what such a key has and nothing more
/// (RFC 9052, section 7; RFC 9053, section 7.1.1; RFC 8230, section 4).
pub(crate) fn check(key: &Map<'_>) -> Result<(), Refusal> {
    let long = |label, lengths: &[usize]| {
        let bytes = key.bytes(label);
        bytes.is_some_and(|bytes| lengths.contains(&bytes.len()))
    };
    let fits = match (key.number(3), key.number(1)) {
        (Some(ES256), Some(2)) => {
            key.len() == 5 && key.number(-1) == Some(1) && long(-2, &[32]) && long(-3, &[32])
        }
        (Some(RS256), Some(3)) => {
            let e = key.bytes(-2) == Some(&[1, 0, 1]);
            key.len() == 4 && long(-1, &[256, 384, 512]) && e
        }
        _ => false,
    };
    fits.then_some(()).ok_or(Refusal::Algorithm)
}
