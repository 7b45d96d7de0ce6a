use crate::{LONGEST_CREDENTIAL, Refusal, cbor::Map, key};

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

const SHORT: Refusal = Refusal::Form("authenticator data that end too early");

/// What an authenticator says (WebAuthn, section 6.1), each byte of it read.
#[derive(Clone, Debug)]
pub(crate) struct AuthenticatorData {
    party: [u8; 32],
    flags: u8,
    pub(crate) counter: u32,
    /// The id of a credential that has just been made.
    pub(crate) made: Option<Vec<u8>>,
}

impl AuthenticatorData {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let (party, rest) = bytes.split_first_chunk::<32>().ok_or(SHORT)?;
        let (&[flags], rest) = rest.split_first_chunk::<1>().ok_or(SHORT)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
        let (made, rest) = if flags & ATTESTED == 0 {
            (None, rest)
        } else {
            let (id, rest) = credential(rest)?;
            (Some(id), rest)
        };
        let rest = if flags & EXTENDED == 0 {
            rest
        } else {
            Map::leading(rest)?.1
        };
        if !rest.is_empty() {
            return Err(Refusal::Form("bytes after the authenticator data"));
        }
        Ok(Self {
            party: *party,
            flags,
            counter: u32::from_be_bytes(*counter),
            made,
        })
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether it is for this party, somebody was there and verified, and what it says of backups
    /// may be.
    pub(crate) fn check(&self, party: &[u8; 32]) -> Result<(), Refusal> {
        if self.party != *party {
            return Err(Refusal::RelyingParty);
        }
        if !self.has(PRESENT) {
            return Err(Refusal::NotPresent);
        }
        if !self.has(VERIFIED) {
            return Err(Refusal::NotVerified);
        }
        if self.backed_up() && !self.backup_eligible() {
            return Err(Refusal::Backup);
        }
        Ok(())
    }

    pub(crate) const fn backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    pub(crate) const fn backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }
}

/// The id of an attested credential, whose key is one that is taken (WebAuthn, section 6.5.2).
fn credential(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), Refusal> {
    let (_model, rest) = bytes.split_first_chunk::<16>().ok_or(SHORT)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(SHORT)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > LONGEST_CREDENTIAL {
        return Err(Refusal::Form("a credential id that is empty or too long"));
    }
    let (id, rest) = rest.split_at_checked(length).ok_or(SHORT)?;
    let (cose, rest) = Map::leading(rest)?;
    key::check(&cose)?;
    Ok((id.to_vec(), rest))
}
