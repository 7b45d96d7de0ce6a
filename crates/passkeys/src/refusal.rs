/// Why what a browser answered is not taken. Says what, not what would do: whoever made it up
/// learns nothing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// It is not of the form, or says something twice, or something stands beside it.
    #[error("the answer of the browser is not of the form of one: {0}")]
    Form(&'static str),
    /// Made for a registration where a sign-in was asked for, or the other way round.
    #[error("the answer is that of another ceremony")]
    Ceremony,
    /// The challenge is none of ours, was used, is too old, or another person's.
    #[error("the time for it has run out, or it was used; try again")]
    Challenge,
    /// Made at an address that is not exactly ours.
    #[error("the answer was made at another address than this page's")]
    Origin,
    /// Made in a frame of another site.
    #[error("the answer was made in a frame of another site")]
    CrossOrigin,
    /// Made for another relying party.
    #[error("the passkey is one of another site")]
    RelyingParty,
    /// Nobody was there.
    #[error("the passkey did not see anybody")]
    NotPresent,
    /// Nobody was verified: by finger, face or PIN.
    #[error("the passkey did not verify who is there: set a PIN, a finger or a face up for it")]
    NotVerified,
    /// Backed up, and not able to be.
    #[error("the passkey contradicts itself about being backed up")]
    Backup,
    /// Whether it can be backed up has changed.
    #[error("the passkey has changed in a way that passkeys do not")]
    BackupChanged,
    /// Its counter went back or stood still: there may be a copy of it.
    #[error("the passkey has counted back, as a copy of it would; remove it, and add it anew")]
    Counter,
    /// A key of a kind that was not asked for, or that is not what it says.
    #[error("the passkey has a key of a kind that is not taken here")]
    Algorithm,
    /// It attests more than was asked for, or what it attests is not so.
    #[error("what the passkey attests is not taken here")]
    Attestation,
    /// There is a passkey with its id already.
    #[error("this passkey is there already")]
    KnownAlready,
    /// There is no such passkey here.
    #[error("there is no such passkey here; it may have been removed")]
    Unknown,
    /// It is not of whom it says.
    #[error("the passkey is not of whom it says")]
    Holder,
    /// The signature is not right.
    #[error("the signature is not right")]
    Signature,
}

impl Refusal {
    /// The word in the event log and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form(_) => "form",
            Self::Ceremony => "ceremony",
            Self::Challenge => "challenge",
            Self::Origin => "origin",
            Self::CrossOrigin => "cross_origin",
            Self::RelyingParty => "relying_party",
            Self::NotPresent => "not_present",
            Self::NotVerified => "not_verified",
            Self::Backup => "backup",
            Self::BackupChanged => "backup_changed",
            Self::Counter => "counter",
            Self::Algorithm => "algorithm",
            Self::Attestation => "attestation",
            Self::KnownAlready => "known_already",
            Self::Unknown => "unknown",
            Self::Holder => "holder",
            Self::Signature => "signature",
        }
    }
}
